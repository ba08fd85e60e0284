"""Where things stand from left to right: along the line of their stem, with lanes beside them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from cnnspec.render.draw import words
from cnnspec.render.draw.heights import GAP
from cnnspec.render.draw.sizes import ALIKE, FRAME, SMALL, badge_width, stepped
from cnnspec.render.draw.stems import LEFT, RIGHT, BoxNode, EndNode, ForkNode, FrameNode, Lane, Node, Stem, Tap

#: Between a line and its caption; between columns; between lanes, and before the first; within frames.
BESIDE, COLUMN, LANE, LANES, FRAME_PAD = 7.0, 26.0, 9.0, 13.0, 18.0
#: Between a stem and what hangs beside it; nearer than this, a fork's line moves onto a column's.
HANGING, SNAP = 26.0, 18.0
#: The least that a stem takes at either side of its line.
LEAST = 10.0


def spread(stem: Stem, *, alone: bool = True) -> None:
    """Find how far everything within a stem reaches from its line; `alone` where no columns stand beside it."""
    for node in stem.nodes:
        _reach(node, alone=alone)
    _even([node for node in stem.nodes if isinstance(node, FrameNode)], alone=alone)
    _align([node for node in stem.nodes if isinstance(node, ForkNode)])
    hangs = [node for node in stem.nodes if isinstance(node, Tap)]
    nodes = [node for node in stem.nodes if not isinstance(node, Tap)]
    stem.inner = {LEFT: max((node.left for node in nodes), default=LEAST),
                  RIGHT: max((node.right for node in nodes), default=LEAST)}
    named = [stem.caption, *(node.caption for node in nodes[0 if hangs else 1 :])]
    stem.inner[RIGHT] = max(stem.inner[RIGHT], *(captioned(caption) for caption in named))
    stem.inner = {side: float(ceil(reach)) for side, reach in stem.inner.items()}
    stem.left, stem.right = (stem.inner[side] + _lanes_width(stem, side) for side in (LEFT, RIGHT))
    own = stem.right
    for tap in hangs:
        tap.right = float(ceil(_beside(stem, own, tap, nodes) + HANGING + tap.run.left))
        stem.right = max(stem.right, tap.right + tap.run.right)


def _beside(stem: Stem, own: float, tap: Tap, nodes: Sequence[Node]) -> float:
    """How far a stem, which reaches `own` at most, does where something hangs beside it."""
    if stem.lanes[RIGHT] or stem.caption:
        return own
    end = tap.run.y + tap.run.height
    return max((max(node.right, captioned(node.caption)) for node in nodes
                if node.bottom > tap.y and node.y - GAP < end), default=LEAST)


def captioned(caption: str) -> float:
    """How far a line's caption reaches from it."""
    return BESIDE + words.width(caption, SMALL) + 4 if caption else 0.0


def _lanes_width(stem: Stem, side: int) -> float:
    lanes = stem.lanes[side].values()
    return LANES + LANE * max(lane.number for lane in lanes) + 4 if lanes else 0.0


def _reach(node: Node, *, alone: bool) -> None:
    if isinstance(node, BoxNode):
        _reach_box(node)
    elif isinstance(node, EndNode):
        node.left = node.right = words.width(node.name, SMALL) / 2 + 2
    elif isinstance(node, Tap):
        spread(node.run, alone=False)
        node.run.right = max(node.run.right, captioned(node.caption))
    elif isinstance(node, FrameNode):
        _reach_frame(node, alone=alone)
    else:
        _reach_fork(node, alone=alone)


def _reach_box(node: BoxNode) -> None:
    node.left, node.right = (
        node.width / 2 + (words.width(node.notes[side], SMALL) + 2 * BESIDE if side in node.notes else 0.0)
        for side in (LEFT, RIGHT)
    )


def _reach_frame(frame: FrameNode, *, alone: bool) -> None:
    spread(frame.inside, alone=alone)
    name = max(words.width(line, FRAME) for line in frame.lines)
    frame.left = stepped(max(frame.inside.left + FRAME_PAD, name + 24))
    frame.right = stepped(max(frame.inside.right + FRAME_PAD, badge_width(frame.count) + 24))


def _even(frames: Sequence[FrameNode], *, alone: bool) -> None:
    """Frames below each other reach equally far, unless some are much wider; those alone are even on both sides."""
    if alone:
        for frame in frames:
            frame.left = frame.right = max(frame.left, frame.right)
    for side in ("left", "right"):
        widest = max((getattr(frame, side) for frame in frames), default=0.0)
        for frame in frames:
            if getattr(frame, side) >= ALIKE * widest:
                setattr(frame, side, widest)


def _reach_fork(fork: ForkNode, *, alone: bool) -> None:
    _reach_box(fork.merge)
    for column in fork.columns:
        spread(column, alone=alone and fork.straight)
    if fork.straight:
        _reach_straight(fork)
        return
    edges = [0.0]
    lines = []
    for column in fork.columns:
        lines.append(edges[-1] + column.left)
        edges.append(lines[-1] + column.right + COLUMN)
    whole = edges[-1] - COLUMN
    middle = min((abs(line - whole / 2), line) for line in lines)
    own = middle[1] if middle[0] <= SNAP else whole / 2
    fork.shifts = [float(round(line - own)) for line in lines]
    fork.left, fork.right = max(own, fork.merge.left), max(whole - own, fork.merge.right)


def _reach_straight(fork: ForkNode) -> None:
    column = fork.columns[0]
    fork.shifts = [0.0]
    reach = {LEFT: max(column.left, fork.merge.left), RIGHT: max(column.right, fork.merge.right)}
    for side in fork.passes:
        fork.pass_by[side] = side * float(round(reach[side] + LANES))
        reach[side] += LANES + captioned(fork.pass_caption)
    fork.left, fork.right = reach[LEFT], reach[RIGHT]


def _align(forks: Sequence[ForkNode]) -> None:
    """What passes by the boxes of several forks below each other does so on one line, unless some are much wider."""
    for side in (LEFT, RIGHT):
        passed = [fork for fork in forks if side in fork.pass_by]
        farthest = max((side * fork.pass_by[side] for fork in passed), default=0.0)
        for fork in passed:
            more = farthest - side * fork.pass_by[side]
            if more > (1 - ALIKE) * farthest:
                continue
            fork.pass_by[side] += side * more
            fork.left += more if side == LEFT else 0.0
            fork.right += more if side == RIGHT else 0.0


def settle(stem: Stem, x: float) -> None:
    """Give every stem within a stem its line in the picture."""
    stem.x = x
    for node in stem.nodes:
        if isinstance(node, FrameNode):
            settle(node.inside, x)
        elif isinstance(node, Tap):
            settle(node.run, x + node.right)
        elif isinstance(node, ForkNode):
            for column, shift in zip(node.columns, node.shifts, strict=True):
                settle(column, x + shift)


def lane_x(stem: Stem, side: int, lane: Lane) -> float:
    """Where a lane runs."""
    return stem.x + side * (stem.inner[side] + LANES + LANE * lane.number)


def number(lanes: Sequence[Lane]) -> None:
    """Give lanes their numbers: short ones nearest to the stem, none over another."""
    taken: list[list[tuple[float, float]]] = []
    for lane in sorted(lanes, key=lambda lane: (lane.bottom - lane.top, lane.top)):
        at = next((at for at, others in enumerate(taken)
                   if all(lane.bottom + LANE < top or bottom + LANE < lane.top for top, bottom in others)), len(taken))
        if at == len(taken):
            taken.append([])
        taken[at].append((lane.top, lane.bottom))
        lane.number = at
