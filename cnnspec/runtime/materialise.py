"""A network's module with its weights: built, initialised or loaded, on a device and in a dtype."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

import torch
from torch import Tensor, fx

from cnnspec.graph.network import Graph
from cnnspec.runtime.build import build
from cnnspec.runtime.initialise import initialise
from cnnspec.runtime.weight_files import load_file
from cnnspec.runtime.weights import fit

#: A state dict, or a file that holds one.
Weights = Mapping[str, Tensor] | str | PathLike[str]


def materialise(graph: Graph, *, init: str = "default", weights: Weights | None = None,
                device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> fx.GraphModule:
    """The module on a device (None: the default one), its floating-point tensors in a dtype (None: the default one).

    With `weights` (a state dict or a file) nothing is initialised. Raises `SpecError` where they do not fit.
    """
    place = torch.device(device) if device is not None else torch.get_default_device()
    if weights is not None:
        return loaded(graph, load_file(weights) if isinstance(weights, str | PathLike) else weights, place, dtype)
    with place:
        module = build(graph)
    initialise(graph, module, init)
    return module if dtype is None else module.to(dtype)


def loaded(graph: Graph, state: Mapping[str, Tensor], device: torch.device,
           dtype: torch.dtype | None) -> fx.GraphModule:
    """The module with copies of a state dict's weights, on a device and in a dtype (None: the default one)."""
    with torch.device("meta"):
        module = build(graph)
    fitted = fit(graph, module, state)
    if dtype is not None:
        module.to(dtype)
    copies = {key: fitted[key].to(device, empty.dtype, copy=True, memory_format=torch.contiguous_format)
              for key, empty in module.state_dict().items()}
    module.load_state_dict(copies, assign=True)
    return module
