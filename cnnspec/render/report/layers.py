"""The part of a report in which drawing and table of a network stand beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.summary import Summary
from cnnspec.render.draw import svg as draw
from cnnspec.render.columns import Column
from cnnspec.render.report.nested import Entry
from cnnspec.render.report.page import scrolling
from cnnspec.render.report.table import Below, layer_table
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element

#: Bytes of a drawing beside which a table still has room.
MOST_DRAWN = 160_000


def side_by_side(summary: Summary, entries: Sequence[Entry], columns: Sequence[Column],
                 below: Sequence[Below] = ()) -> str:
    """The drawing, and the table of its layers."""
    table = scrolling(layer_table(summary, entries, columns, below), name=f"layers of {visible(summary.name)}")
    return element("div", drawing(summary), element("div", table, class_="table"), class_="side-by-side")


def drawing(summary: Summary) -> str:
    """The network as a picture, closed as far as it must be; of one that is too large even then, why there is none."""
    for depth in (None, 0):
        drawn = draw(summary, depth=depth, standalone=False)
        if len(drawn.encode()) <= MOST_DRAWN:
            return scrolling(drawn, "drawing", f"drawing of {visible(summary.name)}")
    return element("p", "There is no drawing of it here: too much of it is written one by one.", class_="missing")
