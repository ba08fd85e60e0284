"""How large boxes and frames are: as their texts need, and beyond that as their share of the network's work."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.analysis.diagram import Box
from cnnspec.render.draw import words
from cnnspec.render.draw.stems import BoxNode, ForkNode, Stem, stems

TEXT, SMALL, FRAME = 12.0, 10.0, 11.0
LINE = 15.0
#: Around a box's text; the least width and height of a box.
PAD_X, PAD_Y = 11.0, 7.5
LEAST_WIDTH = 84.0
#: Beside a text, for its `×N`.
BADGE_GAP = 7.0
#: Pixels² that the largest box has at most, and that boxes with any work have on average.
LARGEST, AVERAGE = 26_000.0, 6_500.0
#: Height over width of a box that is larger than its text.
RATIO = 0.62
#: Neighbours are made as wide as the widest of them, if they have at least so much of its width.
ALIKE = 0.5
#: Widths are multiples of it.
STEP = 12.0


def work(box: Box, size_by: str) -> int:
    """The figure that a box is as large as."""
    return box.row.params if size_by == "params" else box.row.macs


def scale(boxes: Iterable[Box], size_by: str) -> float:
    """Pixels² for each unit of work."""
    sizes = [size for box in boxes if (size := work(box, size_by))]
    return min(LARGEST / max(sizes), AVERAGE * len(sizes) / sum(sizes)) if sizes else 0.0


def stepped(width: float) -> float:
    """The next larger of the widths that drawings use, so that what is nearly as wide is as wide."""
    return -(-width // STEP) * STEP


def badge(count: int) -> str:
    """`×3`; nothing for one."""
    return f"×{count}" if count > 1 else ""


def badge_width(count: int) -> float:
    """The width of the pill around a count."""
    return words.width(badge(count), SMALL) + 9 if count > 1 else 0.0


def measure(stem: Stem, size_by: str, per_unit: float) -> None:
    """Give every box within a stem its size."""
    for each in (stem, *stems(stem)):
        boxes = [node for node in each.nodes if isinstance(node, BoxNode)]
        merges = [node.merge for node in each.nodes if isinstance(node, ForkNode)]
        for alike in (boxes, merges):
            widest = max((_text_width(node) for node in alike), default=0.0)
            for node in alike:
                own = _text_width(node)
                node.least = (widest if own >= ALIKE * widest else own, 2 * PAD_Y + LINE * len(node.lines))
                node.width, node.height = _sized(node.least, per_unit * work(node.box, size_by))


def _text_width(node: BoxNode) -> float:
    count = node.box.row.count
    text = max(words.width(line, TEXT) for line in node.lines)
    return stepped(max(LEAST_WIDTH, text + 2 * PAD_X + (BADGE_GAP + badge_width(count) if count > 1 else 0.0)))


def _sized(least: tuple[float, float], area: float) -> tuple[float, float]:
    """A size of at least so much that has an area, if that is more."""
    width, height = least
    if area <= width * height:
        return least
    if area > RATIO * width * width:
        width = max(width, (area / RATIO) ** 0.5)
    return (width, area / width) if area / width >= height else (area / height, height)
