"""What a drawing says of its boxes and frames: titles, and the summary's row on pointing at one."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis import labels
from cnnspec.analysis.diagram import Box, Element, Frame
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.columns import RF
from cnnspec.render.snippet import visible


def title(shown: Row | Frame) -> str:
    """The label of a row or frame with its count, free of characters that cannot be shown: `bottleneck(256) ×5`."""
    return visible(labels.text(shown.label)) + (f" ×{shown.count}" if shown.count > 1 else "")


def name(frame: Frame) -> str:
    """A name that no other frame has: how many frames begin with the same box, this one and inner ones, and its key."""
    first: Element = frame
    levels = 0
    while not isinstance(first, Box):
        if isinstance(first, Frame):
            first, levels = first.elements[0], levels + 1
        else:
            filled = next((branch for branch in first.branches if branch.elements), None)
            first = filled.elements[0] if filled else first.merge
    return f"{levels}_{first.key}"


def tooltip(summary: Summary, row: Row) -> str:
    """A row of the summary, one figure to a line; figures that are zero are left out."""
    return "\n".join((title(row), *_facts(summary, row)))


def _facts(summary: Summary, row: Row) -> Iterator[str]:
    yield f"output {units.shape(row.output)}"
    yield from _shared("parameters", row.params, units.count(row.params), summary.totals.params)
    yield from _shared("MACs", row.macs, units.scaled(row.macs), summary.totals.macs)
    seen = RF.value(summary, row)
    if seen is not None:
        yield f"receptive field {RF.text(seen)}"
    if row.activation_bytes:
        yield f"memory {units.size(row.activation_bytes)}"
    if len(row.layers) > 1:
        yield f"stands in {len(row.layers)} places"
    if not row.runs:
        yield "runs in training only"


def _shared(what: str, number: int, text: str, whole: int) -> Iterator[str]:
    """A figure with its share of the network's."""
    if number:
        yield f"{what} {text} ({units.percent(number / whole)})"
