"""What is written beside lines: the shapes of the values that pass, and the names of those that leave."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.render.draw import heights, widths
from cnnspec.render.draw.heading import Text
from cnnspec.render.draw.sizes import SMALL
from cnnspec.render.draw.stems import LEFT, RIGHT, BoxNode, EndNode, ForkNode, Node, Stem, Tap, inside, stems


def captions(root: Stem) -> Iterator[Text]:
    """All texts beside lines; everything is settled."""
    for stem in (root, *stems(root)):
        for at, node in enumerate(stem.nodes):
            if at and not isinstance(node, Tap):
                yield from _caption(stem.x, node.y, node.caption)
    for node in inside(root):
        yield from _beside(node)


def _beside(node: Node) -> Iterator[Text]:
    """What is said at a node itself."""
    if isinstance(node, BoxNode):
        yield from _notes(node)
    elif isinstance(node, ForkNode):
        yield from _leaving(node)
    elif isinstance(node, Tap):
        yield from _caption(node.run.x, node.run.y, node.caption)
    elif isinstance(node, EndNode) and node.name:
        yield Text(node.stem.x, node.y + SMALL + 3, node.name, SMALL, "middle", "strong")


def _leaving(fork: ForkNode) -> Iterator[Text]:
    """What leaves the columns of a fork, and what passes by them."""
    below = fork.merge.y if fork.straight else fork.columns_bottom + heights.CAPTIONS + 13
    for column in fork.columns:
        yield from _caption(column.x, below, column.caption)
    for side in fork.passes:
        yield from _caption(fork.stem.x + fork.pass_by[side], below, fork.pass_caption, side)


def _caption(x: float, below: float, shape: str, side: int = RIGHT) -> Iterator[Text]:
    """A shape beside a line, in the gap above something."""
    if shape:
        yield Text(x + side * widths.BESIDE, below - heights.GAP / 2 + 3, shape, SMALL,
                   "start" if side == RIGHT else "end", "quiet")


def _notes(node: BoxNode) -> Iterator[Text]:
    """What comes in from the sides of a box."""
    for side, shape in node.notes.items():
        yield Text(node.stem.x + side * (node.width / 2 + widths.BESIDE), node.port(side, out=False) - 4, shape, SMALL,
                   "end" if side == LEFT else "start", "quiet")
