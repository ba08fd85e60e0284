"""Transposed convolution: UPCONV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cnnspec.layers.arguments import LayerError, axes, count, flag, option, padding
from cnnspec.layers.base import Shape, product, show
from cnnspec.layers.conv import Convolution
from cnnspec.layers.facts import (
    Reach,
    Scratch,
    Training,
    Work,
)
from cnnspec.layers.formula import Formula, Term, sym, times
from cnnspec.layers.recipe import MODULES, Recipe, flat_sides
from cnnspec.layers.routine import CONVOLUTION, Routine
from cnnspec.layers.weights import Tensor
from cnnspec.layers.window import Window, axis_names, even, sides


class UpConv(Convolution):
    """Transposed convolution, as `torch.nn.ConvTranspose1d`, `2d` and `3d` compute it.

    Each input position spreads its kernel over the output, hence MACs = input positions × weights.

    FLOPs: 1 per output element for the bias; 3 per weight for a weight or spectral norm.

    Example: `UPCONV(64, 2, stride=2)`
    """

    keyword = "UPCONV"
    output_axis = 1
    out = count(doc="output channels")
    kernel = axes(2, doc="kernel extent")
    stride = axes(2, doc="step of the kernel in the output")
    pad = padding("valid", words=("valid", "same"), doc="rows cut from the output; `same` gives extent times stride")
    output_pad: object = axes(0, minimum=0, doc="rows added behind the output")
    dilation = axes(1, doc="distance of the kernel's taps")
    groups = count(1, doc="groups of channels that do not see each other")
    bias = flag(True, doc="a learned offset per output channel")
    norm = option("none", "weight", "spectral", doc="reparametrisation of the weight")

    def windows(self, x: Shape) -> list[Window]:
        kernel, stride, dilation = (self.per_axis(name, x) for name in ("kernel", "stride", "dilation"))
        if self.pad == "valid":
            pads: Sequence[tuple[int, int]] = [(0, 0)] * len(kernel)
        elif self.pad == "same":
            pads = [_same_cut(d * (k - 1) + 1 - s) for k, s, d in zip(kernel, stride, dilation, strict=True)]
        else:
            pads = sides("pad", self.pad, len(kernel), self.keyword)
        return [Window(k, s, *p, d) for k, s, p, d in zip(kernel, stride, pads, dilation, strict=True)]

    def routine(self, y: Shape, *xs: Shape) -> Routine:
        return Routine(("transposed", CONVOLUTION), self.groups)

    def unused_rows(self, y: Shape, *xs: Shape) -> tuple[int, ...]:
        return ()  # every input is spread

    def cut_apart(self, x: Shape) -> bool:
        """Whether rows are cut (or added) in a step of their own, which PyTorch's module cannot do itself."""
        windows = self.windows(x)
        return not even(windows) or min(w.before for w in windows) < 0

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """The uncut output, where the cut is a step of its own, and a weight that is made on the way."""
        (x,) = xs
        return self.scratch_beside(sum(self.uncut(y, x)), x)

    def padded(self, x: Shape) -> tuple[int, ...]:
        return ()  # nothing is added to an input

    def training(self, y: Shape, *xs: Shape) -> Training:
        """As of a convolution, and the gradient of a cut output is filled up with zeros first."""
        (x,) = xs
        return Training(kept=self.kept_weight(x), forward=Scratch(sum(self.uncut(y, x))), out_steps=self.uncut(y, x))

    def uncut(self, y: Shape, x: Shape) -> tuple[int, ...]:
        """Elements of the output before the cut, where that is a step of its own."""
        if not self.cut_apart(x):
            return ()
        return (product((y[0], *(extent + w.before + w.after
                                 for w, extent in zip(self.windows(x), y[1:], strict=True)))),)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        (x,) = xs
        windows, rank = self.windows(x), len(x) - 1
        settings = {"in_channels": x[0], "out_channels": y[0], "kernel_size": self.per_axis("kernel", x),
                    "stride": self.per_axis("stride", x), "output_padding": self.per_axis("output_pad", x),
                    "dilation": self.per_axis("dilation", x), "groups": self.groups, "bias": self.bias}
        if not self.cut_apart(x):
            return self.module(f"torch.nn.ConvTranspose{rank}d", padding=tuple(w.before for w in windows), **settings)
        sides = flat_sides([(-w.before, -w.after) for w in windows])
        return self.module(f"{MODULES}.CutConvTranspose{rank}d", sides=sides, **settings)

    def extents(self, x: Shape) -> list[int]:
        """`(W − 1)·S + d·(K − 1) + 1 − P_before − P_after + output_pad` along each axis."""
        return [(e - 1) * w.stride + w.span - w.before - w.after + more
                for e, w, more in zip(x[1:], self.windows(x), self.per_axis("output_pad", x), strict=True)]

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_axes(x)
        self.split(x, self.out, self.groups)
        for window, more in zip(self.windows(x), self.per_axis("output_pad", x), strict=True):
            if more >= max(window.stride, window.dilation):
                raise LayerError("bad-argument", f"`output_pad` = {more} must be smaller than the stride "
                                 f"({window.stride}) or the dilation ({window.dilation})", "output_pad")
        extents = self.extents(x)
        if min(extents) < 1:
            raise LayerError("size-zero", f"UPCONV cuts more than it makes: {show(x)} would become "
                             f"{show((self.out, *extents))}", "pad")
        return (self.out, *extents)

    def meant_extents(self, x: Shape) -> list[int]:
        return self.extents(x)

    def tensors(self, *xs: Shape) -> tuple[Tensor, ...]:
        (x,) = xs
        weight = Tensor("weight", (x[0], self.out // self.groups, *self.per_axis("kernel", x)))
        return (weight, Tensor("bias", (self.out,))) if self.bias else (weight,)

    def work(self, y: Shape, *xs: Shape) -> Work:
        (x,) = xs
        taps = self.out // self.groups * product(self.per_axis("kernel", x))
        return Work(product(x) * taps, (product(y) if self.bias else 0) + self.norm_work(x))

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        """Input `i` writes the outputs `i·S − P + t·d`; solved for `i`."""
        return tuple(Reach(*(Fraction(rows, w.stride) for rows in (1, w.before - w.span + 1, w.before)))
                     for w in self.windows(xs[0]))

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        lines = []
        more = self.per_axis("output_pad", x)
        for axis, extent, w, extra in zip(axis_names(x), x[1:], self.windows(x), more, strict=True):
            kernel = sym(f"K_{axis}", w.kernel)
            covered = kernel if w.dilation == 1 else (kernel - 1) * sym(f"d_{axis}", w.dilation) + 1
            size = (sym(axis, extent) - 1) * sym(f"S_{axis}", w.stride) + covered
            size = size - (2 * sym(f"P_{axis}", w.before) if w.before == w.after
                           else sym("P_before", w.before) + sym("P_after", w.after))
            lines.append(Formula(Formula.EXTENT, size + sym("output_pad", extra) if extra else size, axis))
        return *lines, *self.weight_formulas(y, x)

    def weight_formulas(self, y: Shape, x: Shape) -> tuple[Formula, ...]:
        outgoing: Term = sym("C_out", y[0]) / sym("groups", self.groups) if self.groups > 1 else sym("C_out", y[0])
        kernel = [sym(f"K_{axis}", k) for axis, k in zip(axis_names(x), self.per_axis("kernel", x), strict=True)]
        positions = [sym(axis, extent) for axis, extent in zip(axis_names(x), x[1:], strict=True)]
        weights = times([sym("C_in", x[0]), outgoing, *kernel])
        return (*self.params_formula(weights + sym("C_out", y[0]) if self.bias else weights, x),
                Formula(Formula.MACS, times([*positions, weights])))


def _same_cut(total: int) -> tuple[int, int]:
    """Rows to cut before and after so that `total` fewer remain; negative: rows to add, behind."""
    return (total // 2, total - total // 2) if total > 0 else (0, total)
