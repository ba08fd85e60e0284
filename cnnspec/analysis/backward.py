"""What the backward pass keeps for a layer, by name: its input, its output, and what there is beside them."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.memory import Saved
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.layers.base import Shape
from cnnspec.record import Record

INPUT, OUTPUT, VALUE = "input", "output", "value"


class Need(Record):
    """Something that is kept until a layer's backward pass has run."""

    #: `input`, `output`, or what is kept beside them: `indices`, `mask`, `statistics`, `copy`, `number`.
    kind: str
    #: Of a value.
    shape: Shape | None
    #: For the whole batch; 0 for what the caller holds anyway.
    bytes: int
    #: Indices of the other layers that need it.
    others: tuple[int, ...] = ()


def needs(summary: Summary, layer: LayerSummary) -> tuple[Need, ...] | None:
    """What is kept for a layer, values first; None where there is no backward pass through it."""
    if not summary.can_train or not summary.memories.kept().flows[layer.index]:
        return None
    found = summary.memories.kept().needed.get(layer.index, [])
    return (*_values(summary, layer, found), *_beside(found))


def _values(summary: Summary, layer: LayerSummary, found: list[Saved]) -> Iterator[Need]:
    node, graph = layer.node, summary.graph
    root = summary.memories.kept().places.root
    made = {one.node: one for one in found if one.kind == VALUE}
    sources = [(INPUT, node.inputs[place]) for place in node.op.saved.inputs]
    sources += [(OUTPUT, layer.index)] * node.op.saved.output
    for kind, source in dict.fromkeys(sources):
        shape, saved = graph.nodes[source].shape, made.get(root[source])
        if saved is not None:
            yield Need(kind, shape, saved.bytes, tuple(index for index in saved.needed_by if index != layer.index))
        elif root[source] in graph.inputs.values():
            yield Need(kind, shape, 0)


def _beside(found: list[Saved]) -> Iterator[Need]:
    sizes: dict[str, int] = {}
    for one in found:
        if one.kind != VALUE:
            sizes[one.kind] = sizes.get(one.kind, 0) + one.bytes
    for kind, size in sizes.items():
        yield Need(kind, None, size)
