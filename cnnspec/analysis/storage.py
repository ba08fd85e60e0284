"""Which memory each value lives in: views share their input's, and some layers write over their first input."""

from __future__ import annotations

from cnnspec.analysis.layout import Layouts
from cnnspec.graph.network import Graph, Node
from cnnspec.layers.facts import IN_PLACE, VIEW
from cnnspec.record import Record


class Storages(Record):
    """Which memory each value lives in."""

    #: By node, the one that made its storage.
    root: tuple[int, ...]
    #: The nodes that write over their first input.
    written: frozenset[int]
    #: How the values lie there.
    layouts: Layouts


def storages(graph: Graph, *, training: bool = False) -> Storages:
    """Where each value lives, and how it lies there; in training, what is dropped at random is new memory."""
    written = overwriting(graph)
    layouts = Layouts()
    root: list[int] = []
    for node in graph.nodes:
        over = node.index in written
        storage = node.op.training.storage if training else node.op.storage
        shared = over or (storage == VIEW and not layouts.copied(node))
        root.append(root[node.inputs[0]] if shared else node.index)
        layouts.follow(node, overwriting=over)
    return Storages(tuple(root), written, layouts)


def overwriting(graph: Graph) -> frozenset[int]:
    """The layers that write over their first input, as `torch.nn.ReLU(inplace=True)` and `x += y` do.

    In training and outside it alike, a layer that can do so does it where nothing reads that storage afterwards, where
    the caller does not hold it, and where autograd keeps nothing of it: neither the layer that made it nor one that has
    read it. A view counts as one even where this device would have to copy.
    """
    outside = held(graph)
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
                    and _fits(graph, first, outside, node):
                owner = first
                found.add(index)
        root.append(owner)
        last[owner] = max(last.get(owner, index), reader[index])
        if index not in found:  # else autograd keeps a copy
            saved.update(root[node.inputs[i]] for i in node.op.saved.inputs)
        if node.op.saved.output:
            saved.add(owner)
    return frozenset(found)


def held(graph: Graph) -> set[int]:
    """The values that the caller holds: inputs and outputs."""
    return {*graph.inputs.values(), graph.output, *(output.node for output in graph.outputs)}


def _fits(graph: Graph, storage: int, outside: set[int], node: Node) -> bool:
    """Whether a layer's output takes the whole place of its first input, which nobody holds."""
    first = node.inputs[0]
    return (storage not in outside and first not in outside and node.inputs.count(first) == 1
            and graph.nodes[first].op.elements == node.op.elements)
