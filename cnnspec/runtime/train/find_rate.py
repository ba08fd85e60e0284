"""`--find-lr`: a learning rate from a short run in which it rises, as the loss says (Smith, WACV 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count, islice

import torch

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.runtime.train.batches import batches
from cnnspec.runtime.train.learner import Learner
from cnnspec.runtime.train.run import Setup

#: The rates of the run, and its steps.
LEAST, MOST, STEPS = 1e-6, 1.0, 100
#: How much of the mean of the losses so far remains in a step; the run ends where it has grown to so many times its
#: least.
KEPT, GROWN = 0.9, 4.0


def find_rate(setup: Setup, stopped: Callable[[], bool]) -> float:
    """The rate at which the loss fell fastest. The module of the run is made anew behind it.

    Raises `SpecError` (`no-rate`) where the loss never fell.
    """
    torch.manual_seed(setup.regime.seed)
    begun = setup.begin()
    learner = Learner(begun.module, setup.regime, setup.team, begun.still)
    rates = [LEAST * (MOST / LEAST) ** (step / (STEPS - 1)) for step in range(STEPS)]
    losses: list[float] = []
    mean = 0.0
    endless = ((places, epoch) for epoch in count()
               for places in batches(setup.feed.images, setup.regime.batch, setup.regime.seed, epoch))
    for rate, (places, epoch) in zip(rates, islice(endless, STEPS), strict=True):
        images, labels = setup.feed.train(places, epoch)
        setup.team.stir(setup.regime.seed, len(losses))
        mean = KEPT * mean + (1 - KEPT) * float(learner.step(images, labels, rate))
        losses.append(mean / (1 - KEPT ** (len(losses) + 1)))  # the mean begins at 0, which is taken out again
        (asked,) = setup.team.most((float(stopped()),))
        if asked or not losses[-1] < GROWN * min(losses):
            break
    return setup.team.agreed(lambda: steepest(rates, losses))


def steepest(rates: Sequence[float], losses: Sequence[float]) -> float:
    """The rate where the loss falls fastest over the logarithm of the rate, before it is least.

    Raises `SpecError` where it falls nowhere by a hundredth.
    """
    least = min(range(len(losses)), key=losses.__getitem__)
    width = 5  # steps on either side, as far as there are any: single losses leap
    falls = {at: losses[max(at - width, 0)] - losses[min(at + width, least)] for at in range(least)}
    best = max(falls, key=falls.__getitem__, default=None)
    if best is None or falls[best] < 0.01 * losses[0]:
        raise SpecError([Diagnostic("no-rate", "no learning rate lets the loss fall", notes=(
            f"from {rates[0]:.0e} to {rates[len(losses) - 1]:.0e} it went from {losses[0]:.3g} to {losses[-1]:.3g}",),
            help="`cnnspec train --check` asks what is wrong")])
    return rates[best]
