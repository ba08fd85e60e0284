"""Repeats a run until its latency is known: warms up to a steady state, samples, and knows when to stop.

Time passes only on the clock that is handed in, and only the run knows what it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from cnnspec.analysis.latency import Interval, Latency, interval, middle, spread, summarize
from cnnspec.environment import Reading, Unavailable
from cnnspec.record import Record
from cnnspec.runtime.nvml import INVALIDATING

#: One synchronised run; returns its duration in seconds.
Run = Callable[[], float]
#: The time in seconds, from any beginning.
Clock = Callable[[], float]


class Rules(Record):
    """When a measurement has warmed up, and when it has seen enough. Seconds, and parts of the whole."""

    #: Runs whose median is held against that of as many before: twice as many are the fewest to warm up.
    block: int = 10
    #: Warm from this time on where two successive medians, and the clock of the device with each, are so close.
    warm_seconds: float = 0.5
    level: float = 0.01
    clock_level: float = 0.03
    #: After this time it goes on, not steady.
    warm_limit: float = 5.0
    #: Enough where there are so many samples from so long a time, and the median is known so closely (±).
    samples: int = 30
    seconds: float = 0.5
    spread: float = 0.01
    #: After this time it ends, not converged.
    limit: float = 10.0
    #: How often a measurement that a slowdown spoiled is made again.
    repeats: int = 2
    #: How often the device is looked at, and progress told.
    every: float = 0.1


DEFAULT = Rules()


class Watch(Protocol):
    """What is looked at beside the runs; `nvml.Monitor` is one."""

    def sm_clock(self) -> Reading:
        """MHz of the multiprocessors."""

    def slowdowns(self) -> tuple[str, ...] | Unavailable:
        """What holds the clocks down now, in words."""


class Progress(Record):
    """How far a measurement is."""

    #: `warming up` or `sampling`.
    phase: str
    runs: int
    #: Since the phase began.
    seconds: float
    #: The median's spread when it was last asked; None before.
    spread: float | None = None


#: Is told how far a measurement is, now and then.
Listener = Callable[[Progress], None]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while there were samples: whoever catches it has what they tell; whoever does not, ends as with any."""

    def __init__(self, latency: Latency) -> None:
        super().__init__()
        self.latency = latency


def timed(work: Callable[[], object], synchronize: Callable[[], object] | None = None,
          clock: Clock = perf_counter) -> Run:
    """Runs some work by the host's clock; `synchronize` waits for the device that it runs on, if that is another."""

    def run() -> float:
        begin = clock()
        work()
        if synchronize is not None:
            synchronize()
        return clock() - begin

    return run


def sample(run: Run, clock: Clock = perf_counter, rules: Rules = DEFAULT, watch: Watch | None = None,
           progress: Listener | None = None) -> Latency:
    """The latency of a run.

    A slowdown that spoils the measurement (`nvml.INVALIDATING`) begins it anew, warming up included; the last time it
    is kept, and not valid. Raises what `run` raises, and `Interrupted` on Ctrl-C with the samples there are; during
    the warm-up there are none, and it stays a `KeyboardInterrupt`.
    """
    begin = clock()
    repeats = 0
    while True:
        steady = warm_up(run, clock, rules, watch, progress)
        lookout = Lookout("sampling", clock, rules, watch, progress)
        samples: list[float] = []
        converged = interrupted = False
        try:
            converged = _collect(run, samples, rules, lookout, patient=repeats == rules.repeats)
            lookout.look()
        except KeyboardInterrupt:
            if not samples:
                raise
            interrupted = True
        if interrupted or lookout.valid or repeats == rules.repeats:
            break
        repeats += 1
    found: Latency = summarize(samples, steady=steady, converged=converged).replace(
        valid=lookout.valid, throttled=tuple(lookout.words), repeats=repeats, interrupted=interrupted,
        seconds=clock() - begin)
    if interrupted:
        raise Interrupted(found)
    return found


def warm_up(run: Run, clock: Clock = perf_counter, rules: Rules = DEFAULT, watch: Watch | None = None,
            progress: Listener | None = None) -> bool:
    """Runs until two successive medians, and the device's clock, agree; False where they do not in the time there is.

    A clock that cannot be read is not waited for.
    """
    lookout = Lookout("warming up", clock, rules, None, progress)
    medians: list[float] = []
    clocks: list[Reading] = []
    block: list[float] = []
    while True:
        block.append(run())
        elapsed = lookout.elapsed(len(medians) * rules.block + len(block))
        if len(block) == rules.block:
            medians.append(middle(sorted(block)))
            clocks.append(watch.sm_clock() if watch else 0)
            block = []
            if (elapsed >= rules.warm_seconds and len(medians) > 1 and _level(medians[-2:], rules.level)
                    and _level(clocks[-2:], rules.clock_level)):
                return True
        if elapsed >= rules.warm_limit:
            return False


def _level(values: Sequence[float | Unavailable], part: float) -> bool:
    """Whether all values that there are lie within a part of the greatest."""
    known = [value for value in values if not isinstance(value, Unavailable)]
    return not known or max(known) - min(known) <= part * max(known)


class Lookout:
    """Looks at the device now and then while runs go on, and tells how far they are."""

    def __init__(self, phase: str, clock: Clock, rules: Rules, watch: Watch | None, progress: Listener | None) -> None:
        self.phase, self.clock, self.every, self.watch, self.progress = phase, clock, rules.every, watch, progress
        #: What held the device's clocks down, each word once.
        self.words: list[str] = []
        #: The median's spread, once it has been asked.
        self.spread: float | None = None
        self.begin = clock()
        self._next = self.begin

    @property
    def valid(self) -> bool:
        """Whether nothing was seen that spoils a measurement."""
        return INVALIDATING.isdisjoint(self.words)

    def elapsed(self, runs: int) -> float:
        """Seconds since the beginning; where it is time for it, the device is looked at and progress told."""
        now = self.clock()
        if now >= self._next:
            self._next = now + self.every
            self.look()
            if self.progress:
                self.progress(Progress(self.phase, runs, now - self.begin, self.spread))
        return now - self.begin

    def look(self) -> None:
        """Note what holds the clocks down at this moment; that a device is idle between two runs says nothing."""
        seen = self.watch.slowdowns() if self.watch else ()
        if not isinstance(seen, Unavailable):
            self.words += [word for word in seen if word != "idle" and word not in self.words]


def _collect(run: Run, samples: list[float], rules: Rules, lookout: Lookout, *, patient: bool) -> bool:
    """Adds samples until the median is known closely enough; False where time runs out before that, or a slowdown
    spoils them and nobody is `patient` with it.
    """
    asked = 0
    while True:
        samples.append(run())
        elapsed = lookout.elapsed(len(samples))
        if not (patient or lookout.valid):
            return False
        # Asked after every twentieth more of them, so that asking takes little time however many there are.
        if len(samples) >= max(rules.samples, asked + asked // 20) and elapsed >= rules.seconds:
            asked = len(samples)
            samples.sort()
            found = interval(samples)
            lookout.spread = spread(middle(samples), found or Interval(samples[0], samples[-1]))
            if found and lookout.spread <= rules.spread:
                return True
        if elapsed >= rules.limit:
            return False
