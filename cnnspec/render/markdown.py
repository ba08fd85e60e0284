"""A summary as a Markdown table, folded like the one on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis import labels
from cnnspec.analysis.outline import Outline
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render.columns import Column, columns
from cnnspec.render.layout import Line, guide, suffix
from cnnspec.render.snippet import visible
from cnnspec.render.totals import conventions, totals
from cnnspec.render.totals import remarks as notes


def as_markdown(summary: Summary, outline: Outline, chosen: Sequence[Column] = (), convention: str | None = None, *,
                overridden: bool = False, extra: Sequence[Column] = (), remarks: Sequence[Line] = ()) -> str:
    """A heading, the table with the `extra` columns last, and the totals as a list, with further remarks."""
    shown = [*(chosen or columns("layer", "output", "params", convention or "macs", "rf")), *extra]
    lines = [
        f"### {summary.name}", "",
        row([column.title for column in shown]),
        row([":--" if column.left else "--:" for column in shown], raw=True),
    ]
    for one, lasts in outline.walk():
        lines.append(row([cell(summary, one, lasts, column) for column in shown]))
    facts = [*totals(summary, convention, 0), *conventions(summary, convention, None),
             *notes(summary, None, overridden=overridden), *(line for line in remarks if line)]
    lines += ["", *(f"- {escaped(''.join(part.text for part in line).strip())}" for line in facts)]
    return "\n".join(lines) + "\n"


def cell(summary: Summary, row: Row, lasts: tuple[bool, ...], column: Column) -> str:
    """What a row says in a column; the tree stands in front of its label."""
    if column.name == "layer":
        # spaces at the front of a cell are dropped, so that the tree needs ones that stay
        return guide(lasts).replace(" ", "\u00a0") + visible(labels.text(row.label)) + suffix(row)
    value = None if row.children else column.value(summary, row)
    return "" if value is None else column.text(value).strip()


def row(cells: Sequence[str], *, raw: bool = False) -> str:
    """A row of a table; `raw` cells are Markdown already."""
    return f"| {' | '.join(cells if raw else map(escaped, cells))} |"


def escaped(text: str) -> str:
    """Text without what Markdown would act on."""
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#" else character for character in text)
