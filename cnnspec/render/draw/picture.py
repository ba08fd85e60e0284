"""A drawing as pure geometry: placed boxes, frames, lines and texts, before they become SVG."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.diagram import Box, Diagram
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.draw import heights, lines, sizes, ways, widths
from cnnspec.render.draw.build import Plan, plan
from cnnspec.render.draw.captions import captions
from cnnspec.render.draw.heading import Swatch, Text, heading, note
from cnnspec.render.draw.lines import Line
from cnnspec.render.draw.sizes import FRAME, LINE, SMALL, TEXT, badge, badge_width
from cnnspec.render.draw.stems import BoxNode, FrameNode, inside
from cnnspec.render.snippet import visible

#: Around the whole; between the heading and the network, and between that and the note.
MARGIN, BELOW_HEADING, ABOVE_NOTE = 24.0, 26.0, 26.0
#: How far a frame's name stands from its left.
NAME_LEFT = 12.0


class PlacedBox(Record):
    """A box with its upper left corner and size. `least` is the area that its text needs."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    least: float
    texts: tuple[Text, ...]
    #: The middle of its `×N`; None where there is none.
    badge: Text | None = None


class PlacedFrame(Record):
    """A frame around what has been opened; `name` is whole, its texts may be shortened."""

    name: str
    x: float
    y: float
    width: float
    height: float
    texts: tuple[Text, ...]
    badge: Text | None = None


class Picture(Record):
    """All that a drawing shows; frames from the outermost."""

    name: str
    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    frames: tuple[PlacedFrame, ...]
    lines: tuple[Line, ...]
    #: Texts that belong to neither boxes nor frames: shapes beside lines, the heading, the legend.
    texts: tuple[Text, ...]
    swatches: tuple[Swatch, ...]
    #: Pixels² for each unit of what boxes are as large as; 0 where nothing has any.
    scale: float


def picture(summary: Summary, diagram: Diagram, size_by: str = "macs") -> Picture:
    """Lay a diagram out. `size_by` is `macs` or `params`."""
    made = plan(diagram)
    scale = sizes.scale(diagram.boxes, size_by)
    sizes.measure(made.root, size_by, scale)
    ways.choose(made.skips, made.root)
    heights.stack(made.root)
    top, least, head, swatches = heading(summary, diagram, MARGIN)
    top = int(top + BELOW_HEADING) + 0.5
    heights.settle(made.root, top)
    lines.lanes(made)
    widths.spread(made.root)
    foot = note(size_by, MARGIN, top + made.root.height + ABOVE_NOTE) if scale else ()
    content = max(least, *(text.right - MARGIN for text in foot), 0.0)
    width = 1 + max(content, made.root.left + made.root.right)
    spare = width - made.root.left - made.root.right
    widths.settle(made.root, int(MARGIN + spare / 2 + made.root.left) + 0.5)
    found = [*inside(made.root)]
    return Picture(
        visible(diagram.name), width + 2 * MARGIN, top + made.root.height + (ABOVE_NOTE if scale else 0) + MARGIN,
        tuple(_box(node) for node in found if isinstance(node, BoxNode)),
        tuple(_frame(node) for node in found if isinstance(node, FrameNode)),
        tuple(_lines(made)),
        (*head, *captions(made.root), *foot), swatches, scale,
    )


def _lines(made: Plan) -> Iterator[Line]:
    walk = lines.Walk(made.nested)
    walk.down(made.root, lines.Wire(None, ()))
    yield from walk.lines
    for skip in made.skips:
        yield lines.around(skip, units.shape(skip.edge.shape))


def _box(node: BoxNode) -> PlacedBox:
    left, count = node.stem.x - node.width / 2, node.box.row.count
    room = badge_width(count) + sizes.BADGE_GAP if count > 1 else 0.0
    middle = node.stem.x - room / 2
    first = node.y + node.height / 2 - LINE * (len(node.lines) - 1) / 2 + TEXT * 0.35
    texts = tuple(Text(middle, first + LINE * at, line, TEXT, "middle") for at, line in enumerate(node.lines))
    beside = max(text.right for text in texts) + sizes.BADGE_GAP + badge_width(count) / 2
    pill = Text(beside, node.y + node.height / 2 + SMALL * 0.35, badge(count), SMALL, "middle", "count")
    return PlacedBox(node.box, left, node.y, node.width, node.height, node.least[0] * node.least[1], texts,
                     pill if count > 1 else None)


def _frame(node: FrameNode) -> PlacedFrame:
    left = node.stem.x - node.left
    texts = tuple(
        Text(left + NAME_LEFT, node.y + heights.NAME_PAD + heights.NAME * (at + 0.75), line, FRAME, "start", "quiet")
        for at, line in enumerate(node.lines)
    )
    pill = Text(node.stem.x + node.right - NAME_LEFT - badge_width(node.count) / 2,
                node.y + heights.NAME_PAD + heights.NAME * 0.75, badge(node.count), SMALL, "middle", "count")
    return PlacedFrame(node.text, left, node.y, node.left + node.right, node.height, texts,
                       pill if node.count > 1 else None)
