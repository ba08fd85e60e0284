"""Rounds with given accuracies, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.learning import Epoch, Learning, Regime
from cnnspec.analysis.rounds import Lost, Rival, Rounds, Run, Stretch


def learning(accuracies: Sequence[float], *, seconds: float = 2.0, seed: int = 0, steps: int = 20) -> Learning:
    """A run with an epoch for each accuracy, all as long, of so many steps and `seconds`."""
    history = tuple(
        Epoch(number, number * steps, number * seconds, 1 / number, accuracy, 1.5 / number, accuracy, 0.001, 640.0)
        for number, accuracy in enumerate(accuracies, 1))
    return Learning("net", "stripes", (), Regime(seed=seed), "cpu", len(history), len(history) * steps,
                    len(history) * seconds, steps * 64 / seconds, history, (), {})


def run(accuracies: Sequence[float], *, seed: int = 0, seconds: float = 2.0) -> Run:
    """A run whose loss falls in one stretch for each epoch."""
    made = learning(accuracies, seconds=seconds, seed=seed)
    return Run(seed, made, tuple(Stretch(epoch.step, epoch.seconds, epoch.train_loss) for epoch in made.history))


def rival(name: str, ends: Sequence[float | None], *, seconds: float = 2.0, macs: int = 1_000_000) -> Rival:
    """A network whose runs end with these accuracies, after epochs with less; None for a lost run."""
    runs = tuple(run((end - 0.3, end - 0.1, end), seed=seed, seconds=seconds)
                 for seed, end in enumerate(ends) if end is not None)
    lost = tuple(Lost(seed, "the loss is not a number") for seed, end in enumerate(ends) if end is None)
    return Rival(name, "", ("90 images to train on",), 1_234, macs, runs, lost)


def rounds(*rivals: Rival, images: int = 1_000, seeds: int = 3, ended: str = "") -> Rounds:
    """Those networks' rounds."""
    return Rounds("stripes", images, Regime(epochs=3), tuple(range(seeds)), "cpu", {"torch": "2"}, rivals, ended)
