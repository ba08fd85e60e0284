"""The pure functions of the expression language."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any


def divisible(v: float, d: int = 8, min: int | None = None) -> int:
    """`v` rounded to a multiple of `d`, at least `min`, never below 90 % of `v`.

    The rounding of the MobileNet papers' code ("make divisible"; Sandler et al., CVPR 2018).
    """
    rounded = max(d if min is None else min, int(v + d / 2) // d * d)
    return rounded if rounded >= 0.9 * v else rounded + d


def _range(*bounds: int) -> tuple[int, ...]:
    return tuple(range(*bounds))


def _zip(*rows: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(zip(*rows, strict=False))


def _enumerate(row: tuple[object, ...], start: int = 0) -> tuple[object, ...]:
    return tuple(enumerate(row, start))


def _reversed(row: tuple[object, ...]) -> tuple[object, ...]:
    return row[::-1]


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
        return choose(values[0] if len(values) == 1 else values)

    return extreme


def _sum(row: Iterable[Any]) -> Any:
    return sum(row)


#: Each function with how it is called, for messages.
FUNCTIONS: dict[str, tuple[Callable[..., Any], str]] = {
    "min": (_extreme(min), "min(a, b, …) or min(tuple)"),
    "max": (_extreme(max), "max(a, b, …) or max(tuple)"),
    "abs": (abs, "abs(number)"),
    "sum": (_sum, "sum(tuple of numbers)"),
    "len": (len, "len(tuple)"),
    "int": (int, "int(number)"),
    "round": (round, "round(number) or round(number, digits)"),
    "ceil": (math.ceil, "ceil(number)"),
    "floor": (math.floor, "floor(number)"),
    "sqrt": (math.sqrt, "sqrt(number)"),
    "log2": (math.log2, "log2(number)"),
    "range": (_range, "range(stop), range(start, stop) or range(start, stop, step)"),
    "zip": (_zip, "zip(tuple, tuple, …)"),
    "enumerate": (_enumerate, "enumerate(tuple) or enumerate(tuple, start)"),
    "reversed": (_reversed, "reversed(tuple)"),
    "divisible": (divisible, "divisible(v, d=8, min=d)"),
}
