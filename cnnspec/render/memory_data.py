"""Memory as JSON has it: both passes, and what falls on each layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnspec.analysis.ledger import PURPOSES
from cnnspec.analysis.memories import INFERENCE, TRAINING
from cnnspec.analysis.summary import Summary


def memory(summary: Summary) -> dict[str, Any]:
    """The peaks; of training null where the network cannot be trained."""
    return {INFERENCE: _pass(summary, INFERENCE), TRAINING: _training(summary) if summary.can_train else None}


def _training(summary: Summary) -> dict[str, Any]:
    saved = sum(one.bytes for one in summary.memory(TRAINING).saved)
    return {"optimizer": summary.optimizer, **_pass(summary, TRAINING), "saved_bytes": saved}


def _pass(summary: Summary, mode: str) -> dict[str, Any]:
    told, cuda = summary.memory(mode), summary.memory(mode, device="cuda")
    return {
        "peak_bytes": told.peak, "phase": told.phase,
        "peak_at": None if told.node is None else summary.layers[told.node].path,
        "resident_bytes": told.resident,
        "split": {purpose: told.split.get(purpose, 0) for purpose in PURPOSES},
        "cuda": {"allocated_bytes": cuda.peak, "reserved_bytes": cuda.reserved},
    }


def by_layer(summary: Summary) -> Callable[[int], dict[str, int | None]]:
    """What falls on the layer of an index; null where it does not run, or there is no training."""
    live = summary.live(INFERENCE)
    if not summary.can_train:
        return lambda index: {"saved_bytes": None, "live_bytes": live.get(index), "live_training_bytes": None}
    saved, training = summary.saved, summary.live(TRAINING)
    return lambda index: {"saved_bytes": saved.get(index, 0), "live_bytes": live.get(index),
                          "live_training_bytes": training.get(index)}
