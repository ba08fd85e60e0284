"""What a drawing places: stems of nodes one below the other, as a diagram nests them.

Nodes are filled in step by step: sizes, then heights, then lanes, then places. The `Picture` that is made of them is
frozen.
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.diagram import Box, Edge, End

LEFT, RIGHT = -1, 1
#: What a lane or track is for: `("out", source)`, `("in", target)`, or a pair of boxes.
Key = tuple[str | int, ...]


class Lane:
    """A vertical line beside a stem, from `top` to `bottom`; `number` counts from the stem outwards."""

    def __init__(self) -> None:
        self.top, self.bottom, self.number = float("inf"), float("-inf"), 0

    def reach(self, *ys: float) -> None:
        """Make it as long as to pass these heights."""
        self.top, self.bottom = min(self.top, *ys), max(self.bottom, *ys)


class Stem:
    """Nodes along one vertical line. `x` is the line's; `left` and `right` are how far the whole reaches from it."""

    def __init__(self, owner: FrameNode | ForkNode | Tap | None = None) -> None:
        self.owner = owner
        self.nodes: list[Node] = []
        self.lanes: dict[int, dict[Key, Lane]] = {LEFT: {}, RIGHT: {}}
        self.x = self.y = self.height = 0.0
        self.left = self.right = 0.0
        #: How far its nodes reach, without lanes and what hangs beside.
        self.inner = {LEFT: 0.0, RIGHT: 0.0}
        #: Of a column, the shape of what leaves it.
        self.caption = ""

    @property
    def parent(self) -> Stem | None:
        return self.owner.stem if self.owner else None

    @property
    def tapped(self) -> bool:
        """Whether something hangs at its right."""
        return any(isinstance(node, Tap) for node in self.nodes)

    def add(self, node: Node) -> None:
        self.nodes.append(node)
        node.stem = self


class Place:
    """What has a place on a stem."""

    def __init__(self) -> None:
        self.stem: Stem = _NOWHERE
        self.y = self.height = 0.0
        #: From the stem's top to the node's.
        self.offset = 0.0
        self.left = self.right = 0.0
        #: The shape of what enters from above; empty where nothing does.
        self.caption = ""

    @property
    def bottom(self) -> float:
        return self.y + self.height


class BoxNode(Place):
    """A box with its lines of text; `width` and `height` are final, `least` is what the text alone needs."""

    def __init__(self, box: Box, lines: list[str]) -> None:
        super().__init__()
        self.box = box
        self.lines = lines
        self.width = 0.0
        self.least = (0.0, 0.0)
        #: What is said beside it of values that come in from the side.
        self.notes: dict[int, str] = {}
        self.sends: set[int] = set()
        self.takes: set[int] = set()
        #: The side at which the spec has a merge's branches that are but earlier values.
        self.prefers = RIGHT

    def port(self, side: int, *, out: bool) -> float:
        """The height at which lines leave or enter at a side."""
        middle = int(self.y + self.height / 2) + 0.5
        if side in self.sends and side in self.takes:
            return middle + (6 if out else -6)
        return middle


class FrameNode(Place):
    """A frame around a stem."""

    def __init__(self, lines: list[str], text: str, count: int) -> None:
        super().__init__()
        self.lines = lines
        self.text = text
        self.count = count
        self.inside = Stem(self)


class ForkNode(Place):
    """Stems side by side, and the box where they meet. A column without nodes passes on what enters the fork."""

    def __init__(self, merge: BoxNode) -> None:
        super().__init__()
        self.merge = merge
        self.columns: list[Stem] = []
        #: Of a straight fork, the sides at which the value that enters passes by.
        self.passes: list[int] = []
        #: Horizontal lines above and below the columns, by what they are for.
        self.above: dict[Key, int] = {}
        self.below: dict[Key, int] = {}
        self.entry = self.columns_top = self.columns_bottom = self.exit = 0.0
        #: Where what passes by does so, and where columns stand, from the fork's own line.
        self.pass_by: dict[int, float] = {}
        self.shifts: list[float] = []
        self.pass_caption = ""

    @property
    def straight(self) -> bool:
        """Whether it has but one column, which then stands on the fork's own line."""
        return len(self.columns) == 1

    def outermost(self, column: Stem, side: int) -> bool:
        """Whether no boxes stand beyond a column."""
        at = self.columns.index(column)
        beyond = self.columns[:at] if side == LEFT else self.columns[at + 1 :]
        return not any(other.nodes for other in beyond)


class Tap(Place):
    """Where a stem hangs beside another: what only further outputs, or none, depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Stem(self)


class EndNode(Place):
    """Where a value leaves the network."""

    def __init__(self, end: End, name: str) -> None:
        super().__init__()
        self.end = end
        #: As it is shown.
        self.name = name


Node = BoxNode | FrameNode | ForkNode | Tap | EndNode
_NOWHERE = Stem()


class Skip:
    """A value's way around what stands between two boxes.

    It leaves `source` at a side, passes through the forks that it has to get out of, runs along a lane of the stem
    that holds both (or above the columns of `cross`, where they are in different columns of one fork), and gets in.
    """

    def __init__(self, edge: Edge, source: BoxNode, target: BoxNode) -> None:
        self.edge = edge
        self.source = source
        self.target = target
        self.out_side = self.in_side = RIGHT
        #: Columns to leave and to enter, from within outwards.
        self.leaves: list[Stem] = []
        self.enters: list[Stem] = []
        self.meet: Stem | None = None
        self.cross: ForkNode | None = None


def inside(stem: Stem) -> Iterator[Node]:
    """All nodes within a stem, in order."""
    for node in stem.nodes:
        yield node
        if isinstance(node, FrameNode):
            yield from inside(node.inside)
        elif isinstance(node, Tap):
            yield from inside(node.run)
        elif isinstance(node, ForkNode):
            for column in node.columns:
                yield from inside(column)
            yield node.merge


def stems(stem: Stem) -> Iterator[Stem]:
    """All stems within a stem."""
    for node in inside(stem):
        if isinstance(node, FrameNode):
            yield node.inside
        elif isinstance(node, Tap):
            yield node.run
        elif isinstance(node, ForkNode):
            yield from node.columns
