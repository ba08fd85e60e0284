"""The optimiser: AdamW or SGD, with weight decay on weights alone."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn, optim

from cnnspec.analysis.learning import Regime


def optimizer(module: nn.Module, regime: Regime) -> optim.Optimizer:
    """For the parameters that have gradients, in the module's order; raises `ValueError` where none has."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    groups = [group for group in ({"params": [weight for weight in weights if decays(weight)],
                                   "weight_decay": regime.decay},
                                  {"params": [weight for weight in weights if not decays(weight)],
                                   "weight_decay": 0.0}) if group["params"]]
    if not groups:
        raise ValueError("nothing to train")
    if regime.optimizer == "sgd":
        return optim.SGD(groups, lr=regime.rate, momentum=regime.momentum)
    return optim.AdamW(groups, lr=regime.rate)


def decays(weight: nn.Parameter) -> bool:
    """Whether weight decay makes it smaller: kernels and matrices, but no biases, gains and shifts, which are flat."""
    return weight.ndim > 1


def set_rate(optimizers: Iterable[optim.Optimizer], rate: float) -> None:
    """The learning rate of the next step."""
    for one in optimizers:
        for group in one.param_groups:
            group["lr"] = rate
