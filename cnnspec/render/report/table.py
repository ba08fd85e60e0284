"""The layers as an HTML table that is complete as it stands; the script of the page folds and sorts it."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import svg
from cnnspec.render.columns import COLUMNS, Column, Value
from cnnspec.render.layout import suffix
from cnnspec.render.report.nested import Entry, Listed, listed
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element, quoted

#: Bars of fewer percent of the longest are left out: they are less than half a pixel.
_LEAST = 1


class Below(Record):
    """A row below the layers: its name, and texts by the names of columns."""

    name: str
    texts: dict[str, str]


def layer_table(summary: Summary, entries: Sequence[Entry], columns: Sequence[Column],
                below: Sequence[Below] = ()) -> str:
    """A table with a row for each entry, whose first column is the label; rows that open say so by their class."""
    most = {column.name: _most(summary, entries, column) for column in columns if column.shared}
    head = element("tr", element("th", "layer", scope="col"), *(
        element("th", quoted(column.title), scope="col", title=column.doc, class_=_class(column))
        for column in columns))
    rows = "\n".join(_row(summary, one, columns, most) for one in listed(entries))
    foot = "".join(_below(row, columns) for row in below)
    return element(
        "table", element("thead", head), f"\n<tbody>\n{rows}\n</tbody>\n", element("tfoot", foot) if foot else "",
        class_="layers", aria_label=f"layers of {visible(summary.name)}")


def _most(summary: Summary, entries: Sequence[Entry], column: Column) -> float:
    """The most that a row is worth, of those that are shown at first and not open: it has the longest bar."""
    values = (_most(summary, entry.below, column) if entry.open else _value(summary, entry.row, column)
              for entry in entries)
    return max((value for value in values if isinstance(value, int | float)), default=0)


def _value(summary: Summary, row: Row, column: Column) -> Value:
    """What a row is worth, headings included."""
    return column.value(summary, row.replace(children=()) if row.children else row)


def _row(summary: Summary, one: Listed, columns: Sequence[Column], most: dict[str, float]) -> str:
    row = one.entry.row
    values = [_value(summary, row, column) for column in columns]
    texts = ["" if value is None else column.text(value).strip() for column, value in zip(columns, values, strict=True)]
    cells = [_cell(row, column, value, text, most)
             for column, value, text in zip(columns, values, texts, strict=True)]
    group = "group open" if one.entry.open else "group" if one.entry.below else None
    path = str(COLUMNS["path"].value(summary, row))
    exact = ",".join(_exact(value, text) for value, text in zip(values, texts, strict=True)).rstrip(",")
    return element("tr", element("th", label(row), scope="row", data_path=visible(path)), *cells, class_=group,
                   data_layers=svg.layers(row), data_l=one.level or None, data_v=f",{exact}" if exact else None)


def label(row: Row) -> str:
    """A row's name; what the spec leaves out is quiet."""
    pieces = (quoted(visible(piece.text)) for piece in row.label)
    marked = (element("i", text) if piece.default else text for piece, text in zip(row.label, pieces, strict=True))
    return "".join(marked) + quoted(suffix(row))


def _cell(row: Row, column: Column, value: Value, text: str, most: dict[str, float]) -> str:
    longest = most.get(column.name)
    length = 100 * value / longest if longest and isinstance(value, int | float) else 0.0
    shown = _shape(text, row.default_extents) if column.name == "output" else quoted(text)
    return element("td", shown, class_=_class(column),
                   style=f"--b:{length:.3g}" if length >= _LEAST else None)


def _class(column: Column) -> str | None:
    return "left" if column.left else "share" if column.shared else None


def _shape(text: str, defaults: int) -> str:
    """A shape, as many of its extents quiet as are defaults."""
    extents = text.split("×")
    known = "×".join(extents[:defaults])
    return element("i", quoted(known)) + quoted(text[len(known):]) if defaults else quoted(text)


def _exact(value: Value, text: str) -> str:
    """What to sort a cell by, where its text does not say it."""
    if not text or not isinstance(value, int | float) or f"{value}" == text.replace(",", ""):
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _below(row: Below, columns: Sequence[Column]) -> str:
    cells = (element("td", quoted(row.texts.get(column.name, "").strip()), class_=_class(column))
             for column in columns)
    return element("tr", element("th", quoted(row.name), scope="row"), *cells)
