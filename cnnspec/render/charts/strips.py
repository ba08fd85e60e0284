"""The axis of charts over the layers in order of execution: the outline's rows as stretches of it, with their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from cnnspec.analysis.outline import Outline
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render import svg
from cnnspec.render.charts import sheet
from cnnspec.render.charts.sheet import SMALL, line, painted, spread, written
from cnnspec.render.palette import FAINT, QUIET

#: Pixels that a row takes at least so that it can be pointed at; between lines where rows begin.
_LEAST, _BETWEEN = 1.5, 4.0
_AXIS = "layers in order of execution"

#: By index of a layer, from where to where it stands on the axis.
Places = Mapping[int, tuple[float, float]]


def stretches(row: Row, places: Places) -> Iterator[tuple[float, float]]:
    """From where to where a row stands: more than once where it stands for several, nowhere where it does not run."""
    for layers in row.layers:
        found = [places[index] for index in layers if index in places]
        if found:
            yield min(start for start, _ in found), max(stop for _, stop in found)


def hits(summary: Summary, rows: Outline, places: Sequence[Places], top: float, bottom: float,
         tip: Callable[[Row], Sequence[str]]) -> Iterator[str]:
    """For each row an invisible area over its stretches, with a tooltip; it shows when it is pointed at."""
    for row, _ in rows.walk():
        areas = [painted("rect", class_="hit", pointer_events="all", x=start, y=float(top), width=stop - start,
                         height=float(bottom - top)) for each in places for start, stop in stretches(row, each)
                 if stop - start >= _LEAST]
        if areas and not row.children:
            yield svg.element("g", sheet.tooltip(sheet.name(summary, row), *tip(row)), *areas,
                              data_layers=svg.layers(row))


def names(summary: Summary, rows: Outline, places: Places, top: float, bottom: float, one_name: str = ""
          ) -> Iterator[str]:
    """Where the outermost rows begin, and below the axis their names, or `one_name` for all of them.

    A name that has no room is left out; where that is most of the axis, it is told what stands on it.
    """
    found = [(row, start, stop) for row in rows.rows for start, stop in stretches(row, places)]
    last = float("-inf")
    for _, start, _ in found:
        if start - last >= _BETWEEN:
            yield line(start, top, start, bottom + 4, FAINT)
            last = start
    labels = [(sheet.clipped(sheet.name(summary, row), 40), start, stop) for row, start, stop in found]
    if one_name and found:
        labels = [(one_name, min(start for _, start, _ in found), max(stop for _, _, stop in found))]
    fitting = [label for label in labels if spread(label[0], SMALL) + 6 <= label[2] - label[1]]
    if found and sum(stop - start for _, start, stop in fitting) * 2 < sum(stop - start for _, start, stop in labels):
        fitting = [(_AXIS, min(start for _, start, _ in found), max(stop for _, _, stop in found))]
    for text, start, stop in fitting:
        yield written((start + stop) / 2, bottom + 16, text, QUIET, SMALL, "middle")
