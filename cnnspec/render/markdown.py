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
        _row([column.title for column in shown]),
        _row([":--" if column.left else "--:" for column in shown], raw=True),
    ]
    for row, lasts in outline.walk():
        lines.append(_row([_cell(summary, row, lasts, column) for column in shown]))
    facts = [*totals(summary, convention, 0), *conventions(summary, convention, None),
             *notes(summary, None, overridden=overridden), *(line for line in remarks if line)]
    lines += ["", *(f"- {_escaped(''.join(part.text for part in line).strip())}" for line in facts)]
    return "\n".join(lines) + "\n"


def _cell(summary: Summary, row: Row, lasts: tuple[bool, ...], column: Column) -> str:
    if column.name == "layer":
        # spaces at the front of a cell are dropped, so that the tree needs ones that stay
        return guide(lasts).replace(" ", "\u00a0") + visible(labels.text(row.label)) + suffix(row)
    value = None if row.children else column.value(summary, row)
    return "" if value is None else column.text(value).strip()


def _row(cells: Sequence[str], *, raw: bool = False) -> str:
    return f"| {' | '.join(cells if raw else map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    """Text without what Markdown would act on."""
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#" else character for character in text)
