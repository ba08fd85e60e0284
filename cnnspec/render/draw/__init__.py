"""Networks as pictures, laid out from their own nesting."""

from __future__ import annotations

from cnnspec.analysis.summary import Summary

#: How a network can be drawn: boxes with what passes between them, or volumes as large as their values.
STYLES = ("graph", "volumes")


def svg(summary: Summary, *, size_by: str = "macs", depth: int | None = None, style: str = "graph",
        standalone: bool = True) -> str:
    """A network as SVG.

    `size_by` is the figure that boxes are as large as, `macs` or `params`; `depth` is as for
    `analysis.diagram.diagram`. `standalone` is for a file of its own, which has a ground and a size; otherwise the
    picture is as wide as its surroundings have room for.
    """
    if style == "volumes":
        from cnnspec.render.draw.volumes import volumes

        return volumes(summary, depth=depth, standalone=standalone)
    from cnnspec.analysis.diagram import diagram
    from cnnspec.render.draw.markup import drawing
    from cnnspec.render.draw.picture import picture

    return drawing(picture(summary, diagram(summary, depth), size_by), summary, standalone=standalone)
