"""The whole picture: heading, lines below each other, what leads from one to the next, and what the scale means."""

from __future__ import annotations

from cnnspec.analysis.diagram import Diagram
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render.draw import heading
from cnnspec.render.draw.heading import Swatch, Text
from cnnspec.render.draw.volumes.arcs import RADIUS, Arc, Mark, arcs, marks
from cnnspec.render.draw.volumes.placing import ROOM, Line, lines
from cnnspec.render.draw.volumes.scales import said, scale
from cnnspec.render.draw.volumes.stacks import Link, scene

#: Around everything; beside lines that go on; between lines; between chains in a row; below the heading and above the
#: remark.
_MARGIN, _TURN, _BETWEEN, _BESIDE, _BELOW = 20.0, 18.0, 34.0, 40.0, 22.0


#: What the marks mean.
NUMBERS = "numbers in circles: the value goes on at each arrow with the same number"


class Placed(Record):
    """A line with its ways; `x` and `y` move its own points, whose axis is y = 0, to their places."""

    line: Line
    arcs: tuple[Arc, ...]
    marks: tuple[Mark, ...]
    x: float
    y: float

    @property
    def goes_on(self) -> bool:
        """Whether its first volume reads the last one of the line above."""
        return self.line.volumes[0].stack.follows

    @property
    def top(self) -> float:
        return self.y + _top(self.line, self.arcs, self.marks)

    @property
    def bottom(self) -> float:
        return self.y + max(each.bottom for each in self.line.parts)


class Page(Record):
    """A laid out picture; `left` and `right` are where ways from line to line run."""

    width: float
    height: float
    left: float
    right: float
    lines: tuple[Placed, ...]
    texts: tuple[Text, ...]
    swatches: tuple[Swatch, ...]


def page(diagram: Diagram, summary: Summary) -> Page:
    """A diagram's picture."""
    shown = scene(diagram)
    shapes = [box.row.output for box in diagram.boxes]
    measure = scale(shapes)
    broken = [lines(chain, measure, topped=bool(shown.links)) for chain in shown.chains]
    below, wide, texts, swatches = heading.heading(summary, diagram, _MARGIN)
    turn = _TURN if any(len(chain) > 1 for chain in broken) else 0.0
    across = _across(shown.links, [line for chain in broken for line in chain])
    placed: list[Placed] = []
    y = below + _BELOW
    for row in _rows(broken):
        ways = [(drawn := arcs(line, shown.links), marks(line, across, drawn)) for line in row]
        axis = y - min(_top(line, *way) for line, way in zip(row, ways, strict=True))
        x = _MARGIN + turn
        for line, way in zip(row, ways, strict=True):
            placed.append(Placed(line, *way, x - _left(line), axis))
            x += _width(line) + _BESIDE
        y = max(each.bottom for each in placed) + _BETWEEN
    right = max(each.x + _right(each.line) for each in placed) + turn
    told = [said(shapes), *([NUMBERS] if any(each.marks for each in placed) else [])]
    remarks = _remarks(told, y - _BETWEEN + _BELOW)
    width = max(right, _MARGIN + wide, *(remark.right for remark in remarks)) + _MARGIN
    return Page(width, remarks[-1].y + _MARGIN, _MARGIN, right, tuple(placed), (*texts, *remarks), swatches)


def _remarks(said: list[str], top: float) -> list[Text]:
    """Sentences below each other."""
    return [Text(_MARGIN, top + heading.LEGEND + at * heading.LEGEND_LINE, text, heading.LEGEND, tone="quiet")
            for at, text in enumerate(said)]


def _rows(broken: list[list[Line]]) -> list[list[Line]]:
    """The lines of the main chain below each other; of other chains, as many beside each other as there is room for."""
    main, *others = broken
    rows = [[line] for line in main]
    row: list[Line] = []
    for chain in others:
        if len(chain) > 1:
            rows += [[line] for line in chain]
        elif row and sum(_width(line) + _BESIDE for line in (*row, *chain)) <= ROOM:
            row.append(chain[0])
        else:
            row = [chain[0]]
            rows.append(row)
    return rows


def _across(links: tuple[Link, ...], drawn: list[Line]) -> tuple[Link, ...]:
    """The links that begin in one line and end in another, in order of where they begin."""
    homes = {volume.stack.key: at for at, line in enumerate(drawn) for volume in line.volumes}
    across = [link for link in links if homes[link.source] != homes[link.target]]
    return tuple(sorted(across, key=lambda link: (link.source, link.target)))


def _top(line: Line, drawn: tuple[Arc, ...], marked: tuple[Mark, ...]) -> float:
    """The upper edge of a line with its ways; above an arc there may be a count."""
    return min([*(each.top for each in line.parts), *(mark.y - RADIUS for mark in marked),
                *(arc.y - (heading.LEGEND if arc.link.count > 1 else 0) for arc in drawn)])


def _width(line: Line) -> float:
    return _right(line) - _left(line)


def _left(line: Line) -> float:
    return min(each.left for each in line.parts)


def _right(line: Line) -> float:
    return max(each.right for each in line.parts)
