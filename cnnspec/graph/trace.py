"""How a place was reached: the calls and turns around it, innermost first, for the notes of a message."""

from __future__ import annotations

from cnnspec.grammar import ast
from cnnspec.graph.network import BLOCK, NET, TURN, Scope
from cnnspec.graph.values import written

#: Calls and turns that a note tells.
MOST_PARTS = 8


def trace(scope: Scope | None) -> str:
    """`in basic(c=128, s=2), turn 2 of 4 of `for c, s, n in …`, in net resnet18`; empty at the top of a net."""
    parts: list[str] = []
    while scope is not None:
        if scope.kind in (BLOCK, NET):
            parts.append(f"in {'net ' if scope.kind == NET else ''}{call(scope)}")
        elif scope.kind == TURN and scope.turns > 1:
            parts.append(f"turn {scope.turn + 1} of {scope.turns}{_loop(scope)}")
        scope = scope.parent
    if len(parts) > MOST_PARTS:  # a call within a call within a call: both ends tell enough
        parts[MOST_PARTS // 2 : -MOST_PARTS // 2] = ["…"]
    return ", ".join(parts)


def call(scope: Scope) -> str:
    """A block's or net's call, with the values of its parameters: `basic(c=128, s=2)`."""
    assert isinstance(scope.syntax, ast.Definition)  # of a block or net scope
    values = ", ".join(f"{name}={written(value)}" for name, value in scope.values.items() if value is not None)
    return f"{scope.syntax.name}({values})" if values and len(values) <= 60 else scope.syntax.name


def _loop(scope: Scope) -> str:
    syntax = scope.syntax
    if isinstance(syntax, ast.Loop | ast.BranchLoop):
        values = ", ".join(f"{name}={written(value)}" for name, value in scope.values.items())
        loop = f" of `for {syntax.target.span.text} in …`"
        return f"{loop} ({values})" if len(values) <= 40 else loop
    if isinstance(syntax, ast.Repeat):
        return f" of `*{syntax.count.span.text}`"
    return ""
