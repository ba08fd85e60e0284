"""What is kept for a layer's backward pass, as the lines of its explanation and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.backward import INPUT, Need
from cnnspec.analysis.explain import Explanation
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.render.units import shape, size

#: What is kept beside values.
_BESIDE = {"indices": "the places of the maxima", "mask": "what was dropped", "statistics": "means and deviations",
           "copy": "copies", "number": "a number"}


def kept_lines(explanation: Explanation, summary: Summary) -> Iterator[str]:
    """What is kept, and what for; nothing of an input, nor where the network is not trained."""
    layer, kept = explanation.layer, explanation.kept
    if kept is None:
        if summary.can_train and layer.node.inputs:
            yield "none: no gradient comes to it"
    elif not kept:
        yield "keeps nothing"
    for place, need in enumerate(kept or ()):
        first, *rest = _needed(need, layer, summary)
        yield f"{'and' if place else 'keeps'} {first}"
        yield from rest


def _needed(need: Need, layer: LayerSummary, summary: Summary) -> Iterator[str]:
    """`its input 64×56×56, 784.0 KiB,` and `for the gradient of its weights; needed by relu[0], too`."""
    if need.shape is None:
        yield f"{_BESIDE[need.kind]}, {size(need.bytes)}"
        return
    held = size(need.bytes) if need.bytes else "the caller's"
    yield f"its {need.kind} {shape(need.shape)}, {held},"
    if need.kind == INPUT and layer.trainable_params:
        of = "its weights"
    else:
        of = "its input" if len(layer.node.inputs) == 1 else "its inputs"
    yield f"for the gradient of {of}{_shared(need, summary)}"


def _shared(need: Need, summary: Summary) -> str:
    """Who else needs a value."""
    if not need.others:
        return ""
    first, *more = need.others
    return f"; needed by {summary.layers[first].path}{f' and {len(more)} more' if more else ''}, too"


def kept_data(explanation: Explanation, summary: Summary) -> list[dict[str, object]] | None:
    """The same as JSON has it; None where there is no backward pass."""
    if explanation.kept is None:
        return None
    return [{"kind": need.kind, "shape": None if need.shape is None else list(need.shape), "bytes": need.bytes,
             "also_for": [summary.layers[index].path for index in need.others]} for need in explanation.kept]
