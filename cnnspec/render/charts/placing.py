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


def placed(spots: Sequence[Spot], height: float, within: Area, taken: Sequence[Area] = ()) -> list[Area | None]:
    """Where each name stands, those of the first spots first; None for one that finds no room.

    `height` is that of a line; `taken` is what names must not meet beside the spots and each other.
    """
    busy = [*taken, *(spot.area for spot in spots)]
    found: list[Area | None] = []
    for spot in spots:
        free = next((area for area in _around(spot, height)
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
