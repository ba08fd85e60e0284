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
                         height=float(bottom - top)) for each in places for start, stop in stretches(row, each)]
        if areas and not row.children:
            yield svg.element("g", sheet.tooltip(sheet.name(summary, row), *tip(row)), *areas,
                              data_layers=svg.layers(row))


def names(summary: Summary, rows: Outline, places: Places, top: float, bottom: float) -> Iterator[str]:
    """Where the outermost rows begin, and below the axis the names of those that have room for them."""
    for row in rows.rows:
        label = sheet.clipped(sheet.name(summary, row), 40)
        for start, stop in stretches(row, places):
            yield line(start, top, start, bottom + 4, FAINT)
            if spread(label, SMALL) + 6 <= stop - start:
                yield written((start + stop) / 2, bottom + 16, label, QUIET, SMALL, "middle")
