"""How far repeated runs scatter, and how closely their mean is known: Student's t."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin, sqrt, tan

from cnnspec.analysis.latency import Interval
from cnnspec.record import Record

CONFIDENCE = 0.95


class Spread(Record):
    """What one figure is over several runs."""

    runs: int
    mean: float
    #: The standard deviation of a run (n − 1 in the denominator); None for a single one, which shows none.
    deviation: float | None
    #: Of the mean; None for a single run.
    interval: Interval | None


def spread(values: Sequence[float], confidence: float = CONFIDENCE) -> Spread:
    """Mean, deviation and interval of independent values; raises `ValueError` for none."""
    if not values:
        raise ValueError("no values")
    runs = len(values)
    mean = sum(values) / runs
    if runs == 1:
        return Spread(1, mean, None, None)
    deviation = sqrt(sum((value - mean) ** 2 for value in values) / (runs - 1))
    half = student(runs - 1, confidence) * deviation / sqrt(runs)
    return Spread(runs, mean, deviation, Interval(mean - half, mean + half))


def student(freedom: int, confidence: float = CONFIDENCE) -> float:
    """The t between whose negative and itself Student's distribution has so much of its mass: 4.303 for 2 and 95 %.

    Raises `ValueError` for less than one degree of freedom, and for a confidence that is not between 0 and 1.
    """
    if freedom < 1 or not 0 < confidence < 1:
        raise ValueError(f"{freedom} degrees of freedom, confidence {confidence}")
    low, high = 0.0, pi / 2
    for _ in range(60):  # an angle to the last bit
        middle = (low + high) / 2
        low, high = (middle, high) if _mass(middle, freedom) < confidence else (low, middle)
    return sqrt(freedom) * tan(high)


def _mass(angle: float, freedom: int) -> float:
    """P(|T| < √freedom · tan angle): the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    odd = freedom % 2
    term, total = cos(angle) if odd else 1.0, 0.0
    for k in range(freedom // 2):
        total += term
        term *= cos(angle) ** 2 * (2 * k + 1 + odd) / (2 * k + 2 + odd)
    return (angle + sin(angle) * total) * 2 / pi if odd else sin(angle) * total
