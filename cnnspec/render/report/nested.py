"""The rows of a report's table: those of the summary, and below each that folds, what is inside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from cnnspec.analysis.outline import Outline
from cnnspec.analysis.rows import Row
from cnnspec.record import Record


class Entry(Record):
    """A row, the rows below it, and whether these are shown before anyone asks."""

    row: Row
    below: tuple[Entry, ...] = ()
    open: bool = False


class Listed(Record):
    """An entry in its place: how many others stand above it."""

    entry: Entry
    level: int


def nested(shallow: Outline, deep: Outline) -> tuple[Entry, ...]:
    """The rows of one outline, each with the rows of a deeper one that show the same layers below it."""
    return tuple(_entry(row, deep.rows) for row in shallow.rows)


def listed(entries: Iterable[Entry], level: int = 0) -> Iterator[Listed]:
    """Every entry, in order."""
    for entry in entries:
        yield Listed(entry, level)
        yield from listed(entry.below, level + 1)


def _entry(row: Row, deep: tuple[Row, ...]) -> Entry:
    if row.children:
        return Entry(row, tuple(_entry(child, deep) for child in row.children), open=True)
    layers = frozenset(row.indices)
    inside = tuple(_within(deep, layers))
    if sum(1 for _ in chain.from_iterable(one.indices for one in inside)) != len(layers):
        return Entry(row)  # a deeper row reaches beyond this one
    while len(inside) == 1 and inside[0].children:
        inside = inside[0].children  # the same again, opened
    return Entry(row, tuple(map(_closed, inside)) if len(inside) > 1 else ())


def _closed(row: Row) -> Entry:
    return Entry(row, tuple(map(_closed, row.children)))


def _within(rows: tuple[Row, ...], layers: frozenset[int]) -> Iterator[Row]:
    """The outermost rows that show nothing but these layers."""
    for row in rows:
        if layers.issuperset(row.indices):
            yield row
        elif not layers.isdisjoint(row.indices):
            yield from _within(row.children, layers)
