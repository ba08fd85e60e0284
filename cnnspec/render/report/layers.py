"""The part of a report in which drawing and table of a network stand beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.summary import Summary
from cnnspec.render.columns import Column
from cnnspec.render.draw import svg as draw
from cnnspec.render.report.nested import Entry
from cnnspec.render.report.page import scrolling
from cnnspec.render.report.table import Below, layer_table
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element

#: Bytes of a drawing beside which a table still has room; pixels of its width from which on it has a row for itself.
MOST_DRAWN, WIDE = 160_000, 640


def side_by_side(summary: Summary, entries: Sequence[Entry], columns: Sequence[Column],
                 below: Sequence[Below] = ()) -> str:
    """The drawing, and the table of its layers; one below the other where the drawing is wide."""
    drawn, name = drawing(summary), visible(summary.name)
    width = natural_width(drawn)
    picture = (scrolling(drawn, "drawing", f"drawing of {name}") if drawn else
               element("p", "There is no drawing of it here: too much of it is written one by one.", class_="missing"))
    table = scrolling(layer_table(summary, entries, columns, below), name=f"layers of {name}")
    return element("div", picture, element("div", table, class_="table"),
                   class_="side-by-side" if 0 < width < WIDE else "side-by-side stacked", style=f"--width:{width:g}px")


def drawing(summary: Summary) -> str:
    """The network as a picture, closed as far as it must be; nothing where it is too large even then."""
    drawn = (draw(summary, depth=depth, standalone=False) for depth in (None, 0))
    return next((one for one in drawn if len(one.encode()) <= MOST_DRAWN), "")


def natural_width(drawn: str) -> float:
    """The width of a drawing in pixels at which its texts have their size; 0 for none."""
    extents = drawn.partition('viewBox="')[2].partition('"')[0].split()
    return float(extents[2]) if extents else 0.0
