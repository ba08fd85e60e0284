"""What calibration measures: chains of layers, whole networks, copies, a matrix product; each one run at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import Protocol

import torch
from torch import Tensor, fx

from cnnspec.record import Record
from cnnspec.runtime.stopwatch import Stopwatch
from cnnspec.runtime.walk import Walk


class Gauge(Protocol):
    """Something that can be measured again and again: each time the same number of seconds comes of it."""

    def once(self) -> Sequence[float]:
        """Seconds of each of its parts."""


class Chain:
    """The layers of a module, one by one, in the second of two runs: what fits into the caches lies there by then."""

    def __init__(self, module: fx.GraphModule, value: Tensor, watch: Stopwatch) -> None:
        self.walk = Walk(module)
        self.value = value
        self.watch = watch

    @property
    def layers(self) -> list[int]:
        """The indices of its layers, in the order of the seconds."""
        return [step.layer for step in self.walk.steps]

    def once(self) -> Sequence[float]:
        self.walk.run(self.value, self.watch)
        return self.walk.run(self.value, self.watch)


class Whole:
    """Some work by the host's clock, from a device that does nothing to one that has done all.

    It is done once before, untimed, so that the caches hold what they do where the work is repeated.
    """

    def __init__(self, work: Callable[[], object], clock: Callable[[], float], wait: Callable[[], None]) -> None:
        self.work = work
        self.clock = clock
        self.wait = wait

    def once(self) -> Sequence[float]:
        self.work()
        self.wait()
        begin = self.clock()
        self.work()
        self.wait()
        return [self.clock() - begin]


class Lap:
    """Some work by a stopwatch, after it was done once untimed."""

    def __init__(self, work: Callable[[], object], watch: Stopwatch) -> None:
        self.work = work
        self.watch = watch

    def once(self) -> Sequence[float]:
        self.work()
        self.watch.reset()
        self.watch.start()
        self.work()
        self.watch.stop()
        return self.watch.laps()


def copies(sizes: Sequence[int], device: torch.device) -> list[Callable[[], object]]:
    """Copies of tensors of so many bytes: each reads and writes them once."""
    pairs = [(torch.rand(size // 4, device=device), torch.empty(size // 4, device=device)) for size in sizes]
    return [lambda target=target, source=source: target.copy_(source)  # type: ignore[misc]  # bound where it is made
            for source, target in pairs]


def product_of(side: int, device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
    """The product of two square matrices: 2·side³ FLOPs."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    made = torch.empty_like(left)
    return lambda: torch.mm(left, right, out=made)


class Sample(Record):
    """What came of a gauge: of each part, the lower quartile of its seconds, since other processes only ever add."""

    seconds: tuple[float, ...]
    #: How much more the whole took in its upper quartile than in its lower one.
    unrest: float


def sampled(gauges: Sequence[Gauge], seconds: float, clock: Callable[[], float], *, least: int = 5, warm: int = 2,
            told: Callable[[float], None] = lambda share: None) -> list[Sample]:
    """Samples over passes in which each gauge has its turn: a disturbance then hits each seldom.

    Warm-up passes come first. Passes begin until `seconds` have gone by, at least `least` of them; `told` is given the
    share of the time that is gone.
    """
    for _ in range(warm):
        for gauge in gauges:
            gauge.once()
    taken: list[list[Sequence[float]]] = [[] for _ in gauges]
    begin, passes = clock(), 0
    while passes < least or clock() - begin < seconds:
        for gauge, kept in zip(gauges, taken, strict=True):
            kept.append(gauge.once())
        passes += 1
        told(min(1.0, passes / least, (clock() - begin) / seconds if seconds else 1.0))
    return [_sample(kept) for kept in taken]


def _sample(runs: Sequence[Sequence[float]]) -> Sample:
    low, _, high = quantiles(map(sum, runs), n=4, method="inclusive")
    parts = (quantiles(part, n=4, method="inclusive") for part in zip(*runs, strict=True))
    return Sample(tuple(quartiles[0] for quartiles in parts), high / low - 1)
