"""What the questions before a run have found of each layer: a table with a row for each that was asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cnnspec.analysis.learning import Check
from cnnspec.render.compare_text import wrapped
from cnnspec.render.layout import Line, Styled
from cnnspec.render.snippet import visible, width

#: The columns: which question's figures they hold, what stands before the path there, and how they read.
_COLUMNS: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("deviation", "scale", "", "{:.2g}".format),
    ("silent", "dead-units", "", "{:.0%}".format),
    ("gradient", "gradients", "gradient ", "{:.1e}".format),
    ("update", "gradients", "update ", "{:.1e}".format),
)
_LEGEND = ("deviation of the values that a layer makes, channels of a RELU that are silent, norm of the gradient, and "
           "by how much of itself the first step changes a weight")


def layer_lines(checks: Sequence[Check], paths: Sequence[str], room: int | None) -> Iterator[Line]:
    """The layers of these paths, in their order; nothing where no figure is of a layer. `room` bounds the legend."""
    figures = {check.name: check.figures for check in checks}
    found = {path: [_text(figures.get(check, {}).get(before + path), text) for _, check, before, text in _COLUMNS]
             for path in paths}
    rows = {visible(path): texts for path, texts in found.items() if any(texts)}
    if not rows:
        return
    titles = [title for title, *_ in _COLUMNS]
    widths = [max(map(len, column)) for column in zip(titles, *rows.values(), strict=True)]
    label = max(map(width, rows))
    yield []
    yield [Styled(_row(" " * label, titles, widths), "dim")]
    for path, texts in rows.items():
        yield [Styled(_row(path + " " * (label - width(path)), texts, widths))]
    yield []
    yield from ([Styled(line, "dim")] for line in wrapped(_LEGEND, max(room or 100, 20)))


def _text(value: float | None, text: Callable[[float], str]) -> str:
    return "" if value is None else text(value)


def _row(label: str, texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(["", label, *(text.rjust(size) for text, size in zip(texts, widths, strict=True))]).rstrip()
