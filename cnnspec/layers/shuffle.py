"""Layers that trade channels for positions or for each other: SHUFFLE, PIXELSHUFFLE, PIXELUNSHUFFLE."""

from __future__ import annotations

from fractions import Fraction

from cnnspec.layers.arguments import LayerError, count
from cnnspec.layers.base import Pointwise, Shape, divisor_near, show
from cnnspec.layers.facts import FRESH, ROWS, VIEW, Reach
from cnnspec.layers.formula import Formula, Term, sym
from cnnspec.layers.recipe import FUNCTIONS, Function, Module, Recipe
from cnnspec.layers.reshape import Moving
from cnnspec.layers.window import axis_names


class Shuffle(Pointwise, Moving):
    """Channel shuffle (ShuffleNet, Zhang et al., CVPR 2018): reads the groups' channels in turn, one of each.

    FLOPs: 0.

    Example: `SHUFFLE(2)`
    """

    keyword = "SHUFFLE"
    groups: int = count(doc="groups of channels that are interleaved")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        if x[0] % self.groups:
            raise LayerError("groups", f"groups = {self.groups} does not divide the {x[0]} channels of {show(x)}",
                             "groups", help=f"`groups={divisor_near(self.groups, x[0])}` divides them")
        return x

    def meant(self, *xs: Shape) -> Shape | None:
        return xs[0]

    def storage(self, y: Shape, *xs: Shape) -> str:
        """One group, or groups of one channel, leave all in place."""
        return VIEW if self.groups in {1, y[0]} else FRESH

    def order(self, y: Shape, *xs: Shape) -> str:
        return ROWS

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function(f"{FUNCTIONS}.shuffle", {"groups": self.groups})


class PixelShuffling(Moving):
    """A family: blocks of r×r positions and r² channels become each other, on two spatial axes as in PyTorch."""

    r: int

    def needs_planes(self, x: Shape) -> None:
        """Raise `LayerError` where the input has not two spatial axes."""
        self.needs_axes(x)
        if len(x) != 3:
            raise LayerError("wrong-rank", f"{self.keyword} works on two spatial axes; {show(x)} has {len(x) - 1}")

    def brief(self, rank: int = 2) -> str:
        return f"{self.keyword} {self.r}"


class PixelShuffle(PixelShuffling):
    """Sub-pixel upsampling (Shi et al., CVPR 2016): r² channels become blocks of r×r positions.

    FLOPs: 0.

    Example: `CONV(4*C, 3) -> PIXELSHUFFLE(2)`
    """

    keyword = "PIXELSHUFFLE"
    r: int = count(doc="factor by which both extents grow")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_planes(x)
        square = self.r ** 2
        if x[0] % square:
            raise LayerError("not-divisible", f"PIXELSHUFFLE({self.r}) makes one channel of {square}, "
                             f"which does not divide the {x[0]} channels of {show(x)}", "r",
                             help=f"`CONV({-(-x[0] // square) * square}, 1)` before it")
        return (x[0] // square, *(extent * self.r for extent in x[1:]))

    def meant(self, *xs: Shape) -> Shape | None:
        channels, *extents = xs[0]
        return (-(-channels // self.r ** 2), *(extent * self.r for extent in extents)) if len(extents) == 2 else None

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        """Output o reads input ⌊o/r⌋."""
        return (Reach(Fraction(1, self.r), Fraction(1 - self.r, self.r), 0),) * (len(y) - 1)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Module("torch.nn.PixelShuffle", {"upscale_factor": self.r})

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        r = sym("r", self.r)
        channels: Term = sym("C", x[0]) / (r * r)
        grown = [Formula(Formula.EXTENT, sym(axis, extent) * r, axis)
                 for axis, extent in zip(axis_names(x), x[1:], strict=True)]
        return (Formula(Formula.EXTENT, channels, "C"), *grown)


class PixelUnshuffle(PixelShuffling):
    """The inverse of PIXELSHUFFLE, space to depth: blocks of r×r positions become r² channels.

    FLOPs: 0.

    Example: `PIXELUNSHUFFLE(2)`
    """

    keyword = "PIXELUNSHUFFLE"
    r: int = count(doc="factor by which both extents shrink")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_planes(x)
        for axis, extent in zip(axis_names(x), x[1:], strict=True):
            if extent % self.r:
                whole = "x".join(str(-(-n // self.r) * self.r) for n in x[1:])
                raise LayerError("not-divisible", f"PIXELUNSHUFFLE({self.r}) takes blocks of {self.r} positions, "
                                 f"which do not divide {axis} = {extent} of {show(x)}", "r",
                                 help=f"`RESIZE({whole})` before it, or `PAD` what is missing")
        return (x[0] * self.r ** 2, *(extent // self.r for extent in x[1:]))

    def meant(self, *xs: Shape) -> Shape | None:
        channels, *extents = xs[0]
        return (channels * self.r ** 2, *(-(-extent // self.r) for extent in extents)) if len(extents) == 2 else None

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return (Reach(self.r, 0, self.r - 1),) * (len(y) - 1)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Module("torch.nn.PixelUnshuffle", {"downscale_factor": self.r})

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        r = sym("r", self.r)
        shrunk = [Formula(Formula.EXTENT, sym(axis, extent) / r, axis)
                  for axis, extent in zip(axis_names(x), x[1:], strict=True)]
        return (Formula(Formula.EXTENT, sym("C", x[0]) * r * r, "C"), *shrunk)
