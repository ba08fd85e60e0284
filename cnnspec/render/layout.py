"""Which columns of a table fit a width, and its lines as text with styles; no terminal is needed to know them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis import labels
from cnnspec.analysis.labels import Label, Piece
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render.columns import Column
from cnnspec.render.snippet import visible, width

#: Eighths of a block.
_EIGHTHS = " ▏▎▍▌▋▊▉"
#: Spaces before a line and between columns; the width that tables stretch to.
_MARGIN, _GAP, _USUAL = 2, 2, 80


class Styled(Record):
    """Text, and how it looks: `dim`, `bold`, `bar`, or plain."""

    text: str
    style: str = ""


Line = list[Styled]


class Cells(Record):
    """A column with its texts, row by row; `shares` of the whole where bars are drawn."""

    column: Column
    texts: list[str]
    shares: list[float]
    #: Cells of the terminal that the widest text takes, the title among them.
    width: int

    @property
    def is_label(self) -> bool:
        return self.column.name == "layer"


class Choice(Record):
    """Columns that may be shown: with bars of which scale, and how much room long labels want then."""

    cells: list[Cells]
    scale: int
    room: int


class Slot(Record):
    """A column in its place."""

    cells: Cells
    width: int
    #: Room for the bars behind the texts, and how many blocks the whole takes there.
    bars: int
    scale: int


# ----------------------------------------------------------------------------------------------- cells


def cells(column: Column, summary: Summary, rows: Sequence[tuple[Row, tuple[bool, ...]]]) -> Cells:
    """A column's texts; headings have none but their label."""
    if column.name == "layer":
        return Cells(column, [], [], max(label_width(row, lasts) for row, lasts in rows))
    values = [None if row.children else column.value(summary, row) for row, _ in rows]
    numbers = [value if column.shared and isinstance(value, int | float) else 0 for value in values]
    whole = sum(numbers)
    shares = [number / whole for number in numbers] if whole else []
    texts = ["" if value is None else column.text(value) for value in values]
    if column.name == "output":
        texts = _channels_aligned(texts)
    return Cells(column, texts, shares, max(map(width, [column.title, *texts])))


def _channels_aligned(shapes: list[str]) -> list[str]:
    """Shapes with their channels below each other."""
    parts = [shape.partition("×") for shape in shapes]
    channels = max(len(part[0]) for part in parts)
    extents = max(len(part[1] + part[2]) for part in parts)
    return [first.rjust(channels) + (times + rest).ljust(extents) for first, times, rest in parts]


def bar(share: float, scale: int) -> str:
    """A share as blocks, where the whole takes `scale`: `███▍`; nothing for less than a sixteenth of a block."""
    eighths = round(share * scale * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


# ------------------------------------------------------------------------------------------------ labels


def guide(lasts: tuple[bool, ...]) -> str:
    """The lines of the tree in front of a row."""
    if not lasts:
        return ""
    return "".join("  " if last else "│ " for last in lasts[:-1]) + ("└ " if lasts[-1] else "├ ")


def suffix(row: Row) -> str:
    """What follows a row's label: how often it stands, whether it only trains."""
    times = f" ×{row.count}" if row.count > 1 else ""
    return times if row.runs else f"{times} (training)"


def label_width(row: Row, lasts: tuple[bool, ...]) -> int:
    """Cells that a row's label takes in full."""
    return len(guide(lasts)) + width(visible(labels.text(row.label))) + len(suffix(row))


def label_line(row: Row, lasts: tuple[bool, ...], cells: int) -> Line:
    """A row's label in exactly so many cells, cut where it is longer."""
    before, after = guide(lasts), suffix(row)
    room = max(cells - len(before) - len(after), 1)
    label = shortened(tuple(Piece(visible(piece.text), piece.default) for piece in row.label), room)
    return [Styled(before, "dim"), *(Styled(piece.text, "dim" if piece.default else "") for piece in label),
            Styled(after, "" if row.runs else "dim"), Styled(" " * (room - width(labels.text(label))))]


def shortened(label: Label, room: int) -> Label:
    """A label in at most `room` cells, with `…` for what is missing."""
    if width(labels.text(label)) <= room:
        return label
    kept: list[Piece] = []
    left = room - 1
    for piece in label:
        text = piece.text
        while width(text) > left:
            text = text[:-1]
        kept.append(Piece(text, piece.default))
        left -= width(text)
        if text != piece.text:
            break
    return (*kept, Piece("…"))


# ------------------------------------------------------------------------------------------------- lines


def fitted(choices: Sequence[Choice], room: int | None) -> list[Slot]:
    """The first of the choices that fits the room, else the last one. Tables stretch to 80 columns."""
    slots: list[Slot] = []
    for choice in choices:
        slots = [_slot(cells, choice.scale) for cells in choice.cells]
        if room is None:
            return slots
        longest = max((cells.width for cells in choice.cells if cells.is_label), default=0)
        others = total_width(slots) - longest
        wanted = min(longest, choice.room)
        label = max(wanted, min(longest, room - others), min(room, _USUAL) - others)
        slots = [slot.replace(width=label) if slot.cells.is_label else slot for slot in slots]
        if others + wanted <= room:
            return slots
    return slots


def _slot(cells: Cells, scale: int) -> Slot:
    """A column as wide as it wants to be."""
    blocks = max((len(bar(share, scale)) for share in cells.shares), default=0)
    return Slot(cells, cells.width, blocks + 1 if blocks else 0, scale)


def total_width(slots: Sequence[Slot]) -> int:
    """Cells that a table takes."""
    return _MARGIN + _GAP * (len(slots) - 1) + sum(slot.width + slot.bars for slot in slots)


def table(rows: Sequence[tuple[Row, tuple[bool, ...]]], slots: Sequence[Slot]) -> Iterator[Line]:
    """The titles, and a line for each row; headings are left out where there are no labels."""
    titles: Line = []
    for slot in slots:
        titles += [_gap(titles), Styled(_placed(slot, slot.cells.column.title) + " " * slot.bars, "dim")]
    yield titles
    labelled = any(slot.cells.is_label for slot in slots)
    for at, (row, lasts) in enumerate(rows):
        line: Line = []
        for slot in slots:
            line.append(_gap(line))
            line += label_line(row, lasts, slot.width) if slot.cells.is_label else _cell(slot, at, row)
        if labelled or not row.children:
            yield line


def folded(line: Line, room: int | None) -> Iterator[Line]:
    """A line whose last part goes on below itself where it would be wider than `room` cells, None for any width."""
    *before, last = line or [Styled("")]
    text = last.text.lstrip()
    indent = sum(width(part.text) for part in before) + len(last.text) - len(text)
    if room is None or indent + width(text) <= room:
        yield line
        return
    from textwrap import wrap  # only what is narrow pays for the import

    first, *rest = wrap(text, max(room - indent, 20), break_on_hyphens=False)
    yield [*before, last.replace(text=last.text[:len(last.text) - len(text)] + first)]
    for part in rest:
        yield [Styled(" " * indent), last.replace(text=part)]


def _gap(line: Line) -> Styled:
    return Styled(" " * (_GAP if line else _MARGIN))


def _placed(slot: Slot, text: str) -> str:
    space = " " * (slot.width - width(text))
    return text + space if slot.cells.column.left else space + text


def _cell(slot: Slot, at: int, row: Row) -> Line:
    text = _placed(slot, slot.cells.texts[at])
    line = _shape(text, row.default_extents) if slot.cells.column.name == "output" else [Styled(text)]
    if slot.bars:
        line.append(Styled(f" {bar(slot.cells.shares[at], slot.scale)}".ljust(slot.bars), "bar"))
    return line


def _shape(text: str, defaults: int) -> Line:
    """A shape, as many of its extents dim as are defaults."""
    extents = text.split("×")
    known = "×".join(extents[:defaults])
    return [Styled(known, "dim"), Styled(text[len(known):])] if defaults else [Styled(text)]
