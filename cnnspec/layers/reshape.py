"""Layers that move elements and compute nothing: SLICE, PAD, CROP, FLATTEN, RESHAPE."""

from __future__ import annotations

from cnnspec.layers.arguments import REQUIRED, LayerError, axes, count, either, extents, option, padding, shown
from cnnspec.layers.base import Pointwise, Shape, Weightless, product, show
from cnnspec.layers.facts import (
    AS_FIRST,
    FRESH,
    IMAGE,
    POINT,
    ROWS,
    SAVES_INPUT,
    SAVES_NOTHING,
    VIEW,
    Reach,
    Saved,
    Training,
    Work,
)
from cnnspec.layers.formula import Formula, Term, sym
from cnnspec.layers.recipe import FUNCTIONS, Function, Recipe, flat_sides
from cnnspec.layers.window import across, axis_names, sides


class Moving(Weightless):
    """A family: no arithmetic; a new tensor, or (`View`) another look at the same one."""

    family = "shape"

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, 0)

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_NOTHING


class View(Moving):
    """A family: the output shares the input's memory."""

    def storage(self, y: Shape, *xs: Shape) -> str:
        return VIEW


class Row(View):
    """A family: the elements in one row under other extents, a view where they lie in one row already."""

    def reads_row(self, y: Shape, *xs: Shape) -> int | None:
        return IMAGE


class Slice(Pointwise, View):
    """The channels from `start` up to `stop`, exclusive.

    FLOPs: 0.

    Example: `SLICE(0, C//2)`
    """

    keyword = "SLICE"
    start: int = count(doc="first channel, from 0", minimum=0)
    stop: int = count(doc="channel before which it ends")

    def validate(self) -> None:
        if self.start >= self.stop:
            raise LayerError("bad-argument", f"SLICE({self.start}, {self.stop}) keeps no channel: "
                             "`stop` must be above `start`", "stop")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        if self.stop > x[0]:
            raise LayerError("out-of-range", f"SLICE takes the channels {self.start} to {self.stop}, "
                             f"but {show(x)} has {x[0]}", "stop", help=f"`SLICE({min(self.start, x[0] - 1)}, {x[0]})`")
        return self.meant(x)

    def meant(self, *xs: Shape) -> Shape:
        (x,) = xs
        stop = min(self.stop, x[0]) if self.start < x[0] else self.stop
        return (stop - self.start, *x[1:])

    def brief(self, rank: int = 2) -> str:
        return f"{self.keyword} {self.start}:{self.stop}"

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The gradient is filled up with zeros."""
        return Training(VIEW)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function("torch.narrow", {"dim": 1, "start": self.start, "length": y[0]})


class Pad(Moving):
    """Rows added around the input, as `torch.nn.ZeroPad2d`, `ReflectionPad2d` and their relatives.

    FLOPs: 0.

    Example: `PAD(3, reflect)`
    """

    keyword = "PAD"
    pad: object = padding(REQUIRED, doc="rows added around the input")
    mode: str = option("zeros", "reflect", "replicate", "circular", doc="what the added rows hold")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_axes(x)
        spare = {"reflect": 1, "circular": 0}
        for axis, extent, rows in zip(axis_names(x), x[1:], self.rows(x), strict=True):
            if self.mode in spare and max(rows) + spare[self.mode] > extent:
                raise LayerError("bad-argument", f"to add {max(rows)} rows, `{self.mode}` needs an extent of at least "
                                 f"{max(rows) + spare[self.mode]}, but {axis} of {show(x)} is {extent}", "pad",
                                 help="`mode=zeros` or `mode=replicate` add any number")
        return self.padded(x)

    def rows(self, x: Shape) -> list[tuple[int, int]]:
        """Rows added before and after, along each axis."""
        return sides("pad", self.pad, len(x) - 1, self.keyword)

    def padded(self, x: Shape) -> Shape:
        """The shape that leaves, whatever the mode allows."""
        return (x[0], *(before + e + after for e, (before, after) in zip(x[1:], self.rows(x), strict=True)))

    def meant(self, *xs: Shape) -> Shape | None:
        try:
            return self.padded(*xs)
        except LayerError:
            return None

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return tuple(Reach(1, -before, -before) for before, _ in self.rows(xs[0]))

    def order(self, y: Shape, *xs: Shape) -> str:
        return ROWS if self.mode == "circular" else AS_FIRST

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_INPUT if self.mode in {"reflect", "replicate"} else SAVES_NOTHING

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        mode = "constant" if self.mode == "zeros" else self.mode
        return Function("torch.nn.functional.pad", {"pad": flat_sides(self.rows(xs[0])), "mode": mode})

    def brief(self, rank: int = 2) -> str:
        mode = "" if self.mode == "zeros" else f" {self.mode}"
        return f"{self.keyword} {shown(self.pad)}{mode}"

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        return tuple(Formula(Formula.EXTENT, sym(axis, e) + (
            2 * sym("P", before) if before == after else sym("P_before", before) + sym("P_after", after)), axis)
            for axis, e, (before, after) in zip(axis_names(x), x[1:], self.rows(x), strict=True))


class Crop(View):
    """The middle of the input, of a given size (an odd row goes from behind), or what remains without some rows.

    FLOPs: 0.

    Example: `CROP(28)`
    """

    keyword = "CROP"
    size: object = axes(None, doc="output extent; the middle remains")
    cut: object = padding(None, doc="rows cut away, instead of `size`")

    def validate(self) -> None:
        either(self.keyword, {"size": self.size, "cut": self.cut},
               "`CROP(28)` keeps the middle, `CROP(cut=2)` cuts two rows off every side")

    def rows(self, x: Shape) -> list[tuple[int, int]]:
        """Rows cut before and after, along each axis."""
        if self.size is None:
            return sides("cut", self.cut, len(x) - 1, self.keyword)
        spare = [extent - size for extent, size in zip(x[1:], self.per_axis("size", x), strict=True)]
        return [(rows // 2, rows - rows // 2) for rows in spare]

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_axes(x)
        for axis, extent, (before, after) in zip(axis_names(x), x[1:], self.rows(x), strict=True):
            if before + after < 0:
                raise LayerError("out-of-range", f"CROP keeps {extent - before - after} rows, but {axis} of {show(x)} "
                                 f"is {extent}", "size", help="`PAD` adds rows")
            if before + after >= extent:
                raise LayerError("size-zero", f"CROP cuts {before} + {after} rows, but {axis} of {show(x)} "
                                 f"is {extent}: nothing remains", "cut")
        return (x[0], *(e - before - after for e, (before, after) in zip(x[1:], self.rows(x), strict=True)))

    def meant(self, *xs: Shape) -> Shape | None:
        if self.size is None:
            return None
        try:
            return (xs[0][0], *self.per_axis("size", xs[0]))
        except LayerError:
            return None

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return tuple(Reach(1, before, before) for before, _ in self.rows(xs[0]))

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The gradient grows along one axis after the other; in front of it stands what the axes before have left."""
        (x,) = xs
        steps = tuple(product((*y[:axis], *x[axis:])) for axis in range(2, len(x)))
        return Training(VIEW, out_steps=tuple(reversed(steps)))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function(f"{FUNCTIONS}.crop", {"rows": tuple(self.rows(xs[0]))})

    def brief(self, rank: int = 2) -> str:
        rows = f"−{shown(self.cut)}" if self.size is None else across(self.size, rank)
        return f"{self.keyword} {rows}"


class Flatten(Row):
    """All elements as one vector, channel by channel.

    FLOPs: 0.

    Example: `FLATTEN`
    """

    keyword = "FLATTEN"

    def shape(self, *xs: Shape) -> Shape:
        return (product(xs[0]),)

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        """A vector has no axis along which its elements would have a place, so as a whole it reads all."""
        return () if len(xs[0]) == 1 else None

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function("torch.flatten", {"start_dim": 1})

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        elements: Term = sym("C", x[0])
        for axis, extent in zip(axis_names(x), x[1:], strict=True):
            elements = elements * sym(axis, extent)
        return (Formula(Formula.EXTENT, elements, "C"),)


class Reshape(Row):
    """The same elements in the same order, under other extents.

    FLOPs: 0.

    Example: `FC(512*49) -> RESHAPE(512, 7, 7)`
    """

    keyword = "RESHAPE"
    extents: Shape = extents(doc="the shape that leaves")

    def validate(self) -> None:
        if len(self.extents) > 4:
            raise LayerError("bad-argument", f"a shape has at most four extents, channels and three axes; "
                             f"{show(self.extents)} has {len(self.extents)}", "extents")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        if product(x) != product(self.extents):
            raise LayerError("shape-mismatch", f"RESHAPE keeps all elements: {show(x)} has {product(x):,}, "
                             f"{show(self.extents)} has {product(self.extents):,}", "extents", help=self.remedy(x))
        return self.extents

    def remedy(self, x: Shape) -> str:
        """The same axes with the channels that make the elements come out even; empty where none do."""
        rest = product(self.extents[1:])
        return f"`RESHAPE({show((product(x) // rest, *self.extents[1:]))})`" if product(x) % rest == 0 else ""

    def meant(self, *xs: Shape) -> Shape | None:
        return self.extents

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        """Position by position where the axes stay; elsewhere an output may come from anywhere."""
        return (POINT,) * (len(y) - 1) if y == xs[0] else None

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function(f"{FUNCTIONS}.reshape", {"extents": y})

    def brief(self, rank: int = 2) -> str:
        return f"{self.keyword} {'×'.join(map(str, self.extents))}"
