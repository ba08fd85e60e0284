"""Where things stand from top to bottom: at whole pixels, on which lines are sharp."""

from __future__ import annotations

from math import ceil, floor

from cnnspec.render.draw.stems import EndNode, ForkNode, FrameNode, Node, Stem, Tap

#: Between two nodes, with an arrow and the shape that passes; what an arrow alone needs.
GAP, ARROW = 35.0, 20.0
#: Between tracks; below columns, for the shapes that leave them; of a tap's bend.
TRACK, CAPTIONS, TAP = 9.0, 18.0, 14.0
#: Of a line of a frame's name; around it; below a frame's content.
NAME, NAME_PAD, FRAME_PAD = 14.0, 8.0, 14.0
END = 16.0


def stack(stem: Stem) -> None:
    """Find the heights of all nodes within a stem, and their offsets from its top."""
    cursor = busy = 0.0
    for at, node in enumerate(stem.nodes):
        _measure(node)
        if isinstance(node, Tap):
            cursor = max(cursor + 4, busy)
            busy = cursor + TAP / 2 + GAP + node.run.height + TAP
        elif at:
            cursor += GAP
        node.offset = cursor
        cursor += ceil(node.height)
    stem.height = max(cursor, busy)


def _measure(node: Node) -> None:
    if isinstance(node, FrameNode):
        stack(node.inside)
        node.height = header(node) + node.inside.height + FRAME_PAD
    elif isinstance(node, ForkNode):
        _measure_fork(node)
    elif isinstance(node, Tap):
        stack(node.run)
        node.height = TAP
    elif isinstance(node, EndNode):
        node.height = END if node.name else 0.0


def header(frame: FrameNode) -> float:
    """The height of a frame's name."""
    return 2 * NAME_PAD + NAME * len(frame.lines)


def _measure_fork(fork: ForkNode) -> None:
    """Heights from the fork's top: where what enters divides, where columns begin and end, where they join."""
    for column in fork.columns:
        stack(column)
    tallest = max(column.height for column in fork.columns)
    if fork.straight:
        fork.columns_top = ARROW if fork.passes else 0.0
        fork.columns_bottom = fork.exit = fork.columns_top + tallest
        fork.merge.offset = fork.columns_bottom + (GAP if fork.columns[0].nodes else 0.0)
    else:
        fork.columns_top = TRACK * len(fork.above) + ARROW
        fork.columns_bottom = fork.columns_top + tallest
        fork.exit = fork.columns_bottom + CAPTIONS + TRACK * (len(fork.below) + 1)
        fork.merge.offset = fork.exit + ARROW
    fork.height = fork.merge.offset + ceil(fork.merge.height)


def settle(stem: Stem, top: float) -> None:
    """Give everything within a stem its height in the picture."""
    stem.y = top
    for node in stem.nodes:
        node.y = top + node.offset
        if isinstance(node, FrameNode):
            settle(node.inside, node.y + header(node))
        elif isinstance(node, Tap):
            settle(node.run, node.y + TAP / 2 + GAP)
        elif isinstance(node, ForkNode):
            _settle_fork(node)


def _settle_fork(fork: ForkNode) -> None:
    """Columns stand in the middle between where the fork divides and joins."""
    fork.entry = fork.y
    fork.exit += fork.y
    fork.columns_top += fork.y
    fork.columns_bottom += fork.y
    fork.merge.y = fork.y + fork.merge.offset
    for column in fork.columns:
        spare = fork.columns_bottom - fork.columns_top - column.height
        settle(column, fork.columns_top + (0.0 if column.tapped else floor(spare / 2)))


def above(fork: ForkNode, track: int) -> float:
    """The height of a track above a fork's columns."""
    return fork.entry + TRACK * (track + 1)


def below(fork: ForkNode, track: int) -> float:
    """The height of a track below a fork's columns."""
    return fork.columns_bottom + CAPTIONS + TRACK * (track + 0.5)
