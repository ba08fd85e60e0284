"""The loss of a step: cross-entropy or the multi-class hinge, of the main output and, weighed less, of further ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.nn import functional

from cnnspec.analysis.learning import Regime
from cnnspec.layers.base import product
from cnnspec.net import Net

if TYPE_CHECKING:
    from torch import Tensor


def scores(made: Any) -> Tensor:
    """The main output's scores, B×classes, of what a module returns."""
    main: Tensor = next(iter(made.values())) if isinstance(made, dict) else made
    return main.flatten(1)


def loss(made: Any, labels: Tensor, regime: Regime) -> Tensor:
    """The loss that is learned from, for labels int64 of B: a mean over the batch, in float32.

    Of further outputs those count that have as many scores as the main one: the others show what is within.
    """
    main, *others = list(made.values()) if isinstance(made, dict) else [made]
    total = one(main, labels, regime)
    for other in others:
        if other[0].numel() == main[0].numel():
            total = total + regime.further * one(other, labels, regime)
    return total


def one(output: Tensor, labels: Tensor, regime: Regime) -> Tensor:
    """The loss of one output.

    The hinge is the one of Weston and Watkins: the mean over classes of max(0, 1 + score − score of the label).
    """
    flat = output.flatten(1).float()
    if regime.loss == "hinge":
        return functional.multi_margin_loss(flat, labels)
    return functional.cross_entropy(flat, labels, label_smoothing=regime.smoothing)


def further(net: Net, regime: Regime) -> tuple[str, ...]:
    """That further outputs are learned from too, in a sentence; nothing where none has a score for each class."""
    nodes = net.graph.nodes
    count = sum(product(nodes[output.node].shape) == product(nodes[net.graph.output].shape)
                for output in net.graph.outputs)
    if not count:
        return ()
    whose = "that of another output" if count == 1 else f"those of {count} further outputs"
    return (f"the loss of training has {whose} in it, by {regime.further:g} each; val loss is the main output's",)
