"""A step of a network on a CPU, with what it takes of memory: by the rules, and by the allocator's account."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from cnnspec.analysis.memory import Memory, Setting
from cnnspec.analysis.training import training
from cnnspec.net import Net
from cnnspec.runtime.allocations import follow
from cnnspec.runtime.build import build

OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=1e-3),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=1e-3, momentum=0.9),
    "adam": lambda weights: torch.optim.Adam(weights, lr=1e-3),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=1e-3),
}


def held(tensors: list[torch.Tensor]) -> int:
    """Bytes of the storages of these tensors, each once."""
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())


class Measured:
    """Bytes at the start of a second training step, after its forward pass, at its peak, and at its end."""

    def __init__(self, net: Net, batch: int, optimizer: str) -> None:
        module = build(net.graph).train()
        nodes = net.graph.nodes
        values = [torch.randn(batch, *nodes[index].shape) for index in net.graph.inputs.values()]
        outputs = [net.graph.output, *(output.node for output in net.graph.outputs)]
        labels = [torch.zeros(batch, *nodes[index].shape[1:], dtype=torch.long) for index in outputs]
        update = OPTIMIZERS[optimizer]([weight for weight in module.parameters() if weight.requires_grad])

        def forward() -> tuple[torch.Tensor, Any]:
            made = module(*values)
            listed = list(made.values()) if isinstance(made, dict) else [made]
            losses = [functional.cross_entropy(one, label) for one, label in zip(listed, labels, strict=True)]
            total = losses[0]
            for loss in losses[1:]:
                total = total + loss  # a sum in new memory each time
            return total, made

        def step() -> tuple[torch.Tensor, Any]:
            loss, made = forward()
            loss.backward()
            update.step()
            return loss, made

        step()
        update.zero_grad(set_to_none=True)
        state = [one for kept in update.state.values() for one in kept.values() if isinstance(one, torch.Tensor)]
        self.start = held([*module.parameters(), *module.buffers(), *values, *labels, *state])
        self.forward = self.start + follow(forward).left
        found = follow(step)
        self.peak, self.end = self.start + found.peak, self.start + found.left


def differences(net: Net, batch: int, optimizer: str) -> tuple[int, int, int, int]:
    """Predicted minus measured: at the start, after the forward pass and the loss, at the peak, at the end."""
    measured, told = Measured(net, batch, optimizer), training(net.graph, Setting(batch), optimizer)
    return (told.resident - measured.start, after_loss(net, told) - measured.forward,
            told.peak - measured.peak, told.timeline[-1].live - measured.end)


def after_loss(net: Net, told: Memory) -> int:
    """What is live when the loss has been computed: log-probabilities, the loss and the weight for each output."""
    outputs = [net.graph.output, *(output.node for output in net.graph.outputs)]
    each = told.setting.batch * told.setting.element
    forward = [moment for moment in told.timeline if moment.phase == "forward"][-1].live
    total = sum(net.graph.nodes[index].op.elements * each + told.setting.element for index in outputs)
    return forward + total + told.setting.element
