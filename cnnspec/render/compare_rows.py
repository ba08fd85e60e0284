"""Many networks below each other: a row for each, its measures in columns, the most important where room is scarce."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.lineup_measures import ANALYTIC, Measure
from cnnspec.record import Record
from cnnspec.render.compare_text import DOMINATED, MARK, Shown, place, value, wrapped
from cnnspec.render.layout import Line, Styled
from cnnspec.render.snippet import visible, width

#: Cells between columns, of which the mark of the best takes one.
_GAP = 2
#: Cells of a title's line, beyond which it is parted; of a network's name on a terminal.
_TITLE, _NAME = 9, 26

#: The measures in the order in which they are dropped, the last first. What is measured or predicted comes after MACs.
_IMPORTANT = ("params", "macs", "", "inference_peak", "rf", "training_peak", "depth", "weights", "intensity", "flops",
              "activations", "weight_layers", "input", "output")


class Column(Record):
    """A measure with its texts."""

    title: tuple[str, ...]
    texts: tuple[str, ...]
    best: frozenset[int]
    width: int


def table(shown: Shown, room: int | None) -> list[Line]:
    """The titles, and a row for each network."""
    names = [visible(name) for name in shown.lineup.names]
    widest = max(map(width, names))
    label = widest if room is None else min(widest, max(_NAME, room // 4))
    columns = _fitting(shown, None if room is None else room - label)
    if shown.front is not None:
        columns.append(_front_column(shown))
    return [*_titles(columns, label), *_lines(shown, names, columns, label)]


def _fitting(shown: Shown, room: int | None) -> list[Column]:
    """As many columns as there is room for, in the order of the lineup."""
    if shown.chosen:
        return [_column(measure, len(shown.lineup.entrants)) for measure in shown.chosen]
    made = [(measure, _column(measure, len(shown.lineup.entrants))) for measure in shown.lineup.measures]
    if room is None:
        return [column for _, column in made]
    left = room - (_GAP + len(DOMINATED) if shown.front else len(MARK))  # the last one's mark stands in no gap
    kept: list[Column] = []
    for _, column in sorted(made, key=lambda pair: _rank(pair[0], shown)):
        if left < _GAP + column.width and kept:
            break
        kept.append(column)
        left -= _GAP + column.width
    return [column for _, column in made if any(column is one for one in kept)]


def _rank(measure: Measure, shown: Shown) -> tuple[bool, int]:
    """What the networks are sorted and judged by comes first."""
    asked = measure == shown.sorted_by or (shown.front is not None and measure in shown.front.measures)
    return not asked, _IMPORTANT.index(measure.name if measure.name in ANALYTIC else "")


def _column(measure: Measure, count: int) -> Column:
    texts = tuple(value(measure, index) for index in range(count))
    title = tuple(wrapped(measure.title, _TITLE))
    return Column(title, texts, frozenset(measure.best), max(map(width, [*title, *texts])))


def _front_column(shown: Shown) -> Column:
    assert shown.front is not None  # asked for where there is one
    texts = tuple(place(shown.front, index) for index in range(len(shown.lineup.entrants)))
    return Column(("",), texts, frozenset(), len(DOMINATED))


def _titles(columns: Sequence[Column], label: int) -> Iterator[Line]:
    height = max(len(column.title) for column in columns)
    for at in range(height):
        line = [Styled(("network" if at == height - 1 else "").ljust(label), "dim")]
        for column in columns:
            title = [""] * (height - len(column.title)) + [*column.title]
            line.append(Styled(" " * (_GAP + column.width - width(title[at])) + title[at], "dim"))
        yield line


def _lines(shown: Shown, names: Sequence[str], columns: Sequence[Column], label: int) -> Iterator[Line]:
    for index, name in enumerate(names):
        dominated = shown.front is not None and bool(shown.front.dominated[index])
        plain = "dim" if dominated else ""
        line = [Styled(_cut(name, label), plain)]
        mark = ""
        for column in columns:
            space = " " * (_GAP - len(mark) + column.width - width(column.texts[index]))
            best = index in column.best
            line += [Styled(mark, "good"), Styled(space), Styled(column.texts[index], "good" if best else plain)]
            mark = MARK if best else ""
        yield [*line, Styled(mark, "good")]


def _cut(name: str, room: int) -> str:
    """A name in so many cells."""
    if width(name) > room:
        while width(name) > room - 1:
            name = name[:-1]
        name += "…"
    return name + " " * (room - width(name))
