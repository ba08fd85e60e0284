"""Merges, which join the values of parallel branches: ADD, CONCAT, MUL, SUB, MAX, MEAN, STACK."""

from __future__ import annotations

from itertools import pairwise

from cnnspec.layers.arguments import LayerError, flag
from cnnspec.layers.base import Shape, Weightless, product, show
from cnnspec.layers.facts import (
    AS_ALL,
    CHANNEL,
    FRESH,
    IN_PLACE,
    NO_SCRATCH,
    NUMBER,
    OWN,
    PASSED,
    POINT,
    ROWS,
    SAVES_NOTHING,
    SHARED,
    Kept,
    Reach,
    Saved,
    Scratch,
    Training,
    Work,
)
from cnnspec.layers.fitting import broadcast_shape, listed, minority, mismatch, resizing, target
from cnnspec.layers.formula import Formula, Term, sym
from cnnspec.layers.recipe import FUNCTIONS, Function, Recipe
from cnnspec.layers.window import axis_names

#: Branches that a formula spells out.
_MOST_TERMS = 8


class Merge(Weightless):
    """A family: several values in, one out; each output depends on the inputs at its place."""

    family = "merge"
    merges = True

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, 0)

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return (POINT,) * (len(y) - 1)

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_NOTHING


class Elementwise(Merge):
    """A family: the elements at one place of all branches become one."""

    broadcast: bool

    def shape(self, *xs: Shape) -> Shape:
        y = broadcast_shape(xs) if self.broadcast else xs[0] if len(set(xs)) == 1 else None
        if y is not None:
            return y
        if self.broadcast:
            raise mismatch(xs, f"the branches of {self.keyword} must have equal extents, or 1")
        raise mismatch(xs, f"the branches of {self.keyword} have different shapes",
                       f"`{self.keyword}(broadcast=on){{…}}` repeats extents of 1" if broadcast_shape(xs) else "")

    def meant(self, *xs: Shape) -> Shape | None:
        return target(xs)

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, (len(xs) - 1) * product(y))

    def partial(self, xs: tuple[Shape, ...]) -> list[int]:
        """Elements of what the first two, three, … branches make."""
        return [product(broadcast_shape(xs[:count]) or xs[0]) for count in range(2, len(xs) + 1)]

    def folded(self, xs: tuple[Shape, ...], *, growing: bool = False) -> Scratch:
        """Where the branches are taken in one by one, each time into a new value: what came before the last.

        A `growing` result takes a branch in where it stands, if its extents are its own already.
        """
        made = self.partial(xs)
        most = max((b if growing and a == b else a + b for a, b in pairwise(made)), default=0)
        return Scratch(max(most - made[-1], 0)) if made else NO_SCRATCH


class Strict(Elementwise):
    """A family: equal shapes, since a stray extent of 1 usually hides a mistake."""

    broadcast: bool = flag(False, doc="repeat extents of 1 along any axis")


class Add(Strict):
    """The sum of the branches: the residual connection.

    FLOPs: 1 per output element for each branch after the first.

    Example: `ADD{ ID | CONV(C, 3) -> BN }`
    """

    keyword = "ADD"

    def storage(self, y: Shape, *xs: Shape) -> str:
        return IN_PLACE if xs[0] == y else FRESH

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        return self.folded(xs, growing=True)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The gradient of each branch is that of the sum, itself summed over the extents that are repeated."""
        return Training(self.storage(y, *xs), gradients=tuple(PASSED if x == y else OWN for x in xs),
                        forward=self.scratch(y, *xs))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        if len(xs) == 2:
            return Function("operator.add", in_place="operator.iadd")
        return Function(f"{FUNCTIONS}.add", in_place=f"{FUNCTIONS}.add_")


class Concat(Merge):
    """The channels of the branches, one branch after the other.

    FLOPs: 0.

    Example: `CONCAT{ CONV(64, 1) | CONV(64, 3) }`
    """

    keyword = "CONCAT"

    def shape(self, *xs: Shape) -> Shape:
        ranks = [len(x) for x in xs]
        if len(set(ranks)) > 1:
            raise LayerError("shape-mismatch", f"CONCAT needs branches of one rank: {listed(list(map(show, xs)))}",
                             help="`FLATTEN` in the others makes all of them vectors" if 1 in ranks else "",
                             inputs=minority(ranks))
        for axis, name in enumerate(axis_names(xs[0]), start=1):
            extents = [x[axis] for x in xs]
            if len(set(extents)) > 1:
                different = list({x[1:]: x for x in xs}.values())
                raise LayerError("shape-mismatch", "CONCAT needs equal extents, its branches have "
                                 f"{listed(list(map(str, extents)))} along {name}",
                                 help=resizing(*different) if len(different) == 2 else "", inputs=minority(extents))
        return (sum(x[0] for x in xs), *xs[0][1:])

    def meant(self, *xs: Shape) -> Shape | None:
        return (sum(x[0] for x in xs), *xs[0][1:]) if len({len(x) for x in xs}) == 1 else None

    def order(self, y: Shape, *xs: Shape) -> str:
        return AS_ALL

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The gradient of each branch is a part of what comes in."""
        return Training(gradients=(PASSED,), views=True)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function("torch.cat", {"dim": 1}, listed=True)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        if len(xs) > _MOST_TERMS:
            return ()
        channels: Term = sym("C_1", xs[0][0])
        for number, x in enumerate(xs[1:], start=2):
            channels = channels + sym(f"C_{number}", x[0])
        return (Formula(Formula.EXTENT, channels, "C"),)


class Mul(Elementwise):
    """The product of the branches, extents of 1 repeated: a gate, such as squeeze-and-excitation's.

    FLOPs: 1 per output element for each branch after the first.

    Example: `MUL{ ID | GAP -> CONV(C, 1) -> SIGMOID }`
    """

    keyword = "MUL"
    broadcast = True

    def gates(self, *xs: Shape) -> tuple[int, ...]:
        """The branches that are repeated; none where all are, as in an outer product."""
        y = self.shape(*xs)
        gates = tuple(index for index, x in enumerate(xs) if x != y)
        return gates if len(gates) < len(xs) else ()

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(tuple(range(len(xs))))

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        return self.folded(xs)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The gradient of a gate is made at full size, and summed then."""
        return Training(forward=self.scratch(y, *xs), backward=Scratch(product(y) if len(set(xs)) > 1 else 0))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function("operator.mul" if len(xs) == 2 else f"{FUNCTIONS}.mul")


class Sub(Strict):
    """The first branch minus the second.

    FLOPs: 1 per output element.

    Example: `SUB{ ID | POOL(avg, 3, stride=1, pad=1) }`
    """

    keyword = "SUB"

    def shape(self, *xs: Shape) -> Shape:
        if len(xs) > 2:
            raise LayerError("bad-inputs", f"SUB takes two branches, not {len(xs)}",
                             help="`SUB{ a | ADD{ b | c } }` subtracts several", inputs=tuple(range(2, len(xs))))
        return super().shape(*xs)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The gradient of the first branch is that of the difference, that of the second its negative."""
        first = PASSED if xs[0] == y else OWN
        return Training(gradients=(first, OWN), backward=Scratch(product(y) if y not in xs[1:] and len(xs) > 1 else 0))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function("operator.sub" if len(xs) == 2 else f"{FUNCTIONS}.identity")


class Max(Strict):
    """The largest of the branches, element by element: maxout.

    FLOPs: 1 per output element for each branch after the first.

    Example: `MAX{ CONV(64, 3) | CONV(64, 3) }`
    """

    keyword = "MAX"

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return Saved(tuple(range(len(xs))))

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        return self.folded(xs)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Which branch has the maximum is asked twice, and half a gradient made for where both have it."""
        return Training(forward=self.scratch(y, *xs), backward=Scratch(product(y), bytes=2 * product(y)))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function("torch.maximum" if len(xs) == 2 else f"{FUNCTIONS}.maximum")


class Mean(Strict):
    """The mean of the branches, element by element.

    FLOPs: per output element, 1 for each branch (sums, division).

    Example: `MEAN{ CONV(64, 3) | CONV(64, 5) }`
    """

    keyword = "MEAN"

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, len(xs) * product(y))

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        return self.folded(xs, growing=True)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """All branches share one gradient."""
        return Training(kept=(Kept(NUMBER, 1, per_image=False),),
                        gradients=tuple(SHARED if x == y else OWN for x in xs), forward=self.scratch(y, *xs))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function(f"{FUNCTIONS}.mean")


class Stack(Merge):
    """Equal branches one behind the other along a new first spatial axis: k of `CxHxW` become `CxkxHxW`.

    Along the new axis an output reads its own branch alone, which has one row there: `Reach(0, 0, 0)`.

    FLOPs: 0.

    Example: `STACK{ CONV(64, 3) | CONV(64, 5) }`
    """

    keyword = "STACK"

    def shape(self, *xs: Shape) -> Shape:
        if len(set(xs)) > 1:
            raise mismatch(xs, "the branches of STACK have different shapes")
        if len(xs[0]) > 3:
            raise LayerError("bad-inputs", f"STACK adds a spatial axis, but {show(xs[0])} has three already",
                             help="`CONCAT` joins the branches along their channels")
        return _stacked(xs[0], len(xs))

    def meant(self, *xs: Shape) -> Shape | None:
        y = target(xs)
        return _stacked(y, len(xs)) if len(y) < 4 else None

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return (Reach(0, 0, 0), *(POINT,) * (len(y) - 2))

    def order(self, y: Shape, *xs: Shape) -> str:
        return ROWS

    def reads_row(self, y: Shape, *xs: Shape) -> int | None:
        return CHANNEL

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function(f"{FUNCTIONS}.stack")


def _stacked(x: Shape, branches: int) -> Shape:
    return (x[0], branches, *x[1:])
