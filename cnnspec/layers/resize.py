"""Interpolation to another size: UPSAMPLE, RESIZE. The rules are those of `torch.nn.functional.interpolate`."""

from __future__ import annotations

from fractions import Fraction

from cnnspec.layers.arguments import LayerError, axes, either, flag, like, option, ratios, shown
from cnnspec.layers.base import Shape, Weightless, product, show
from cnnspec.layers.facts import FRESH, SAVES_NOTHING, Reach, Saved, Work
from cnnspec.layers.formula import Formula, Term, sym
from cnnspec.layers.recipe import Function, Recipe
from cnnspec.layers.window import across, axis_names

#: Input rows per axis that an output is made of.
TAPS = {"nearest": 1, "linear": 2, "cubic": 4}


def sampling_reach(mode: str, step: Fraction, offset: Fraction) -> Reach:
    """The tight affine hull of what interpolation reads, where output o lies at s = step·o + offset in the input.

    `nearest` reads row ⌊s⌋; `linear` ⌊s⌋ and ⌊s⌋ + 1; `cubic` ⌊s⌋ − 1 to ⌊s⌋ + 2; the last two only row s where s is
    whole, since the other weights are 0 there. With step = p/q in lowest terms, the fractional part f of s runs
    through first, first + 1/q, …, first + (q − 1)/q, where first = offset mod 1/q. Relative to step·o, the rows
    read begin lowest where f is largest and end highest where f is smallest, but above 0.
    """
    grain = Fraction(1, step.denominator)
    first = offset % grain
    largest = first + 1 - grain
    if mode == "nearest":
        return Reach(step, offset - largest, offset - first)
    if largest == 0:
        return Reach(step, offset, offset)
    beyond = TAPS[mode] // 2
    return Reach(step, offset - largest - beyond + 1, offset - (first or grain) + beyond)


class Interpolation(Weightless):
    """A family: each output is a weighted sum of the 1, 2 or 4 nearest input rows along each axis."""

    family = "resampling"

    mode: str
    align_corners: bool

    def validate(self) -> None:
        if self.align_corners and self.mode == "nearest":
            raise LayerError("bad-argument", "`align_corners` has no meaning for `nearest`, which does not interpolate",
                             "align_corners", help="`mode=linear`, or leave `align_corners` out")

    def extents(self, x: Shape) -> tuple[int, ...]:
        """The spatial extents that leave."""
        raise NotImplementedError  # each of the two has its own

    def steps(self, x: Shape) -> list[Fraction]:
        """Input rows from one output to the next, along each axis, where corners are not aligned."""
        return [Fraction(before, after) for before, after in zip(x[1:], self.extents(x), strict=True)]

    def check(self, x: Shape) -> None:
        """Raise `LayerError` where the mode does not go with the input's rank."""
        self.needs_axes(x)
        if self.mode == "cubic" and len(x) != 3:
            raise LayerError("bad-argument", f"`cubic` works on two spatial axes; {show(x)} has {len(x) - 1}", "mode",
                             help="`mode=linear`")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.check(x)
        return (x[0], *self.extents(x))

    def meant(self, *xs: Shape) -> Shape | None:
        (x,) = xs
        try:
            extents = self.extents(x)
        except LayerError:
            return None
        return (x[0], *extents) if len(x) > 1 and min(extents) > 0 else None

    def work(self, y: Shape, *xs: Shape) -> Work:
        taps = TAPS[self.mode] ** (len(y) - 1)
        return Work(0, product(y) * (2 * taps - 1) if taps > 1 else 0)

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        (x,) = xs
        if self.align_corners:
            steps = [Fraction(before - 1, after - 1 or 1) if after > 1 else Fraction(0)
                     for before, after in zip(x[1:], y[1:], strict=True)]
            return tuple(sampling_reach(self.mode, step, Fraction(0)) for step in steps)
        centred = self.mode != "nearest"
        return tuple(sampling_reach(self.mode, step, (step - 1) / 2 if centred else Fraction(0))
                     for step in self.steps(x))

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_NOTHING

    def interpolate(self, x: Shape, **size: object) -> Recipe:
        """The recipe, for an output size or a factor."""
        names = {"linear": ("linear", "bilinear", "trilinear")[len(x) - 2], "cubic": "bicubic"}
        corners = None if self.mode == "nearest" else self.align_corners
        return Function("torch.nn.functional.interpolate",
                        {**size, "mode": names.get(self.mode, self.mode), "align_corners": corners})


class Upsample(Interpolation):
    """Resizing by a factor, as `torch.nn.Upsample(scale_factor=…)`: an extent W becomes ⌊W·scale⌋.

    FLOPs: nearest 0; else 2·k − 1 per output element, of k = 2 (linear) or 4 (cubic) rows per axis, to the power of
    the axes.

    Example: `UPSAMPLE(2)`
    """

    keyword = "UPSAMPLE"
    scale: object = ratios(doc="output rows for each input row")
    mode: str = option("nearest", "linear", "cubic", doc="how the rows between are made")
    align_corners: bool = flag(False, doc="put the outermost rows of both onto each other")

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return self.interpolate(xs[0], scale_factor=tuple(map(float, self.scales(xs[0]))))

    def scales(self, x: Shape) -> tuple[float, ...]:
        """The factor along each axis."""
        return self.per_axis("scale", x)

    def extents(self, x: Shape) -> tuple[int, ...]:
        """As PyTorch rounds: the product as a double, its fraction dropped."""
        return tuple(int(extent * scale) for extent, scale in zip(x[1:], self.scales(x), strict=True))

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.check(x)
        for axis, extent, scale, size in zip(axis_names(x), x[1:], self.scales(x), self.extents(x), strict=True):
            if size < 1:
                raise LayerError("size-zero", f"UPSAMPLE by {scale:g} leaves nothing of {axis} = {extent} of {show(x)}",
                                 "scale", help="`RESIZE(1)` leaves one row")
        return (x[0], *self.extents(x))

    def steps(self, x: Shape) -> list[Fraction]:
        return [1 / Fraction(str(scale)) for scale in self.scales(x)]

    def brief(self, rank: int = 2) -> str:
        mode = "" if self.mode == "nearest" else f" {self.mode}"
        scale = across(self.scale, rank) if isinstance(self.scale, tuple) else shown(self.scale)
        return f"{self.keyword} ×{scale}{mode}"

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        return tuple(Formula(Formula.EXTENT, _scaled(axis, extent, scale), axis)
                     for axis, extent, scale in zip(axis_names(x), x[1:], self.scales(x), strict=True))


class Resize(Interpolation):
    """Resizing to given extents, or to those of another value, as `torch.nn.functional.interpolate(size=…)`.

    FLOPs: nearest 0; else 2·k − 1 per output element, of k = 2 (linear) or 4 (cubic) rows per axis, to the power of
    the axes.

    Example: `RESIZE(56, linear)`
    """

    keyword = "RESIZE"
    size: object = axes(None, doc="output extent")
    like: Shape | None = like(doc="a named value whose spatial extents are taken, instead of `size`")
    mode: str = option("nearest", "linear", "cubic", doc="how the rows between are made")
    align_corners: bool = flag(False, doc="put the outermost rows of both onto each other")

    def validate(self) -> None:
        super().validate()
        either(self.keyword, {"size": self.size, "like": self.like},
               "`RESIZE(56)`, or `RESIZE(like=@x)` for the extents of a named value")

    def extents(self, x: Shape) -> tuple[int, ...]:
        if self.like is None:
            return self.per_axis("size", x)
        if len(self.like) != len(x):
            raise LayerError("bad-argument", f"RESIZE takes {show(x)} to the extents of {show(self.like)}, "
                             "which has another number of axes", "like")
        return self.like[1:]

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return self.interpolate(xs[0], size=y[1:])

    def brief(self, rank: int = 2) -> str:
        size = self.size if self.like is None else self.like[1:]
        mode = "" if self.mode == "nearest" else f" {self.mode}"
        return f"{self.keyword} {across(size, rank)}{mode}"


def _scaled(axis: str, extent: int, scale: float) -> Term:
    if isinstance(scale, int):
        return sym(axis, extent) * sym("scale", scale)
    return Term(int(extent * scale), f"⌊{axis}·scale⌋", f"⌊{extent}·{scale:g}⌋")
