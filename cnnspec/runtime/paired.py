"""Compares runs that take turns, A B B A, so that what changes about the machine meanwhile meets all of them alike."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from time import perf_counter

from cnnspec.analysis.comparison import Paired, Rounds, Turn, block_ratios, compare
from cnnspec.analysis.latency import Latency, middle, spread, summarize
from cnnspec.record import Record
from cnnspec.runtime.sampling import DEFAULT, Clock, Listener, Lookout, Rules, Run, Watch, warm_up


class Turns(Record):
    """How runs take turns."""

    #: A turn is as many runs as take so many seconds together: what is done between two turns, and that each run
    #: takes the caches from the others, then counts for little. One run where it takes longer.
    seconds: float = 0.01
    #: The fewest blocks A B B A that a comparison comes from.
    blocks: int = 30


TURNS = Turns()


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while there were whole blocks: whoever catches it has what they tell."""

    def __init__(self, rounds: Rounds) -> None:
        super().__init__()
        self.rounds = rounds

    @property
    def paired(self) -> Paired:
        """Of the first two runs."""
        return pair(self.rounds)


class _Side:
    """One of the runs, warmed up, and how many of it make a turn."""

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
    """How many times as long as `run_a` `run_b` takes: `interleave_all` of two runs."""
    return pair(interleave_all((run_a, run_b), clock, rules, turns, watch, progress))


def pair(rounds: Rounds) -> Paired:
    """The first two runs of those that took turns."""
    return Paired(rounds.comparison(1), rounds.latencies[0], rounds.latencies[1], rounds.converged)


def interleave_all(runs: Sequence[Run], clock: Clock = perf_counter, rules: Rules = DEFAULT, turns: Turns = TURNS,
                   watch: Watch | None = None, progress: Listener | None = None) -> Rounds:
    """The times of runs, two or more, that take turns after all have warmed up.

    It ends by the rules of `sampling.sample`, with the ratios to the first in the median's place, and as many times the
    time as there are runs. What slows the device down meets all alike; it is told, and nothing is begun anew. Raises
    what the runs raise, `Interrupted` on Ctrl-C with the whole blocks there are, and `ValueError` for fewer than two.
    """
    if len(runs) < 2:
        raise ValueError("a run takes turns with another one")
    begin = clock()
    sides = [_Side(run, clock, rules, turns, watch, progress) for run in runs]
    lookout = Lookout("comparing", clock, rules, watch, progress)
    blocks: list[tuple[Turn, ...]] = []
    converged = interrupted = False
    try:
        converged = _collect(sides, blocks, rules, turns, lookout)
        lookout.look()
    except KeyboardInterrupt:
        if not blocks:
            raise
        interrupted = True
    seconds = clock() - begin
    found = Rounds(tuple(side.latency(rules, lookout, seconds, interrupted=interrupted) for side in sides),
                   tuple(blocks), converged)
    if interrupted:
        raise Interrupted(found)
    return found


def _collect(sides: Sequence[_Side], blocks: list[tuple[Turn, ...]], rules: Rules, turns: Turns,
             lookout: Lookout) -> bool:
    """Adds blocks until all ratios are known closely enough; False where time runs out before that."""
    asked = 0
    others = range(1, len(sides))
    while True:
        blocks.append(_block(sides, order(len(sides), len(blocks))))
        count = len(blocks)
        elapsed = lookout.elapsed(sum(len(side.samples) for side in sides))
        # Asked after every tenth more of them: the bootstrap takes milliseconds, in which caches and clocks cool down.
        if (count >= max(turns.blocks, asked + asked // 10) and len(sides[0].samples) >= rules.samples
                and elapsed >= len(sides) * rules.seconds):
            asked = count
            ratios = [compare(block_ratios(blocks, other)) for other in others]
            lookout.spread = max(spread(one.ratio, one.interval) for one in ratios)
            if lookout.spread <= rules.spread:
                return True
        if elapsed >= len(sides) * rules.limit:
            return False


def order(sides: int, block: int) -> list[int]:
    """In which order the sides go out in a block; they come back in reverse.

    Whoever is last on the way out, or first behind a block that it began, follows itself and finds caches as it left
    them. So of three or more, another one begins each block; two follow themselves equally often as they are.
    """
    first = block % sides if sides > 2 else 0
    return [(first + number) % sides for number in range(sides)]


def _block(sides: Sequence[_Side], out: Sequence[int]) -> tuple[Turn, ...]:
    """Both turns of each side."""
    first = {number: sides[number].turn() for number in out}
    second = {number: sides[number].turn() for number in reversed(out)}
    return tuple((first[number], second[number]) for number in range(len(sides)))
