"""What durations tell: the median's interval against exact binomial sums, percentiles, outliers, too few samples."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.analysis.latency import Interval, interval, median_rank, middle, spread, summarize

DURATIONS = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=200)


def coverage(count: int, rank: int) -> Fraction:
    """The chance that the median lies between the rank-th from either end: that a fair coin thrown `count` times
    shows heads at least `rank` times and tails too.
    """
    return Fraction(sum(comb(count, heads) for heads in range(rank, count - rank + 1)), 2**count)


@pytest.mark.parametrize("confidence", [Fraction(3, 5), Fraction(9, 10), Fraction(19, 20), Fraction(999, 1000)])
def test_the_interval_is_the_narrowest_that_covers(confidence: Fraction) -> None:
    for count in range(1, 300):
        rank = median_rank(count, float(confidence))
        assert rank == 0 or coverage(count, rank) >= confidence
        assert coverage(count, rank + 1) < confidence


@pytest.mark.parametrize(("count", "rank"), [
    # Hahn and Meeker, Statistical Intervals (1991), and Conover, Practical Nonparametric Statistics (1999), table A3.
    (5, 0), (6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (15, 4), (20, 6), (25, 8), (30, 10),
])
def test_ranks_are_those_of_the_sign_test(count: int, rank: int) -> None:
    assert median_rank(count) == rank


def test_many_samples_agree_with_the_normal_approximation() -> None:
    for count in (10_000, 999_999, 10_000_000):
        assert median_rank(count) == pytest.approx(count / 2 - 0.979982 * count**0.5, abs=2)


def test_the_median_is_covered_as_often_as_it_says() -> None:
    random = Random(5)  # noqa: S311  # the same samples each time
    drawn = [interval([random.expovariate(1) for _ in range(31)]) for _ in range(4000)]
    covered = sum(found is not None and found.low <= 0.693147 <= found.high for found in drawn)
    assert covered / 4000 == pytest.approx(float(coverage(31, median_rank(31))), abs=0.015)


@given(DURATIONS)
def test_the_order_of_samples_does_not_matter(samples: list[float]) -> None:
    kept = list(samples)
    found = summarize(samples)
    assert samples == kept
    assert found == summarize(sorted(samples)) == summarize(samples[::-1])
    assert found.minimum <= found.low <= found.median <= found.high <= found.maximum
    assert found.samples == len(samples)
    assert found.interval == Interval(found.low, found.high)


@given(DURATIONS, st.sampled_from([2.0**-20, 0.5, 1024.0]))
def test_the_unit_of_time_does_not_matter(samples: list[float], factor: float) -> None:
    before, after = summarize(samples), summarize([factor * value for value in samples])
    assert after.median == factor * before.median
    assert (after.low, after.high) == (factor * before.low, factor * before.high)
    assert (after.outliers, after.spread) == (before.outliers, before.spread)


def test_figures_by_hand() -> None:
    found = summarize([9.0, 1.0, 4.0, 2.0, 3.0, 8.0])
    assert (found.minimum, found.median, found.mean, found.maximum) == (1, 3.5, 4.5, 9)
    assert (found.low, found.high) == (1, 9)  # of six, only the least and the greatest enclose it with 95 %
    assert found.spread == pytest.approx(5.5 / 3.5)
    assert found.converged


def test_fewer_than_six_have_no_interval() -> None:
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    found = summarize([5.0, 1.0, 2.0, 4.0, 3.0], converged=True)
    assert (found.low, found.median, found.high) == (1, 3, 5)
    assert not found.converged
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0], confidence=0.5) == Interval(2.0, 4.0)


def test_one_sample_is_all_there_is() -> None:
    found = summarize([20.0])
    assert (found.minimum, found.low, found.median, found.high, found.samples) == (20, 20, 20, 20, 1)
    assert not found.converged


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        summarize([])


def test_what_was_seen_while_sampling_is_kept() -> None:
    assert not summarize([1.0] * 30, steady=False).steady
    assert not summarize([1.0] * 30, converged=False).converged
    assert summarize([1.0] * 30).converged


def test_percentiles_take_three_hundred_samples() -> None:
    short, long = summarize(list(map(float, range(1, 300)))), summarize(list(map(float, range(1, 301))))
    assert (short.p90, short.p99) == (None, None)
    assert (long.p90, long.p99) == (270, 297)  # the nearest rank: 90 % of the values are no greater


def test_outliers_are_counted_and_kept() -> None:
    # The quartiles are 5 and 15, the fences −25 and 45.
    values = [*map(float, range(1, 20)), 45.0]
    assert summarize(values).outliers == 0
    found = summarize([*map(float, range(1, 20)), 45.1])
    assert (found.outliers, found.maximum, found.samples) == (1, 45.1, 20)
    # Here 104 and 114, and the lower fence 74.
    assert summarize([*map(float, range(101, 120)), 73.9]).outliers == 1
    assert summarize([*map(float, range(101, 120)), 74.0]).outliers == 0


def test_the_spread_is_the_farther_end() -> None:
    assert spread(100.0, Interval(97.0, 101.0)) == pytest.approx(0.03)
    assert spread(100.0, Interval(99.0, 102.0)) == pytest.approx(0.02)
    assert spread(0.0, Interval(0.0, 0.0)) == 0  # a clock too coarse for the run
    assert spread(0.0, Interval(0.0, 1.0)) == float("inf")


def test_the_middle_of_an_even_number_is_between_two() -> None:
    assert middle([1.0, 2.0, 4.0, 8.0]) == 3
    assert middle([1.0, 2.0, 4.0]) == 2
