"""The roofline: how much is computed for each byte that is moved, and how fast a device can do that.

After Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model", CACM 2009.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.datasheets import find
from cnnspec.analysis.profile import LayerRun, Rates
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import svg
from cnnspec.render.charts import sheet
from cnnspec.render.charts.axes import COUNT, PLAIN, RATE, Measure, Scale, logarithmic, ticks
from cnnspec.render.charts.marks import Mark, attainable, of_rows, of_runs, unseen
from cnnspec.render.charts.placing import Area, Spot, along, placed
from cnnspec.render.charts.sheet import LINE_HEIGHT, MARGIN, SMALL, WIDTH, clipped, line, over, painted, spread, written
from cnnspec.render.palette import LINE, PAGE, QUIET, STROKES, TEXT
from cnnspec.render.svg import quoted

_LEFT, _RIGHT, _PLOT, _FOOT = 96, WIDTH - 16, 270, 42
_LONGEST = 30
#: Below this distance points are one to the eye.
_NEAR = 3
#: Points with tooltips; which part of the time a layer with a name takes at least; names that may stand far away.
_TOLD, _NAMED, _FAR = 150, 0.01, 6
#: Whose balance of arithmetic and memory is shown where no device is chosen.
_DEVICES = ("a100", "h100", "t4", "rtx-4090")
_X_TITLE = "arithmetic intensity, FLOPs for each byte that is moved"


class Flag(Record):
    """A device's name above the line at its ridge: where it begins, and in which line from the lowest."""

    text: str
    ridge: float
    left: float
    row: int


class Plot(Record):
    """The scales of one chart."""

    x: Scale
    y: Scale
    top: float
    bottom: float


def roofline_chart(summary: Summary, rates: Rates | None = None, runs: Sequence[LayerRun] = ()) -> str:
    """Intensity against FLOP/s, both logarithmic.

    With a device's `rates`, its roof; with `runs` too, the layers as they were measured, as large as their time.
    Without `runs` the outline's rows stand on the roof, as fast as they could be. Without `rates` they stand at their
    FLOPs, beside the intensities from which on some devices are bound by arithmetic.
    """
    if rates is None:
        return _chart(summary, "FLOPs by intensity", "FLOPs", "of one image", of_rows(summary, None), None, COUNT)
    measured = [run for run in runs if run.flops_rate]
    marks = of_runs(summary, rates, measured) if measured else of_rows(summary, rates)
    title = "achieved FLOP/s" if measured else "attainable FLOP/s"
    note = unseen(runs) if measured else ""
    return _chart(summary, "roofline", title, rates.source, marks, rates, RATE, note)


def _chart(summary: Summary, title: str, y_title: str, about: str, marks: Sequence[Mark], rates: Rates | None,
           measure: Measure, note: str = "") -> str:
    if not marks:
        return sheet.remark(title, "No layer computes anything.")
    entries = [(name, STROKES[name]) for name in dict.fromkeys(mark.family for mark in marks)]
    head, top = sheet.heading(y_title, entries, about)
    x = _across(summary, marks, rates)
    flags = _flags(summary, x) if rates is None else []
    top += 12 + LINE_HEIGHT * max((flag.row + 1 for flag in flags), default=0)
    plot = Plot(x, logarithmic([mark.height for mark in marks] + ([rates.peak] if rates else []), top + _PLOT, top),
                top, top + _PLOT)
    lines = [Area(x.at(flag.ridge) - 1, plot.top, x.at(flag.ridge) + 1, plot.bottom) for flag in flags]
    areas: list[Area] = []
    body = [*head, *_axes(plot, measure),
            *_flagged(flags, plot)]
    if rates is not None:
        roof, areas = _roof(rates, plot)
        body += roof
    body += _dots(marks, plot)
    body += _names(marks, plot, areas, lines)
    foot = plot.bottom + _FOOT
    body.append(written(_RIGHT, foot - 8, _X_TITLE, QUIET, SMALL, "end"))
    for text in (note, _caption(summary, flags) if rates is None else ""):
        if text:
            foot += LINE_HEIGHT
            body.append(written(MARGIN, foot - 8, text, QUIET, SMALL))
    return sheet.chart(title, f"{title}: {y_title} against {_X_TITLE}", foot, body)


def _across(summary: Summary, marks: Sequence[Mark], rates: Rates | None) -> Scale:
    """Intensities of the points, and of the ridges."""
    ridges = [rates.peak / rates.bandwidth] if rates else [ridge for _, ridge in _ridges(summary)]
    return logarithmic([*(mark.intensity for mark in marks), *ridges], _LEFT, _RIGHT)


def _axes(plot: Plot, measure: Measure) -> Iterator[str]:
    yield from sheet.across(plot.y, ticks(plot.y, measure), _LEFT, _RIGHT)
    yield from sheet.along(plot.x, ticks(plot.x, PLAIN, 8), plot.top, plot.bottom)


def _ridges(summary: Summary) -> list[tuple[str, float]]:
    """Devices, each with the intensity from which on its arithmetic is what limits; for the summary's dtype."""
    found = [(device.name.upper(), device.peaks[summary.dtype] / device.bandwidth)
             for device in map(find, _DEVICES) if device is not None and summary.dtype in device.peaks]
    return sorted(found, key=lambda one: one[1])


def _flags(summary: Summary, x: Scale) -> list[Flag]:
    """The names of devices above their lines, each in the lowest line where none is in the way."""
    ends: list[float] = []
    found = []
    for name, ridge in _ridges(summary):
        text = f"{name} {ridge:.3g}"
        left = min(max(x.at(ridge) - spread(text, SMALL) / 2, MARGIN), WIDTH - MARGIN - spread(text, SMALL))
        row = next((row for row, end in enumerate(ends) if left > end), len(ends))
        ends[row:row + 1] = [left + spread(text, SMALL) + 8]
        found.append(Flag(text, ridge, left, row))
    return found


def _flagged(flags: Sequence[Flag], plot: Plot) -> list[str]:
    """A line for each device, and over the lines the names."""
    tops = [plot.top - 4 - flag.row * LINE_HEIGHT for flag in flags]
    return [*(line(plot.x.at(flag.ridge), y, plot.x.at(flag.ridge), plot.bottom, LINE, stroke_dasharray="4 4",
                   class_="ridge") for flag, y in zip(flags, tops, strict=True)),
            *(over(flag.left, y - 4, flag.text, QUIET, SMALL) for flag, y in zip(flags, tops, strict=True))]


def _caption(summary: Summary, flags: Sequence[Flag]) -> str:
    if not flags:
        return f"no datasheet gives a peak for {summary.dtype}"
    return "right of a device's line a layer is limited by its arithmetic, left of it by its memory"


def _roof(rates: Rates, plot: Plot) -> tuple[list[str], list[Area]]:
    """What is attainable at every intensity, and the ridge."""
    ridge = rates.peak / rates.bandwidth
    corner = (plot.x.at(ridge), plot.y.at(rates.peak))
    low = max(plot.x.low, plot.y.low / rates.bandwidth)
    begin = (plot.x.at(low), plot.y.at(attainable(rates, low)))
    path = f"M{quoted(begin[0])} {quoted(begin[1])}L{quoted(corner[0])} {quoted(corner[1])}H{quoted(_RIGHT)}"
    text = f"{RATE.text(rates.peak)} from {ridge:.3g} FLOP/B on"
    right = corner[0] + spread(text, SMALL) < _RIGHT
    left = corner[0] if right else _RIGHT - spread(text, SMALL)
    areas = [Area(left, corner[1] - 20, left + spread(text, SMALL), corner[1] - 4), *along(*begin, *corner),
             *along(*corner, _RIGHT, corner[1], 1)]
    return [painted("path", stroke=TEXT, class_="roof", stroke_width=1.5, stroke_linejoin="round", d=path),
            over(left, corner[1] - 7, text, QUIET, SMALL)], areas


def _dots(marks: Sequence[Mark], plot: Plot) -> Iterator[str]:
    """The points, large ones below small ones; beyond `_TOLD` without tooltips, and one for those in one place."""
    apart = {(mark.family, quoted(plot.x.at(mark.intensity)), quoted(plot.y.at(mark.height))): mark
             for mark in marks[_TOLD:]}
    for mark in apart.values():
        yield painted("circle", fill=STROKES[mark.family], class_="spot", fill_opacity=".5", r=mark.radius,
                      cx=plot.x.at(mark.intensity), cy=plot.y.at(mark.height))
    for mark in marks[:_TOLD]:
        tone = STROKES[mark.family]
        spot = painted("circle", fill=PAGE if mark.hollow else tone, stroke=tone, class_="spot", stroke_width=1.5,
                       fill_opacity=None if mark.hollow else ".4", r=mark.radius, cx=plot.x.at(mark.intensity),
                       cy=plot.y.at(mark.height))
        yield svg.element("g", sheet.tooltip(mark.name, *mark.tip), spot, data_layers=mark.layers)


def _names(marks: Sequence[Mark], plot: Plot, taken: Sequence[Area], lines: Sequence[Area]) -> Iterator[str]:
    """Names beside the points that weigh the most, of several in one place the first one's; nothing is in their way."""
    named: list[tuple[str, Spot]] = []
    unnamed: list[Area] = []
    for mark in sorted(marks, key=lambda mark: -mark.weight):
        text = clipped(mark.name, _LONGEST)
        spot = Spot(plot.x.at(mark.intensity), plot.y.at(mark.height), mark.radius + 1, spread(text, SMALL))
        if (mark.hollow or mark.weight >= _NAMED) and not any(_is_same(spot, other) for _, other in named):
            named.append((text, spot))
        else:
            unnamed.append(spot.area)
    within = Area(_LEFT + 2, plot.top, WIDTH - 2, plot.bottom - 2)
    places = placed([spot for _, spot in named], SMALL + 3, within, [*taken, *unnamed], lines, far=_FAR)
    for (text, _), place in zip(named, places, strict=True):
        if place is not None and place.leader is not None:
            middle = (place.leader.left + place.leader.right) / 2
            yield line(middle, place.leader.top, middle, place.leader.bottom, LINE)
        if place is not None:
            yield over(place.area.left, place.area.bottom - 4, text, TEXT, SMALL)


def _is_same(one: Spot, other: Spot) -> bool:
    """Whether two points can hardly be told apart."""
    return abs(one.x - other.x) + abs(one.y - other.y) < _NEAR
