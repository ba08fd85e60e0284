"""Convolution: CONV, DWCONV; and what it shares with UPCONV."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from cnnspec.layers.arguments import LayerError, axes, count, flag, option, padding
from cnnspec.layers.base import Shape, divisor_near, product, show
from cnnspec.layers.facts import (
    AS_FIRST,
    COPY,
    FRESH,
    ROWS,
    SAVES_INPUT,
    SAVES_NOTHING,
    Kept,
    Reach,
    Saved,
    Scratch,
    Training,
    Work,
)
from cnnspec.layers.formula import Formula, Term, sym, times
from cnnspec.layers.recipe import MODULES, Recipe, flat_sides
from cnnspec.layers.routine import CONVOLUTION, Routine
from cnnspec.layers.weights import Tensor, Weighted
from cnnspec.layers.window import Window, across, axis_names, centred, even, moves, sides, too_large

#: Colour, and one channel beside it.
_MOST_STEM_CHANNELS = 4


class Convolution(Weighted):
    """A family: a kernel that slides over the spatial axes, channels first."""

    family = "convolution"
    weighted = True

    out: int
    kernel: object
    stride: object
    pad: object
    dilation: object
    groups: int
    bias: bool
    #: How PyTorch fills the rows it pads with; a transposed convolution has none.
    pad_mode: str = "zeros"

    def split(self, x: Shape, out: int, groups: int) -> None:
        """Raise `LayerError` where the groups do not divide the channels on both sides."""
        for channels, side in ((x[0], "input"), (out, "output")):
            if channels % groups:
                fit = divisor_near(groups, gcd(x[0], out))
                raise LayerError("groups", f"groups = {groups} does not divide the {channels} {side} channels "
                                 f"({x[0]} in, {out} out)", "groups", help=f"`groups={fit}` divides both")

    def meant(self, *xs: Shape) -> Shape | None:
        """The output with the groups left out of account and `same` padding made even, where the window fits."""
        (x,) = xs
        if len(x) < 2:
            return None
        try:
            extents = self.meant_extents(x)
        except LayerError:
            return None
        return (self.channels(x), *extents) if min(extents) > 0 else None

    def meant_extents(self, x: Shape) -> list[int]:
        """The spatial extents that leave; `same` is taken at its word even where it cannot be centred."""
        if self.pad == "same":
            return [-(-extent // stride) for extent, stride in zip(x[1:], self.per_axis("stride", x), strict=True)]
        return [window.extent(extent) for window, extent in zip(self.windows(x), x[1:], strict=True)]

    def channels(self, x: Shape) -> int:
        """Output channels."""
        return self.out

    def windows(self, x: Shape) -> list[Window]:
        """The window along each spatial axis of the input `x`."""
        kernel, stride, dilation = (self.per_axis(name, x) for name in ("kernel", "stride", "dilation"))
        if self.pad == "valid":
            pads: Sequence[tuple[int, int]] = [(0, 0)] * len(kernel)
        elif self.pad in {"same", "causal"}:
            pads = centred(kernel, dilation, causal=self.pad == "causal")
        else:
            pads = sides("pad", self.pad, len(kernel), self.keyword)
        return [Window(k, s, *p, d) for k, s, p, d in zip(kernel, stride, pads, dilation, strict=True)]

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_axes(x)
        self.split(x, self.channels(x), self.group_count(x))
        windows = self.windows(x)
        for window, extent in zip(windows, x[1:], strict=True):
            if window.slack(extent) < 0:
                raise LayerError("kernel-too-large", too_large(window, extent, show(x)), "kernel")
            widest = max(window.before, window.after)
            if widest > {"reflect": extent - 1, "circular": extent}.get(self.pad_mode, widest):
                raise LayerError("bad-argument", f"`pad_mode={self.pad_mode}` fills {widest} rows a side "
                                 f"from the rows of {show(x)}, which are too few", "pad_mode", help="`pad_mode=zeros`")
        return (self.channels(x), *(w.extent(e) for w, e in zip(windows, x[1:], strict=True)))

    def group_count(self, x: Shape) -> int:
        """Groups of channels that do not see each other."""
        return self.groups

    def tensors(self, *xs: Shape) -> tuple[Tensor, ...]:
        (x,) = xs
        out, kernel = self.channels(x), self.per_axis("kernel", x)
        weight = Tensor("weight", (out, x[0] // self.group_count(x), *kernel))
        return (weight, Tensor("bias", (out,))) if self.bias else (weight,)

    def work(self, y: Shape, *xs: Shape) -> Work:
        (x,) = xs
        taps = x[0] // self.group_count(x) * product(self.per_axis("kernel", x))
        return Work(product(y) * taps, (product(y) if self.bias else 0) + self.norm_work(x))

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return tuple(window.reach for window in self.windows(xs[0]))

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        """The input, unless it is its padded copy; reflecting and replicating look at the input once more."""
        looks = self.pad_mode in {"reflect", "replicate"} or not self.padded(xs[0])
        return SAVES_INPUT if looks else SAVES_NOTHING

    def order(self, y: Shape, *xs: Shape) -> str:
        return ROWS if self.pad_mode == "circular" else AS_FIRST

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """The padded input, where the padding is a step of its own, and a weight that is made on the way."""
        (x,) = xs
        return self.scratch_beside(sum(self.padded(x)), x)

    def padded(self, x: Shape) -> tuple[int, ...]:
        """Elements of the padded input, where the padding is a step of its own."""
        windows = self.windows(x)
        if even(windows) and self.pad_mode == "zeros":
            return ()
        return (product((x[0], *(w.before + extent + w.after for w, extent in zip(windows, x[1:], strict=True)))),)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Autograd keeps what is convolved where that is not the input, and a weight that is made on the way."""
        (x,) = xs
        padded = self.padded(x)
        return Training(kept=(*(Kept(COPY, elements) for elements in padded), *self.kept_weight(x)), in_steps=padded)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        (x,) = xs
        windows, rank = self.windows(x), len(x) - 1
        settings = {"in_channels": x[0], "out_channels": y[0], "kernel_size": self.per_axis("kernel", x),
                    "stride": self.per_axis("stride", x), "dilation": self.per_axis("dilation", x),
                    "groups": self.group_count(x), "bias": self.bias, "padding_mode": self.pad_mode}
        if even(windows):
            return self.module(f"torch.nn.Conv{rank}d", padding=tuple(w.before for w in windows), **settings)
        sides = flat_sides([(w.before, w.after) for w in windows])
        return self.module(f"{MODULES}.PaddedConv{rank}d", sides=sides, **settings)

    def routine(self, y: Shape, *xs: Shape) -> Routine:
        """The cases that libraries have code of their own for; a stem reads the few channels of a picture."""
        (x,) = xs
        groups = self.group_count(x)
        if groups > 1:
            return Routine(("depthwise" if groups == x[0] else "blockwise", "grouped", CONVOLUTION), groups)
        stem, point = x[0] <= _MOST_STEM_CHANNELS, set(self.per_axis("kernel", x)) == {1}
        return Routine(("stem" if stem else "pointwise" if point else "windowed", "dense", CONVOLUTION))

    def unused_rows(self, y: Shape, *xs: Shape) -> tuple[int, ...]:
        return tuple(w.unused(e) for w, e in zip(self.windows(xs[0]), xs[0][1:], strict=True))

    def brief(self, rank: int = 2) -> str:
        return " ".join([self.keyword, across(self.kernel, rank), *moves(self.stride, self.dilation)])

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        names = axis_names(x)
        extents = (Formula(Formula.EXTENT, window.formula(axis, extent), axis)
                   for axis, extent, window in zip(names, x[1:], self.windows(x), strict=True))
        return *extents, *self.weight_formulas(y, x)

    def weight_formulas(self, y: Shape, x: Shape) -> tuple[Formula, ...]:
        """Parameters and MACs: each output channel sees the channels of its group through one kernel."""
        groups = self.group_count(x)
        incoming: Term = sym("C_in", x[0]) / sym("groups", groups) if groups > 1 else sym("C_in", x[0])
        kernel = [sym(f"K_{axis}", k) for axis, k in zip(axis_names(x), self.per_axis("kernel", x), strict=True)]
        taps, out = times([incoming, *kernel]), sym("C_out", y[0])
        positions = [sym(f"{axis}_out", extent) for axis, extent in zip(axis_names(x), y[1:], strict=True)]
        return (*self.params_formula(out * (taps + 1) if self.bias else out * taps, x),
                Formula(Formula.MACS, times([out, *positions, taps])))


class Conv(Convolution):
    """Convolution (cross-correlation), as `torch.nn.Conv1d`, `Conv2d` and `Conv3d` compute it.

    FLOPs: 1 per output element for the bias; 3 per weight for a weight or spectral norm.

    Example: `CONV(64, 3, stride=2)`
    """

    keyword = "CONV"
    out = count(64, doc="output channels")
    kernel = axes(3, doc="kernel extent")
    stride = axes(1, doc="step of the window")
    pad = padding("same", words=("same", "valid", "causal"),
                  doc="rows added around the input; `causal` only before the first axis")
    dilation = axes(1, doc="distance of the kernel's taps")
    groups = count(1, doc="groups of channels that do not see each other")
    bias = flag(True, doc="a learned offset per output channel")
    pad_mode = option("zeros", "reflect", "replicate", "circular", doc="what the added rows hold")
    norm = option("none", "weight", "spectral", doc="reparametrisation of the weight")


class DepthwiseConv(Convolution):
    """Depthwise convolution: each channel on its own, `multiplier` outputs for each.

    FLOPs: 1 per output element for the bias; 3 per weight for a weight or spectral norm.

    Example: `DWCONV(3, stride=2)`
    """

    keyword = "DWCONV"
    kernel = axes(3, doc="kernel extent")
    stride = axes(1, doc="step of the window")
    pad = padding("same", words=("same", "valid", "causal"),
                  doc="rows added around the input; `causal` only before the first axis")
    dilation = axes(1, doc="distance of the kernel's taps")
    multiplier: int = count(1, doc="output channels for each input channel")
    bias = flag(True, doc="a learned offset per output channel")
    pad_mode = option("zeros", "reflect", "replicate", "circular", doc="what the added rows hold")
    norm = option("none", "weight", "spectral", doc="reparametrisation of the weight")

    def channels(self, x: Shape) -> int:
        return x[0] * self.multiplier

    def group_count(self, x: Shape) -> int:
        return x[0]
