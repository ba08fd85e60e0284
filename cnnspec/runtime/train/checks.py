"""Questions before a run, each answered in seconds: could this network learn from these images at all?"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, isnan, log
from time import monotonic

import torch
from torch import fx

from cnnspec.analysis.learning import Check
from cnnspec.analysis.summary import LayerSummary
from cnnspec.runtime.train.batches import order
from cnnspec.runtime.train.gradients import judged, learning, moves, named, normed
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


class Patient:
    """A network as a run begins with it, and a batch; each question gets a new one."""

    def __init__(self, setup: Setup) -> None:
        torch.manual_seed(setup.regime.seed)
        self.setup = setup
        begun = setup.begin()
        self.module: fx.GraphModule = begun.module
        self.learner = Learner(begun.module, setup.regime.replace(average=None), setup.team, begun.still)
        self.images, self.labels = setup.feed.plain(_places(setup))

    @property
    def guessing(self) -> float:
        """The loss where all classes have equal scores, so many as the network tells."""
        classes = _told(self.setup)
        return (classes - 1) / classes if self.setup.regime.loss == "hinge" else log(classes)


def checks(setup: Setup) -> Iterator[Check]:
    """The answers, one by one as they are found. Random states are as a run would have them, and are left changed.

    A network that tells too few classes is asked with images of those alone that it tells; where that is one, nothing
    is asked for which labels are needed.
    """
    layers = setup.net.summary().layers
    several = _told(setup) > 1
    yield classes(setup)
    if several:
        yield initial_loss(Patient(setup))
    yield scale(Patient(setup), layers)
    yield dead_units(Patient(setup), layers)
    if several:
        yield gradients(setup, layers)
        yield overfit(Patient(setup))


def _told(setup: Setup) -> int:
    """How many classes the network has scores for."""
    return setup.net.summary().output[0]


def _places(setup: Setup) -> torch.Tensor:
    """The images that the questions are asked with: of those in the order of the run that the network can tell."""
    places = order(setup.feed.images, setup.regime.seed, 0)
    told = places[setup.data.train.labels[places] < _told(setup)]
    return (told if len(told) > 1 else places)[: max(2, min(IMAGES, setup.regime.batch))]


def classes(setup: Setup) -> Check:
    """Whether the last layer tells as many classes as there are, and hands scores to the loss."""
    graph = setup.net.graph
    told, wanted = _told(setup), len(setup.data.classes)
    figures = {"told": float(told), "in the data": float(wanted)}
    last = graph.nodes[graph.output].op.layer.keyword
    if last == "SOFTMAX":
        return Check("classes", False,
                     "the network ends with SOFTMAX, but the loss takes scores: gradients would be small",
                     "leave it out: `FC(classes)` at the end gives scores", figures)
    if told != wanted:
        found = "1 class" if told == 1 else f"{told:,} classes"
        asked = "" if told > wanted else "; nothing that takes labels is asked" if told == 1 else \
            "; what follows is asked with images of those alone"
        return Check("classes", False, f"the network tells {found}, and the images are of {wanted:,}{asked}",
                     f"`FC({wanted})` as the last layer, or a parameter `classes` for it, and `--set classes={wanted}`",
                     figures)
    return Check("classes", True, f"the network tells {told:,} classes, as many as there are", "", figures)


def initial_loss(patient: Patient) -> Check:
    """Whether the loss at the start is about that of guessing."""
    patient.module.train()
    with torch.no_grad():
        found = float(one(scores(patient.module(patient.images)), patient.labels, patient.setup.regime))
    wanted = patient.guessing
    among = f" among {exp(wanted):,.0f} classes" if patient.setup.regime.loss == "cross-entropy" else ""
    says, figures = f"{found:.3g}; guessing{among} has {wanted:.3g}", {"loss": found, "guessing": wanted}
    if abs(found - wanted) <= OFF * wanted:
        return Check("initial-loss", True, f"loss at the start {says}", "", figures)
    if found < wanted:
        return Check("initial-loss", False, f"the loss is too small at the start: {says}",
                     "it knows something already: are the weights trained?", figures)
    return Check("initial-loss", False, f"the loss is too large at the start: {says}",
                 "its scores are too large: smaller initial weights of the last layer, or normalisation before it",
                 figures)


def scale(patient: Patient, layers: tuple[LayerSummary, ...]) -> Check:
    """Whether values keep their scale through the depth."""
    patient.module.train()
    found = scales(patient.module, patient.images)
    weighed = [layer for layer in layers if layer.node.op.layer.weighted and layer.index in found]
    figures = {layer.path: found[layer.index] for layer in weighed}
    if not figures or any(map(isnan, figures.values())):
        return Check("scale", False, "values are no numbers at the start", "smaller initial weights", figures)
    least, most = min(figures, key=figures.__getitem__), max(figures, key=figures.__getitem__)
    says = f"by {figures[least]:.2g} (at {least}) to {figures[most]:.2g} (at {most})"
    if figures[most] < FACTOR * figures[least]:
        return Check("scale", True, f"the values that layers make deviate {says}", "", figures)
    order_of = [*figures]
    word = "vanish" if order_of.index(least) > order_of.index(most) else "explode"
    return Check("scale", False, f"values {word} with the depth: those that layers make deviate {says}",
                 "normalisation (BN) behind the layers, or an initialisation that keeps the scale: `init=kaiming` "
                 "before a RELU (He et al., 2015), `init=xavier` before a TANH", figures)


def dead_units(patient: Patient, layers: tuple[LayerSummary, ...]) -> Check:
    """Whether rectifiers let anything through."""
    patient.module.train()
    found = silent(patient.module, patient.images, layers)
    figures = {layer.path: found[layer.index] for layer in layers if layer.index in found}
    if not figures:
        return Check("dead-units", True, "no RELU that could be dead", "", {})
    worst = max(figures, key=figures.__getitem__)
    dead = [path for path, share in figures.items() if share > SILENT]
    if not figures[worst]:
        return Check("dead-units", True, "no channel of a RELU is silent", "", figures)
    says = f"up to {100 * figures[worst]:.3g} % of the channels of a RELU are silent (at {worst})"
    if not dead:
        return Check("dead-units", True, says, "", figures)
    return Check("dead-units", False, f"RELUs are dead: {says}; more than half in {len(dead)} of {len(figures)}: "
                 f"{named(dead)}",
                 "a lower learning rate, biases that are not negative, LEAKYRELU, or BN before the RELU", figures)


def gradients(setup: Setup, layers: tuple[LayerSummary, ...]) -> Check:
    """Whether every layer gets a gradient, and the first step changes each by a sensible part of itself."""
    # Without decay, which changes weights as well, and would hide that gradients do not.
    patient = Patient(setup.replace(regime=setup.regime.replace(decay=0.0)))
    found = moves(patient.learner, patient.images, patient.labels, learning(patient.module, layers))
    return judged(found, normed(layers), setup.regime.optimizer)


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

