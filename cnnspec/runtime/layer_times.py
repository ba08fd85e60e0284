"""Times of a network's layers on any device, by the stamps that suit it."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import torch
from torch import Tensor, fx, optim

from cnnspec.analysis.layer_times import WAITING, LayerTimes
from cnnspec.runtime import stamps, stamps_cuda
from cnnspec.runtime.stamps import Loss, Stamps


def inference(module: fx.GraphModule, inputs: Sequence[Tensor], spend: float = 2.0) -> LayerTimes:
    """Of a module without gradients, in the mode that it is in, on the inputs' device, from runs of so many seconds."""
    if inputs[0].is_cuda:
        with torch.cuda.device(inputs[0].device):
            return stamps.measure(stamps_cuda.inference(module, inputs), seconds=spend)
    return stamps.measure(stamps.inference(module, inputs, host(inputs[0].device)), seconds=spend)


def training(module: fx.GraphModule, inputs: Sequence[Tensor], loss: Loss, optimizer: optim.Optimizer,
             spend: float = 2.0) -> LayerTimes:
    """Of a step of training; the weights change."""
    if inputs[0].is_cuda:
        with torch.cuda.device(inputs[0].device):
            return stamps.measure(stamps_cuda.training(module, inputs, loss, optimizer), seconds=spend)
    return stamps.measure(stamps.training(module, inputs, loss, optimizer, host(inputs[0].device)), seconds=spend)


def host(device: torch.device) -> Stamps:
    """Stamps by the host's clock. A device beside the CPU has to end a layer before: it is slower for it."""
    return Stamps(waiting, name=WAITING) if device.type == "mps" else Stamps()


def waiting() -> float:
    """The time when a Mac's GPU has done all that it was given."""
    torch.mps.synchronize()
    return perf_counter()
