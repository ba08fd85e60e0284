"""FLOPs held against fvcore, which counts by other rules: what it counts of each layer, and what lies between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import fx, nn
from torch.overrides import TorchFunctionMode

from cnnspec.analysis.conventions import Uncounted, count
from cnnspec.analysis.summary import LayerSummary
from cnnspec.analysis.verification import Check, Difference, Item
from cnnspec.graph.network import Graph
from cnnspec.net import Net
from cnnspec.runtime.build import LAYER, build

FIGURE = "fvcore FLOPs"


def fvcore_flops(net: Net) -> Check:
    """What fvcore counts of the module in evaluation, for one image: in total, and of each layer.

    The prediction is that of the convention `fvcore` (`docs/conventions.md`). The items lead from this project's FLOPs
    to fvcore's count, kind by kind: their sums are both totals.
    """
    layers = [layer for layer in net.layers if layer.runs and layer.node.inputs]
    try:
        predicted = {layer.index: count("fvcore", layer.node.op.layer, layer.output_shape, layer.input_shapes)
                     for layer in layers}
    except Uncounted as unknown:
        return Check(FIGURE, None, None, skipped=str(unknown))
    try:
        total, measured = counted(net.graph)
    except ImportError:
        return Check(FIGURE, sum(predicted.values()), None, skipped="fvcore is not installed: "
                     "`pip install 'cnnspec[torch]'`")
    different = tuple(Difference(layer.path, predicted[layer.index], measured[layer.index]) for layer in layers
                      if predicted[layer.index] != measured[layer.index])
    return Check(FIGURE, sum(predicted.values()), total, rows=len(layers), different=different,
                 items=between(layers, measured))


def between(layers: Iterable[LayerSummary], theirs: Mapping[int, int]) -> tuple[Item, ...]:
    """Both counts by kind of layer, in the order of their first layers; kinds that are free in both are left out."""
    kinds: dict[str, list[LayerSummary]] = {}
    for layer in layers:
        kinds.setdefault(layer.op, []).append(layer)
    items = (Item(kind, sum(layer.flops for layer in found), sum(theirs[layer.index] for layer in found))
             for kind, found in kinds.items())
    return tuple(item for item in items if item.ours or item.theirs)


def counted(graph: Graph) -> tuple[int, dict[int, int]]:
    """What fvcore counts of the network's module in evaluation, for one image: in all, and by index of the layer.

    Raises `ImportError` without fvcore. Nothing is computed: all tensors are on the `meta` device.
    """
    from fvcore.nn import FlopCountAnalysis

    with torch.device("meta"), torch.no_grad(), Traceable():
        network = build(graph).eval()
        names = name_layers(network)
        values = tuple(torch.zeros(1, *graph.nodes[index].shape) for index in graph.inputs.values())
        analysis = FlopCountAnalysis(network, values)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        flops = analysis.by_module()
    return int(flops[""]), {index: int(flops[name]) for index, name in names.items()}


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *values: Any, **settings: Any) -> Any:
        return self.function(*values, **settings)


def name_layers(network: fx.GraphModule) -> dict[int, str]:
    """Make a module of every layer, since fvcore counts by module; their names by index."""
    names = {}
    for node in network.graph.nodes:
        if node.op == "call_function":
            name = f"{node.name}()"  # as no path can read
            network.add_module(name, Call(node.target))
            node.op, node.target = "call_module", name
        if node.op == "call_module":
            names[node.meta[LAYER]] = node.target
    network.recompile()
    return names


class Traceable(TorchFunctionMode):
    """Calls the operator that fvcore reads off a trace, `aten::_convolution`, for each convolution.

    PyTorch reaches it by `aten::convolution`, which on the `meta` device is Python code that no trace passes through.
    """

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        if func in {torch.conv1d, torch.conv2d, torch.conv3d}:
            x, weight, bias, stride, padding, dilation, groups = args
            added = (0,) * len(stride)
            return _convolution(x, weight, bias, stride, padding, dilation, False, added, groups, *_SWITCHES)
        if func in {torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d}:
            x, weight, bias, stride, padding, added, groups, dilation = args
            return _convolution(x, weight, bias, stride, padding, dilation, True, added, groups, *_SWITCHES)
        return func(*args, **(kwargs or {}))


_convolution = torch.ops.aten._convolution.default  # noqa: SLF001  # PyTorch's name for it
#: Of `aten::_convolution`, for CUDA alone: benchmark, deterministic, with cuDNN, in TF32.
_SWITCHES = False, False, False, False
