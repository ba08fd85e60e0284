"""Small runs for the tests of training: a network, images, and all that `train` asks for."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from cnnspec import Net, parse
from cnnspec.analysis.learning import Epoch, Regime
from cnnspec.runtime.data.feed import ImageFeed
from cnnspec.runtime.data.images import Data, Loaded, Split, spread
from cnnspec.runtime.train.begin import begin
from cnnspec.runtime.train.course import Tick
from cnnspec.runtime.train.run import Setup
from cnnspec.runtime.train.team import Alone

SMALL = "INPUT(1x8x8) -> CONV(6) -> RELU -> POOL(2) -> CONV(8) -> RELU -> GAP -> FC(4)"
#: With all that draws numbers, or keeps some beside its weights.
WHOLE = "INPUT(1x8x8) -> CONV(6) -> BN -> RELU -> DROPOUT(0.2) -> POOL(2) -> CONV(8) -> BN -> RELU -> GAP -> FC(4)"


def images(count: int = 96, classes: int = 4, shape: tuple[int, ...] = (1, 8, 8)) -> Data:
    """Bright stripes at a place that the class decides, in noise: what a small network learns in a few steps."""
    chance = torch.Generator().manual_seed(1)
    labels = torch.arange(count + count // 2) % classes
    values = torch.randint(0, 80, (len(labels), *shape), generator=chance)
    for at, label in enumerate(labels.tolist()):
        values[at, :, :, 2 * label : 2 * label + 2] += 150
    pixels = values.to(torch.uint8)
    mean, deviation = spread(Loaded(pixels[:count]))
    return Data("stripes", Split(Loaded(pixels[:count]), labels[:count]), Split(Loaded(pixels[count:]), labels[count:]),
                tuple("abcdefghij"[:classes]), shape, mean, deviation)


def setup(spec: str | Net = SMALL, folder: str = "", data: Data | None = None, augment: Any = None,
          init: str | None = None, freeze: str | None = None, **regime: Any) -> Setup:
    """A run of a small network on the stripes; `regime` overrides what is right for it."""
    net = parse(spec) if isinstance(spec, str) else spec
    asked = Regime(**{"epochs": 2, "batch": 16, "rate": 0.01, **regime})
    team = Alone(torch.device("cpu"), asked.dtype)
    given = data or images()
    feed = ImageFeed(given, net.summary().inputs["input"], team, augment, asked.seed)
    return Setup(net, given, asked, team, partial(begin, net, team.device, init, freeze), feed,
                 {"name": net.name, "source": net.source}, folder)


class Diary:
    """Notes all that a watcher is told."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.epochs: list[Epoch] = []

    def stepped(self, tick: Tick) -> None:
        self.losses.append(float(tick.loss))
        self.rates.append(tick.rate)

    def judged(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)


def never() -> bool:
    """Nobody asks the run to stop."""
    return False


class After:
    """Asks the run to stop when it has been asked so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> bool:
        self.left -= 1
        return self.left == 0
