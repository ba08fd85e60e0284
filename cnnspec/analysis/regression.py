"""Kernel regression over a device's measured points: what a task takes, judged by those of its kind that are near.

Of a point, its efficiency is learned: the ideal time (at the measured peak and bandwidth) over the measured one. That
of a task is the mean over the points of its kind, each weighted by its closeness (Nadaraya, 1964; Shepard, 1968).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt

from cnnspec.analysis.devices import DeviceProfile
from cnnspec.analysis.tasks import Task, features
from cnnspec.record import Record

#: A squared distance within which points count alike: about a tenth, in logarithms, of each extent.
_NEAR = 0.01


class Efficiency(Record):
    """A measured point: where it stands, and the logarithm of its efficiency."""

    features: tuple[float, ...]
    value: float


class Guess(Record):
    """Seconds that a task takes, and how far off points of its kind are, as a logarithm (root mean square)."""

    seconds: float
    spread: float
    #: The kind of points that it was judged by; empty for none.
    kind: str


class Regression:
    """A profile's points by their kinds, ready to be asked."""

    def __init__(self, profile: DeviceProfile) -> None:
        self.profile = profile
        self.kinds: dict[str, list[Efficiency]] = {}
        for point in profile.points:
            known = Efficiency(features(point.task), log(profile.ideal(point.task) / point.seconds))
            for kind in point.task.kinds:
                self.kinds.setdefault(kind, []).append(known)
        self._spreads: dict[str, float] = {}

    def guess(self, of: Task) -> Guess:
        """What a task takes, before the profile's factor; where nothing of its kinds is known, the ideal time."""
        ideal = self.profile.ideal(of)
        kind = next((kind for kind in of.kinds if kind in self.kinds), "")
        if not kind:
            return Guess(ideal, log(2), "")
        return Guess(ideal / exp(mean_near(features(of), self.kinds[kind])), self.spread(kind), kind)

    def spread(self, kind: str) -> float:
        """How far each point of a kind is from what the others say of it (root mean square)."""
        if kind not in self._spreads:
            points = self.kinds[kind]
            errors = [mean_near(point.features, [*points[:index], *points[index + 1:]]) - point.value
                      for index, point in enumerate(points) if len(points) > 1]
            self._spreads[kind] = sqrt(sum(e * e for e in errors) / len(errors)) if errors else log(2)
        return self._spreads[kind]


def mean_near(place: Sequence[float], points: Sequence[Efficiency]) -> float:
    """The mean of the points' values, each weighted by the inverse fourth power of its distance."""
    weights = [1 / (_NEAR + sum((a - b) ** 2 for a, b in zip(place, point.features, strict=True))) ** 2
               for point in points]
    return sum(weight * point.value for weight, point in zip(weights, points, strict=True)) / sum(weights)
