"""Times of a network's layers on any device, by the stamps that suit it, beside those of the network as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

import torch
from torch import Tensor, fx, optim

from cnnspec.analysis.layer_times import WAITING, LayerTimes
from cnnspec.runtime import stamps, stamps_cuda
from cnnspec.runtime.stamps import Loss, Run, Stamps

#: Makes a run with stamps between the layers, or as a whole.
Maker = Callable[[bool], Run]


def inference(module: fx.GraphModule, inputs: Sequence[Tensor], spend: float = 2.0) -> LayerTimes:
    """Of a module without gradients, in the mode that it is in, on the inputs' device, from runs of so many seconds."""
    device = inputs[0].device
    if device.type == "cuda":
        with torch.cuda.device(device):
            pool = torch.cuda.graph_pool_handle()
            return both(lambda whole: stamps_cuda.inference(module, inputs, whole=whole, pool=pool), spend)
    return both(lambda whole: stamps.inference(module, inputs, host(device), whole=whole), spend)


def training(module: fx.GraphModule, inputs: Sequence[Tensor], loss: Loss, optimizer: optim.Optimizer,
             spend: float = 2.0) -> LayerTimes:
    """Of a step of training; the weights change."""
    device = inputs[0].device
    if device.type == "cuda":
        with torch.cuda.device(device):
            return both(lambda whole: stamps_cuda.training(module, inputs, loss, optimizer, whole=whole), spend)
    return both(lambda whole: stamps.training(module, inputs, loss, optimizer, host(device), whole=whole), spend)


def both(make: Maker, spend: float) -> LayerTimes:
    """Runs with stamps between the layers, in turn with runs as a whole."""
    return stamps.measure(make(False), make(True), seconds=spend)


def host(device: torch.device) -> Stamps:
    """Stamps by the host's clock. A device beside the CPU has to end a layer before: it is slower for it."""
    return Stamps(waiting, name=WAITING) if device.type == "mps" else Stamps()


def waiting() -> float:
    """The time when a Mac's GPU has done all that it was given."""
    torch.mps.synchronize()
    return perf_counter()
