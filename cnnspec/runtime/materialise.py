"""A network's module with its weights: built, initialised or loaded, on a device and in a dtype."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

import torch
from torch import Tensor, fx

from cnnspec.graph.network import Graph
from cnnspec.runtime.build import build

#: A state dict, or a file that holds one.
Weights = Mapping[str, Tensor] | str | PathLike[str]


def materialise(graph: Graph, *, init: str = "default", weights: Weights | None = None,
                device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> fx.GraphModule:
    """The module on a device (None: the default one), its floating-point tensors in a dtype (None: the default one)."""
    with torch.device(device if device is not None else torch.get_default_device()):
        module = build(graph)
    return module if dtype is None else module.to(dtype)
