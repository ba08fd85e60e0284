"""Tuples to loop over, checked before they are made: neither endless nor cut short in silence."""

from __future__ import annotations

from typing import Any

from cnnspec.diagnostics import Label
from cnnspec.grammar import ast
from cnnspec.graph.blame import written_at
from cnnspec.graph.environment import Environment
from cnnspec.graph.operators import Unfit
from cnnspec.graph.problem import Problem
from cnnspec.limits import Limits


def check_range(bounds: list[Any], limits: Limits) -> None:
    """Refuse a `range` that is too long, before it is made."""
    if bounds and all(isinstance(b, int) for b in bounds) and len(bounds) <= 3:
        start, stop, step = ([0, *bounds, 1] if len(bounds) == 1 else [*bounds, 1])[:3]
        count = max(0, -(-(stop - start) // step)) if step else 0
        if count > limits.elements:
            raise Unfit("limit-elements", f"the range has {count:,} elements; the limit is {limits.elements:,}",
                        "a larger limit: `--max-elements N`")


def check_even(expr: ast.Call, rows: list[Any], env: Environment) -> None:
    """Refuse to zip rows of different lengths: the longer ones would silently lose their ends."""
    lengths = [len(row) for row in rows if isinstance(row, tuple)]
    if len(set(lengths)) <= 1 or len(lengths) < len(expr.args):
        return
    exprs = [argument.value for argument in expr.args]
    at = _odd(exprs, lengths, env)
    counts = ", ".join(map(str, lengths[:-1])) + f" and {lengths[-1]}"
    raise Problem("uneven-zip", f"`zip` needs tuples of one length; these have {counts} elements",
                  written_at(exprs[at], env), label=f"{lengths[at]} element{'s' if lengths[at] != 1 else ''}",
                  labels=(Label(expr.span, "zipped here"),),
                  help="give every tuple the same number of elements, or cut the longer ones: `t[:n]`")


def _odd(rows: list[ast.Expr], lengths: list[int], env: Environment) -> int:
    """Which of some rows is probably wrong: one that differs from its default, else one that is written out, else the
    rarest length.
    """
    rare = [at for at, length in enumerate(lengths) if lengths.count(length) == min(map(lengths.count, lengths))]
    for at in rare:
        usual = _usual_length(rows[at], env)
        if usual is not None and usual != lengths[at] and usual in lengths:
            return at
    return next((at for at in rare if not isinstance(rows[at], ast.Name)), rare[0])


def _usual_length(row: ast.Expr, env: Environment) -> int | None:
    """How many elements a parameter has where a caller does not say otherwise."""
    holder = env.holder(row.id) if isinstance(row, ast.Name) else None
    definition = holder.scope.syntax if holder is not None and holder.scope is not None else None
    if isinstance(definition, ast.Definition) and isinstance(row, ast.Name):
        for parameter in definition.parameters:
            if parameter.name == row.id and isinstance(parameter.default, ast.TupleExpr):
                return len(parameter.default.items)
    return None
