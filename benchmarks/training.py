"""Training runs beside a plain PyTorch loop that does the same, in turns: what asking cnnspec costs.

With one thread, the time of the processor is that of the clock, without what other work on the machine has taken.
Run it as `python benchmarks/training.py [ROUNDS]`; it needs torch and scikit-learn.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from math import cos, pi
from time import perf_counter, process_time
from typing import Any

import torch
from measure import ROOT, Result, milliseconds, ratio, show
from torch.nn import functional

sys.path.insert(0, str(ROOT))

import cnnspec
from cnnspec.analysis.learning import Regime
from cnnspec.net import Net
from cnnspec.runtime.data.feed import ImageFeed
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.data.sources import open_data
from cnnspec.runtime.train.begin import begin
from cnnspec.runtime.train.course import Tick
from cnnspec.runtime.train.run import Setup, train
from cnnspec.runtime.train.team import Alone

CONVNET = "INPUT(3x32x32) -> CONV(16) -> BN -> RELU -> POOL(2) -> CONV(32) -> BN -> RELU -> POOL(2) -> GAP -> FC(10)"
#: What is compared: the network, the images, the epochs.
RUNS = {"lenet on digits": ("lenet", "digits", 6), "a small network on 3x32x32": (CONVNET, "synthetic", 2)}
#: How much slower than the loop a run may be, and how far losses may lie apart.
MOST, APART = 1.05, 1e-5
#: For the question how fast digits are learned.
LEARNED, SECONDS, EPOCHS = 0.97, 60, 20


def asked(spec: str, data: Data, regime: Regime, folder: str = "") -> Setup:
    """A run on the CPU."""
    net = cnnspec.load(spec) if "->" not in spec else cnnspec.parse(spec)
    team = Alone(torch.device("cpu"))
    feed = ImageFeed(data, next(iter(net.summary().inputs.values())), team, None, regime.seed)
    return Setup(net, data, regime, team, partial(begin, net, team.device), feed, {"name": net.name}, folder)


class Losses:
    """Notes the losses of a run."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def stepped(self, tick: Tick) -> None:
        self.found.append(float(tick.loss))

    def judged(self, epoch: object) -> None:
        """Losses alone are noted."""


def ours(spec: str, data: Data, regime: Regime, folder: str = "") -> list[float]:
    """The losses of a run."""
    losses = Losses()
    train(asked(spec, data, regime, folder), lambda: False, [losses])
    return losses.found


def plain(net: Net, data: Data, regime: Regime) -> list[float]:
    """The same losses, of the loop that anyone would write: AdamW, a warm-up, a cosine, accuracy behind each epoch."""
    torch.manual_seed(regime.seed)
    model = net.to_torch().train()
    optimizer = torch.optim.AdamW([
        {"params": [weight for weight in model.parameters() if weight.ndim > 1], "weight_decay": regime.decay},
        {"params": [weight for weight in model.parameters() if weight.ndim <= 1], "weight_decay": 0.0}], lr=regime.rate)
    extents = tuple(next(iter(net.summary().inputs.values()))[1:])
    mean, deviation = (torch.tensor(each).view(-1, 1, 1) for each in (data.mean, data.deviation))

    def prepared(split: Any) -> torch.Tensor:
        values = (split.images.batch(torch.arange(len(split.images))).float() / 255 - mean) / deviation
        same = tuple(values.shape[2:]) == extents
        return values if same else functional.interpolate(values, extents, mode="bilinear", antialias=True)

    images, judged = prepared(data.train), prepared(data.val)
    epochs, losses = regime.epochs or 0, []
    steps = epochs * (len(images) // regime.batch)
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))
        for begun in range(0, len(images) - regime.batch + 1, regime.batch):
            places, part = order[begun : begun + regime.batch], len(losses) / steps
            share = (min(1.0, (part + 1 / steps) / regime.warmup) if part < regime.warmup else
                     (1 + cos(pi * (part - regime.warmup) / (1 - regime.warmup))) / 2)
            for group in optimizer.param_groups:
                group["lr"] = regime.rate * share
            loss = functional.cross_entropy(model(images[places]), data.train.labels[places])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            right = sum(int((model(some).argmax(1) == labels).sum())
                        for some, labels in zip(judged.split(500), data.val.labels.split(500), strict=True))
        assert right > 0
        model.train()
    return losses


def compared(name: str, rounds: int) -> list[Result]:
    """A run's times beside the loop's, round by round, and how far their losses lie apart."""
    spec, source, epochs = RUNS[name]
    data = open_data(source, None, 0)
    regime = Regime(epochs=epochs)
    with tempfile.TemporaryDirectory() as folder:
        works: dict[str, Callable[[], list[float]]] = {
            "plain loop": lambda: plain(asked(spec, data, regime).net, data, regime),
            "cnnspec": lambda: ours(spec, data, regime),
            "cnnspec, kept in a folder": lambda: ours(spec, data, regime, folder)}
        losses = {each: work() for each, work in works.items()}  # which warms up
        times = in_turns(works, rounds)
    apart = max(abs(a - b) for a, b in zip(losses["cnnspec"], losses["plain loop"], strict=True))
    busy, clock = ({each: ratio(found[at], times["plain loop"][at]) for each, found in times.items()} for at in (0, 1))
    return [*(Result(f"{name}: {each}, {len(losses[each])} steps", milliseconds(found[1]))
              for each, found in times.items()),
            *(Result(f"{name}: {each} ÷ plain loop", f"processor {busy[each]:.3f}; by the clock {clock[each]:.3f}",
                     *((f"at most {MOST}", busy[each] <= MOST) if each == "cnnspec" else ()))
              for each in times if each != "plain loop"),
            Result(f"{name}: losses of all steps lie apart by", f"{apart:.1e}", f"at most {APART:.0e}", apart <= APART)]


def in_turns(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds of the processor, and by the clock, of each work in each round; their order changes (A B B A)."""
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in works}
    for turn in range(rounds):
        for name in works if turn % 2 else reversed(works):
            since = process_time(), perf_counter()
            works[name]()
            times[name][0].append(process_time() - since[0])
            times[name][1].append(perf_counter() - since[1])
    return times


def learned() -> list[Result]:
    """How long lenet takes to learn the digits, and how well."""
    began = perf_counter()
    data = open_data("digits", None, 0)
    found = train(asked("lenet", data, Regime(epochs=EPOCHS)), lambda: False)
    seconds = perf_counter() - began
    accuracies = [epoch.val_accuracy for epoch in found.history]
    first = next((epoch for epoch in found.history if epoch.val_accuracy >= LEARNED), None)
    return [Result(f"lenet on digits: accuracy behind {EPOCHS} epochs", f"{accuracies[-1]:.1%}",
                   f"at least {LEARNED:.0%}", accuracies[-1] >= LEARNED),
            Result("lenet on digits: seconds of them, data and judging too", f"{seconds:.1f} s", f"under {SECONDS} s",
                   seconds < SECONDS),
            Result(f"lenet on digits: {LEARNED:.0%} reached behind", "never" if first is None else
                   f"epoch {first.epoch}, {first.seconds:.1f} s of training")]


def main() -> None:
    """All runs with as many rounds as the command line says."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    torch.set_num_threads(1)
    results = [result for name in RUNS for result in compared(name, rounds)] + learned()
    show(f"Training on the CPU, one thread: medians of {rounds} rounds, with the middle half", results)


if __name__ == "__main__":
    main()
