"""The roofline: how much is computed for each byte that is moved, and how fast a device can do that.

After Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model", CACM 2009.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

from cnnspec.analysis.datasheets import find
from cnnspec.analysis.diagram import family
from cnnspec.analysis.outline import outline
from cnnspec.analysis.profile import LayerRun, Rates
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import svg, units
from cnnspec.render.charts import sheet
from cnnspec.render.charts.axes import COUNT, PLAIN, RATE, Measure, Scale, bounded, logarithmic, ticks
from cnnspec.render.charts.placing import Area, Spot, along, placed
from cnnspec.render.charts.sheet import LINE_HEIGHT, MARGIN, SMALL, WIDTH, clipped, line, over, painted, spread, written
from cnnspec.render.palette import LINE, PAGE, QUIET, STROKES, TEXT
from cnnspec.render.svg import quoted

_LEFT, _RIGHT, _PLOT, _FOOT = 96, WIDTH - 16, 270, 42
_LONGEST = 30
#: Radius of a row, of the smallest layer, and of the one that takes the most time.
_ROW, _LEAST, _MOST = 4.5, 1.8, 11.0
#: Points with tooltips; which part of the time a layer with a name takes at least; names that may stand far away.
_TOLD, _NAMED, _FAR = 150, 0.01, 6
#: Whose balance of arithmetic and memory is shown where no device is chosen.
_DEVICES = ("a100", "h100", "t4", "rtx-4090")
#: Lines for the names of devices.
_NAME_LINES = 2
_X_TITLE = "arithmetic intensity, FLOPs for each byte that is moved"


class Mark(Record):
    """A row or a layer."""

    name: str
    family: str
    intensity: float
    height: float
    radius: float
    tip: tuple[str, ...]
    layers: str
    #: Whether it stands where it might be, not where it was measured.
    hollow: bool = True
    #: What names go by: the largest first.
    weight: float = 0.0


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
        return _chart(summary, "FLOPs by intensity", "FLOPs", "of one image", _rows(summary, None), None, COUNT)
    measured = [run for run in runs if run.flops_rate]
    marks = _measured(summary, rates, measured) if measured else _rows(summary, rates)
    title = "achieved FLOP/s" if measured else "attainable FLOP/s"
    note = _unseen(runs) if measured else ""
    return _chart(summary, "roofline", title, rates.source, marks, rates, RATE, note)


def attainable(rates: Rates, intensity: float) -> float:
    """FLOP/s at an intensity: what the memory feeds, up to the peak."""
    return min(rates.peak, intensity * rates.bandwidth)


# ----------------------------------------------------------------------------------------------- marks


def _rows(summary: Summary, rates: Rates | None) -> list[Mark]:
    """The rows of the outline that compute anything."""
    found = []
    for row, _ in outline(summary).walk():
        if row.children or not row.flops or not row.traffic_bytes:
            continue
        intensity = bounded(row.flops * summary.batch) / bounded(row.traffic_bytes)
        height = bounded(row.flops) if rates is None else attainable(rates, intensity)
        told = [f"{intensity:,.4g} FLOPs for each byte", f"{units.scaled(row.flops)} FLOPs for one image"]
        if rates is not None:
            told.append(f"at most {units.flops(height)}: bound by {_bound(rates, intensity)}")
        found.append(Mark(sheet.name(summary, row), _family(summary, row), intensity, height, _ROW, tuple(told),
                          svg.layers(row), weight=bounded(row.flops)))
    return found


def _measured(summary: Summary, rates: Rates, runs: Sequence[LayerRun]) -> list[Mark]:
    """The layers that were measured, the slowest first."""
    found = []
    longest = max(run.share for run in runs) or 1.0
    for run in sorted(runs, key=lambda run: -run.share):
        layer = summary.layers[run.index]
        intensity = layer.intensity or 0.0
        if intensity:
            most = attainable(rates, intensity)
            told = (f"{units.duration(run.seconds)}, {units.percent(run.share)} of the time",
                    f"{units.flops(run.flops_rate)}, {units.percent(run.flops_rate / most)} of what is attainable",
                    f"{intensity:,.4g} FLOPs for each byte" + (f"; bound by {run.bound}" if run.bound else ""))
            found.append(Mark(run.path, family([layer]), intensity, run.flops_rate, _radius(run.share / longest), told,
                              f"{run.index}:{run.index + 1}", False, run.share))
    return found


def _radius(share: float) -> float:
    """By the time as a part of the longest: areas go by it, but nothing is too small to be seen."""
    return max(_LEAST, _MOST * sqrt(max(share, 0.0)))


def _bound(rates: Rates, intensity: float) -> str:
    return "arithmetic" if intensity * rates.bandwidth >= rates.peak else "memory"


def _family(summary: Summary, row: Row) -> str:
    return family([summary.layers[index] for index in row.layers[0]])


def _unseen(runs: Sequence[LayerRun]) -> str:
    """How much of the time goes into layers that compute nothing, and so have no place."""
    rest = [run for run in runs if not run.flops_rate]
    share = sum(run.share for run in rest)
    return f"not shown: {len(rest)} layers without arithmetic, {units.percent(share)} of the time" if rest else ""


# --------------------------------------------------------------------------------------------- drawing


def _chart(summary: Summary, title: str, y_title: str, about: str, marks: Sequence[Mark], rates: Rates | None,
           measure: Measure, note: str = "") -> str:
    if not marks:
        return sheet.remark(title, "No layer computes anything.")
    ridges = _ridges(summary) if rates is None else []
    entries = [(name, STROKES[name]) for name in dict.fromkeys(mark.family for mark in marks)]
    head, top = sheet.heading(y_title, entries, about)
    top += 12 + LINE_HEIGHT * (_NAME_LINES if ridges else 0)
    plot = _plot(marks, rates, [ridge for _, ridge in ridges], top)
    lines = [Area(plot.x.at(ridge) - 1, plot.top, plot.x.at(ridge) + 1, plot.bottom) for _, ridge in ridges]
    areas: list[Area] = []
    body = [*head, *_axes(plot, measure),
            *_ridge_names(ridges, plot)]
    if rates is not None:
        roof, areas = _roof(rates, plot)
        body += roof
    body += _dots(marks, plot)
    body += _names(marks, plot, areas, lines)
    foot = plot.bottom + _FOOT
    body.append(written(_RIGHT, foot - 8, _X_TITLE, QUIET, SMALL, "end"))
    for text in (note, _caption(summary, ridges) if rates is None else ""):
        if text:
            foot += LINE_HEIGHT
            body.append(written(MARGIN, foot - 8, text, QUIET, SMALL))
    return sheet.chart(title, f"{title}: {y_title} against {_X_TITLE}", foot, body)


def _plot(marks: Sequence[Mark], rates: Rates | None, ridges: Sequence[float], top: float) -> Plot:
    across = [*(mark.intensity for mark in marks), *ridges]
    up = [mark.height for mark in marks]
    if rates is not None:
        across.append(rates.peak / rates.bandwidth)
        up.append(rates.peak)
    x = logarithmic(across, _LEFT, _RIGHT)
    return Plot(x, logarithmic(up, top + _PLOT, top), top, top + _PLOT)


def _axes(plot: Plot, measure: Measure) -> Iterator[str]:
    yield from sheet.across(plot.y, ticks(plot.y, measure), _LEFT, _RIGHT)
    yield from sheet.along(plot.x, ticks(plot.x, PLAIN, 8), plot.top, plot.bottom)


def _ridges(summary: Summary) -> list[tuple[str, float]]:
    """Devices, each with the intensity from which on its arithmetic is what limits; for the summary's dtype."""
    found = [(device.name.upper(), device.peaks[summary.dtype] / device.bandwidth)
             for device in map(find, _DEVICES) if device is not None and summary.dtype in device.peaks]
    return sorted(found, key=lambda one: one[1])


def _ridge_names(ridges: Sequence[tuple[str, float]], plot: Plot) -> list[str]:
    """A line for each device; its name above, higher where another one is in the way; without room, neither."""
    ends = [float("-inf")] * _NAME_LINES
    lines, names = [], []
    for name, ridge in ridges:
        x = plot.x.at(ridge)
        text = f"{name} {ridge:.3g}"
        left = min(max(x - spread(text, SMALL) / 2, MARGIN), WIDTH - MARGIN - spread(text, SMALL))
        row = next((row for row, end in enumerate(ends) if left > end), None)
        if row is not None:
            ends[row] = left + spread(text, SMALL) + 8
            y = plot.top - 4 - row * LINE_HEIGHT
            lines.append(line(x, y, x, plot.bottom, LINE, stroke_dasharray="4 4", class_="ridge"))
            names.append(over(left, y - 4, text, QUIET, SMALL))
    return [*lines, *names]


def _caption(summary: Summary, ridges: Sequence[tuple[str, float]]) -> str:
    if not ridges:
        return f"no datasheet gives a peak for {summary.dtype}"
    return "from its line on a device is limited by its arithmetic, before it by its memory"


def _roof(rates: Rates, plot: Plot) -> tuple[list[str], list[Area]]:
    """What is attainable at every intensity, and the ridge."""
    ridge = rates.peak / rates.bandwidth
    corner = (plot.x.at(ridge), plot.y.at(rates.peak))
    low = max(plot.x.low, plot.y.low / rates.bandwidth)
    begin = (plot.x.at(low), plot.y.at(attainable(rates, low)))
    path = f"M{quoted(begin[0])} {quoted(begin[1])}L{quoted(corner[0])} {quoted(corner[1])}H{quoted(_RIGHT)}"
    text = f"{units.flops(rates.peak)} from {ridge:.3g} FLOP/B on"
    right = corner[0] + spread(text, SMALL) < _RIGHT
    left = corner[0] if right else _RIGHT - spread(text, SMALL)
    areas = [Area(left, corner[1] - 20, left + spread(text, SMALL), corner[1] - 4), *along(*begin, *corner),
             *along(*corner, _RIGHT, corner[1], 1)]
    return [painted("path", stroke=TEXT, class_="roof", stroke_width=1.5, stroke_linejoin="round", d=path),
            over(left, corner[1] - 7, text, QUIET, SMALL)], areas


def _dots(marks: Sequence[Mark], plot: Plot) -> Iterator[str]:
    """The points, large ones below small ones; beyond `_TOLD` without tooltips."""
    for mark in marks[_TOLD:]:
        yield painted("circle", fill=STROKES[mark.family], class_="spot", fill_opacity=".5", r=mark.radius,
                      cx=plot.x.at(mark.intensity), cy=plot.y.at(mark.height))
    for mark in marks[:_TOLD]:
        tone = STROKES[mark.family]
        spot = painted("circle", fill=PAGE if mark.hollow else tone, stroke=tone, class_="spot", stroke_width=1.5,
                       fill_opacity=None if mark.hollow else ".4", r=mark.radius, cx=plot.x.at(mark.intensity),
                       cy=plot.y.at(mark.height))
        yield svg.element("g", sheet.tooltip(mark.name, *mark.tip), spot, data_layers=mark.layers)


def _names(marks: Sequence[Mark], plot: Plot, taken: Sequence[Area], lines: Sequence[Area]) -> Iterator[str]:
    """Names beside the points that weigh the most; neither a point nor a name is in their way."""
    ordered = sorted(marks, key=lambda mark: -mark.weight)
    texts = [clipped(mark.name, _LONGEST) if mark.hollow or mark.weight >= _NAMED else "" for mark in ordered]
    spots = [Spot(plot.x.at(mark.intensity), plot.y.at(mark.height), mark.radius + 1, spread(text, SMALL))
             for mark, text in zip(ordered, texts, strict=True)]
    unnamed = [spot.area for spot, text in zip(spots, texts, strict=True) if not text]
    spots = [spot for spot, text in zip(spots, texts, strict=True) if text]
    within, height = Area(_LEFT + 2, plot.top, WIDTH - 2, plot.bottom - 2), SMALL + 3
    places = placed(spots, height, within, [*taken, *unnamed], lines, far=_FAR)
    for text, place in zip(filter(None, texts), places, strict=True):
        if place is not None and place.leader is not None:
            middle = (place.leader.left + place.leader.right) / 2
            yield line(middle, place.leader.top, middle, place.leader.bottom, LINE)
        if place is not None:
            yield over(place.area.left, place.area.bottom - 4, text, TEXT, SMALL)
