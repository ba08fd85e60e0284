"""Meters of energy: a device's counter, or where there is none samples of its power; each begins and ends a window."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Protocol

from cnnspec.analysis.energy import COUNTER, SAMPLED, Figure
from cnnspec.environment import Reading, Unavailable
from cnnspec.record import Record
from cnnspec.runtime.nvml import Monitor

#: Ends a window; returns the joules since its beginning.
Finish = Callable[[], Figure]

#: NVML counts in millijoules and milliwatts, Linux in microjoules.
MILLI, MICRO = 1e-3, 1e-6


class Meter(Protocol):
    """Measures energy from one moment to another."""

    @property
    def scope(self) -> str:
        """Whose energy it is."""

    @property
    def how(self) -> str:
        """`COUNTER` or `SAMPLED`."""

    def start(self) -> Finish:
        """Begin a window."""


class Counter(Record):
    """A number that grows with the energy that was taken."""

    scope: str
    read: Callable[[], Reading]
    #: Joules that one step of it stands for.
    unit: float
    #: The number from which it begins at 0 again, itself not reached; 0 where it never does.
    wrap: int = 0
    how: str = COUNTER

    def start(self) -> Finish:
        """Begin a window."""
        begin = self.read()
        return lambda: self._since(begin)

    def _since(self, begin: Reading) -> Figure:
        end = begin if isinstance(begin, Unavailable) else self.read()
        if isinstance(begin, Unavailable) or isinstance(end, Unavailable):
            return end
        if end == begin:
            return Unavailable(f"the energy counter does not move: it stays at {begin}")
        if end < begin and not self.wrap > begin:
            return Unavailable(f"the energy counter went back, from {begin} to {end}: it was set anew")
        return (end - begin + (self.wrap if end < begin else 0)) * self.unit


class Together(Record):
    """Several counters as one."""

    scope: str
    parts: tuple[Counter, ...]
    how: str = COUNTER

    def start(self) -> Finish:
        """Begin a window."""
        finishes = [part.start() for part in self.parts]

        def finish() -> Figure:
            joules = 0.0
            for figure in [finish() for finish in finishes]:
                if isinstance(figure, Unavailable):
                    return figure
                joules += figure
            return joules

        return finish


class Sampled(Record):
    """Power that is read again and again by a thread, and summed up over time."""

    scope: str
    #: Milliwatts.
    read: Callable[[], Reading]
    #: Seconds between two samples: less than what devices take to renew their reading.
    every: float = 0.02
    clock: Callable[[], float] = perf_counter
    how: str = SAMPLED

    def start(self) -> Finish:
        """Begin a window."""
        samples = [self._sample()]
        stop = threading.Event()

        def collect() -> None:
            while not stop.wait(self.every):
                samples.append(self._sample())

        thread = threading.Thread(target=collect, name="power samples", daemon=True)
        thread.start()

        def finish() -> Figure:
            stop.set()
            thread.join()
            samples.append(self._sample())
            return integral(samples)

        return finish

    def _sample(self) -> tuple[float, Reading]:
        return self.clock(), self.read()


def integral(samples: Sequence[tuple[float, Reading]]) -> Figure:
    """Joules from samples of milliwatts at seconds, by the trapezoidal rule; `Unavailable` if one of them is."""
    joules = 0.0
    begin, power = samples[0]
    for now, reading in samples:
        if isinstance(reading, Unavailable) or isinstance(power, Unavailable):
            return reading if isinstance(reading, Unavailable) else power
        joules += (now - begin) * (reading + power) / 2 * MILLI
        begin, power = now, reading
    return joules or Unavailable("the power reads as 0 all the time")


def gpu(monitor: Monitor | Unavailable, clock: Callable[[], float] = perf_counter) -> Meter | Unavailable:
    """The energy counter of a GPU, from Volta on; before, its power."""
    if isinstance(monitor, Unavailable):
        return monitor
    counted = monitor.energy()
    if not isinstance(counted, Unavailable):
        return Counter("GPU", monitor.energy, MILLI)
    if not isinstance(monitor.instant_power(), Unavailable):
        return Sampled("GPU", monitor.instant_power, clock=clock)
    drawn = monitor.power()
    if not isinstance(drawn, Unavailable):
        return Sampled("GPU", monitor.power, clock=clock)
    return counted if drawn == counted else Unavailable(f"no energy counter ({counted.why}), no power ({drawn.why})")


def processor(system: str = sys.platform, folder: Path = Path("/sys/class/powercap")) -> Meter | Unavailable:
    """The counters of the processor's packages (RAPL), on Linux: of all that runs on the machine, without its memory.

    Intel's and AMD's processors have them. The kernel shows them to root alone, unless told otherwise, since what a
    program computes can be read from them (CVE-2020-8694).
    """
    if system == "darwin":
        return Unavailable("macOS tells what its processor takes to root alone, through powermetrics")
    if not system.startswith("linux"):
        return Unavailable("this operating system has no counter of the processor's energy")
    try:
        # A zone `intel-rapl:0` is a package, `intel-rapl:0:1` a part of one; `psys` is more than the processor.
        zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if zone.name.count(":") == 1
                 and (zone / "name").read_text(encoding="ascii").startswith("package")]
        parts = tuple(Counter("processor", _file(zone / "energy_uj"), MICRO, _number(zone / "max_energy_range_uj"))
                      for zone in zones)
    except (OSError, ValueError) as error:
        return Unavailable(f"the processor's energy counter cannot be read: {error}")
    if not parts:
        return Unavailable(f"Linux shows no energy counter of the processor here (intel-rapl in {folder})")
    for part in parts:
        value = part.read()
        if isinstance(value, Unavailable):
            return value
    return Together("processor, with all that runs on it", parts)


def _file(path: Path) -> Callable[[], Reading]:
    """Reads a counter from its file."""

    def read() -> Reading:
        try:
            return _number(path)
        except PermissionError:
            return Unavailable(f"only root may read the processor's energy counter ({path})")
        except (OSError, ValueError) as error:
            return Unavailable(f"the processor's energy counter cannot be read: {error}")

    return read


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
