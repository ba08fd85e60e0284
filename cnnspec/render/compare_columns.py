"""Networks side by side: a column for each, a measure per row, and below a stage per row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cnnspec.analysis.lineup_stages import Part, Stage
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.compare_text import (
    DOMINATED,
    MARK,
    Shown,
    front_title,
    part_shape,
    place,
    ratio,
    resolution,
    value,
    wrapped,
)
from cnnspec.render.layout import Line, Styled, bar
from cnnspec.render.snippet import width

#: Cells between networks, and blocks that the whole of a network takes in a bar.
_GAP, _SCALE = 3, 5
#: Cells behind a number for the mark of the best; of a name's line, beyond which it is parted.
_MARK, _NAME = 2, 12


class Cell(Record):
    """What a row says of a network: a number, what stands beside it, and whether it is the best."""

    text: str
    aside: str = ""
    best: bool = False
    style: str = ""


class Row(Record):
    """A line of the table."""

    title: str
    cells: tuple[Cell, ...]


def rows(shown: Shown, *, ratios: bool, full: bool) -> list[Row]:
    """A row for each measure; with ratios, and those in full."""
    found = []
    places = range(len(shown.lineup.entrants))
    for measure in shown.measures:
        best = measure.best
        found.append(Row(measure.title, tuple(
            Cell(value(measure, at), ratio(measure, at, full=full) if ratios else "", at in best) for at in places)))
    if shown.front is not None:
        texts = [place(shown.front, at) for at in places]
        found.append(Row(front_title(shown.front),
                         tuple(Cell(text, style="dim" if text == DOMINATED else "") for text in texts)))
    return found


class Table(Record):
    """Rows with the widths of their columns."""

    rows: tuple[Row, ...]
    names: tuple[tuple[str, ...], ...]
    label: int
    #: Of each network, cells of the numbers, of what stands beside them, and of all.
    numbers: tuple[int, ...]
    asides: tuple[int, ...]
    wholes: tuple[int, ...]

    @property
    def width(self) -> int:
        """Cells that a line takes."""
        return self.label + sum(_GAP + whole for whole in self.wholes)


def measured(shown: Shown, *, ratios: bool, full: bool, below: bool) -> Table:
    """The table of the measures, as wide as it wants to be; `below` keeps numbers below the ends of long names."""
    lines = rows(shown, ratios=ratios, full=full)
    places = range(len(shown.lineup.entrants))
    numbers = [max(width(row.cells[at].text) for row in lines) for at in places]
    asides = [max(width(row.cells[at].aside) for row in lines) for at in places]
    names = [wrapped(name, max(number, _NAME)) for name, number in zip(shown.lineup.names, numbers, strict=True)]
    if below:
        numbers = [max(number, *map(width, name)) for number, name in zip(numbers, names, strict=True)]
    own = [number + _MARK + (1 + aside if aside else 0) for number, aside in zip(numbers, asides, strict=True)]
    wholes = [max(whole, *map(width, name)) for whole, name in zip(own, names, strict=True)]
    return Table(tuple(lines), tuple(map(tuple, names)), max(width(row.title) for row in lines), tuple(numbers),
                 tuple(asides), tuple(wholes))


def drawn(table: Table) -> Iterator[Line]:
    """The names above, then the rows."""
    yield from _names(table.names, table.label, table.wholes, table.numbers)
    for row in table.rows:
        line = [Styled(row.title + " " * (table.label - width(row.title)), "dim")]
        for cell, number, aside, whole in zip(row.cells, table.numbers, table.asides, table.wholes, strict=True):
            mark = f" {MARK}" if cell.best else " " * _MARK
            beside = f" {cell.aside}" if aside else ""
            rest = whole - number - _MARK - width(beside)
            line += [Styled(" " * (_GAP + number - width(cell.text))),
                     Styled(cell.text, "good" if cell.best else cell.style), Styled(mark, "good"),
                     Styled(beside + " " * rest, "dim")]
        yield line


def _names(names: Sequence[Sequence[str]], label: int, wholes: Sequence[int], numbers: Sequence[int]) -> Iterator[Line]:
    """The networks' names, each line ending above the numbers' ends, or from the block's begin where it is longer."""
    height = max(map(len, names))
    for at in range(height):
        line = [Styled(" " * label)]
        for name, whole, number in zip(names, wholes, numbers, strict=True):
            lines = [""] * (height - len(name)) + [*name]
            text = " " * (number - width(lines[at])) + lines[at]
            line += [Styled(" " * _GAP), Styled(text + " " * (whole - width(text)), "bold")]
        yield line


# ------------------------------------------------------------------------------------------------- stages


class Figure(Record):
    """A column of a stage table: of each network one."""

    title: str
    text: Callable[[Part], str]
    #: What a bar shows each stage's share of.
    number: Callable[[Part], int] | None = None


_SHAPE = Figure("output", part_shape)
_LAYERS = Figure("layers", lambda part: units.count(part.layers))
_PARAMS = Figure("params", lambda part: units.scaled(part.params), lambda part: part.params)
_MACS = Figure("MACs", lambda part: units.scaled(part.macs), lambda part: part.macs)
_ACTIVATIONS = Figure("activations", lambda part: units.size(part.activation_bytes), lambda part: part.activation_bytes)

#: What may be shown of each network, and whether with bars; the fullest first.
STAGE_CHOICES = (
    ((_SHAPE, _LAYERS, _PARAMS, _MACS, _ACTIVATIONS), True), ((_SHAPE, _PARAMS, _MACS, _ACTIVATIONS), False),
    ((_SHAPE, _PARAMS, _MACS), True), ((_SHAPE, _PARAMS, _MACS), False),
    ((_SHAPE, _MACS), True), ((_SHAPE, _MACS), False), ((_MACS,), True), ((_MACS,), False),
)


def staged(shown: Shown, room: int | None) -> list[Line]:
    """The stages, with as much of each as there is room for; nothing where there is none."""
    for figures, bars in STAGE_CHOICES:
        lines = _stage_table(shown, figures, bars=bars)
        if room is None or all(sum(width(part.text) for part in line) <= room for line in lines):
            return lines
    return []


def _stage_table(shown: Shown, figures: Sequence[Figure], *, bars: bool) -> list[Line]:
    stages = shown.lineup.stages
    blocks = [_block([stage.parts[at] for stage in stages], figures, bars=bars)
              for at in range(len(shown.lineup.entrants))]
    wide = [max(sum(width(part.text) for part in line) for line in block) for block in blocks]
    names = [wrapped(name, max(whole, _NAME)) for name, whole in zip(shown.lineup.names, wide, strict=True)]
    wholes = [max(whole, *map(width, name)) for whole, name in zip(wide, names, strict=True)]
    label = max(map(width, ["stage", *map(resolution, stages)]))
    lines = [*_names(names, label, wholes, wide if len(figures) == 1 and not bars else [0] * len(names))]
    for at, title in enumerate(["stage", *map(resolution, stages)]):
        line = [Styled(title.ljust(label), "dim")]
        for block, whole in zip(blocks, wholes, strict=True):
            rest = whole - sum(width(part.text) for part in block[at])
            line += [Styled(" " * _GAP), *block[at], Styled(" " * rest)]
        lines.append(line)
    return lines


def _block(parts: Sequence[Part | None], figures: Sequence[Figure], *, bars: bool) -> list[Line]:
    """One network's columns: the titles, then a line for each stage."""
    columns = [_column(parts, figure, bars=bars) for figure in figures]
    lines: list[Line] = []
    for at in range(len(parts) + 1):
        line: Line = []
        for column in columns:
            line += [*([Styled("  ")] if line else []), *column[at]]
        lines.append(line)
    return lines


def _column(parts: Sequence[Part | None], figure: Figure, *, bars: bool) -> list[Line]:
    """A figure of one network: its title, and its texts with bars behind them, all of one width."""
    texts = ["" if part is None else figure.text(part) for part in parts]
    if figure is _SHAPE:
        texts = _channels_aligned(texts)
    drawn = [""] * len(parts)
    if bars and figure.number is not None:
        numbers = [0 if part is None else figure.number(part) for part in parts]
        drawn = [bar(number / (sum(numbers) or 1), _SCALE) for number in numbers]
    room, behind = max(map(width, [figure.title, *texts])), max(map(len, drawn))
    behind += 1 if behind else 0
    title = figure.title.rjust(room) + " " * behind
    return [[Styled(title, "dim")], *([Styled(" " * (room - width(text)) + text),
                                      Styled(f" {one}".ljust(behind) if behind else "", "bar")]
                                     for text, one in zip(texts, drawn, strict=True))]


def _channels_aligned(shapes: Sequence[str]) -> list[str]:
    """Shapes with their extents below each other; flat ones have none."""
    extents = max(width(shape) - width(shape.partition("×")[0]) for shape in shapes)
    parts = [shape.partition("×") for shape in shapes]
    return [first + (sign + rest).ljust(extents) if sign else first for first, sign, rest in parts]


def stage_cells(stages: Sequence[Stage], at: int) -> list[str]:
    """What each stage of a network is in a few words: output, parameters and MACs."""
    return ["" if part is None else ", ".join(figure.text(part) for figure in (_SHAPE, _PARAMS, _MACS))
            for part in (stage.parts[at] for stage in stages)]
