"""The part of a report in which drawing and table of a network stand beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.diagram import diagram
from cnnspec.analysis.summary import Summary
from cnnspec.render.columns import Column
from cnnspec.render.draw import svg as draw
from cnnspec.render.report.choices import Rows
from cnnspec.render.report.page import scrolling, sentence_html
from cnnspec.render.report.table import Below, layer_table
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element

#: Bytes of a drawing beside which a table still has room; pixels of its width from which on it has a row for itself.
MOST_DRAWN, WIDE = 160_000, 640
#: Boxes of which a drawing is larger than that in any case.
_MOST_BOXES = 800


def side_by_side(summary: Summary, rows: Rows, columns: Sequence[Column],
                 below: Sequence[Below] = (), *, drawn: bool = True) -> str:
    """The drawing, unless only the table is wanted, and the table of its layers; below each other where one is wide."""
    name = visible(summary.name)
    note = element("p", sentence_html(rows.note), class_="missing") if rows.note else ""
    listed = scrolling(layer_table(summary, rows.entries, columns, below), name=f"layers of {name}")
    table = element("div", note, listed, class_="table")
    if not drawn:
        return table
    made = drawing(summary)
    width = natural_width(made)
    picture = (scrolling(made, "drawing", f"drawing of {name}") if made else
               element("p", "There is no drawing of it here: too much of it is written one by one.", class_="missing"))
    return element("div", picture, table, class_="side-by-side" if 0 < width < WIDE else "side-by-side stacked",
                   style=f"--width:{width:g}px")


def drawing(summary: Summary) -> str:
    """The network as a picture, closed as far as it must be; nothing where it is too large even then."""
    drawn = (draw(summary, depth=depth, standalone=False) for depth in (None, 0)
             if len(diagram(summary, depth).boxes) <= _MOST_BOXES)
    return next((one for one in drawn if len(one.encode()) <= MOST_DRAWN), "")


def natural_width(drawn: str) -> float:
    """The width of a drawing in pixels at which its texts have their size; 0 for none."""
    extents = drawn.partition('viewBox="')[2].partition('"')[0].split()
    return float(extents[2]) if extents else 0.0
