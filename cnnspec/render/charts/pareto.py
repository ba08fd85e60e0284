"""Networks, or whatever has two costs, as points: the front of those that no other one beats, and the rest hollow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cnnspec.record import Record
from cnnspec.render.charts import sheet
from cnnspec.render.charts.axes import COUNT, Measure, Scale, fitting, ticks
from cnnspec.render.charts.placing import Area, Spot, placed
from cnnspec.render.charts.sheet import SMALL, WIDTH, clipped, line, over, painted, spread, tooltip, written
from cnnspec.render.palette import LINE, PAGE, QUIET, SERIES, TEXT
from cnnspec.render.svg import element, quoted

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 74, WIDTH - 16, 34, 330, 372
_RADIUS, _LONGEST = 4.5, 28
#: Names of the front that may stand some lines away from their points.
_FAR = 12


class Point(Record):
    """One of those that are compared."""

    name: str
    x: float
    y: float
    #: Whether another one is as good in both figures, and better in one.
    dominated: bool


def pareto_chart(points: Sequence[Point], x_title: str, y_title: str, *, x_measure: Measure = COUNT,
                 y_measure: Measure = COUNT) -> str:
    """Points by two figures, of which the first is a cost (less is better), with the front as steps.

    Axes are logarithmic where their figures span more than a decade and a half. Names that find no room are left out;
    every point has them in its tooltip.
    """
    title = f"{y_title} against {x_title}"
    if not points:
        return sheet.remark(title, "There is nothing to compare.")
    x = fitting([point.x for point in points], _LEFT, _RIGHT)
    y = fitting([point.y for point in points], _BOTTOM, _TOP)
    body = [*sheet.heading(y_title, ())[0], *sheet.across(y, ticks(y, y_measure), _LEFT, _RIGHT),
            *sheet.along(x, ticks(x, x_measure, 7), _TOP, _BOTTOM),
            written(_RIGHT, _HEIGHT - 8, clipped(x_title, 60), QUIET, SMALL, "end"),
            *_front(points, x, y)]
    for point in points:
        told = f"{x_title}: {x_measure.text(point.x)}", f"{y_title}: {y_measure.text(point.y)}"
        body.append(_mark(point, x, y, told))
    body += _names(points, x, y)
    best = ", ".join(point.name for point in points if not point.dominated)
    return sheet.chart(title, f"{title}; not dominated: {clipped(best, 400)}", _HEIGHT, body)


def _front(points: Sequence[Point], x: Scale, y: Scale) -> Iterator[str]:
    """Steps from one to the next of the points that are not dominated."""
    (across, up), *further = _corners(points, x, y) or [(0.0, 0.0)]
    if further:
        steps = "".join(f"H{quoted(x)}V{quoted(y)}" for x, y in further)
        yield painted("path", stroke=SERIES[0], class_="front", stroke_width=1.5, stroke_linejoin="round",
                      opacity=".6", d=f"M{quoted(across)} {quoted(up)}{steps}")


def _corners(points: Sequence[Point], x: Scale, y: Scale) -> list[tuple[float, float]]:
    """Where the points that are not dominated stand, from left to right."""
    return [(x.at(across), y.at(up)) for across, up in
            sorted({(point.x, point.y) for point in points if not point.dominated})]


def _steps(points: Sequence[Point], x: Scale, y: Scale) -> Iterator[Area]:
    """What the front's line takes."""
    for (left, high), (right, low) in pairwise(_corners(points, x, y)):
        yield Area(left, high - 1, right, high + 1)
        yield Area(right - 1, min(high, low), right + 1, max(high, low))


def _mark(point: Point, x: Scale, y: Scale, figures: Sequence[str]) -> str:
    told = tooltip(point.name, *figures, "dominated" if point.dominated else "")
    fill, stroke = (PAGE, QUIET) if point.dominated else (SERIES[0], SERIES[0])
    spot = painted("circle", fill=fill, stroke=stroke, class_="spot", stroke_width=1.5, r=_RADIUS,
                   cx=x.at(point.x), cy=y.at(point.y))
    return element("g", told, spot, data_name=point.name)


def _names(points: Sequence[Point], x: Scale, y: Scale) -> Iterator[str]:
    """Names beside the points, those of the front first: where there is no room, with lines that lead there."""
    ordered = sorted(points, key=lambda point: point.dominated)
    texts = [clipped(point.name, _LONGEST) for point in ordered]
    spots = [Spot(x.at(point.x), y.at(point.y), _RADIUS + 1, spread(text, SMALL))
             for point, text in zip(ordered, texts, strict=True)]
    within = Area(_LEFT + 2, _TOP - 12, WIDTH - 2, _BOTTOM - 2)
    far = min(sum(not point.dominated for point in points), _FAR)
    places = placed(spots, SMALL + 3, within, shunned=[*_steps(points, x, y)], far=far)
    for point, text, place in zip(ordered, texts, places, strict=True):
        if place is not None and place.leader is not None:
            middle = (place.leader.left + place.leader.right) / 2
            yield line(middle, place.leader.top, middle, place.leader.bottom, LINE)
        if place is not None:
            yield over(place.area.left, place.area.bottom - 4, text, QUIET if point.dominated else TEXT, SMALL)
