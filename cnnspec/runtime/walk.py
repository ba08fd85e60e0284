"""A module's layers called one after the other, as its own code calls them, with a stopwatch around each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import fx

from cnnspec.runtime.build import LAYER
from cnnspec.runtime.stopwatch import Stopwatch


class Step:
    """One layer: what is called, on which values; and the values that nothing reads afterwards."""

    def __init__(self, node: fx.Node, call: Callable[..., Any], freed: list[fx.Node]) -> None:
        self.node = node
        self.call = call
        self.freed = freed
        #: Index of its layer.
        self.layer: int = node.meta[LAYER]


class Walk:
    """The layers of a module with one input, in evaluation mode; values are freed as the module frees them."""

    def __init__(self, module: fx.GraphModule) -> None:
        self.nodes = list(module.graph.nodes)
        freed: dict[fx.Node, list[fx.Node]] = {}
        for node in self.nodes:
            if node.users:
                freed.setdefault(max(node.users, key=self.nodes.index), []).append(node)
        self.inputs = [node for node in self.nodes if node.op == "placeholder"]
        self.steps = [Step(node, _target(module, node), freed.get(node, []))
                      for node in self.nodes if node.op in {"call_module", "call_function"}]

    def run(self, value: torch.Tensor, watch: Stopwatch) -> list[float]:
        """Seconds of each step, in order."""
        values: dict[fx.Node, Any] = dict.fromkeys(self.inputs, value)
        watch.reset()
        for step in self.steps:
            arguments = fx.node.map_arg(step.node.args, values.__getitem__)
            watch.start()
            values[step.node] = step.call(*arguments, **step.node.kwargs)
            watch.stop()
            del arguments
            for node in step.freed:
                del values[node]
        return watch.laps()


def _target(module: fx.GraphModule, node: fx.Node) -> Callable[..., Any]:
    """What a node calls."""
    if node.op == "call_module":
        return module.get_submodule(str(node.target))
    assert callable(node.target)
    return node.target
