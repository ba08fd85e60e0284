"""Paired ratios and their bootstrap: what cancels, what is seen, and how often a difference is seen where none is."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.analysis.comparison import Comparison, apart, block_ratio, compare, slower
from cnnspec.analysis.latency import Interval, interval, summarize

RATIOS = st.lists(st.floats(0.5, 2.0), min_size=1, max_size=60)


def noisy(seed: int, count: int, centre: float = 1.0, memory: float = 0.0) -> list[float]:
    """Ratios that vary by 2 %, one in ten by far more; each takes over a part of its predecessor's deviation."""
    random = Random(seed)  # noqa: S311  # the same ratios each time
    deviation, drawn = 0.0, []
    for _ in range(count):
        deviation = memory * deviation + (1 - memory**2) ** 0.5 * random.gauss(0, 0.02)
        far = random.choice((-0.3, 0.3)) if random.random() < 0.1 else 0
        drawn.append(centre * (1 + deviation + far))
    return drawn


# --------------------------------------------------------------------------------------------------------- one block


@given(st.integers(1, 1000), st.integers(-100, 100))
def test_an_even_drift_cancels(start: int, drift: int) -> None:
    base = 1000 * start
    assert block_ratio(base, base + drift, base + 2 * drift, base + 3 * drift) == 1


def test_the_ratio_is_of_the_second_to_the_first() -> None:
    assert block_ratio(a=2.0, b=3.0, b_again=3.0, a_again=2.0) == 1.5


# ------------------------------------------------------------------------------------------------------ all of them


@given(RATIOS)
def test_the_interval_holds_the_median_and_what_was_seen_holds_the_interval(ratios: list[float]) -> None:
    found = compare(ratios, resamples=200)
    assert found.low <= found.ratio <= found.high
    assert found.pairs == len(ratios)
    assert min(1.0, *ratios) <= found.low
    assert found.high <= max(1.0, *ratios)


@given(RATIOS)
def test_the_same_ratios_give_the_same_interval(ratios: list[float]) -> None:
    assert compare(ratios, resamples=100) == compare(list(ratios), resamples=100)


@given(RATIOS)
def test_it_is_at_least_as_wide_as_the_order_statistics_say(ratios: list[float]) -> None:
    found, least = compare(ratios, resamples=50), interval(ratios)
    assert least is None or (found.low <= least.low and least.high <= found.high)


def test_fewer_than_six_pairs_see_no_difference() -> None:
    found = compare([1.5, 1.6, 1.55, 1.52, 1.58])
    assert (found.ratio, found.low, found.high) == (1.55, 1.0, 1.6)
    assert not found.different
    assert compare([0.5]) == Comparison(0.5, 0.5, 1.0, 1)


def test_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="no ratios"):
        compare([])


def test_a_difference_is_seen_where_the_interval_does_not_contain_one() -> None:
    assert not Comparison(1.05, 1.0, 1.1, 30).different
    assert not Comparison(0.95, 0.9, 1.0, 30).different
    assert Comparison(1.05, 1.001, 1.1, 30).different
    assert Comparison(0.95, 0.9, 0.999, 30).different
    assert Comparison(0.95, 0.9, 0.999, 30).interval == Interval(0.9, 0.999)


@pytest.mark.parametrize("count", [30, 120])
def test_a_delay_of_five_percent_is_found(count: int) -> None:
    found = [compare(noisy(seed, count, centre=1.05), resamples=500) for seed in range(40)]
    assert sum(one.different and one.low > 1 for one in found) == 40


@pytest.mark.parametrize("count", [10, 30, 120])
def test_equal_runs_are_seldom_called_different(count: int) -> None:
    found = [compare(noisy(seed, count), resamples=500) for seed in range(200)]
    assert sum(one.different for one in found) <= 20  # 5 % are 10; more than 20 come once in a thousand times


def test_neighbours_that_resemble_each_other_make_it_wider() -> None:
    """Against the interval that takes them for independent, which is far too sure."""
    drawn = [noisy(seed, 200, memory=0.7) for seed in range(100)]
    pairs = [(compare(ratios, resamples=300), interval(ratios)) for ratios in drawn]
    independent = [(found, least) for found, least in pairs if least is not None]
    assert sum(found.low < least.low for found, least in independent) > 80
    assert sum(found.high > least.high for found, least in independent) > 80
    missed = sum(found.different for found, _ in independent)
    assert missed < 0.7 * sum(not least.low <= 1 <= least.high for _, least in independent)


# ----------------------------------------------------------------------------------------- against a stored report


@pytest.mark.parametrize(("one", "other", "parted"), [
    ((1, 2), (3, 4), True), ((3, 4), (1, 2), True), ((1, 2), (2, 3), False), ((1, 4), (2, 3), False),
    ((2, 3), (1, 4), False), ((1, 3), (2, 4), False),
])
def test_intervals_part(one: tuple[int, int], other: tuple[int, int], parted: bool) -> None:
    assert apart(Interval(*one), Interval(*other)) is parted


def test_slower_takes_more_than_is_allowed_and_intervals_that_part() -> None:
    then, more, much = (summarize([base + 0.001 * step for step in range(-5, 6)]) for base in (1.0, 1.04, 1.06))
    assert slower(more, then)
    assert not slower(more, then, most=0.05)
    assert slower(much, then, most=0.05)
    assert not slower(then, much)
    unsure = summarize([0.9, 0.95, 1.0, 1.06, 1.3, 1.4, 1.5])
    assert unsure.median > then.median * 1.05
    assert not slower(unsure, then, most=0.05)  # its interval reaches down to 0.9
