"""Laps of short tasks: by the host's clock where the host waits for them, by events where a device runs on its own."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol

import torch

#: Cycles for which a CUDA device is kept busy, so that the host has launched a chain before the device starts on it.
_HOLD = 5_000_000


class Stopwatch(Protocol):
    """Times stretches of work: `start` and `stop` around each, then `laps` for all of them since `reset`."""

    def reset(self) -> None:
        """Begin a run."""

    def start(self) -> None:
        """A stretch begins."""

    def stop(self) -> None:
        """The stretch ends."""

    def laps(self) -> list[float]:
        """Seconds of each stretch; waits for the device."""


class HostStopwatch:
    """By a clock of the host; right where a call returns when its work is done, as on the processor."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        self._times: list[float] = []

    def start(self) -> None:
        self._times.append(self.clock())

    stop = start

    def laps(self) -> list[float]:
        return [stop - start for start, stop in zip(self._times[::2], self._times[1::2], strict=True)]


class EventStopwatch:
    """By events in a device's queue: what the device takes, without the time in which it waits for the host."""

    def __init__(self, event: Callable[[], Any], wait: Callable[[], None], hold: Callable[[], None]) -> None:
        """`event` makes an event, `wait` returns when the device is done, `hold` keeps it busy for a while."""
        self._event, self._wait, self._hold = event, wait, hold
        self._events: list[Any] = []

    def reset(self) -> None:
        self._events = []
        self._wait()
        self._hold()

    def start(self) -> None:
        event = self._event()
        event.record()
        self._events.append(event)

    stop = start

    def laps(self) -> list[float]:
        self._wait()
        pairs = zip(self._events[::2], self._events[1::2], strict=True)
        return [start.elapsed_time(stop) / 1000 for start, stop in pairs]


def stopwatch(device: torch.device) -> Stopwatch:
    """What times layers on a device."""
    if device.type == "cuda":
        return EventStopwatch(lambda: torch.cuda.Event(enable_timing=True), lambda: torch.cuda.synchronize(device),
                              lambda: torch.cuda._sleep(_HOLD))  # noqa: SLF001  # PyTorch's own tests hold it so
    return HostStopwatch()


def waiter(device: torch.device) -> Callable[[], None]:
    """What returns when a device is done."""
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    return lambda: None
