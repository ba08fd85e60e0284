"""A summary as HTML for notebooks: its drawing, and the rows of the terminal's table, which open at a click."""

from __future__ import annotations

from html import escape

from cnnspec.analysis.outline import outline
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.columns import Column, columns
from cnnspec.render.draw import svg
from cnnspec.render.layout import Line, bar, suffix
from cnnspec.render.totals import conventions, remarks, totals

#: Levels that can be opened beyond the ones that are open, for networks of at most so many layers.
_LEVELS, _MOST_LAYERS = 2, 2000

_STYLE = """
.cnnspec { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; color: #1f2328; max-width: 62em; }
.cnnspec .drawing { max-height: 32em; overflow: auto; text-align: center; margin: .5em 0; }
.cnnspec .row { display: grid; grid-template-columns: minmax(18em, 1fr) 9em 12em 12em 5em; gap: 0 1em;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.cnnspec .row > * { text-align: right; overflow: hidden; text-overflow: ellipsis; }
.cnnspec .row > :first-child { text-align: left; }
.cnnspec .quiet { color: #6e7781; }
.cnnspec .bar { color: #0969da; display: inline-block; width: 5em; text-align: left; }
.cnnspec summary { cursor: pointer; list-style: none; }
.cnnspec summary::-webkit-details-marker { display: none; }
.cnnspec summary .row > :first-child::before { content: "▸ "; color: #6e7781; }
.cnnspec details[open] > summary .row > :first-child::before { content: "▾ "; }
.cnnspec details[open] > summary .row > :not(:first-child) { visibility: hidden; }
@media (prefers-color-scheme: dark) { .cnnspec { color: #e6edf3; } .cnnspec .quiet { color: #8b949e; }
  .cnnspec .bar { color: #58a6ff; } }
"""


def summary_html(summary: Summary) -> str:
    """A self-contained fragment: no scripts, nothing loaded from elsewhere, light or dark as the reader's system is."""
    shown = outline(summary)
    shut = shown
    if len(summary.layers) <= _MOST_LAYERS and shown.depth >= 0:
        shut = outline(summary, shown.depth + _LEVELS)
    opened = {row.layers for row, _ in shown.walk() if row.children}
    table = columns("layer", "output", "params", "macs", "rf")
    head = "".join(f'<span class="quiet">{escape(column.title)}</span>' for column in table)
    rows = "".join(_row(summary, row, table, opened, 0) for row in shut.rows)
    facts = [*totals(summary, None, 80), *conventions(summary, None, None), *remarks(summary, None)]
    below = "".join(f"<div>{_line(line)}</div>" for line in facts)
    return (f'<div class="cnnspec"><style>{_STYLE}</style><div><b>{escape(summary.name)}</b> {_head(summary)}</div>'
            f'<div class="drawing">{svg(summary, standalone=False)}</div>'
            f'<div class="row">{head}</div>{rows}<br>{below}</div>')


def _head(summary: Summary) -> str:
    inputs = ", ".join(f"{name} {units.shape(shape)}" for name, shape in summary.inputs.items())
    facts = f"{inputs}, batch {summary.batch}, {units.dtype(summary.dtype)}"
    return f'<span class="quiet">{escape(facts)}</span>'


def _row(summary: Summary, row: Row, table: tuple[Column, ...], opened: set[tuple[range, ...]], level: int) -> str:
    """A row; one that others stand below is a `details` element, with sums while it is closed."""
    closed = row if not row.children else row.replace(children=())
    cells = "".join(_cell(summary, closed, column) for column in table[1:])
    label = "".join(f'<span class="quiet">{escape(piece.text)}</span>' if piece.default else escape(piece.text)
                    for piece in row.label) + escape(suffix(row))
    line = f'<div class="row"><span style="padding-left:{level * 1.5:g}em">{label}</span>{cells}</div>'
    if not row.children:
        return line
    state = " open" if row.layers in opened else ""
    below = "".join(_row(summary, child, table, opened, level + 1) for child in row.children)
    return f"<details{state}><summary>{line}</summary>{below}</details>"


def _cell(summary: Summary, row: Row, column: Column) -> str:
    value = column.value(summary, row)
    text = "" if value is None else column.text(value)
    if not column.shared:
        return f"<span>{escape(text)}</span>"
    whole = {"params": summary.totals.params, "macs": summary.totals.macs}[column.name]
    share = bar(value / whole, 8) if isinstance(value, int) and whole else ""
    return f'<span>{escape(text)} <span class="bar">{share}</span></span>'


def _line(line: Line) -> str:
    return "".join(f'<span class="quiet">{escape(part.text)}</span>' if part.style == "dim" else
                   f"<b>{escape(part.text)}</b>" if part.style == "bold" else escape(part.text) for part in line)
