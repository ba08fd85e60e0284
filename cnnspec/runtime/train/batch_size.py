"""Images of a step: no more than there are; with `--batch auto` as many as fit, and leave enough steps to learn in."""

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
    found = largest(fits(net, options, device), _most(images))
    if found is None:
        raise SpecError([Diagnostic("out-of-memory", f"{net.name} cannot be trained here: no single image fits")])
    return found


def _most(images: int) -> int:
    return max(1, min(MOST, images // STEPS))


def told(batch: int, images: int) -> str:
    """Why a batch of `--batch auto` is what it is, in a sentence; batches are known to a sixty-fourth."""
    if batch + batch // 64 + 1 <= _most(images):
        return f"batch {batch:,}, the largest that fits"
    return f"batch {batch:,}: " + ("larger ones want other learning rates" if batch >= MOST - MOST // 64 else
                                   f"larger ones would leave less than {STEPS} steps an epoch")


def bounded(regime: Regime, images: int) -> tuple[Regime, tuple[str, ...]]:
    """The regime for so many images, and what was done, in sentences: a batch has no more than there are."""
    if regime.batch <= images:
        return regime, ()
    said = f"batch {images:,} rather than {regime.batch:,}: there are no more images to train on"
    return regime.replace(batch=images), (said,)
