"""Whether gradients reach every layer, and what the first step makes of its weights, by them alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite

import torch
from torch import Tensor, nn

from cnnspec.analysis.learning import Check
from cnnspec.analysis.summary import LayerSummary
from cnnspec.record import Record
from cnnspec.runtime.names import attribute
from cnnspec.runtime.train.learner import Learner

#: How many times smaller than the largest a gradient may be, each as a part of its weight's norm. Networks that train
#: have up to 1e8 (ConvNeXt, whose branches begin scaled by 1e-6); plain stacks of 40 layers have 1e11 and more.
VANISHED = 1e9
#: A step changes a kernel by about a thousandth of itself (Karpathy, CS231n, "Neural Networks Part 3"). The first one
#: of Adam is the largest: the whole rate for each element (Kingma and Ba, ICLR 2015, section 2.1), 0.24 for the widest
#: layer of VGG-11 at a rate of 0.001.
LEAST, MOST = 1e-6, 0.5
_NORMS = {"BN", "IN", "GN", "LN"}
#: Times that a step is taken again where float16 had no room for its gradients.
_SCALINGS = 24
#: What keeps gradients from vanishing and exploding. A sigmoid's slope is a quarter at most.
_KEEPING = ("normalisation (BN) behind the layers, skip connections, or initial weights that keep the scale: "
            "`init=kaiming` before a RELU (He et al., 2015), `init=xavier` before a TANH; RELU in place of SIGMOID, "
            "which lets a quarter through at most")


class Move(Record):
    """What a step did to a weight: the norms of its gradient, of itself before, and of the change."""

    gradient: float
    weight: float
    change: float
    #: Whether it is a kernel or a matrix; gains, whose norm says nothing, are not.
    kernel: bool

    @property
    def pull(self) -> float:
        """The gradient as a part of the weight."""
        return self.gradient / self.weight

    @property
    def update(self) -> float:
        """The change as a part of the weight."""
        return self.change / self.weight


def learning(module: nn.Module, layers: Sequence[LayerSummary]) -> dict[str, nn.Parameter]:
    """The weights that learn, by the path of their layer, in the order of execution."""
    known = dict(module.named_modules())
    found = {layer.path: getattr(known.get(attribute(layer.path)), "weight", None) for layer in layers
             if layer.node.op.layer.weighted}
    return {path: weight for path, weight in found.items() if isinstance(weight, nn.Parameter) and weight.requires_grad}


def normed(layers: Sequence[LayerSummary]) -> set[str]:
    """The paths of layers behind which there are norms alone, for which the scale of a weight is all the same."""
    behind: dict[int, list[bool]] = {}
    for layer in layers:
        for index in layer.node.inputs:
            behind.setdefault(index, []).append(layer.op in _NORMS)
    return {layer.path for layer in layers if all(behind.get(layer.index, [False]))}


def moves(learner: Learner, images: Tensor, labels: Tensor, weights: Mapping[str, nn.Parameter]) -> dict[str, Move]:
    """What the first step does to each of these weights.

    Where a weight gets no gradient, the second one is asked: behind a gain that begins at 0, as the last norm of a
    branch may, the first step moves the gain alone (Goyal et al., 2017, section 5.1).
    """
    first = _move(learner, images, labels, weights)
    late = {path: weights[path] for path, move in first.items() if move.gradient == 0}
    return {**first, **(_move(learner, images, labels, late) if late else {})}


def _move(learner: Learner, images: Tensor, labels: Tensor, weights: Mapping[str, nn.Parameter]) -> dict[str, Move]:
    before = {path: weight.detach().clone() for path, weight in weights.items()}
    for _ in range(_SCALINGS):
        scale = learner.scaler.get_scale()
        learner.step(images, labels, learner.regime.rate)
        if learner.scaler.get_scale() >= scale:  # else the step was left out, and the loss is scaled up less
            break
    return {path: Move(_norm(weight.grad), _norm(before[path]), _norm(weight.detach() - before[path]), weight.ndim > 1)
            for path, weight in weights.items()}


def _norm(value: Tensor | None) -> float:
    """In float64: squares of what has vanished are 0 in float32."""
    return 0.0 if value is None else float(torch.linalg.vector_norm(value, dtype=torch.float64))


# ---------------------------------------------------------------------------------------------- the answer


def judged(found: Mapping[str, Move], normed: Collection[str], optimizer: str) -> Check:
    """The answer to the question `gradients`, from what a step without weight decay has done.

    Of layers that are `normed` a step may be large: the norm behind takes the weight's scale out, which grows with the
    step, so that the next ones are smaller (Arora et al., "Theoretical Analysis of Auto Rate-Tuning by Batch
    Normalization", ICLR 2019).
    """
    figures = {**{f"gradient {path}": move.gradient for path, move in found.items()},
               **{f"update {path}": move.update for path, move in found.items() if move.weight}}
    kernels = {path: move for path, move in found.items() if move.kernel and move.weight}
    wrong = _unreached(found) or _lost(kernels) or _misstep(kernels, normed, optimizer)
    if wrong is not None:
        return Check("gradients", False, *wrong, figures)
    says = f"gradients in all {len(found)} layers"
    if kernels:
        least, most = _ends({path: move.update for path, move in kernels.items()})
        says += (f"; the first step changes weights by {kernels[least].update:.1e} (at {least}) to "
                 f"{kernels[most].update:.1e} (at {most}) of themselves")
    return Check("gradients", True, says, "", figures)


def _unreached(found: Mapping[str, Move]) -> tuple[str, str] | None:
    """What is wrong, and what to do, where gradients are no numbers, or are 0 and not by vanishing bit by bit."""
    broken = [path for path, move in found.items() if not isfinite(move.gradient)]
    if broken:
        return (f"gradients explode: they are no numbers in {_counted(broken, found)}",
                "normalisation (BN) behind the layers, or smaller initial weights")
    none = [path for path, move in found.items() if move.gradient == 0]
    reached = {path: move for path, move in found.items() if move.gradient and move.kernel and move.weight}
    if none and not _faint(reached):
        return (f"no gradient reaches {_counted(none, found)}",
                "is the layer cut off, or all behind it dead? BN, or skip connections, let gradients through")
    return None


def _lost(kernels: Mapping[str, Move]) -> tuple[str, str] | None:
    """What is wrong, and what to do, where gradients vanish or explode from layer to layer."""
    faint = _faint(kernels)
    if not faint:
        return None
    least, most = _ends({path: move.pull for path, move in kernels.items()})
    order = [*kernels]
    word = "vanish" if order.index(least) < order.index(most) else "explode"
    says = (f"gradients {word} towards the input: {kernels[least].pull:.1e} of the weights at {least}, "
            f"{kernels[most].pull:.1e} at {most}; less than a billionth of that in {_counted(faint, kernels)}")
    return says, _KEEPING


def _faint(kernels: Mapping[str, Move]) -> list[str]:
    """The layers whose gradients are, as parts of their weights, too far below the largest; no weight is 0."""
    most = max((move.pull for move in kernels.values()), default=0.0)
    return [path for path, move in kernels.items() if move.pull * VANISHED < most]


def _misstep(kernels: Mapping[str, Move], normed: Collection[str], optimizer: str) -> tuple[str, str] | None:
    """What is wrong, and what to do, where the first step changes weights by too much or too little."""
    updates = {path: move.update for path, move in kernels.items()}
    large = {path: update for path, update in updates.items() if path not in normed and not update <= MOST}
    small = [path for path, update in updates.items() if update < LEAST]
    if large:
        _, most = _ends(large)
        says = (f"the first step is too large: it changes {most} by {large[most]:.2g} times itself, and by more than "
                f"half {_counted([*large], kernels)}")
        return says, "about 1e-3 is sound: a lower learning rate, or `--find-lr`"
    if not small:
        return None
    _, most = _ends(updates)
    if len(small) == len(kernels):
        return (f"the first step is too small: it changes weights by {updates[most]:.1e} of themselves at most",
                "about 1e-3 is sound: a higher learning rate, or `--find-lr`")
    says = (f"the first step leaves layers as they are: it changes {most} by {updates[most]:.1e} of itself, but by "
            f"less than a millionth {_counted(small, kernels)}")
    more = "; `--optimizer adamw` makes up for a part" if optimizer == "sgd" else ""
    return says, f"their gradients are too small: normalisation (BN) behind the layers, or skip connections{more}"


def _ends(figures: Mapping[str, float]) -> tuple[str, str]:
    """The names of the least and the largest figure."""
    return min(figures, key=figures.__getitem__), max(figures, key=figures.__getitem__)


def _counted(paths: Sequence[str], of: Mapping[str, object]) -> str:
    """`6 of 31 layers: conv[0], conv[1], conv[2] and 3 more`."""
    return f"{len(paths)} of {len(of)} layers: {named(paths)}"


def named(paths: Sequence[str]) -> str:
    """Three paths, and how many more there are."""
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
