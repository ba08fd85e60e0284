"""What the questions before a run have found of each layer: a table with a row for each that was asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf, isfinite, log10

from cnnspec.analysis.learning import Check
from cnnspec.render import units
from cnnspec.render.compare_text import wrapped
from cnnspec.render.layout import Line, Styled
from cnnspec.render.snippet import visible, width

#: The columns: which question's figures they hold, what stands before the path there, and how they read.
_COLUMNS: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("deviation", "scale", "", "{:.2g}".format),
    ("silent", "dead-units", "", units.percent),
    ("gradient", "gradients", "gradient ", "{:.1e}".format),
    ("update", "gradients", "update ", "{:.1e}".format),
)
#: The column whose figures are shares, which do not differ by factors.
_SHARE = 1
#: Rows that are shown, at most.
ROWS = 40
_LEGEND = ("deviation of the values that a layer makes, channels of a RELU that are silent, norm of the gradient, and "
           "by how much of itself the gradient alone changes a weight in the first step")

#: A layer's figure in each column, None where it has none.
Figures = tuple[float | None, ...]


def layer_lines(checks: Sequence[Check], paths: Sequence[str], room: int | None) -> Iterator[Line]:
    """The layers of these paths, in their order; nothing where no figure is of a layer. `room` bounds the text.

    Of more than `ROWS`, those are shown that differ most from the others.
    """
    figures = {check.name: check.figures for check in checks}
    asked = {path: tuple(figures.get(check, {}).get(before + path) for _, check, before, _ in _COLUMNS)
             for path in paths}
    found = {path: row for path, row in asked.items() if any(value is not None for value in row)}
    if not found:
        return
    shown = _conspicuous(found)
    rows = {visible(path): [_text(value, text) for value, (_, _, _, text) in zip(found[path], _COLUMNS, strict=True)]
            for path in shown}
    titles = [title for title, *_ in _COLUMNS]
    widths = [max(map(len, column)) for column in zip(titles, *rows.values(), strict=True)]
    label = max(map(width, rows))
    yield []
    yield [Styled(_row(" " * label, titles, widths), "dim")]
    for path, texts in rows.items():
        yield [Styled(_row(path + " " * (label - width(path)), texts, widths))]
    yield []
    for text in (_hidden(len(found) - len(shown)), _LEGEND):
        yield from ([Styled(line, "dim")] for line in (wrapped(text, max(room or 100, 20)) if text else []))


def _hidden(count: int) -> str:
    layers = "1 layer nearer to the others is" if count == 1 else f"{count:,} layers nearer to the others are"
    return f"{layers} not shown; `--format json` has all" if count else ""


def _conspicuous(found: Mapping[str, Figures]) -> list[str]:
    """The paths to be shown, in their order: those with a figure that is far from the middle one of its column."""
    if len(found) <= ROWS:
        return [*found]
    middles = [_middle([value for value in column if value is not None])
               for column in zip(*found.values(), strict=True)]
    far = {path: max(_distance(index, value, middles[index]) for index, value in enumerate(row) if value is not None)
           for path, row in found.items()}
    kept = {*sorted(far, key=far.__getitem__, reverse=True)[:ROWS]}
    return [path for path in found if path in kept]


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


def _distance(column: int, value: float, middle: float) -> float:
    """How far a figure is from the middle one, in powers of ten; shares in tenths from 0. No number is farthest."""
    if not isfinite(value):
        return inf
    if column == _SHARE:
        return 10 * value
    if value == middle:
        return 0.0
    return abs(log10(value / middle)) if min(value, middle) > 0 else inf


def _text(value: float | None, text: Callable[[float], str]) -> str:
    return "" if value is None else text(value)


def _row(label: str, texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(["", label, *(text.rjust(size) for text, size in zip(texts, widths, strict=True))]).rstrip()
