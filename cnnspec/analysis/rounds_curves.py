"""Learning curves of networks that were trained against each other: the mean over seeds, from the worst to the best."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from cnnspec.analysis.rounds import PASSES, Rival, Run
from cnnspec.record import Record

#: What curves are drawn over, and what they show.
STEPS, SECONDS, MACS = AXES = ("steps", "seconds", "MACs")
ACCURACY, LOSS = FIGURES = ("accuracy", "loss")

Point = tuple[float, float]


class Curve(Record):
    """A figure over an axis, from left to right."""

    #: The mean over the seeds.
    points: tuple[Point, ...]
    #: The lowest and the highest seed's, at the same places; empty for a single seed.
    band: tuple[tuple[float, float], ...]


def curve(rival: Rival, figure: str, axis: str) -> Curve:
    """One network's curve; empty where it has no run, or its runs have no place in common."""
    return over_seeds([_line(rival, run, figure, axis) for run in rival.runs])


def _line(rival: Rival, run: Run, figure: str, axis: str) -> list[Point]:
    """One run's: the accuracy of validation epoch by epoch, the loss of training in stretches of steps."""
    found = [(epoch.step, epoch.seconds, epoch.val_accuracy) for epoch in run.learning.history] \
        if figure == ACCURACY else [(one.step, one.seconds, one.loss) for one in run.losses]
    of_step = {STEPS: 1, MACS: run.learning.regime.batch * PASSES * rival.macs}
    return [(seconds if axis == SECONDS else float(step) * of_step[axis], value) for step, seconds, value in found]


def over_seeds(lines: Sequence[Sequence[Point]]) -> Curve:
    """The mean of lines, and what they span, wherever all of them have a value: at each place that one of them has.

    Lines that nowhere stand above each other, as single epochs over seconds do, are taken point by point.
    """
    if not lines or not all(lines):
        return Curve((), ())
    first, last = max(line[0][0] for line in lines), min(line[-1][0] for line in lines)
    if first > last:
        return _point_by_point(lines)
    places = sorted({x for line in lines for x, _ in line if first <= x <= last})
    values = [[_at(line, x) for line in lines] for x in places]
    return Curve(tuple((x, sum(found) / len(found)) for x, found in zip(places, values, strict=True)),
                 tuple((min(found), max(found)) for found in values) if len(lines) > 1 else ())


def _point_by_point(lines: Sequence[Sequence[Point]]) -> Curve:
    """The mean of the lines' first points, of their second ones, as far as all have them."""
    points = [([x for x, _ in each], [y for _, y in each]) for each in zip(*lines, strict=False)]
    return Curve(tuple((sum(xs) / len(xs), sum(ys) / len(ys)) for xs, ys in points),
                 tuple((min(ys), max(ys)) for _, ys in points))


def _at(line: Sequence[Point], x: float) -> float:
    """A line's value at a place between its ends, straight between its points."""
    place = bisect_left(line, x, key=lambda point: point[0])
    right, above = line[place]
    if right == x or not place:
        return above
    left, below = line[place - 1]
    return below + (above - below) * (x - left) / (right - left)
