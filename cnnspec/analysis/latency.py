"""How long a run takes, from the durations of many: median with its interval, percentiles, outliers; all in seconds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import exp, lgamma, log

from cnnspec.record import Record

#: The 99th percentile is a guess from fewer: three of 300 samples lie beyond it.
ENOUGH_FOR_PERCENTILES = 300


class Interval(Record):
    """A range that holds the true value with a known confidence."""

    low: float
    high: float


class Latency(Record):
    """What equal runs took, in seconds; every sample counts, also the outliers."""

    samples: int
    minimum: float
    median: float
    #: The median's interval of 95 %; all that was seen where there are too few samples for one (fewer than six).
    low: float
    high: float
    mean: float
    maximum: float
    #: None below 300 samples.
    p90: float | None
    p99: float | None
    #: Samples beyond Tukey's outer fences.
    outliers: int
    #: Whether the runs had stopped to get faster or slower before the first sample.
    steady: bool
    #: Whether the interval became as narrow as was asked for.
    converged: bool
    #: Whether no slowdown that spoils a measurement was seen (heat, a fault of the hardware).
    valid: bool = True
    #: What held the clocks of the device down meanwhile, in words.
    throttled: tuple[str, ...] = ()
    #: Measurements that were thrown away for a slowdown before this one.
    repeats: int = 0
    #: Whether it was broken off.
    interrupted: bool = False
    #: What the whole took: warming up, sampling, and what was thrown away.
    seconds: float = 0.0

    @property
    def interval(self) -> Interval:
        """Of the median."""
        return Interval(self.low, self.high)

    @property
    def spread(self) -> float:
        """The farther end of the interval from the median, as a part of the median: 0.01 is ±1 %."""
        return spread(self.median, self.interval)


def summarize(samples: Sequence[float], *, steady: bool = True, converged: bool = True) -> Latency:
    """The latency that durations in seconds, in any order, tell; raises `ValueError` for none.

    Fewer than six samples have no interval of 95 %, and count as not converged whatever `converged` says.
    """
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    count = len(ordered)
    found = interval(ordered)
    low, high = (found.low, found.high) if found else (ordered[0], ordered[-1])
    many = count >= ENOUGH_FOR_PERCENTILES
    return Latency(
        count, ordered[0], middle(ordered), low, high, sum(ordered) / count, ordered[-1],
        percentile(ordered, 90) if many else None, percentile(ordered, 99) if many else None,
        outliers(ordered), steady, converged and found is not None,
    )


def middle(ordered: Sequence[float]) -> float:
    """The median of values in ascending order."""
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The least of the values, in ascending order, that at least so many percent do not exceed (the nearest rank)."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def outliers(ordered: Sequence[float]) -> int:
    """How many values, in ascending order, lie beyond the outer fences: three times the distance between the quartiles
    below the first or above the third (Tukey, Exploratory Data Analysis, 1977, 2C: "far out").
    """
    first, third = percentile(ordered, 25), percentile(ordered, 75)
    reach = 3 * (third - first)
    return bisect_left(ordered, first - reach) + len(ordered) - bisect_right(ordered, third + reach)


def spread(median: float, around: Interval) -> float:
    """The farther end of an interval from the median in it, as a part of the median."""
    far = max(around.high - median, median - around.low)
    return far / median if median else 0.0 if not far else float("inf")


def interval(samples: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """An interval for the median of what the samples are drawn from, whatever its distribution; None for too few.

    It lies between two of the samples, equally many from either end. Independent samples are taken for granted. Values
    that are sorted already, but for some at the end, cost only one pass.
    """
    ordered = sorted(samples)
    rank = median_rank(len(ordered), confidence)
    return Interval(ordered[rank - 1], ordered[-rank]) if rank else None


def median_rank(count: int, confidence: float = 0.95) -> int:
    """The greatest k for which the k-th sample from below and from above enclose the median; 0 where none does.

    How many of n samples lie below the median is binomial with n and ½, so these two enclose it with the probability
    of k, …, n − k (David and Nagaraja, Order Statistics, 2003, 7.1). The terms are added from the middle outwards,
    about √n of them.
    """
    rank = count // 2
    term = exp(lgamma(count + 1) - lgamma(rank + 1) - lgamma(count - rank + 1) - count * log(2))
    covered = term if count % 2 == 0 else 2 * term
    while rank and covered < confidence:
        term *= rank / (count - rank + 1)
        covered += 2 * term
        rank -= 1
    return rank
