"""Arithmetic and comparison on spec values, within limits of digits and elements."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import isfinite
from typing import Any

from cnnspec.graph.values import describe
from cnnspec.limits import Limits


class Unfit(Exception):
    """An operation that these values do not have; the evaluator adds the place."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow,
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}


def is_number(value: object) -> bool:
    """A number; `on` and `off` are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def arithmetic(sign: str, left: Any, right: Any, limits: Limits) -> Any:
    """`left sign right`; raises `Unfit` for other types, a zero divisor, and results beyond the limits."""
    if is_number(left) and is_number(right):
        return _numeric(sign, left, right, limits)
    if sign == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        return left + _within(right, len(left), limits)
    if sign == "*" and isinstance(left, tuple) and isinstance(right, int):
        return _repeated(left, right, limits)
    if sign == "*" and isinstance(right, tuple) and isinstance(left, int):
        return _repeated(right, left, limits)
    raise Unfit("bad-operand", f"`{sign}` cannot join {describe(left)} and {describe(right)}")


def _numeric(sign: str, left: Any, right: Any, limits: Limits) -> Any:
    if sign in ("/", "//", "%") and right == 0:
        raise Unfit("division-by-zero", f"division by zero: `{left} {sign} {right}`")
    if sign == "**":
        if left == 0 and right < 0:
            raise Unfit("division-by-zero", f"division by zero: `0 ** {right}`")
        if isinstance(left, int) and isinstance(right, int) and right > 0:
            if left.bit_length() * right > 4 * (limits.digits + 1) + 64 and abs(left) > 1:
                raise too_many_digits(limits)
    try:
        return bounded(_ARITHMETIC[sign](left, right), limits)
    except OverflowError:
        raise too_many_digits(limits) from None


def bounded(value: Any, limits: Limits) -> Any:
    """A number as it is; raises `Unfit` where it has too many digits or is no finite real number."""
    if isinstance(value, int):
        if value.bit_length() > 3 * limits.digits and abs(value) >= 10**limits.digits:
            raise too_many_digits(limits)
        return value
    if isinstance(value, complex):
        raise Unfit("bad-operand", "the power of a negative number to a fraction is not a real number")
    if not isfinite(value):
        raise too_many_digits(limits)
    return value


def too_many_digits(limits: Limits) -> Unfit:
    """The complaint about a number beyond the limit of digits."""
    return Unfit("limit-digits", f"the number has more than {limits.digits} digits",
                 "a larger limit: `--max-digits N`")


def _repeated(row: tuple[object, ...], times: int, limits: Limits) -> tuple[object, ...]:
    if len(row) * max(times, 0) > limits.elements:
        raise too_many_elements(len(row) * times, limits)
    return row * times


def _within(row: tuple[object, ...], more: int, limits: Limits) -> tuple[object, ...]:
    if len(row) + more > limits.elements:
        raise too_many_elements(len(row) + more, limits)
    return row


def too_many_elements(count: int, limits: Limits) -> Unfit:
    """The complaint about a tuple beyond the limit of elements."""
    return Unfit("limit-elements", f"the tuple would have {count:,} elements; the limit is {limits.elements:,}",
                 "a larger limit: `--max-elements N`")


def compare(sign: str, left: Any, right: Any) -> bool:
    """`left sign right`; raises `Unfit` where the two have no order."""
    if sign == "==":
        return equal(left, right)
    if sign == "!=":
        return not equal(left, right)
    if sign in ("in", "not in"):
        if not isinstance(right, tuple):
            raise Unfit("bad-operand", f"`{sign}` needs a tuple on its right, not {describe(right)}")
        return any(equal(left, item) for item in right) == (sign == "in")
    if (is_number(left) and is_number(right)) or (isinstance(left, tuple) and isinstance(right, tuple)):
        try:
            return _ORDER[sign](left, right)
        except TypeError:
            pass  # tuples whose elements have no order: said below
    raise Unfit("bad-operand", f"`{sign}` cannot compare {describe(left)} with {describe(right)}")


def equal(left: Any, right: Any) -> bool:
    """Equality, where a word equals the same text and on/off equal no number."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return bool(left == right)
