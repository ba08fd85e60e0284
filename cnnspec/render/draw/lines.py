"""The lines of a drawing: each value's way from box to box, as points with right angles between them."""

from __future__ import annotations

from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.draw import heights
from cnnspec.render.draw.build import Plan
from cnnspec.render.draw.stems import BoxNode, EndNode, ForkNode, FrameNode, Key, Lane, Skip, Stem, Tap
from cnnspec.render.draw.widths import lane_x, number

Point = tuple[float, float]


class Line(Record):
    """A value's way; it ends in an arrow. `target` is None where it leaves the network."""

    source: int
    target: int | None
    points: tuple[Point, ...]
    shape: str


class Wire(Record):
    """A value on its way down."""

    source: int | None
    points: tuple[Point, ...]

    def turned(self, y: float, x: float) -> Wire:
        """The same, from a height on along another line."""
        return Wire(self.source, (*self.points, (self.points[-1][0], y), (x, y)) if self.points else ())


def lanes(plan: Plan) -> None:
    """Find how far each lane runs, and number them; heights are settled."""
    stems: dict[int, Stem] = {}
    for skip in plan.skips:
        for stem, side, key, start, stop in _legs(skip):
            stem.lanes[side].setdefault(key, Lane()).reach(start, stop)
            stems[id(stem)] = stem
    for stem in stems.values():
        for beside in stem.lanes.values():
            number([*beside.values()])


def _legs(skip: Skip) -> list[tuple[Stem, int, Key, float, float]]:
    """The vertical legs of a way: the stem, side and lane that each runs along, and its two ends."""
    out, into = ("out", skip.edge.source), ("in", skip.edge.target)
    start, stop = skip.source.port(skip.out_side, out=True), skip.target.port(skip.in_side, out=False)
    cross = ("cross", skip.edge.source, skip.edge.target)
    legs: list[tuple[Stem, int, Key, float, float]] = []
    y = start
    for column in skip.leaves:
        fork = column.owner
        assert isinstance(fork, ForkNode)
        crosses = fork is skip.cross
        track = heights.above(fork, fork.above[cross]) if crosses else heights.below(fork, fork.below[out])
        legs.append((column, skip.out_side, out, y, track))
        y = track
    entering: list[tuple[Stem, int, Key, float, float]] = []
    end = stop
    for column in skip.enters:
        fork = column.owner
        assert isinstance(fork, ForkNode)
        before = heights.above(fork, fork.above[cross if fork is skip.cross else into])
        entering.append((column, skip.in_side, into, before, end))
        end = before
    if skip.meet is not None:
        legs.append((skip.meet, skip.out_side, out, y, end))
    return [*legs, *reversed(entering)]


def around(skip: Skip, shape: str) -> Line:
    """The line of a way around boxes; everything is settled."""
    source, target = skip.source, skip.target
    start, stop = source.port(skip.out_side, out=True), target.port(skip.in_side, out=False)
    points = [(source.stem.x + skip.out_side * source.width / 2, start)]
    for stem, side, key, top, bottom in _legs(skip):
        x = lane_x(stem, side, stem.lanes[side][key])
        points += [(x, top), (x, bottom)]
    points.append((target.stem.x + skip.in_side * target.width / 2, stop))
    return Line(skip.edge.source, skip.edge.target, tidy(points), shape)


def tidy(points: list[Point]) -> tuple[Point, ...]:
    """The same way without points that lie on the line between their neighbours."""
    kept: list[Point] = []
    for point in points:
        if kept and abs(kept[-1][0] - point[0]) < 0.01 and abs(kept[-1][1] - point[1]) < 0.01:
            continue
        while len(kept) > 1 and any(
            abs(kept[-2][axis] - kept[-1][axis]) < 0.01 and abs(kept[-1][axis] - point[axis]) < 0.01 for axis in (0, 1)
        ):
            kept.pop()
        kept.append(point)
    return tuple(kept)


class Walk:
    """Goes down a stem with what enters it, and keeps the lines to every box that reads it."""

    def __init__(self, nested: dict[tuple[int, int], str]) -> None:
        self.nested = nested
        self.lines: list[Line] = []

    def down(self, stem: Stem, wire: Wire) -> Wire:
        """Follow a stem; what leaves it."""
        for node in stem.nodes:
            if isinstance(node, Tap):
                self.down(node.run, wire.turned(node.y + heights.TAP / 2, node.run.x))
            elif isinstance(node, FrameNode):
                wire = self.down(node.inside, wire)
            elif isinstance(node, ForkNode):
                wire = self._fork(node, wire)
            elif isinstance(node, EndNode):
                self._end(node, wire)
            else:
                wire = self._box(node, wire)
        return wire

    def _box(self, node: BoxNode, wire: Wire) -> Wire:
        self._draw(wire, node, (node.stem.x, node.y))
        return Wire(node.box.key, ((node.stem.x, node.bottom),))

    def _fork(self, fork: ForkNode, wire: Wire) -> Wire:
        merge, x = fork.merge, fork.stem.x
        if fork.straight:
            for side in fork.passes:
                y = merge.port(side, out=False)
                by = wire.turned(fork.entry, x + fork.pass_by[side]).turned(y, x + side * merge.width / 2)
                self._draw(by, merge)
            self._draw(self.down(fork.columns[0], wire), merge, (x, merge.y))
            return Wire(merge.box.key, ((x, merge.bottom),))
        for column in fork.columns:
            leaving = self.down(column, wire.turned(fork.entry, column.x))
            self._draw(leaving.turned(fork.exit, x), merge, (x, merge.y))
        return Wire(merge.box.key, ((x, merge.bottom),))

    def _end(self, node: EndNode, wire: Wire) -> None:
        if wire.source is not None:
            points = tidy([*wire.points, (node.stem.x, node.y)])
            self.lines.append(Line(wire.source, None, points, units.shape(node.end.shape)))

    def _draw(self, wire: Wire, node: BoxNode, *last: Point) -> None:
        if wire.source is None or (wire.source, node.box.key) not in self.nested:
            return
        line = Line(wire.source, node.box.key, tidy([*wire.points, *last]), self.nested[wire.source, node.box.key])
        if line not in self.lines[-4:]:
            self.lines.append(line)
