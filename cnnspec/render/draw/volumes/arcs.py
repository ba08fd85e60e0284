"""Ways between volumes: arrows from one to the next, arcs above them for what skips some, marks for other lines."""

from __future__ import annotations

from cnnspec.record import Record
from cnnspec.render.draw.volumes import lettering
from cnnspec.render.draw.volumes.lettering import cut
from cnnspec.render.draw.volumes.placing import Line, Volume
from cnnspec.render.draw.volumes.stacks import Link

#: Between volumes and arcs, and between arcs.
_APART = 13.0
#: Where arcs leave and enter, as a share of the volume's upper edge.
_LEAVES, _ENTERS = 0.7, 0.3
#: Radius of a mark, its place above the volume, from mark to mark, and the letters in one.
RADIUS, _STEM, _NEXT, _LETTERS = 7.5, 8.0, 17.0, 9


class Arc(Record):
    """A link within a line: up from one volume, along `y`, down to another."""

    link: Link
    x1: float
    y1: float
    x2: float
    y2: float
    y: float


class Mark(Record):
    """Links that other lines go on with: a number for each stack that is read so, where it is made and where read."""

    links: tuple[Link, ...]
    text: str
    x: float
    #: The upper edge of the volume, and the middle of the mark.
    foot: float
    y: float
    enters: bool

    @property
    def width(self) -> float:
        return max(2 * RADIUS, lettering.pixels(self.text) + RADIUS)


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
    """The marks of a line, above its arcs. `links` are all that need marks; their sources are numbered in order."""
    numbers = {source: at for at, source in enumerate(dict.fromkeys(link.source for link in links), 1)}
    made: list[Mark] = []
    for volume in line.volumes:
        for enters in (False, True):
            ours = tuple(link for link in links if (link.target if enters else link.source) == volume.stack.key)
            if ours:
                text = cut(ranges(sorted({numbers[link.source] for link in ours})), _LETTERS)
                made.append(_free(Mark(ours, text, volume.middle, volume.top, volume.top, enters), drawn, made))
    return tuple(made)


def _free(mark: Mark, drawn: tuple[Arc, ...], made: list[Mark]) -> Mark:
    """A mark as low as arcs and other marks allow."""
    above = [arc.y for arc in drawn if arc.x1 - mark.width / 2 < mark.x < arc.x2 + mark.width / 2]
    y = min([mark.foot, *above]) - _STEM - RADIUS
    near = [other for other in made if abs(other.x - mark.x) < (other.width + mark.width) / 2 + 2]
    for other in sorted(near, key=lambda other: -other.y):
        if abs(other.y - y) < _NEXT:
            y = other.y - _NEXT
    return Mark(mark.links, mark.text, mark.x, mark.foot, y, mark.enters)


def ranges(numbers: list[int]) -> str:
    """Rising numbers, neighbours as ranges: `1–4,7`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ",".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in found)


def _on_ridge(volume: Volume, share: float) -> float:
    left, right = volume.ridge
    return left + (right - left) * share
