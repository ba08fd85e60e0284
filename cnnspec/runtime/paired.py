"""Compares two runs that take turns, A B B A, so that what changes about the machine meanwhile meets both alike."""

from __future__ import annotations

from math import ceil
from time import perf_counter

from cnnspec.analysis.comparison import Paired, block_ratio, compare
from cnnspec.analysis.latency import Latency, middle, spread, summarize
from cnnspec.record import Record
from cnnspec.runtime.sampling import DEFAULT, Clock, Listener, Lookout, Rules, Run, Watch, warm_up


class Turns(Record):
    """How two runs take turns."""

    #: A turn is as many runs as take so many seconds together: what is done between two turns, and that each of the two
    #: takes the caches from the other, then counts for little. One run where it takes longer.
    seconds: float = 0.01
    #: The fewest blocks A B B A that a comparison comes from.
    blocks: int = 30


TURNS = Turns()


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while there were whole blocks: whoever catches it has what they tell."""

    def __init__(self, paired: Paired) -> None:
        super().__init__()
        self.paired = paired


class _Side:
    """One of the two: its run, warmed up, and how many make a turn."""

    def __init__(self, run: Run, clock: Clock, rules: Rules, turns: Turns, watch: Watch | None,
                 progress: Listener | None) -> None:
        warming: list[float] = []

        def noted() -> float:
            warming.append(run())
            return warming[-1]

        self.run = run
        self.steady = warm_up(noted, clock, rules, watch, progress)
        self.length = max(1, ceil(turns.seconds / max(middle(sorted(warming[-rules.block:])), 1e-9)))
        self.samples: list[float] = []

    def turn(self) -> float:
        """The median of one turn, in seconds."""
        durations = [self.run() for _ in range(self.length)]
        self.samples += durations
        return middle(sorted(durations))

    def latency(self, rules: Rules, lookout: Lookout, seconds: float, *, interrupted: bool) -> Latency:
        """Of this side alone; it converged where its own median is known closely enough."""
        found = summarize(self.samples, steady=self.steady)
        whole: Latency = found.replace(converged=found.converged and found.spread <= rules.spread,
                                       valid=lookout.valid, throttled=tuple(lookout.words), interrupted=interrupted,
                                       seconds=seconds)
        return whole


def interleave(run_a: Run, run_b: Run, clock: Clock = perf_counter, rules: Rules = DEFAULT, turns: Turns = TURNS,
               watch: Watch | None = None, progress: Listener | None = None) -> Paired:
    """How many times as long as `run_a` `run_b` takes, after both have warmed up.

    It ends by the rules of `sampling.sample`, with the ratio in the median's place, and twice the time, since there are
    two to run. What slows the device down meets both alike; it is told, and nothing is begun anew. Raises what the runs
    raise, and `Interrupted` on Ctrl-C with the whole blocks there are.
    """
    begin = clock()
    sides = [_Side(run, clock, rules, turns, watch, progress) for run in (run_a, run_b)]
    lookout = Lookout("comparing", clock, rules, watch, progress)
    ratios: list[float] = []
    converged = interrupted = False
    try:
        converged = _collect(sides[0], sides[1], ratios, rules, turns, lookout)
        lookout.look()
    except KeyboardInterrupt:
        if not ratios:
            raise
        interrupted = True
    first, second = (side.latency(rules, lookout, clock() - begin, interrupted=interrupted) for side in sides)
    found = Paired(compare(ratios), first, second, converged)
    if interrupted:
        raise Interrupted(found)
    return found


def _collect(a: _Side, b: _Side, ratios: list[float], rules: Rules, turns: Turns, lookout: Lookout) -> bool:
    """Adds blocks until the ratio is known closely enough; False where time runs out before that."""
    asked = 0
    while True:
        ratios.append(block_ratio(a.turn(), b.turn(), b.turn(), a.turn()))
        count = len(ratios)
        elapsed = lookout.elapsed(len(a.samples) + len(b.samples))
        # Asked after every tenth more of them: the bootstrap takes milliseconds, in which caches and clocks cool down.
        if (count >= max(turns.blocks, asked + asked // 10) and len(a.samples) >= rules.samples
                and elapsed >= 2 * rules.seconds):
            asked = count
            found = compare(ratios)
            lookout.spread = spread(found.ratio, found.interval)
            if lookout.spread <= rules.spread:
                return True
        if elapsed >= 2 * rules.limit:
            return False
