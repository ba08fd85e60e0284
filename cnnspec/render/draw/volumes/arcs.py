"""Ways between volumes: arrows from one to the next, arcs above them for what skips some, marks for other lines."""

from __future__ import annotations

from cnnspec.record import Record
from cnnspec.render.draw.volumes.placing import Line, Volume
from cnnspec.render.draw.volumes.stacks import Link

#: Between volumes and arcs, and between arcs.
_APART = 13.0
#: Where arcs leave and enter, as a share of the volume's upper edge.
_LEAVES, _ENTERS = 0.7, 0.3
#: Radius of a mark, its place above the volume, and from mark to mark.
RADIUS, _STEM, _NEXT = 7.5, 8.0, 17.0


class Arc(Record):
    """A link within a line: up from one volume, along `y`, down to another."""

    link: Link
    x1: float
    y1: float
    x2: float
    y2: float
    y: float


class Mark(Record):
    """A link that another line goes on with: the same number stands where it leaves and where it enters."""

    link: Link
    number: int
    x: float
    #: The upper edge of the volume, and the middle of the mark.
    foot: float
    y: float
    enters: bool


def arcs(line: Line, links: tuple[Link, ...]) -> tuple[Arc, ...]:
    """The arcs of a line, the shorter ones lower."""
    places = {volume.stack.key: volume for volume in line.volumes}
    made: list[Arc] = []
    inside = [link for link in links if link.source in places and link.target in places]
    for link in sorted(inside, key=lambda link: (link.target - link.source, link.source)):
        source, target = places[link.source], places[link.target]
        x1, x2 = _on_ridge(source, _LEAVES), _on_ridge(target, _ENTERS)
        between = [volume.top for key, volume in places.items() if link.source <= key <= link.target]
        lower = [arc.y for arc in made if arc.x1 < x2 and x1 < arc.x2]
        made.append(Arc(link, x1, source.top, x2, target.top, min([*between, *lower]) - _APART))
    return tuple(made)


def marks(line: Line, links: tuple[Link, ...], drawn: tuple[Arc, ...]) -> tuple[Mark, ...]:
    """The marks of a line, above its arcs; numbers are those of the links that need them, in order."""
    places = {volume.stack.key: volume for volume in line.volumes}
    made: list[Mark] = []
    for number, link in enumerate(links, 1):
        for key, enters in ((link.source, False), (link.target, True)):
            if key in places:
                volume = places[key]
                x = volume.middle if volume.right - volume.left < 4 * RADIUS else _on_ridge(volume, 0.5)
                above = [arc.y for arc in drawn if arc.x1 - RADIUS < x < arc.x2 + RADIUS]
                free = min([volume.top, *above]) - _STEM - RADIUS
                near = [mark.y for mark in made if abs(mark.x - x) < _NEXT]
                made.append(Mark(link, number, x, volume.top, min([free, *(y - _NEXT for y in near)]), enters))
    return tuple(made)


def _on_ridge(volume: Volume, share: float) -> float:
    left, right = volume.ridge
    return left + (right - left) * share
