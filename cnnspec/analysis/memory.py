"""Memory at inference: bytes that are live while each layer runs, by the lifetime of every value.

Rules (of PyTorch's eager execution): a value lives from the layer that makes it to the last one that reads it; a view
shares its input's storage; ReLU, ReLU6 and ADD overwrite their first input where that is safe; what a layer needs
beside its values lives while it runs: the indices of max pooling, say, or a copy of an input whose elements do not lie
in a row. Weights, buffers and the caller's inputs live throughout.
"""

from __future__ import annotations

from cnnspec.analysis.layout import Layouts
from cnnspec.graph.network import Graph, Node
from cnnspec.layers.facts import IN_PLACE, VIEW
from cnnspec.record import Record

#: Bytes of one element.
DTYPES = {"float64": 8, "float32": 4, "tf32": 4, "float16": 2, "bfloat16": 2, "int8": 1}


class Peak(Record):
    """The most bytes that are live at once, and the node during which they are."""

    bytes: int
    node: int


class Storages(Record):
    """Which memory each value lives in."""

    #: By node, the one that made its storage.
    root: tuple[int, ...]
    #: How the values lie there.
    layouts: Layouts


def inference_peak(graph: Graph, runs: frozenset[int], resident: int, batch: int, element: int) -> Peak:
    """The peak over the nodes that run, on top of `resident` bytes of weights and buffers.

    `element` is the size of one number in bytes. Values are freed after their last reader; inputs and outputs stay.
    """
    nodes = graph.nodes
    size = batch * element
    places = storages(graph)
    ends = _lifetimes(graph, runs, places.root)
    live = resident + sum(nodes[i].op.elements for i in graph.inputs.values()) * size
    most, at = live, graph.output
    for node in nodes:
        made, freed = ends.get(node.index, (False, ()))
        if made:
            live += node.op.elements * size
        during = live + _scratch(node, places.layouts, batch, element)
        if during > most and node.index in runs:
            most, at = during, node.index
        for storage in freed:
            live -= nodes[storage].op.elements * size
    return Peak(most, at)


def _scratch(node: Node, layouts: Layouts, batch: int, element: int) -> int:
    """Bytes that live only while a layer runs: its own, and copies of inputs that do not lie as it reads them."""
    scratch = node.op.scratch
    elements = scratch.elements + (layouts.copied(node, batch) if node.op.storage != VIEW else 0)
    before = max(scratch.before * element - node.op.elements * batch * element, 0)  # in the place of the output
    return (elements * element + scratch.bytes) * batch + scratch.shared * element + before


def _lifetimes(graph: Graph, runs: frozenset[int], root: tuple[int, ...]) -> dict[int, tuple[bool, list[int]]]:
    """For each node that runs: whether it makes a storage, and which ones, by the node that made them, end with it."""
    last: dict[int, int] = {}
    for node in graph.nodes:
        if node.index in runs:
            for value in (node.index, *node.inputs):
                last[root[value]] = node.index
    kept = {root[i] for i in _held(graph)}
    ends: dict[int, tuple[bool, list[int]]] = {
        index: (root[index] == index, []) for index in runs if graph.nodes[index].inputs
    }
    for storage, reader in last.items():
        if storage not in kept and reader in ends:
            ends[reader][1].append(storage)
    return ends


def storages(graph: Graph) -> Storages:
    """Where each value lives, and how it lies there."""
    written = overwriting(graph)
    layouts = Layouts()
    root: list[int] = []
    for node in graph.nodes:
        over = node.index in written
        shared = over or (node.op.storage == VIEW and not layouts.copied(node))
        root.append(root[node.inputs[0]] if shared else node.index)
        layouts.follow(node, overwriting=over)
    return Storages(tuple(root), layouts)


def overwriting(graph: Graph) -> frozenset[int]:
    """The layers that write over their first input, as `torch.nn.ReLU(inplace=True)` and `x += y` do.

    In training and outside it alike, a layer that can do so does it where nothing reads that storage afterwards, where
    the caller does not hold it, and where autograd keeps nothing of it: neither the layer that made it nor one that has
    read it. A view counts as one even where this device would have to copy.
    """
    held = _held(graph)
    reader = list(range(len(graph.nodes)))  # the last reader of each value; a value that nobody reads ends with itself
    for node in graph.nodes:
        for source in node.inputs:
            reader[source] = node.index
    root: list[int] = []
    last: dict[int, int] = {}  # by storage, through all views of it made so far
    saved: set[int] = set()  # storages that autograd keeps
    found: set[int] = set()
    for node in graph.nodes:
        index = owner = node.index
        if node.inputs:
            first = root[node.inputs[0]]
            if node.op.storage == VIEW:
                owner = first
            elif node.op.storage == IN_PLACE and last[first] == index and first not in saved \
                    and _fits(graph, first, held, node):
                owner = first
                found.add(index)
        root.append(owner)
        last[owner] = max(last.get(owner, index), reader[index])
        saved.update(root[node.inputs[i]] for i in node.op.saved.inputs)
        if node.op.saved.output:
            saved.add(owner)
    return frozenset(found)


def _held(graph: Graph) -> set[int]:
    """The values that the caller holds: inputs and outputs."""
    return {*graph.inputs.values(), graph.output, *(output.node for output in graph.outputs)}


def _fits(graph: Graph, storage: int, held: set[int], node: Node) -> bool:
    """Whether a layer's output takes the whole place of its first input, which nobody holds."""
    first = node.inputs[0]
    return (storage not in held and first not in held and node.inputs.count(first) == 1
            and graph.nodes[first].op.elements == node.op.elements)
