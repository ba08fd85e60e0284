"""How much one elaboration may still do: turns, elements of tuples, digits of numbers."""

from __future__ import annotations

from cnnspec.diagnostics import Diagnostic
from cnnspec.graph.operators import too_many_elements
from cnnspec.graph.problem import Stop
from cnnspec.limits import Limits
from cnnspec.source import Span

#: Elements of tuples that cost as much as one turn.
ELEMENTS_PER_TURN = 64


class Budget:
    """Counts what expansion does and stops it, with a named limit, where it would run away."""

    __slots__ = ("depth", "limits", "turns")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.turns = 0
        #: Levels of steps and expressions that are being expanded, one within the other.
        self.depth = 0

    def turn(self, span: Span, count: int = 1) -> None:
        """Account for turns of loops, repeats and calls."""
        self.turns += count
        if self.turns > self.limits.turns:
            raise Stop(limit_turns(self.turns, self.limits, span))

    def checked(self, row: tuple[object, ...], span: Span) -> tuple[object, ...]:
        """A tuple as it is, if all that it holds, counted through every level, is within the limit."""
        held = weight(row, self.limits.elements)
        if held > self.limits.elements:
            raise too_many_elements(held, self.limits)
        self.turn(span, held // ELEMENTS_PER_TURN)
        return row


def weight(value: object, limit: int) -> int:
    """Elements of a tuple through all its levels; stops counting above `limit`."""
    if not isinstance(value, tuple):
        return 1
    total = len(value)
    for item in value:
        if isinstance(item, tuple):
            total += weight(item, limit)
            if total > limit:
                break
    return total


def limit_turns(turns: int, limits: Limits, span: Span) -> Diagnostic:
    """The message for too many turns."""
    return Diagnostic("limit-turns", f"this makes at least {turns:,} turns of loops, repeats and calls; "
                      f"the limit is {limits.turns:,}", span, help="a larger limit: `--max-turns N`")


def limit_layers(layers: int, limits: Limits, span: Span) -> Diagnostic:
    """The message for too many layers."""
    return Diagnostic("limit-layers", f"this makes at least {layers:,} layers; the limit is {limits.layers:,}",
                      span, help="a larger limit: `--max-layers N`")
