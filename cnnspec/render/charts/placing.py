"""Names beside points: each where it meets no other name and no point, or left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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


class Place(Record):
    """Where a name stands, and the line that leads to it from a point far away."""

    area: Area
    leader: Area | None = None

    def meets(self, areas: Iterable[Area]) -> bool:
        """Whether the name, or what leads to it, is in the way of any of these areas, or they in its."""
        return any(self.area.meets(other) or (self.leader is not None and self.leader.meets(other)) for other in areas)


def placed(spots: Sequence[Spot], height: float, within: Area, taken: Sequence[Area] = (),
           shunned: Sequence[Area] = (), *, far: int = 0) -> list[Place | None]:
    """Where each name stands, those of the first spots first; None for one that finds no room.

    `height` is that of a line; `taken` is what names must not meet beside the spots and each other, `shunned` what they
    had better not meet. The first `far` names may stand some lines above or below their points.
    """
    busy = [*taken, *(spot.area for spot in spots)]
    found: list[Place | None] = []
    for number, spot in enumerate(spots):
        near = [Place(area) for area in _around(spot, height)]
        away = [place for place in _afar(spot, height) if number < far]
        others = [area for area in busy if not area.meets(spot.area)]
        free = next((place for soft, places in ((shunned, near), ((), near), ((), away)) for place in places
                     if within.holds(place.area) and not Place(place.area).meets((*busy, *soft))
                     and not place.meets(others)), None)
        if free is not None:
            busy += [free.area, *([free.leader] if free.leader else [])]
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


def _afar(spot: Spot, height: float) -> Iterator[Place]:
    """Some lines above or below, in the middle or to either side, with a line that leads there."""
    for lines in range(2, 9):
        up, down = spot.y - spot.radius - lines * height, spot.y + spot.radius + (lines - 1) * height
        for x in (spot.x - spot.width / 2, spot.x - spot.width + 6, spot.x - 6):
            yield Place(Area(x, up, x + spot.width, up + height),
                        Area(spot.x - 1, up + height, spot.x + 1, spot.y - spot.radius))
            yield Place(Area(x, down, x + spot.width, down + height),
                        Area(spot.x - 1, spot.y + spot.radius, spot.x + 1, down))


def along(x1: float, y1: float, x2: float, y2: float, pieces: int = 60) -> Iterator[Area]:
    """Small areas that cover a straight line."""
    for place in range(pieces):
        xs = [x1 + (x2 - x1) * (place + end) / pieces for end in (0, 1)]
        ys = [y1 + (y2 - y1) * (place + end) / pieces for end in (0, 1)]
        yield Area(min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1)
