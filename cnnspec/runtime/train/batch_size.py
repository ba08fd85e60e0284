"""`--batch auto`: as many images in a step as fit, and leave enough steps to learn in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.analysis.learning import Regime
from cnnspec.analysis.profile import Options
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.net import Net
from cnnspec.runtime.batches import fits, largest

if TYPE_CHECKING:
    import torch

#: No more than this: larger batches want other learning rates. And so many steps an epoch has at least.
MOST, STEPS = 1024, 8


def largest_batch(net: Net, regime: Regime, device: torch.device, images: int) -> int:
    """The largest batch for a run on so many images; raises `SpecError` where a single image does not fit."""
    options = Options(mode="training", dtype="float32" if regime.dtype == "float32" else regime.dtype,
                      autocast=regime.dtype != "float32",
                      optimizer="adamw" if regime.optimizer == "adamw" else "momentum")
    found = largest(fits(net, options, device), max(1, min(MOST, images // STEPS)))
    if found is None:
        raise SpecError([Diagnostic("out-of-memory", f"{net.name} cannot be trained here: no single image fits")])
    return found
