"""Memory at inference: bytes that are live while each layer runs, by the lifetime of every value.

Rules (of PyTorch's eager execution): a value lives from the layer that makes it to the last one that reads it; a view
shares its input's storage; ReLU, ReLU6 and ADD overwrite their first input where nobody reads it afterwards; max pooling
allocates int64 indices while it runs. Weights, buffers and the caller's inputs live throughout.
"""

from __future__ import annotations

from cnnspec.graph.network import Graph
from cnnspec.layers.base import IN_PLACE, VIEW
from cnnspec.record import Record

#: Bytes of one element.
DTYPES = {"float64": 8, "float32": 4, "tf32": 4, "float16": 2, "bfloat16": 2, "int8": 1}


class Peak(Record):
    """The most bytes that are live at once, and the node during which they are."""

    bytes: int
    node: int


def inference_peak(graph: Graph, runs: frozenset[int], resident: int, batch: int, element: int) -> Peak:
    """The peak over the nodes that run, on top of `resident` bytes of weights and buffers.

    `element` is the size of one number in bytes. Values are freed after their last reader; outputs and inputs stay.
    """
    nodes = graph.nodes
    root, last_read = _storages(graph, runs)
    kept = {root[i] for i in (graph.output, *graph.inputs.values(), *(o.node for o in graph.outputs if o.node in runs))}
    live = resident + sum(nodes[i].op.elements for i in graph.inputs.values()) * batch * element
    ends: dict[int, list[int]] = {}
    for storage, reader in last_read.items():
        ends.setdefault(reader, []).append(storage)
    peak = Peak(live, graph.output)
    best = live
    for node in nodes:
        index = node.index
        if index not in runs or not node.inputs:
            continue
        if root[index] == index:
            live += node.op.elements * batch * element
        during = live + node.op.layer.scratch(node.op.output, *node.op.inputs) * batch
        if during > best:
            best, peak = during, Peak(during, index)
        for storage in ends.get(index, ()):
            if storage not in kept:
                live -= nodes[storage].op.elements * batch * element
        if index not in last_read and root[index] == index and index not in kept:
            live -= node.op.elements * batch * element
    return peak


def _storages(graph: Graph, runs: frozenset[int]) -> tuple[list[int], dict[int, int]]:
    """The node whose storage each value has, and the last node that reads each storage."""
    nodes = graph.nodes
    readers: dict[int, list[int]] = {}
    for node in nodes:
        if node.index in runs:
            for source in node.inputs:
                readers.setdefault(source, []).append(node.index)
    inputs = set(graph.inputs.values())
    outputs = {graph.output, *(o.node for o in graph.outputs)}
    root: list[int] = []
    last: dict[int, int] = {}
    shared: dict[int, int] = {}  # the last reader of a storage through any of its views
    for node in nodes:
        index = node.index
        owner = index
        if node.inputs and index in runs:
            first = node.inputs[0]
            storage = node.op.layer.storage(node.op.output, *node.op.inputs)
            if storage == VIEW:
                owner = root[first]
            elif storage == IN_PLACE and nodes[first].op.elements == node.op.elements:
                free = root[first] not in inputs and first not in outputs and shared.get(root[first], -1) <= index
                owner = root[first] if free and node.inputs.count(first) == 1 else index
        root.append(owner)
        if index in runs:
            latest = max(readers.get(index, [index]))
            shared[owner] = max(shared.get(owner, -1), latest)
            last[owner] = max(last.get(owner, -1), latest)
    return root, {storage: reader for storage, reader in last.items() if reader != storage}
