"""Measures the energy of runs: idle power first, then some windows of time in which each run is repeated."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial

from cnnspec.analysis.energy import Conditions, Energy, Figure, Window, energy
from cnnspec.environment import Reading, Unavailable
from cnnspec.record import Record
from cnnspec.runtime import sampling
from cnnspec.runtime.meters import Meter
from cnnspec.runtime.nvml import Monitor
from cnnspec.runtime.sampling import Clock, Listener, Lookout

#: No window is shorter: counters are renewed some ten times a second.
SHORTEST = 1.0
#: Stands for what no sensor tells: outside NVIDIA's GPUs.
NO_SENSOR = Unavailable("no sensor of this device is read")
#: Fewer windows tell nothing of their spread.
FEWEST = 3


class Rules(Record):
    """How long a measurement takes, in seconds."""

    windows: int = 3
    seconds: float = 5.0
    #: The device rests, and then its idle power is measured.
    rest: float = 1.0
    idle: float = 5.0
    #: Work before the first window, until the device's clocks and its power have come up.
    lead: float = 1.0
    #: Work before each window, of up to so long and by chance: a window then begins anywhere in the counter's rhythm.
    phase: float = 0.5
    #: The device is waited for at least so often, lest it is given more work than the window lasts.
    stretch: float = 0.25


DEFAULT = Rules()


def nothing() -> None:
    """Synchronises a device that works while it is asked to."""


def measure(meter: Meter | Unavailable, run: Callable[[], object], images: int, *,
            synchronize: Callable[[], object] = nothing, monitor: Monitor | Unavailable = NO_SENSOR,
            rules: Rules = DEFAULT, clock: Clock = time.perf_counter, sleep: Callable[[float], object] = time.sleep,
            chance: Callable[[], float] = random.random, progress: Listener | None = None) -> Energy | Unavailable:
    """The energy of a run: `measure_all` of one."""
    return measure_all(meter, [run], images, synchronize=synchronize, monitor=monitor, rules=rules, clock=clock,
                       sleep=sleep, chance=chance, progress=progress)[0]


def measure_all(meter: Meter | Unavailable, runs: Sequence[Callable[[], object]], images: int, *,
                synchronize: Callable[[], object] = nothing, monitor: Monitor | Unavailable = NO_SENSOR,
                rules: Rules = DEFAULT, clock: Clock = time.perf_counter, sleep: Callable[[float], object] = time.sleep,
                chance: Callable[[], float] = random.random, progress: Listener | None = None,
                ) -> tuple[Energy | Unavailable, ...]:
    """The energy of each run of so many images, or why there is none; their windows take turns, A B B A.

    A run may return before its device is done, `synchronize` waits for that; `monitor` tells temperature, clock and
    slowdowns; `chance` is a number from 0 to 1. Raises what the runs raise, and `ValueError` for rules that cannot give
    a figure: windows under a second, fewer than three, and runs without an image.
    """
    if rules.windows < FEWEST or min(rules.seconds, rules.idle) < SHORTEST or images < 1:
        raise ValueError(f"energy needs at least {FEWEST} windows of {SHORTEST:g} s, and an image in each run: {rules}")
    if isinstance(meter, Unavailable):
        return (meter,) * len(runs)
    synchronize()
    sleep(rules.rest)
    idle = idle_power(meter, rules.idle, clock, sleep)
    works = [Work(run, synchronize, clock) for run in runs]
    for work in works:
        work.begin(rules.lead, rules.stretch)
    series = [_Series(meter, work, images, monitor, progress) for work in works]
    for number in range(rules.windows):
        for one in reversed(series) if number % 2 else series:
            one.take(rules, chance())
    return tuple(one.told(idle) for one in series)


class _Series:
    """The windows of one run; one that fails is the last."""

    def __init__(self, meter: Meter, work: Work, images: int, monitor: Monitor | Unavailable,
                 progress: Listener | None) -> None:
        self.meter, self.work, self.images, self.monitor = meter, work, images, monitor
        watch = None if isinstance(monitor, Unavailable) else monitor
        self.lookout = Lookout("energy", work.clock, sampling.DEFAULT, watch, progress)
        self.before = ends(monitor)
        self.windows: list[Window] = []
        self.failure: Unavailable | None = None

    def take(self, rules: Rules, chance: float) -> None:
        """One more window, which work leads into."""
        if self.failure is not None:
            return
        self.work.go_on(chance * rules.phase)
        found = window(self.meter, self.work, rules.seconds, self.images, self.lookout)
        if isinstance(found, Unavailable):
            self.failure = Unavailable(f"in window {len(self.windows) + 1} of {rules.windows}: {found.why}")
        else:
            self.windows.append(found)

    def told(self, idle: Figure) -> Energy:
        """What they tell."""
        return energy(self.meter.scope, self.meter.how, idle, self.windows,
                      conditions(self.monitor, self.before, self.lookout), self.failure)


class Work:
    """A run that is repeated in stretches: the device is given all of a stretch, and then waited for."""

    def __init__(self, run: Callable[[], object], synchronize: Callable[[], object], clock: Clock) -> None:
        self.run, self.synchronize, self.clock = run, synchronize, clock
        #: How often in a stretch.
        self.times = 1

    def begin(self, seconds: float, stretch: float) -> None:
        """Work for some time, and learn how many runs take as long as a stretch should."""
        begin = self.clock()
        shortest = float("inf")
        while self.clock() - begin < seconds or shortest == float("inf"):
            before = self.clock()
            self.stretch()
            shortest = min(shortest, self.clock() - before)
        self.times = max(1, int(stretch / shortest)) if shortest > 0 else 1

    def go_on(self, seconds: float) -> None:
        """Work for at least so long."""
        begin = self.clock()
        while self.clock() - begin < seconds:
            self.stretch()

    def stretch(self, look: Callable[[], object] = nothing) -> None:
        """Work for a stretch; `look` is called while the device still works."""
        for _ in range(self.times):
            self.run()
        look()
        self.synchronize()


def idle_power(meter: Meter, seconds: float, clock: Clock, sleep: Callable[[float], object]) -> Figure:
    """Watts that the device takes without work."""
    finish = meter.start()
    begin = clock()
    try:
        sleep(seconds)
        lasted = clock() - begin
    finally:
        joules = finish()
    return joules if isinstance(joules, Unavailable) else joules / lasted


def window(meter: Meter, work: Work, seconds: float, images: int, lookout: Lookout) -> Window | Unavailable:
    """One window of work on a device that has nothing else to do, from when it is ready to when it has done all."""
    runs = 0
    finish = meter.start()
    begin = work.clock()
    try:
        while (lasted := work.clock() - begin) < seconds:
            runs += work.times
            work.stretch(partial(lookout.elapsed, runs))
    finally:
        joules = finish()
    return joules if isinstance(joules, Unavailable) else Window(lasted, runs * images, joules)


def ends(monitor: Monitor | Unavailable) -> tuple[Reading, Reading]:
    """Temperature and SM clock at this moment."""
    if isinstance(monitor, Unavailable):
        return monitor, monitor
    return monitor.temperature(), monitor.sm_clock()


def conditions(monitor: Monitor | Unavailable, before: tuple[Reading, Reading], lookout: Lookout) -> Conditions:
    """What the device was like, when the last window has ended."""
    (warm, fast), (temperature, sm_clock) = before, ends(monitor)
    now = monitor if isinstance(monitor, Unavailable) else monitor.slowdowns()
    slowdowns = now if isinstance(now, Unavailable) and not lookout.words else tuple(lookout.words)
    return Conditions((warm, temperature), (fast, sm_clock), slowdowns, lookout.valid)
