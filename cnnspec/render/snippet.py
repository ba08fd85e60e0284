"""A line of source with what is to be said about it: signs under the places, texts beneath the signs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnspec.record import Record

#: Cells of a source line that are shown; a longer line is cut around its marks.
WIDEST = 120
#: Characters of a message that are shown.
LONGEST = 1000
#: Cells that a tab takes, wherever it stands.
TAB = "    "
#: Cells between two texts in one row.
_GAP = 2

#: A piece of a row: the cell where it begins, its text, its style.
Piece = tuple[int, str, str]


class Mark(Record):
    """A place on a line, in characters from 0, with the sign that underlines it and the text beneath."""

    start: int
    end: int
    sign: str
    style: str
    text: str = ""


def excerpt(line: str, marks: Sequence[Mark], widest: int = WIDEST) -> tuple[str, list[list[Piece]]]:
    """The line as it is shown, and the rows beneath it: the signs, then the texts."""
    shown, placed = _cut(line, marks, widest)
    return shown, [_signs(placed), *_texts(placed)]


def visible(text: str) -> str:
    """Text without characters that a terminal would act on, cut where it is longer than anybody reads."""
    return "".join(map(_character, text if len(text) <= LONGEST else f"{text[:LONGEST]}…"))


def width(text: str) -> int:
    """Cells that a text takes: wide characters (CJK) take two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _character(character: str) -> str:
    if character == "\t":
        return TAB
    if character.isprintable():
        return character
    if character < " ":
        return chr(0x2400 + ord(character))  # its picture: ␀ for NUL
    return "\u2421" if character == "\x7f" else "\ufffd"


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    from unicodedata import category, east_asian_width  # only for text beyond ASCII

    if category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if east_asian_width(character) in ("W", "F") else 1


def _cut(line: str, marks: Sequence[Mark], widest: int) -> tuple[str, list[Mark]]:
    """The part of a line around its marks, `…` for what is left out, and the marks in cells of that part."""
    begin, end = _around(marks, len(line), widest)
    characters = [_character(character) for character in line[begin:end]]
    columns = [0]
    for character in characters:
        columns.append(columns[-1] + width(character))
    placed = [_in_cells(mark, columns, begin) for mark in marks]
    if columns[-1] <= widest and begin == 0 and end == len(line):
        return "".join(characters), placed
    first = _window(placed, columns[-1], widest)
    inside = [i for i in range(len(characters)) if columns[i] >= first and columns[i + 1] <= first + widest]
    left, right = columns[inside[0]], columns[inside[-1] + 1]
    before = "…" if begin + inside[0] else ""
    after = "…" if begin + inside[-1] + 1 < len(line) else ""
    text = before + "".join(characters[inside[0] : inside[-1] + 1]) + after
    return text, [_clipped(mark, left, right, len(before) - left) for mark in placed]


def _around(marks: Sequence[Mark], length: int, widest: int) -> tuple[int, int]:
    """The characters of a very long line that are worth a closer look: those near its marks."""
    low, high = min(mark.start for mark in marks), max(mark.end for mark in marks)
    if high - low > widest:
        low, high = marks[0].start, marks[0].start + widest
    return max(0, min(low, length) - widest), min(length, high + widest)


def _in_cells(mark: Mark, columns: list[int], begin: int) -> Mark:
    """A mark in cells; `columns` are those of the characters from `begin` on. It may end behind the last one."""
    last = len(columns) - 1

    def cell(character: int) -> int:
        return columns[min(max(character - begin, 0), last)] + min(max(0, character - begin - last), 1)

    start = cell(mark.start)
    return Mark(start, max(cell(mark.end), start + 1), mark.sign, mark.style, mark.text)


def _window(placed: Sequence[Mark], length: int, widest: int) -> int:
    """The first cell to show: all marks are seen where they fit, else the first one."""
    low, high = min(mark.start for mark in placed), max(mark.end for mark in placed)
    if high - low > widest:
        low, high = placed[0].start, min(placed[0].end, placed[0].start + widest)
    return max(0, min(low - (widest - (high - low)) // 3, length - widest))


def _clipped(mark: Mark, begin: int, end: int, shift: int) -> Mark:
    """A mark moved into the part that is shown; one outside stands at its edge, under the `…`."""
    start = min(max(mark.start, begin - 1), end)
    stop = max(min(mark.end, end + 1), start + 1)
    return Mark(max(start + shift, 0), max(stop + shift, 1), mark.sign, mark.style, mark.text)


def _signs(marks: Sequence[Mark]) -> list[Piece]:
    """The row of signs; where places overlap, the first mark's are seen."""
    cells: dict[int, Mark] = {}
    for mark in reversed(marks):
        cells.update(dict.fromkeys(range(mark.start, mark.end), mark))
    row: list[Piece] = []
    for cell in sorted(cells):
        mark = cells[cell]
        if row and row[-1][0] + len(row[-1][1]) == cell and row[-1][1][0] == mark.sign and row[-1][2] == mark.style:
            start, signs, style = row[-1]
            row[-1] = start, signs + mark.sign, style
        else:
            row.append((cell, mark.sign, mark.style))
    return row


def _texts(marks: Iterable[Mark]) -> list[list[Piece]]:
    """The rows of texts: each under the beginning of its place, further down where another is in the way."""
    rows: list[list[Piece]] = []
    for mark in sorted((mark for mark in marks if mark.text), key=lambda mark: -mark.start):
        text = visible(mark.text)
        end = mark.start + width(text) + _GAP
        level = next((i for i, row in enumerate(rows) if end <= row[0][0]), len(rows))
        for row in rows[:level]:
            if row[0][0] > mark.start:  # the line that leads down to the text
                row.insert(0, (mark.start, "|", mark.style))
        if level == len(rows):
            rows.append([])
        rows[level].insert(0, (mark.start, text, mark.style))
    return rows
