"""A summary on the terminal: a head, the table, the totals with their conventions, and notes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TextIO

from cnnspec.analysis.outline import Outline
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.columns import COLUMNS, WIDE_RF, Column, columns
from cnnspec.render.layout import Choice, Line, Styled, cells, fitted, table, total_width
from cnnspec.render.snippet import visible
from cnnspec.render.totals import conventions, remarks, totals

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"": "none", "dim": "dim", "bold": "bold", "bar": "cyan", "good": "green", "bad": "red"}
#: What may ask for colours where the output is no terminal. Only then is rich, slower to start than all else, asked.
_FORCING = ("FORCE_COLOR", "TTY_COMPATIBLE")


def print_summary(summary: Summary, outline: Outline, *, convention: str | None = None, chosen: Sequence[Column] = (),
                  overridden: bool = False, extra: Sequence[Column] = (), file: TextIO | None = None) -> None:
    """Print a summary, as wide as the terminal; as wide as it needs where the output is no terminal.

    `convention` names how the work is counted, instead of in MACs; `chosen` the columns, instead of those that fit;
    `overridden` says that another input than the spec's own is described; `extra` columns come last. Colours as rich
    decides (NO_COLOR, FORCE_COLOR), and the width too (COLUMNS).
    """
    print_page(partial(page, summary, outline, convention=convention, chosen=chosen, overridden=overridden,
                       extra=extra), file)


def print_page(page_of: Callable[[int | None], Iterable[Line]], file: TextIO | None = None) -> None:
    """Print what a page is for the terminal's width; for None, as wide as it needs, where the output is no terminal."""
    out = file or sys.stdout
    if not out.isatty() and not any(map(os.environ.get, _FORCING)):
        columns = os.environ.get("COLUMNS", "")
        out.writelines(plain(page_of(int(columns) if columns.isdecimal() else None)))
        return
    console = _console(out)
    _print(page_of(console.width), console)


def print_lines(lines: Iterable[Line], file: TextIO | None = None) -> None:
    """Print lines, in colours where rich would (NO_COLOR, FORCE_COLOR)."""
    out = file or sys.stdout
    if not out.isatty() and not any(map(os.environ.get, _FORCING)):
        out.writelines(plain(lines))
    else:
        _print(lines, _console(out))


def _console(out: TextIO) -> Console:
    from rich.console import Console

    return Console(file=out, highlight=False, markup=False, emoji=False)


def _print(lines: Iterable[Line], console: Console) -> None:
    if not console.is_terminal or console.is_dumb_terminal or os.environ.get("NO_COLOR"):
        console.file.writelines(plain(lines))
        return
    from rich.text import Text

    for line in lines:
        console.print(Text.assemble(*((part.text, _STYLES[part.style]) for part in stripped(line))), soft_wrap=True)


def page(summary: Summary, outline: Outline, width: int | None, *, convention: str | None = None,
         chosen: Sequence[Column] = (), overridden: bool = False, extra: Sequence[Column] = ()) -> Iterator[Line]:
    """All lines of a summary for a width in characters; None for as much as there is to say."""
    rows = [*outline.walk()]
    slots = fitted(_choices(summary, rows, convention or "macs", chosen, extra), width)
    whole = max(total_width(slots), min(width or 80, 80))
    empty: Line = []
    yield from head(summary, whole)
    yield empty
    yield from table(rows, slots)
    yield empty
    yield from totals(summary, convention, whole)
    yield empty
    yield from conventions(summary, convention, width)
    yield from remarks(summary, width, overridden=overridden)


def stripped(line: Line) -> Line:
    """A line without the spaces at its end."""
    parts = [*line]
    while parts and not parts[-1].text.rstrip():
        parts.pop()
    return [*parts[:-1], Styled(parts[-1].text.rstrip(), parts[-1].style)] if parts else []


def plain(lines: Iterable[Line]) -> Iterator[str]:
    """Lines without styles, with their line ends."""
    return ("".join(part.text for part in line).rstrip() + "\n" for line in lines)


def head(summary: Summary, width: int) -> list[Line]:
    """The net and its place on the left, input, batch and element type on the right; one below the other if narrow."""
    span = summary.graph.span
    place = visible(f"{span.source.name}:{span.line}")
    inputs = [f"{name} {units.shape(shape)}" for name, shape in summary.inputs.items()]
    facts = f"{', '.join(inputs)}  batch {summary.batch}  {units.dtype(summary.dtype)}"
    left: Line = [Styled(summary.name, "bold"), Styled("  "), Styled(place, "dim")]
    gap = width - len(summary.name) - 2 - len(place) - len(facts)
    if gap < 2:
        return [left, [Styled(facts)]]
    return [[*left, Styled(" " * gap), Styled(facts)]]


def _choices(summary: Summary, rows: Sequence[tuple[Row, tuple[bool, ...]]], convention: str,
             chosen: Sequence[Column], extra: Sequence[Column]) -> list[Choice]:
    """What may be shown, the fullest first: wide terminals gain columns, narrow ones lose bars, then columns."""
    last = [cells(column, summary, rows) for column in extra]
    if chosen:
        wanted = [*(cells(column, summary, rows) for column in chosen), *last]
        return [Choice(wanted, 10, 40), Choice(wanted, 0, 16)]
    made = {column.name: cells(column, summary, rows)
            for column in columns("layer", "output", "params", convention, "memory", "traffic", "intensity")}
    base = [made[name] for name in ("layer", "output", "params", convention)]
    seen, more = cells(COLUMNS["rf"], summary, rows), [made[name] for name in ("memory", "traffic", "intensity")]
    full = [*base, cells(WIDE_RF, summary, rows)]
    return [
        *(Choice([*full, *more[:number], *last], 10, 48) for number in (3, 2, 1)),
        *(Choice([*base, seen, *last], scale, room)
          for scale, room in ((10, 32), (8, 32), (6, 30), (4, 26), (0, 22))),
        Choice([*base, *last], 0, 20), Choice([base[0], *base[2:], *last], 0, 12),
    ]
