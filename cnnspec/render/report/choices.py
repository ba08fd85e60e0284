"""How much of a network a report's table may show: ever fewer rows, and in words what is folded or left out."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.outline import ALL, Outline, outline
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render.report.nested import Entry, listed, nested

#: Levels that are tried where a row for each layer is too much.
_DEPTHS = (6, 5, 4, 3, 2, 1)
#: Tables are not cut to fewer rows than that.
_FEWEST = 100
_NOTHING = Outline((), 0)
#: Said of what a page does not hold.
_FOLDED = ("--depth {1} has {0:,} rows, more than a page holds. Here they are folded; "
           "`cnnspec summary --depth {1} --format csv` has them all.")
_FIRST = ("These are the first {:,} of {:,} rows, more than a page holds; "
          "`cnnspec summary --format csv` has them all.")


class Rows(Record):
    """The entries of a table, and what to say of those that it lacks."""

    entries: tuple[Entry, ...]
    note: str = ""


def choices(summary: Summary, depth: int | None, most: int) -> Iterator[Rows]:
    """Tables of at most `most` rows, the most detailed first.

    What is open is what a summary of this depth shows; where that is too much, what it shows by itself. Of a network
    that does not fold as far as that, a table has the first rows.
    """
    shown = outline(summary, depth)
    yield from _opening(summary, shown, most)
    if depth is None:
        yield from _cut(shown, most)
    else:
        note = _FOLDED.format(count(shown), "all" if depth == ALL else depth)
        yield from (rows.replace(note=f"{note} {rows.note}".rstrip()) for rows in choices(summary, None, most))


def closed(summary: Summary, most: int) -> Rows:
    """What a summary shows by itself, without anything that opens; of more than `most` rows the first."""
    shown = outline(summary)
    most = max(most, _FEWEST)
    return Rows(nested(shown, _NOTHING)) if count(shown) <= most else next(_cut(shown, most))


def count(shown: Outline) -> int:
    """The rows of an outline, headings included."""
    return sum(1 for _ in shown.walk())


def _opening(summary: Summary, shown: Outline, most: int) -> Iterator[Rows]:
    """An outline with what opens in it, as deep as there is room for; at last without."""
    if count(shown) > most:
        return
    counts: set[int] = set()
    for depth in (ALL, *_DEPTHS):
        deeper = _NOTHING if depth == ALL and len(summary.layers) > most else outline(summary, depth)
        if 0 < count(deeper) <= 2 * most:  # what is shown already need not be there once more
            found = nested(shown, deeper)
            rows = sum(1 for _ in listed(found))
            if rows <= most and rows not in counts:
                counts.add(rows)
                yield Rows(found)
    yield Rows(nested(shown, _NOTHING))


def _cut(shown: Outline, most: int) -> Iterator[Rows]:
    """The first rows of an outline, closed; at first `most`, then three quarters of these, and so on."""
    every, size = count(shown), min(most, len(shown.rows))
    while size >= _FEWEST or (size == len(shown.rows) and most < every):
        if size < every:
            yield Rows(tuple(map(Entry, shown.rows[:size])), _FIRST.format(size, every))
        size = size * 3 // 4
