"""Memory at inference: bytes that are live while each layer runs, by the lifetime of every value.

Rules (of PyTorch's eager execution): a value lives from the layer that makes it to the last one that reads it; a view
shares its input's storage; ReLU, ReLU6 and ADD overwrite their first input where nobody reads it afterwards; max
pooling allocates int64 indices while it runs. Weights, buffers and the caller's inputs live throughout.
"""

from __future__ import annotations

from cnnspec.graph.network import Graph, Node
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

    `element` is the size of one number in bytes. Values are freed after their last reader; inputs and outputs stay.
    """
    nodes = graph.nodes
    size = batch * element
    ends = _lifetimes(graph, runs)
    live = resident + sum(nodes[i].op.elements for i in graph.inputs.values()) * size
    most, at = live, graph.output
    for node in nodes:
        made, freed = ends.get(node.index, (False, ()))
        if made:
            live += node.op.elements * size
        during = live + node.op.scratch * batch
        if during > most and node.index in runs:
            most, at = during, node.index
        for storage in freed:
            live -= nodes[storage].op.elements * size
    return Peak(most, at)


def _lifetimes(graph: Graph, runs: frozenset[int]) -> dict[int, tuple[bool, list[int]]]:
    """For each node that runs: whether it makes a storage, and which ones, by the node that made them, end with it."""
    root, last = _storages(graph, runs)
    kept = {root[i] for i in (graph.output, *graph.inputs.values(), *(o.node for o in graph.outputs))}
    ends: dict[int, tuple[bool, list[int]]] = {
        index: (root[index] == index, []) for index in runs if graph.nodes[index].inputs
    }
    for storage, reader in last.items():
        if storage not in kept and reader in ends:
            ends[reader][1].append(storage)
    return ends


def _storages(graph: Graph, runs: frozenset[int]) -> tuple[list[int], dict[int, int]]:
    """The node whose storage each value lives in, and the last node that reads each storage."""
    reader = list(range(len(graph.nodes)))  # the last reader of each value; a value that nobody reads ends with itself
    for node in graph.nodes:
        if node.index in runs:
            for source in node.inputs:
                reader[source] = node.index
    fixed = {*graph.inputs.values(), graph.output, *(output.node for output in graph.outputs)}
    root: list[int] = []
    last: dict[int, int] = {}  # by storage, through all views of it made so far
    for node in graph.nodes:
        index = owner = node.index
        if node.inputs and index in runs:
            first = node.inputs[0]
            storage = node.op.storage
            alone = storage == IN_PLACE and last[root[first]] == index
            if storage == VIEW or (alone and _owns(graph, root[first], first, fixed, node)):
                owner = root[first]
        root.append(owner)
        if index in runs:
            last[owner] = max(last.get(owner, index), reader[index])
    return root, last


def _owns(graph: Graph, storage: int, first: int, fixed: set[int], node: Node) -> bool:
    """Whether a layer may overwrite its first input: nobody else holds it, and the output fits."""
    return (storage not in fixed and first not in fixed and node.inputs.count(first) == 1
            and graph.nodes[first].op.elements == node.op.elements)
