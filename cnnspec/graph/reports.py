"""The mistakes of one expansion: each once, and of a loop's turns only what does not follow from an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from cnnspec.diagnostics import Diagnostic, Label
from cnnspec.grammar import ast

T = TypeVar("T")

#: What is wrong in the same way at the same place of the text, whichever value is to blame.
Kind = tuple[object, ...]

#: What is wrong with a value whatever came before.
_NEVER_FOLLOW = frozenset(("bad-argument",))


class Reports:
    """Hears every mistake, and keeps those that are worth a message."""

    def __init__(self) -> None:
        self.kept: list[Diagnostic] = []
        #: How many were heard, each time that they happened.
        self.count = 0
        self._kinds: list[Kind] = []
        self._keys: set[object] = set()
        #: The kinds in the turns that are going on, innermost loop last.
        self._turns: list[set[Kind]] = []
        #: The kinds in the first turn that had any, of the loops that are past that turn.
        self._first: list[set[Kind]] = []

    def hear(self, diagnostic: Diagnostic) -> bool:
        """Count a mistake; whether it is to be kept."""
        self.count += 1
        kind = _kind(diagnostic)
        for turn in self._turns:
            turn.add(kind)
        follows = diagnostic.code not in _NEVER_FOLLOW and not all(kind in first for first in self._first)
        if diagnostic.key in self._keys or follows:
            return False
        self._keys.add(diagnostic.key)
        return True

    def keep(self, diagnostic: Diagnostic) -> None:
        self.kept.append(diagnostic)
        self._kinds.append(_kind(diagnostic))

    def once(self, turns: Iterable[T], target: ast.Target | None = None) -> Iterator[T]:
        """The turns of a loop. After one with mistakes, further turns may only repeat those, of other elements; what
        else goes wrong in them follows from the first.

        A mistake that every turn makes lies in what they have in common: the `target` that the elements are bound to.
        """
        begin, first, always, number = len(self.kept), None, None, 0
        try:
            for turn in turns:
                kinds: set[Kind] = set()
                self._turns.append(kinds)
                try:
                    yield turn
                finally:
                    _drop(self._turns, kinds)
                number += 1
                always = kinds if always is None else always & kinds
                if kinds and first is None:
                    first = kinds
                    self._first.append(first)
        finally:
            if first is not None:
                _drop(self._first, first)
        if always and number > 1 and target is not None:
            self._join(begin, always, target)

    def _join(self, begin: int, kinds: set[Kind], target: ast.Target) -> None:
        """Make one message of those since `begin` that are of one of some kinds, at the loop's target."""
        for kind in kinds:
            same = [index for index in range(begin, len(self.kept)) if self._kinds[index] == kind]
            if len(same) > 1:
                first = self.kept[same[0]]
                label = (Label(first.span, "the first of them"),) if first.span is not None else ()
                self.kept[same[0]] = first.replace(span=target.span, label="in every turn", labels=first.labels + label)
                for index in reversed(same[1:]):
                    del self.kept[index], self._kinds[index]


def _drop(loops: list[set[Kind]], kinds: set[Kind]) -> None:
    """Take the very set out, not one that is equal."""
    loops[:] = [other for other in loops if other is not kinds]


def _kind(diagnostic: Diagnostic) -> Kind:
    return diagnostic.code, diagnostic.labels[0].span if diagnostic.labels else diagnostic.span
