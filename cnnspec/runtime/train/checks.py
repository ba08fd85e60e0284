"""Questions before a run, each answered in seconds: could this network learn from these images at all?"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, isnan, log
from time import monotonic

import torch
from torch import fx, nn

from cnnspec.analysis.learning import Check
from cnnspec.analysis.summary import LayerSummary
from cnnspec.runtime.names import attribute
from cnnspec.runtime.train.batches import order
from cnnspec.runtime.train.learner import Learner
from cnnspec.runtime.train.loss import one, scores
from cnnspec.runtime.train.run import Setup
from cnnspec.runtime.train.watching import scales, silent

#: Images that the questions are asked with, at most; steps and seconds in which a batch must be learned by heart.
IMAGES, STEPS, SECONDS = 32, 200, 20.0
#: A loss at the start may be off by so many parts of that of guessing.
OFF = 0.25
#: The loss below which a batch counts as learned by heart, as a part of that of guessing.
LEARNED = 0.1
#: Shares of silent channels, and factors between the scales of layers, from which on something is wrong.
SILENT, FACTOR = 0.5, 1e4
#: A step changes a layer's weights by about a thousandth (Karpathy, CS231n, "Neural Networks Part 3"); far from it:
FEWEST, MOST = 1e-6, 0.1


class Patient:
    """A network as a run begins with it, and a batch; each question gets a new one."""

    def __init__(self, setup: Setup) -> None:
        torch.manual_seed(setup.regime.seed)
        self.setup = setup
        begun = setup.begin()
        self.module: fx.GraphModule = begun.module
        self.learner = Learner(begun.module, setup.regime.replace(average=None), setup.team, begun.still)
        places = order(setup.feed.images, setup.regime.seed, 0)[: max(2, min(IMAGES, setup.regime.batch))]
        self.images, self.labels = setup.feed.plain(places)

    @property
    def guessing(self) -> float:
        """The loss where all classes have equal scores, so many as the network tells."""
        classes = self.setup.net.summary().output[0]
        return (classes - 1) / classes if self.setup.regime.loss == "hinge" else log(classes)


def checks(setup: Setup) -> Iterator[Check]:
    """The answers, one by one as they are found. Random states are as a run would have them, and are left changed."""
    layers = setup.net.summary().layers
    yield classes(setup)
    yield initial_loss(Patient(setup))
    yield scale(Patient(setup), layers)
    yield dead_units(Patient(setup), layers)
    yield gradients(Patient(setup), layers)
    yield overfit(Patient(setup))


def classes(setup: Setup) -> Check:
    """Whether the last layer tells as many classes as there are, and hands scores to the loss."""
    graph = setup.net.graph
    told, wanted = setup.net.summary().output[0], len(setup.data.classes)
    figures = {"told": float(told), "in the data": float(wanted)}
    last = graph.nodes[graph.output].op.layer.keyword
    if last == "SOFTMAX":
        return Check("classes", False,
                     "the network ends with SOFTMAX, but the loss takes scores: gradients would be small",
                     "leave it out: `FC(classes)` at the end gives scores", figures)
    if told != wanted:
        return Check("classes", False, f"the network tells {told:,} classes, and the images are of {wanted:,}",
                     f"`--set classes={wanted}`, or `FC({wanted})` as the last layer", figures)
    return Check("classes", True, f"the network tells {told:,} classes, as many as there are", "", figures)


def initial_loss(patient: Patient) -> Check:
    """Whether the loss at the start is about that of guessing."""
    patient.module.train()
    with torch.no_grad():
        found = float(one(scores(patient.module(patient.images)), patient.labels, patient.setup.regime))
    wanted = patient.guessing
    says = f"loss at the start {found:.3g}; guessing has {wanted:.3g}"
    if patient.setup.regime.loss == "cross-entropy":
        says = f"loss at the start {found:.3g}; guessing among {exp(wanted):,.0f} classes has {wanted:.3g}"
    passed = abs(found - wanted) <= OFF * wanted
    advice = "" if passed else (
        "its scores are too large at the start: smaller initial weights of the last layer, normalisation before it, "
        "or inputs that are not normalised" if found > wanted else
        "it knows something already: are the weights trained?")
    return Check("initial-loss", passed, says, advice, {"loss": found, "guessing": wanted})


def scale(patient: Patient, layers: tuple[LayerSummary, ...]) -> Check:
    """Whether values keep their scale through the depth."""
    patient.module.train()
    found = scales(patient.module, patient.images)
    weighed = [layer for layer in layers if layer.node.op.layer.weighted and layer.index in found]
    figures = {layer.path: found[layer.index] for layer in weighed}
    if not figures or any(map(isnan, figures.values())):
        return Check("scale", False, "values are no numbers at the start", "smaller initial weights", figures)
    least, most = min(figures, key=figures.__getitem__), max(figures, key=figures.__getitem__)
    says = (f"the values that layers make deviate by {figures[least]:.2g} (at {least}) to {figures[most]:.2g} "
            f"(at {most})")
    if figures[most] < FACTOR * figures[least]:
        return Check("scale", True, says, "", figures)
    order_of = [*figures]
    word = "vanish" if order_of.index(least) > order_of.index(most) else "explode"
    return Check("scale", False, f"{says}: they {word} with the depth",
                 "normalisation (BN) behind the layers, or an initialisation that keeps the scale (He et al., 2015)",
                 figures)


def dead_units(patient: Patient, layers: tuple[LayerSummary, ...]) -> Check:
    """Whether rectifiers let anything through."""
    patient.module.train()
    found = silent(patient.module, patient.images, layers)
    figures = {layer.path: found[layer.index] for layer in layers if layer.index in found}
    if not figures:
        return Check("dead-units", True, "no RELU that could be dead", "", {})
    worst = max(figures, key=figures.__getitem__)
    dead = [path for path, share in figures.items() if share > SILENT]
    says = f"at most {figures[worst]:.0%} of the channels of a RELU are silent (at {worst})"
    if not dead:
        return Check("dead-units", True, says, "", figures)
    named = ", ".join(dead[:3]) + (f" and {len(dead) - 3} more" if len(dead) > 3 else "")
    return Check("dead-units", False, f"{says}; more than half in {len(dead)} of {len(figures)}: {named}",
                 "a lower learning rate, biases that are not negative, LEAKYRELU, or BN before the RELU", figures)


def gradients(patient: Patient, layers: tuple[LayerSummary, ...]) -> Check:
    """Whether every layer gets a gradient, and the first step changes each by a sensible part of itself."""
    known = dict(patient.module.named_modules())
    weights = {layer.path: weight for layer in layers if layer.node.op.layer.weighted
               for weight in [_weight(known.get(attribute(layer.path)))] if weight is not None and weight.requires_grad}
    before = {path: weight.detach().clone() for path, weight in weights.items()}
    patient.learner.step(patient.images, patient.labels, patient.setup.regime.rate)
    norms = {path: 0.0 if weight.grad is None else float(weight.grad.norm()) for path, weight in weights.items()}
    ratios = {path: float((weight.detach() - before[path]).norm() / before[path].norm().clamp_min(1e-12))
              for path, weight in weights.items()}
    figures = {**{f"gradient {path}": norm for path, norm in norms.items()},
               **{f"update {path}": ratio for path, ratio in ratios.items()}}
    broken = [path for path, norm in norms.items() if not 0 < norm < float("inf")]
    if broken:
        return Check("gradients", False, f"{len(broken)} of {len(norms)} layers get no usable gradient: {broken[0]}",
                     "is the layer cut off, or all behind it dead? BN, or skip connections, let gradients through",
                     figures)
    least, most = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
    says = (f"gradients in all {len(norms)} layers; the first step changes weights by {ratios[least]:.1e} (at {least}) "
            f"to {ratios[most]:.1e} (at {most}) of themselves")
    if ratios[most] > MOST:
        return Check("gradients", False, says, "about 1e-3 is sound: a lower learning rate, or `--warmup`", figures)
    if ratios[least] < FEWEST:
        return Check("gradients", False, says, "about 1e-3 is sound: gradients vanish; BN or skip connections", figures)
    return Check("gradients", True, says, "", figures)


def overfit(patient: Patient) -> Check:
    """Whether one batch can be learned by heart, at the regime's rate."""
    begun, losses = monotonic(), []
    aim = LEARNED * patient.guessing
    for _ in range(STEPS):
        losses.append(float(patient.learner.step(patient.images, patient.labels, patient.setup.regime.rate)))
        if losses[-1] <= aim or monotonic() - begun > SECONDS or isnan(losses[-1]):
            break
    count, step = len(patient.labels), len(losses)
    figures = {"first": losses[0], "last": losses[-1], "steps": float(step)}
    if losses[-1] <= aim:
        return Check("overfit", True, f"{count} images are learned by heart in {step} steps", "", figures)
    says = (f"{count} images are not learned by heart in {step} steps: the loss went from {losses[0]:.3g} to "
            f"{losses[-1]:.3g}")
    if monotonic() - begun > SECONDS and min(losses) < 0.95 * losses[0]:
        return Check("overfit", True, f"{says}, which is on its way ({SECONDS:.0f} s are up)", "", figures)
    return Check("overfit", False, says, "another learning rate (`--find-lr`), less dropout, BN; or labels that do not "
                 "belong to their images", figures)


def _weight(module: nn.Module | None) -> nn.Parameter | None:
    weight = getattr(module, "weight", None)
    return weight if isinstance(weight, nn.Parameter) else None

