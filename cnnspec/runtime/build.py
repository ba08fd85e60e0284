"""From the layer graph to a PyTorch module: a `torch.fx.GraphModule` whose code is one line for each layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from torch import fx, nn

from cnnspec.analysis.storage import overwriting
from cnnspec.analysis.structure import runs_at_inference
from cnnspec.graph.network import Graph, Node
from cnnspec.graph.paths import paths
from cnnspec.layers.recipe import Module
from cnnspec.runtime import resolve
from cnnspec.runtime.names import attribute
from cnnspec.runtime.phases import PhasedModule

#: Key of a node's `meta` under which the index of its layer stands.
LAYER = "cnnspec_layer"


def build(graph: Graph) -> fx.GraphModule:
    """The module of a network, on the default device, in training mode, its weights as PyTorch starts them.

    Layers that lead to `train_only` outputs alone run in training mode only.
    """
    names = [attribute(path) for path in paths(graph)]
    written = overwriting(graph)
    root = assemble({
        name: resolve.module(node.op.recipe, in_place=node.index in written)
        for node, name in zip(graph.nodes, names, strict=True)
        if node.inputs and isinstance(node.op.recipe, Module)
    })
    everything = range(len(graph.nodes))
    training = trace(graph, names, written, everything)
    runs = runs_at_inference(graph)
    title = graph.name if graph.name.isidentifier() else "Network"
    if len(runs) == len(everything):
        return fx.GraphModule(root, training, class_name=title)
    return PhasedModule(root, training, trace(graph, names, written, sorted(runs)), class_name=title)


def assemble(modules: Mapping[str, nn.Module]) -> nn.Module:
    """A tree with these modules at their dotted names, and plain containers on the way."""
    root = nn.Module()
    placed = {"": root, **modules}
    for name in modules:
        while name:
            outer, _, last = name.rpartition(".")
            reached = outer in placed
            placed.setdefault(outer, nn.Module()).add_module(last, placed[name])
            name = "" if reached else outer  # noqa: PLW2901  # up to what hangs in the tree already
    return root


def trace(graph: Graph, names: list[str], written: frozenset[int], runs: Iterable[int]) -> fx.Graph:
    """The layers that run, as a graph of fx: the inputs in order, a call for each layer, the outputs.

    Those of `written` write over their first input.
    """
    made: dict[int, fx.Node] = {}
    traced = fx.Graph()
    for name, index in graph.inputs.items():
        made[index] = traced.placeholder(attribute(name).replace(".", "_"))
        made[index].meta[LAYER] = index
    for index in runs:
        if index not in made:
            node = graph.nodes[index]
            made[index] = _call(traced, node, names[index], [made[i] for i in node.inputs], index in written)
            made[index].meta[LAYER] = index
    further = {output.name: made[output.node] for output in graph.outputs if output.node in made}
    main = made[graph.output]
    traced.output({main_key(further): main, **further} if further else main)
    return traced


def main_key(further: Mapping[str, object]) -> str:
    """The key of the main output beside further ones: `out`, as torchvision has it, where it is free."""
    return next(key for key in ("out", "output", "main_output") if key not in further)


def _call(traced: fx.Graph, node: Node, name: str, values: list[fx.Node], in_place: bool) -> fx.Node:
    recipe = node.op.recipe
    label = name.replace(".", "_")
    if isinstance(recipe, Module):
        return traced.create_node("call_module", name, tuple(values), name=label)
    target = resolve.function(recipe, in_place=in_place)
    arguments = (values,) if recipe.listed else tuple(values)
    return traced.create_node("call_function", target, arguments, cast("dict[str, Any]", dict(recipe.settings)),
                              name=label)
