"""Which of two runs takes longer, and by how much: from times taken in turns, or from two reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from random import Random

from cnnspec.analysis.latency import Interval, Latency, median_rank, middle
from cnnspec.record import Record

#: Of one run in one block: the seconds of its turn on the way out, and of that on the way back.
Turn = tuple[float, float]


class Comparison(Record):
    """How many times as long as the first the second run takes."""

    #: The median over the pairs, and its interval of 95 %.
    ratio: float
    low: float
    high: float
    #: Paired times that it comes from.
    pairs: int

    @property
    def different(self) -> bool:
        """Whether a difference was seen: the interval does not contain 1."""
        return not self.low <= 1 <= self.high

    @property
    def interval(self) -> Interval:
        """Of the ratio."""
        return Interval(self.low, self.high)

    @property
    def known(self) -> bool:
        """Whether there were enough pairs, six or more, for the interval to be one of 95 %."""
        return median_rank(self.pairs) > 0


class Paired(Record):
    """Two runs that took turns."""

    comparison: Comparison
    first: Latency
    second: Latency
    #: Whether the ratio's interval became as narrow as was asked for.
    converged: bool


class Rounds(Record):
    """Several runs that took turns, block by block: each once on the way out, and in reverse once on the way back."""

    latencies: tuple[Latency, ...]
    #: In the order of time; each has both turns of every run.
    blocks: tuple[tuple[Turn, ...], ...]
    #: Whether the intervals of all ratios to the first run became as narrow as was asked for.
    converged: bool

    def comparison(self, run: int, to: int = 0) -> Comparison:
        """How many times as long as another run (the first) one takes."""
        return compare(block_ratios(self.blocks, run, to))


def block_ratios(blocks: Iterable[Sequence[Turn]], run: int, to: int = 0) -> list[float]:
    """The ratio of a run to another one (the first) in each block."""
    ratios = []
    for block in blocks:
        (a, a_again), (b, b_again) = block[to], block[run]
        ratios.append(block_ratio(a, b, b_again, a_again))
    return ratios


def block_ratio(a: float, b: float, b_again: float, a_again: float) -> float:
    """What one block A B B A tells: a drift that is even over the block takes as much from either sum.

    Others may have their turns in between, as in C A B B A C, if they have them as evenly.
    """
    return (b + b_again) / (a + a_again)


def compare(ratios: Sequence[float], confidence: float = 0.95, resamples: int = 2000) -> Comparison:
    """The comparison that ratios of paired times, in the order of time, tell; raises `ValueError` for none.

    The interval is the bootstrap's of the median (percentiles). Neighbours in time resemble each other, which would
    make it too narrow; so whole stretches of about the cube root of their number are drawn, from a circle (Politis and
    Romano, A circular block-resampling procedure, 1992). It is at least as wide as the order statistics say, which
    the bootstrap of few ratios falls short of; all that was seen, and 1 with it, where there are fewer than six. The
    same ratios always give the same interval.
    """
    if not ratios:
        raise ValueError("no ratios")
    count = len(ratios)
    ordered = sorted(ratios)
    rank = median_rank(count, confidence)
    if not rank:
        return Comparison(middle(ordered), min(1.0, ordered[0]), max(1.0, ordered[-1]), count)
    medians = sorted(_medians(ratios, resamples))
    cut = int(resamples * (1 - confidence) / 2)
    return Comparison(middle(ordered), min(medians[cut], ordered[rank - 1]), max(medians[-1 - cut], ordered[-rank]),
                      count)


def _medians(values: Sequence[float], resamples: int) -> Iterator[float]:
    """The median of each of so many resamples, made of stretches of neighbours."""
    count = len(values)
    stretch = ceil(count ** (1 / 3))
    circle = [*values, *values[:stretch]]
    random = Random(0).random  # noqa: S311  # drawn alike each time, and nothing is secret
    for _ in range(resamples):
        drawn: list[float] = []
        while len(drawn) < count:
            start = int(random() * count)
            drawn += circle[start : start + stretch]
        yield middle(sorted(drawn[:count]))


def apart(one: Interval, other: Interval) -> bool:
    """Whether two intervals have no value in common."""
    return one.high < other.low or other.high < one.low


def slower(now: Latency, then: Latency, most: float = 0.0) -> bool:
    """Whether a latency exceeds a stored one by more than a part of it (0.05 for 5 %), and their intervals part.

    The two were not taken in turns: what changed about the machine between them counts as well.
    """
    return now.median > then.median * (1 + most) and now.low > then.high
