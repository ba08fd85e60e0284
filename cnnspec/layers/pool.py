"""Pooling and reduction: POOL, GAP, ADAPTIVEPOOL, REDUCE."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from cnnspec.layers.arguments import LayerError, SameAs, axes, flag, option, padding, shown
from cnnspec.layers.base import Shape, Weightless, product, show
from cnnspec.layers.facts import (
    COPY,
    FRESH,
    INDICES,
    NO_SCRATCH,
    NUMBER,
    OWN,
    PASSED,
    POINT,
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
from cnnspec.layers.formula import Formula
from cnnspec.layers.recipe import MODULES, Function, Module, Recipe, flat_sides
from cnnspec.layers.routine import MOVING, Routine
from cnnspec.layers.window import Window, across, axis_names, even, moves, sides, signed, too_large

#: Max pooling keeps the place of each maximum, also without gradients: an int64 per output element.
INDEX_BYTES = 8


class Pooling(Weightless):
    """A family: each channel is summarised over some of its positions."""

    family = "pooling"
    call: str = option("module", "function", named_only=True, doc="how PyTorch code calls it, which some tools see")

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_INPUT


class Pool(Pooling):
    """Pooling over a sliding window, as `torch.nn.MaxPool2d`, `AvgPool2d`, `LPPool2d` and their 1-D and 3-D forms.

    With `ceil` a window may reach beyond the input, if it starts inside the input or the padding before it. Padding
    holds nothing for `max` and zeros for the others; `avg` divides by the taps inside the padded input, or with
    `count_pad=off` by those inside the input.

    FLOPs: per output element with k taps: max k − 1 (comparisons), avg k (sum, division), l2 2·k (squares, sum, root).

    Example: `POOL(3, stride=2, pad=1)`
    """

    keyword = "POOL"
    kernel: object = axes(2, doc="kernel extent")
    stride: object = axes(SameAs("kernel"), doc="step of the window; the kernel's extent where not given")
    pad: object = padding(0, doc="rows added around the input, at most half the kernel")
    kind: str = option("max", "avg", "l2", doc="what a window becomes")
    ceil: bool = flag(False, doc="round the output's extent up, not down")
    count_pad: bool = flag(True, doc="count padding in an average")
    dilation: object = axes(1, doc="distance of the kernel's taps; `max` only")

    def validate(self) -> None:
        spread = self.dilation if isinstance(self.dilation, tuple) else (self.dilation,)
        if self.kind != "max" and set(spread) != {1}:
            raise LayerError("bad-argument", f"only max pooling can be dilated: `dilation={shown(self.dilation)}` "
                             f"does not go with `{self.kind}`", "dilation",
                             help="use `kind=max`, or leave `dilation` out")

    def windows(self, x: Shape) -> list[Window]:
        """The window along each spatial axis of the input `x`."""
        kernel, stride, dilation = (self.per_axis(name, x) for name in ("kernel", "stride", "dilation"))
        pads = sides("pad", self.pad, len(kernel), self.keyword)
        return [Window(k, s, *p, d) for k, s, p, d in zip(kernel, stride, pads, dilation, strict=True)]

    def extents(self, x: Shape) -> list[int]:
        """The output's extent along each axis; below 1 where no window fits."""
        return [w.extent(e, self.ceil) for w, e in zip(self.windows(x), x[1:], strict=True)]

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_axes(x)
        extents = self.extents(x)
        for window, before, after in zip(self.windows(x), x[1:], extents, strict=True):
            most, widest = window.kernel // 2, max(window.before, window.after)
            if widest > most:
                raise LayerError("bad-argument", f"`pad` of POOL must be at most half the kernel, {most} for a kernel "
                                 f"of {window.kernel}, not {widest}", "pad", help=f"`pad={most}`")
            if after < 1:
                raise LayerError("size-zero", too_large(window, before, show(x), "window"), "kernel",
                                 help=self.remedy(x))
            if len(x) == 4 and self.kind != "max" and before < window.kernel:  # torch's avg_pool3d looks at no padding
                raise LayerError("kernel-too-large", f"in three dimensions, PyTorch averages only over inputs at least "
                                 f"as wide as the kernel, {window.kernel}, not {before} of {show(x)}", "kernel")
        return (x[0], *extents)

    def remedy(self, x: Shape) -> str:
        """What still pools an input that is smaller than the window."""
        if all(w.extent(e, ceil=True) > 0 for w, e in zip(self.windows(x), x[1:], strict=True)):
            return "`ceil=on` keeps the window that the input fills in part"
        return "`GAP` takes any extent; or pool less often before"

    def meant(self, *xs: Shape) -> Shape | None:
        """The output with the bound on the padding left out of account, where the window fits."""
        (x,) = xs
        try:
            extents = self.extents(x)
        except LayerError:
            return None
        return (x[0], *extents) if extents and min(extents) > 0 else None

    def work(self, y: Shape, *xs: Shape) -> Work:
        taps = product(self.per_axis("kernel", xs[0]))
        return Work(0, product(y) * {"max": taps - 1, "avg": taps, "l2": 2 * taps}[self.kind])

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return tuple(window.reach for window in self.windows(xs[0]))

    def routine(self, y: Shape, *xs: Shape) -> Routine:
        return Routine((f"{self.keyword} {self.kind}", self.keyword, MOVING))

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """The padded input where padding is a step of its own, the places of the maxima, and what l2 goes through.

        `torch.nn.functional.lp_pool2d` squares its input, pools that, and multiplies the sign of the result with its
        rectified absolute value.
        """
        entering = self.entering(xs[0])
        padded = 0 if self.pads_itself(self.windows(xs[0])) else entering
        if self.kind == "l2":
            return Scratch(padded + max(entering, 3 * product(y)))
        return Scratch(padded, INDEX_BYTES * product(y) if self.kind == "max" else 0)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_INPUT if self.kind == "l2" or self.pads_itself(self.windows(xs[0])) else SAVES_NOTHING

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Autograd keeps the places of the maxima, what was padded before, and all that l2 goes through."""
        entering, made = self.entering(xs[0]), product(y)
        if self.kind == "l2":
            kept = (Kept(COPY, entering), *(Kept(COPY, made),) * 4, Kept(NUMBER, 1, per_image=False))
            return Training(kept=kept, backward=Scratch(entering))
        steps = () if self.pads_itself(self.windows(xs[0])) else (entering,)
        places = (Kept(INDICES, made),) if self.kind == "max" else ()
        return Training(kept=(*(Kept(COPY, padded) for padded in steps), *places), in_steps=steps)

    def entering(self, x: Shape) -> int:
        """Elements of the padded input."""
        extents = [w.before + extent + w.after for w, extent in zip(self.windows(x), x[1:], strict=True)]
        return product((x[0], *extents))

    def pads_itself(self, windows: list[Window]) -> bool:
        """Whether PyTorch's module pads: the same on both sides, and not at all for `l2`."""
        return even(windows) and (self.kind != "l2" or not any(w.before for w in windows))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        (x,) = xs
        windows, rank = self.windows(x), len(x) - 1
        settings: dict[str, object] = {"kernel_size": self.per_axis("kernel", x), "stride": self.per_axis("stride", x),
                                       "ceil_mode": self.ceil}
        pads = {"padding": tuple(w.before for w in windows)} if self.pads_itself(windows) else {
            "sides": flat_sides([(w.before, w.after) for w in windows])}
        if self.kind == "max":
            settings["dilation"] = self.per_axis("dilation", x)
        elif self.kind == "avg":
            settings["count_include_pad"] = self.count_pad
        else:
            settings |= {"norm_type": 2}
            pads = {} if "padding" in pads else pads
            if rank == 1:  # LPPool1d takes no tuples
                settings |= {"kernel_size": windows[0].kernel, "stride": windows[0].stride}
        name = {"max": "MaxPool", "avg": "AvgPool", "l2": "LPPool"}[self.kind]
        place = f"{MODULES}.Padded" if "sides" in pads else "torch.nn."
        return Module(f"{place}{name}{rank}d", settings | pads)

    def unused_rows(self, y: Shape, *xs: Shape) -> tuple[int, ...]:
        return tuple(w.unused(e, self.ceil) for w, e in zip(self.windows(xs[0]), xs[0][1:], strict=True))

    def brief(self, rank: int = 2) -> str:
        step = [] if self.stride == self.kernel else [signed("/", self.stride)]
        return " ".join([self.keyword, self.kind, across(self.kernel, rank), *step, *moves(1, self.dilation)])

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        return tuple(Formula(Formula.EXTENT, window.formula(axis, extent, self.ceil), axis)
                     for axis, extent, window in zip(axis_names(x), x[1:], self.windows(x), strict=True))


class GlobalAveragePool(Pooling):
    """The mean of each channel, its spatial axes kept with extent 1, as `torch.nn.AdaptiveAvgPool2d(1)`.

    FLOPs: 1 per input element.

    Example: `GAP`
    """

    keyword = "GAP"

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_axes(x)
        return (x[0], *(1,) * (len(x) - 1))

    def meant(self, *xs: Shape) -> Shape | None:
        return xs[0]  # a flat vector is what one element per channel comes to

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, product(xs[0]))

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return None

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_NOTHING  # computed as a mean

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Module(f"torch.nn.AdaptiveAvgPool{len(y) - 1}d", {"output_size": 1})


class AdaptivePool(Pooling):
    """Pooling to a given size, as `torch.nn.AdaptiveAvgPool2d`, `AdaptiveMaxPool2d` and their 1-D and 3-D forms.

    Of an extent W, output i of n reads the rows from ⌊i·W/n⌋ up to ⌈(i + 1)·W/n⌉, exclusive.

    FLOPs: avg 1 per tap, Π (W + n − gcd(W, n)) taps per channel; max 1 less per output element.

    Example: `ADAPTIVEPOOL(7)`
    """

    keyword = "ADAPTIVEPOOL"
    size: object = axes(doc="output extent")
    kind: str = option("avg", "max", doc="what a window becomes")

    def shape(self, *xs: Shape) -> Shape:
        self.needs_axes(xs[0])
        return (xs[0][0], *self.per_axis("size", xs[0]))

    def work(self, y: Shape, *xs: Shape) -> Work:
        taps = y[0] * product([w + n - gcd(w, n) for w, n in zip(xs[0][1:], y[1:], strict=True)])
        return Work(0, taps if self.kind == "avg" else taps - product(y))

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        """The hull of the windows: the fractional parts of i·W/n go from 0 to (n − gcd)/n."""
        if set(y[1:]) == {1}:
            return None
        return tuple(_adaptive_reach(extent, size) for extent, size in zip(xs[0][1:], y[1:], strict=True))

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        return Scratch(bytes=INDEX_BYTES * product(y)) if self.kind == "max" else NO_SCRATCH

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Autograd keeps the places of the maxima."""
        return Training(kept=(Kept(INDICES, product(y)),) if self.kind == "max" else ())

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        size = y[1] if len(y) == 2 else y[1:]
        return Module(f"torch.nn.Adaptive{self.kind.capitalize()}Pool{len(y) - 1}d", {"output_size": size})

    def brief(self, rank: int = 2) -> str:
        return f"{self.keyword} {self.kind} {across(self.size, rank)}"


class Reduce(Pooling):
    """One number out of all channels of a position, or out of all positions of a channel.

    Over channels, one channel remains and the axes are kept; over space, a flat vector remains.

    FLOPs: mean 1 per input element; max and sum 1 less per output element.

    Example: `REDUCE(max, channels)`
    """

    keyword = "REDUCE"
    kind: str = option("mean", "max", "sum", doc="what the numbers become")
    over: str = option("channels", "space", doc="what is reduced")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        if self.over == "channels":
            return (1, *x[1:])
        self.needs_axes(x)
        return x[:1]

    def meant(self, *xs: Shape) -> Shape | None:
        return xs[0][:1]

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, product(xs[0]) - (0 if self.kind == "mean" else product(y)))

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return None if self.over == "space" else (POINT,) * (len(y) - 1)

    def order(self, y: Shape, *xs: Shape) -> str:
        return ROWS

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved((0,), output=True) if self.kind == "max" else SAVES_NOTHING

    def training(self, y: Shape, *xs: Shape) -> Training:
        """A sum's gradient is repeated in place; a maximum's goes to all that have it, which are found and counted."""
        if self.kind != "max":
            return Training(gradients=(PASSED if self.kind == "sum" else OWN,), views=self.kind == "sum")
        return Training(backward=Scratch(product(y), bytes=product(xs[0]) + INDEX_BYTES * product(y)))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        channels = self.over == "channels"
        dims = (1,) if channels else tuple(range(2, len(xs[0]) + 1))
        name = {"mean": "mean", "max": "amax", "sum": "sum"}[self.kind]
        return Function(f"torch.{name}", {"dim": dims, "keepdim": channels})

    def brief(self, rank: int = 2) -> str:
        return f"{self.keyword} {self.kind} {self.over}"


def _adaptive_reach(extent: int, size: int) -> Reach:
    common = gcd(extent, size)
    step, low, high = Fraction(extent, size), Fraction(common - size, size), Fraction(extent - common, size)
    return Reach(*(int(number) if number.denominator == 1 else number for number in (step, low, high)))
