"""Names beside points: each where it meets no other name and no point, or left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.record import Record


class Area(Record):
    """A rectangle of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area) -> bool:
        """Whether they have more than an edge in common."""
        return self.left < other.right and other.left < self.right and \
            self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Area) -> bool:
        """Whether the other lies within it."""
        return self.left <= other.left and other.right <= self.right and \
            self.top <= other.top and other.bottom <= self.bottom


class Spot(Record):
    """A point with a radius, and the width of its name."""

    x: float
    y: float
    radius: float
    width: float

    @property
    def area(self) -> Area:
        """What the point takes."""
        return Area(self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius)


def placed(spots: Sequence[Spot], height: float, within: Area, taken: Sequence[Area] = (), *, far: int = 0
           ) -> list[Area | None]:
    """Where each name stands, those of the first spots first; None for one that finds no room.

    `height` is that of a line; `taken` is what names must not meet beside the spots and each other. The first `far`
    names may stand some lines above or below their points.
    """
    busy = [*taken, *(spot.area for spot in spots)]
    found: list[Area | None] = []
    for place, spot in enumerate(spots):
        around = [*_around(spot, height), *(_afar(spot, height) if place < far else ())]
        free = next((area for area in around
                     if within.holds(area) and not any(area.meets(other) for other in busy)), None)
        if free is not None:
            busy.append(free)
        found.append(free)
    return found


def _around(spot: Spot, height: float) -> Iterator[Area]:
    """Right, left, above and below, then the corners."""
    reach, half = spot.radius + 4, height / 2
    right, left, middle = spot.x + reach, spot.x - reach - spot.width, spot.x - spot.width / 2
    near = spot.radius * 0.7 + 2
    above, below = spot.y - spot.radius - height, spot.y + spot.radius
    for x, y in ((right, spot.y - half), (left, spot.y - half), (middle, above), (middle, below),
                 (spot.x + near, spot.y - near - height), (spot.x + near, spot.y + near),
                 (spot.x - near - spot.width, spot.y - near - height), (spot.x - near - spot.width, spot.y + near)):
        yield Area(x, y, x + spot.width, y + height)


def _afar(spot: Spot, height: float) -> Iterator[Area]:
    """Some lines above or below, in the middle or to either side."""
    for lines in range(2, 9):
        for y in (spot.y - spot.radius - lines * height, spot.y + spot.radius + (lines - 1) * height):
            for x in (spot.x - spot.width / 2, spot.x - spot.width + 6, spot.x - 6):
                yield Area(x, y, x + spot.width, y + height)


def is_far(spot: Spot, area: Area, height: float) -> bool:
    """Whether a name stands so far from its point that a line must lead to it."""
    return area.top - (spot.y + spot.radius) >= height / 2 or spot.y - spot.radius - area.bottom >= height / 2


def along(x1: float, y1: float, x2: float, y2: float, pieces: int = 60) -> Iterator[Area]:
    """Small areas that cover a straight line."""
    for place in range(pieces):
        xs = [x1 + (x2 - x1) * (place + end) / pieces for end in (0, 1)]
        ys = [y1 + (y2 - y1) * (place + end) / pieces for end in (0, 1)]
        yield Area(min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1)
