"""The loss of a step: cross-entropy or the multi-class hinge, of the main output and, weighed less, of further ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.nn import functional

from cnnspec.analysis.learning import Regime

if TYPE_CHECKING:
    from torch import Tensor


def scores(made: Any) -> Tensor:
    """The main output's scores, B×classes, of what a module returns."""
    main: Tensor = next(iter(made.values())) if isinstance(made, dict) else made
    return main.flatten(1)


def loss(made: Any, labels: Tensor, regime: Regime) -> Tensor:
    """The loss that is learned from, for labels int64 of B: a mean over the batch, in float32."""
    outputs = list(made.values()) if isinstance(made, dict) else [made]
    total = one(outputs[0], labels, regime)
    for further in outputs[1:]:
        total = total + regime.further * one(further, labels, regime)
    return total


def one(output: Tensor, labels: Tensor, regime: Regime) -> Tensor:
    """The loss of one output.

    The hinge is the one of Weston and Watkins: the mean over classes of max(0, 1 + score − score of the label).
    """
    flat = output.flatten(1).float()
    if regime.loss == "hinge":
        return functional.multi_margin_loss(flat, labels)
    return functional.cross_entropy(flat, labels, label_smoothing=regime.smoothing)
