"""Lines over a common axis, such as learning curves, with the band that each of them is uncertain by."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.record import Record
from cnnspec.render.charts import sheet
from cnnspec.render.charts.axes import PLAIN, Measure, Scale, fitting, linear, logarithmic, ticks
from cnnspec.render.charts.sheet import SMALL, WIDTH, clipped, painted, tooltip, written
from cnnspec.render.palette import QUIET, SERIES, Tone
from cnnspec.render.svg import element, quoted

_LEFT, _RIGHT, _PLOT, _FOOT = 74, WIDTH - 16, 250, 42
_DASHES = (None, "6 3", "2 3", "8 3 2 3")


class Series(Record):
    """One line: its points from left to right, and the band around it, at the same places."""

    name: str
    points: tuple[tuple[float, float], ...]
    #: From the lower to the upper end at each point; empty for no band.
    band: tuple[tuple[float, float], ...] = ()


def curves(series: Sequence[Series], x_title: str, y_title: str, *, x_measure: Measure = PLAIN,
           y_measure: Measure = PLAIN, log_x: bool | None = None, log_y: bool | None = None) -> str:
    """Lines in one plot, with a legend. An axis is logarithmic or not as said; None leaves it to the values' span.

    Values of 0 and below are left out of a logarithmic axis, and those that are no finite numbers of every axis. Raises
    `ValueError` for more series than there are colours.
    """
    if len(series) > len(SERIES):
        raise ValueError(f"at most {len(SERIES)} series can be told apart, not {len(series)}")
    title = f"{y_title} over {x_title}"
    xs = [x for one in series for x, y in one.points if _is_finite(x) and _is_finite(y)]
    ys = [y for one in series for x, y in one.points if _is_finite(x) and _is_finite(y)]
    ys += [end for one in series for ends in one.band for end in ends if _is_finite(end)]
    if not xs:
        return sheet.remark(title, "There is nothing to show.")
    head, top = sheet.heading(y_title, [(one.name, tone) for one, tone in zip(series, SERIES, strict=False)])
    top += 8
    x, y = _scale(xs, _LEFT, _RIGHT, log_x), _scale(ys, top + _PLOT, top, log_y)
    body = [*head, *sheet.across(y, ticks(y, y_measure), _LEFT, _RIGHT),
            *sheet.along(x, ticks(x, x_measure, 8), top, top + _PLOT),
            written(_RIGHT, top + _PLOT + 34, clipped(x_title, 60), QUIET, SMALL, "end")]
    for place, (one, tone) in enumerate(zip(series, SERIES, strict=False)):
        body.append(_drawn(one, x, y, tone, _DASHES[place * len(_DASHES) // len(SERIES)]))
    names = ", ".join(clipped(one.name, 60) for one in series)
    return sheet.chart(title, f"{title}: {names}", top + _PLOT + _FOOT, body)


def _is_finite(value: float) -> bool:
    return abs(value) < float("inf")


def _scale(values: Sequence[float], start: float, stop: float, is_log: bool | None) -> Scale:
    if is_log is None:
        return fitting(values, start, stop)
    return logarithmic(values, start, stop) if is_log else linear(values, start, stop, zero=False)


def _drawn(one: Series, x: Scale, y: Scale, tone: Tone, dashes: str | None) -> str:
    parts = [tooltip(one.name)]
    ends = [(across, *sorted(pair)) for (across, _), pair in zip(one.points, one.band, strict=False)
            if _stands(across, x) and all(_stands(end, y) for end in pair)]
    if len(ends) > 1:
        outline = [(across, high) for across, _, high in ends] + [(across, low) for across, low, _ in reversed(ends)]
        parts.append(painted("path", fill=tone, class_="band", fill_opacity=".15", d=f"{_path(outline, x, y)}Z"))
    points = [(across, up) for across, up in one.points if _stands(across, x) and _stands(up, y)]
    if len(points) > 1:
        parts.append(painted("path", stroke=tone, class_="line", stroke_width=2, stroke_linejoin="round",
                             stroke_dasharray=dashes, d=_path(points, x, y)))
    parts += [painted("circle", fill=tone, class_="dot", cx=x.at(across), cy=y.at(up), r=3)
              for across, up in (points if len(points) == 1 else ())]
    return element("g", *parts, data_name=one.name)


def _stands(value: float, scale: Scale) -> bool:
    """Whether a value has a place on an axis."""
    return _is_finite(value) and (value > 0 or not scale.is_log)


def _path(points: Sequence[tuple[float, float]], x: Scale, y: Scale) -> str:
    return "M" + "L".join(f"{quoted(x.at(across))} {quoted(y.at(up))}" for across, up in points)
