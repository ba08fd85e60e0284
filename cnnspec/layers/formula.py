"""Arithmetic that can show itself: a term knows its value, its symbols and its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from cnnspec.record import Record

#: Precedence of what a term is at its top: a sum, a product, an atom.
SUM, PRODUCT, ATOM = 0, 1, 2


class Term(Record):
    """A whole-number expression, with its text in symbols and in numbers: `C_out·(C_in + 1)`, `96·(3 + 1)`."""

    value: int
    symbols: str
    numbers: str
    level: int = ATOM

    def __add__(self, other: Term | int) -> Term:
        return self._join(" + ", term(other), SUM, lambda a, b: a + b)

    def __sub__(self, other: Term | int) -> Term:
        return self._join(" − ", term(other), SUM, lambda a, b: a - b)

    def __mul__(self, other: Term | int) -> Term:
        return self._join("·", term(other), PRODUCT, lambda a, b: a * b)

    def __rmul__(self, other: int) -> Term:
        return term(other) * self

    def __truediv__(self, other: Term | int) -> Term:
        """The quotient, rounded down; the text shows `⌊…⌋` where that matters."""
        bottom = term(other)
        return self._quotient(bottom, "⌊", "⌋", self.value // bottom.value)

    def ceil_div(self, other: Term | int) -> Term:
        """The quotient, rounded up."""
        bottom = term(other)
        return self._quotient(bottom, "⌈", "⌉", -(-self.value // bottom.value))

    def _quotient(self, bottom: Term, left: str, right: str, value: int) -> Term:
        symbols = f"{self._in(PRODUCT)[0]}/{bottom._in(ATOM)[0]}"
        numbers = f"{self._in(PRODUCT)[1]}/{bottom._in(ATOM)[1]}"
        if self.value % bottom.value:
            return Term(value, f"{left}{symbols}{right}", f"{left}{numbers}{right}")
        return Term(value, symbols, numbers, PRODUCT)

    def _join(self, sign: str, other: Term, level: int, compute: Callable[[int, int], int]) -> Term:
        # the right side of a minus needs brackets around a sum
        mine, theirs = self._in(level), other._in(PRODUCT if sign == " − " else level)
        return Term(compute(self.value, other.value), mine[0] + sign + theirs[0], mine[1] + sign + theirs[1], level)

    def _in(self, level: int) -> tuple[str, str]:
        if self.level >= level:
            return self.symbols, self.numbers
        return f"({self.symbols})", f"({self.numbers})"


def sym(name: str, value: int) -> Term:
    """A named quantity, such as `C_out`."""
    return Term(value, name, f"{value}")


def term(value: Term | int) -> Term:
    """A number as a term; a term as it is."""
    return value if isinstance(value, Term) else Term(value, f"{value}", f"{value}")


def times(factors: list[Term]) -> Term:
    """The product of some terms; 1 for none."""
    result = factors[0] if factors else term(1)
    for factor in factors[1:]:
        result = result * factor
    return result


class Formula(Record):
    """One line of `explain`: a quantity and how it comes about."""

    EXTENT: ClassVar[str] = "output"
    PARAMS: ClassVar[str] = "parameters"
    MACS: ClassVar[str] = "MACs"

    quantity: str
    term: Term
    #: Which axis (`H`) or tensor an extent formula speaks of.
    about: str = ""
