"""A network run with one channel, to see which pixels reach which output.

What a value sees does not depend on how many channels it has, since a field is that of all its channels together. So
every value has one, made of all its inputs' channels: PyTorch's convolutions and interpolations with their own windows
but constant positive weights, pools as averages, merges as sums, all else as the identity; in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from cnnspec.analysis.summary import Summary
from cnnspec.layers.op import Op
from cnnspec.layers.recipe import Function, Module
from cnnspec.runtime import resolve

#: What becomes of a value: from the layer and what enters it.
Rule = Callable[[Op, Tensor], Tensor]


def thin(summary: Summary, last: int) -> tuple[dict[int, Tensor], list[Tensor]]:
    """The values that see a part of the input, up to the layer `last`, and the inputs; gates are left out."""
    inputs = {index: torch.ones(1, 1, *summary.layers[index].output_shape[1:], dtype=torch.float64, requires_grad=True)
              for index in summary.graph.inputs.values()}
    values = dict(inputs)
    for layer in summary.layers[: last + 1]:
        op = layer.node.op
        if layer.node.inputs and layer.runs and layer.field.ungated is not None:
            gates = op.layer.gates(*op.inputs)
            carried = [values[source] for index, source in enumerate(layer.node.inputs) if index not in gates]
            values[layer.index] = _merged(op, carried) if op.layer.merges else RULES.get(op.layer.keyword, _same)(
                op, carried[0])
    return values, [*inputs.values()]


def _merged(op: Op, values: list[Tensor]) -> Tensor:
    if op.layer.keyword == "STACK":
        return torch.stack(values, dim=2)
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _same(op: Op, x: Tensor) -> Tensor:
    return x


def _convolution(op: Op, x: Tensor) -> Tensor:
    """The layer's own module, for one channel; what padding holds is no pixel, so it holds zeros."""
    recipe = op.recipe
    assert isinstance(recipe, Module)
    settings = dict(recipe.settings) | {"in_channels": 1, "out_channels": 1, "groups": 1, "bias": False}
    if "padding_mode" in settings:
        settings["padding_mode"] = "zeros"
    module: Any = resolve.module(Module(recipe.name, settings)).double().requires_grad_(False)
    # the root keeps sums over a window from growing, and those at its corners from vanishing, as far as both can be
    torch.nn.init.constant_(module.weight, prod(module.kernel_size) ** -0.5)
    made: Tensor = module(x)
    return made


def _pool(op: Op, x: Tensor) -> Tensor:
    """A sum over the window: rows are added or left out behind, as the output's extents ask."""
    layer: Any = op.layer
    windows = layer.windows(op.inputs[0])
    sides = [(w.before, (out - 1) * w.stride + w.span - extent - w.before)
             for w, out, extent in zip(windows, op.output[1:], x.shape[2:], strict=True)]
    weight = torch.ones(1, 1, *(w.kernel for w in windows), dtype=x.dtype) / prod(w.kernel for w in windows) ** 0.5
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[len(windows) - 1]
    padded = functional.pad(x, [rows for side in reversed(sides) for rows in side])
    return convolve(padded, weight, stride=[w.stride for w in windows], dilation=[w.dilation for w in windows])


def _adaptive(op: Op, x: Tensor) -> Tensor:
    pool: Any = (functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d, functional.adaptive_avg_pool3d)
    made: Tensor = pool[x.ndim - 3](x, op.output[1:])
    return made


def _function(op: Op, x: Tensor) -> Tensor:
    """The layer's own function."""
    recipe = op.recipe
    assert isinstance(recipe, Function)
    settings = dict(recipe.settings) | ({"mode": "constant"} if op.layer.keyword == "PAD" else {})
    made: Tensor = resolve.function(recipe)(x, **settings)
    return made


def _pixel_shuffle(op: Op, x: Tensor) -> Tensor:
    layer: Any = op.layer
    return functional.pixel_shuffle(x.expand(-1, layer.r**2, -1, -1), layer.r)


def _pixel_unshuffle(op: Op, x: Tensor) -> Tensor:
    layer: Any = op.layer
    return functional.pixel_unshuffle(x, layer.r).mean(1, keepdim=True)


RULES: dict[str, Rule] = {
    "CONV": _convolution, "DWCONV": _convolution, "UPCONV": _convolution,
    "POOL": _pool, "ADAPTIVEPOOL": _adaptive,
    "UPSAMPLE": _function, "RESIZE": _function, "PAD": _function, "CROP": _function,
    "PIXELSHUFFLE": _pixel_shuffle, "PIXELUNSHUFFLE": _pixel_unshuffle,
}
