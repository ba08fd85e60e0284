"""The classic picture of a network: its values as volumes, tall as their resolution and wide as their channels."""

from __future__ import annotations

from cnnspec.analysis.summary import Summary


def volumes(summary: Summary, *, depth: int | None = None, standalone: bool = True) -> str:
    """A network's values as SVG, from left to right; what passes several of them as arcs above.

    `depth` is as for `analysis.diagram.diagram`, but by default nothing opens: a call, a merge, and neighbours that are
    alike are one volume. `standalone` is for a file of its own, which has a ground and a size; otherwise the picture
    is as wide as its surroundings have room for. Sizes are as in `scales`.
    """
    from cnnspec.analysis.diagram import diagram
    from cnnspec.render.draw.volumes.page import page
    from cnnspec.render.draw.volumes.painting import painted

    return painted(page(diagram(summary, 0 if depth is None else depth), summary), summary, standalone=standalone)
