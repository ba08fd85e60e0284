"""The extents of the value that enters a step: `C`, `D`, `H`, `W`, and `L` for the length of a 1-D value."""

from __future__ import annotations

from cnnspec.grammar import ast
from cnnspec.graph.problem import Problem, Quiet
from cnnspec.layers.base import Shape, show

#: Which letter stands for which position of a shape, by its rank.
EXTENTS: dict[int, str] = {1: "C", 2: "CL", 3: "CHW", 4: "CDHW"}
EXTENT_NAMES = frozenset("CDHWL")

#: The shape that enters; None where an earlier mistake left it unknown.
Entering = Shape | None

#: Where no value enters: in a `let`, or in the defaults of a net.
NOTHING: Shape = ()


def extent(expr: ast.Name, entering: Entering) -> int:
    """`C`, `D`, `H`, `W`, `L` of the value that enters."""
    if entering is None:
        raise Quiet
    if entering == NOTHING:
        raise Problem("no-extent", f"`{expr.id}` is an extent of the value that enters, and none enters here",
                      expr.span, help="give it a parameter instead")
    letters = EXTENTS[len(entering)]
    if expr.id not in letters:
        has = ", ".join(f"{letter} = {extent}" for letter, extent in zip(letters, entering, strict=True))
        raise Problem("no-extent", f"the value that enters, {show(entering)}, has no `{expr.id}`; it has {has}",
                      expr.span)
    return entering[letters.index(expr.id)]
