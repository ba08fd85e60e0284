"""Facts of a network's structure: what runs, and its longest path."""

from __future__ import annotations

from cnnspec.graph.network import Graph


def runs_at_inference(graph: Graph) -> frozenset[int]:
    """The nodes that run outside training: all but those that only lead to `train_only` outputs."""
    if not any(output.train_only for output in graph.outputs):
        return frozenset(range(len(graph.nodes)))
    training = reaching(graph, [o.node for o in graph.outputs if o.train_only])
    always = reaching(graph, [graph.output, *(o.node for o in graph.outputs if not o.train_only)])
    return frozenset(range(len(graph.nodes))) - (training - always)


def reaching(graph: Graph, ends: list[int]) -> frozenset[int]:
    """The nodes from which one of `ends` can be reached, the ends included."""
    found: set[int] = set()
    stack = list(ends)
    while stack:
        index = stack.pop()
        if index not in found:
            found.add(index)
            stack.extend(graph.nodes[index].inputs)
    return frozenset(found)


def longest_path(graph: Graph) -> tuple[int, int]:
    """Layers on the longest path from an input to the main output, and the most weight layers on any such path.

    Inputs are no layers; weight layers are those with a matrix of weights (convolution, linear).
    """
    layers: list[int] = []
    weights: list[int] = []
    for node in graph.nodes:
        weighted = 1 if node.op.layer.weighted else 0
        if len(node.inputs) == 1:  # nearly all of them
            layers.append(layers[node.inputs[0]] + 1)
            weights.append(weights[node.inputs[0]] + weighted)
        else:
            layers.append(max((layers[i] for i in node.inputs), default=-1) + 1)
            weights.append(max((weights[i] for i in node.inputs), default=0) + weighted)
    return layers[graph.output], weights[graph.output]
