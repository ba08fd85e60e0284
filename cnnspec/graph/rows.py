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
    odd = min(lengths, key=lengths.count)
    counts = ", ".join(map(str, lengths[:-1])) + f" and {lengths[-1]}"
    row = expr.args[lengths.index(odd)].value
    raise Problem("uneven-zip", f"`zip` needs tuples of one length; these have {counts} elements",
                  written_at(row, env), label=f"{odd} element{'s' if odd != 1 else ''}",
                  labels=(Label(expr.span, "zipped here"),),
                  help="give every tuple the same number of elements, or cut the longer ones: `t[:n]`")
