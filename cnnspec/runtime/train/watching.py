"""What the layers of a module make of a batch: the scale of their values, and units that never speak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from cnnspec.analysis.summary import LayerSummary
from cnnspec.runtime.build import LAYER

#: Called with the index of a layer and the value that it has just made.
Seen = Callable[[int, Tensor], None]


class Watching(fx.Interpreter):
    """Runs a module node by node, and shows each layer's value before the next one may change it."""

    def __init__(self, module: fx.GraphModule, seen: Seen) -> None:
        super().__init__(module)
        self.seen = seen

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        index = n.meta.get(LAYER)
        if index is not None and isinstance(value, Tensor):
            self.seen(index, value)
        return value


@torch.no_grad()
def scales(module: fx.GraphModule, images: Tensor) -> dict[int, float]:
    """By index of a layer, the standard deviation of the values that it makes."""
    found: dict[int, float] = {}

    def note(index: int, value: Tensor) -> None:
        if value.is_floating_point() and value.numel() > 1:
            found[index] = float(value.float().std())

    Watching(module, note).run(images)
    return found


@torch.no_grad()
def silent(module: fx.GraphModule, images: Tensor, layers: tuple[LayerSummary, ...]) -> dict[int, float]:
    """By index of a RELU or RELU6, the share of its channels that are 0 at every place of every image.

    A flat value's channels are its units.
    """
    rectifying = {layer.index for layer in layers if layer.op in {"RELU", "RELU6"}}
    found: dict[int, float] = {}

    def note(index: int, value: Tensor) -> None:
        if index in rectifying:
            units = value.transpose(0, 1).flatten(1)
            found[index] = float((units <= 0).all(1).float().mean())

    Watching(module, note).run(images)
    return found
