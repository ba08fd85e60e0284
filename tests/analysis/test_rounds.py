"""Statistics of trained networks, against tables, formulas by hand, and simulated seeds without a difference."""

from __future__ import annotations

from random import Random
from statistics import mean, stdev

import pytest

from cnnspec.analysis.rounds import Rounds
from cnnspec.analysis.rounds_curves import ACCURACY, LOSS, MACS, SECONDS, STEPS, curve, over_seeds
from cnnspec.analysis.rounds_measures import trained
from cnnspec.analysis.spread import spread, student
from tests.rounds import rival, rounds

# ------------------------------------------------------------------------------------------------ spread


@pytest.mark.parametrize(("freedom", "confidence", "t"), [
    (1, 0.95, 12.706), (2, 0.95, 4.303), (3, 0.95, 3.182), (4, 0.95, 2.776), (9, 0.95, 2.262), (30, 0.95, 2.042),
    (1, 0.5, 1.0), (2, 0.99, 9.925), (7, 0.9, 1.895), (1000, 0.95, 1.962),
])
def test_quantiles_of_student_are_those_of_the_tables(freedom: int, confidence: float, t: float) -> None:
    assert student(freedom, confidence) == pytest.approx(t, abs=5e-4)


@pytest.mark.parametrize(("freedom", "confidence"), [(0, 0.95), (2, 0.0), (2, 1.0)])
def test_there_is_no_quantile_without_freedom_or_of_all(freedom: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="degrees of freedom"):
        student(freedom, confidence)


def test_a_spread_is_what_the_formulas_say() -> None:
    values = [0.96, 0.98, 0.97, 0.99]
    found = spread(values)
    half = 3.182446 * stdev(values) / 2
    assert (found.runs, found.mean, found.deviation) == (4, pytest.approx(mean(values)), pytest.approx(stdev(values)))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((mean(values) - half, mean(values) + half))


def test_a_single_run_shows_no_spread_and_none_is_an_error() -> None:
    assert spread([0.5]).deviation is spread([0.5]).interval is None
    with pytest.raises(ValueError, match="no values"):
        spread([])


# ------------------------------------------------------------------------------------------- differences


def two(ones: list[float | None], others: list[float | None], images: int = 1_000) -> Rounds:
    return rounds(rival("a", ones), rival("b", others), images=images, seeds=len(ones))


def test_a_difference_is_paired_by_seed() -> None:
    # Seeds differ by far more than networks do; within a seed the second is always a little better.
    found = two([0.80, 0.90, 0.85], [0.82, 0.925, 0.87]).difference(1, 0)
    assert found is not None
    assert found.interval is not None
    assert (found.pairs, found.mean) == (3, pytest.approx(0.065 / 3))
    half = 4.302653 * stdev([0.02, 0.025, 0.02]) / 3**0.5
    assert (found.interval.low, found.interval.high) == pytest.approx((0.065 / 3 - half, 0.065 / 3 + half))
    assert found.seen


def test_the_mean_is_over_the_seeds_that_both_have() -> None:
    found = two([0.8, None, 0.9], [0.7, 0.1, 0.8]).difference(0, 1)
    assert found is not None
    assert (found.pairs, found.one, found.other) == (2, pytest.approx(0.85), pytest.approx(0.75))
    assert two([0.8, None], [None, 0.8]).difference(0, 1) is None


def test_one_seed_shows_no_difference_however_large() -> None:
    found = two([0.99], [0.11]).difference(0, 1)
    assert found is not None
    assert found.interval is None
    assert not found.seen


def test_a_difference_of_one_image_is_none_and_equal_ones_are_none() -> None:
    one_image = two([0.91, 0.81, 0.71], [0.90, 0.80, 0.70], images=100).difference(0, 1)
    two_images = two([0.92, 0.82, 0.72], [0.90, 0.80, 0.70], images=100).difference(0, 1)
    assert one_image is not None
    assert two_images is not None
    assert not one_image.seen
    assert two_images.seen
    same = two([0.9, 0.8], [0.9, 0.8]).difference(0, 1)
    assert same is not None
    assert not same.seen


@pytest.mark.parametrize(("networks", "seeds"), [(2, 2), (2, 3), (2, 10), (4, 3)])
def test_networks_that_are_alike_are_told_apart_in_one_of_twenty_comparisons(networks: int, seeds: int) -> None:
    chance = Random(networks * 100 + seeds)  # noqa: S311  # drawn alike each time
    times, wrong = 600, 0
    for _ in range(times):
        made = rounds(*(rival(str(number), [chance.gauss(0.9, 0.02) for _ in range(seeds)])
                        for number in range(networks)), images=10**9, seeds=seeds)
        leader = made.leader
        assert leader is not None
        wrong += any(found.seen for place in range(networks)
                     if place != leader and (found := made.difference(leader, place)) is not None)
    assert wrong / times < 0.05 + 3 * (0.05 * 0.95 / times) ** 0.5
    assert networks > 2 or wrong / times > 0.05 - 3 * (0.05 * 0.95 / times) ** 0.5  # Bonferroni's bound is no value


def test_accuracies_that_are_counted_are_told_apart_no_more_often() -> None:
    chance = Random(7)  # noqa: S311  # drawn alike each time

    def counted() -> float:
        return sum(chance.random() < 0.97 for _ in range(100)) / 100

    times = 400
    wrong = 0
    for _ in range(times):
        found = two([counted() for _ in range(3)], [counted() for _ in range(3)], images=100).difference(0, 1)
        wrong += found is not None and found.seen
    assert wrong / times < 0.05 + 3 * (0.05 * 0.95 / times) ** 0.5


def test_a_true_difference_is_seen() -> None:
    chance = Random(3)  # noqa: S311  # drawn alike each time
    seen = 0
    for _ in range(200):
        found = two([chance.gauss(0.95, 0.01) for _ in range(5)], [chance.gauss(0.9, 0.01) for _ in range(5)])
        difference = found.difference(0, 1)
        seen += difference is not None and difference.seen
    assert seen > 190


def test_after_equal_seconds_the_slower_network_is_judged_by_its_last_epoch_until_then() -> None:
    made = rounds(rival("slow", [0.99, 0.98], seconds=4.0), rival("quick", [0.9, 0.9], seconds=2.0), seeds=2)
    found = made.after_equal_seconds(0, 1)
    assert found is not None
    assert (found.one, found.other) == (pytest.approx(0.685), pytest.approx(0.9))  # one epoch of the slow one: 4 of 6 s
    never = rounds(rival("slow", [0.99], seconds=7.0), rival("quick", [0.9], seconds=2.0), seeds=1)
    assert never.after_equal_seconds(0, 1) is None


def test_ratios_of_costs_and_the_leader() -> None:
    made = rounds(rival("a", [0.8, 0.8], macs=1_000, seconds=1.0), rival("b", [0.9, 0.8], macs=2_500, seconds=3.0),
                  rival("c", []), seeds=2)
    assert made.leader == 1
    assert made.ratio(1, 0, lambda one, run: one.work(run)) == pytest.approx(2.5)
    assert made.ratio(1, 0, lambda one, run: run.learning.seconds) == pytest.approx(3.0)
    assert made.ratio(2, 0, lambda one, run: run.learning.seconds) is None
    assert rounds(rival("c", [])).leader is None
    one = made.rivals[0]
    assert one.work(one.runs[0]) == 60 * 64 * 3 * 1_000


def test_the_end_counts_and_not_the_best_epoch() -> None:
    found = rival("a", [0.9])
    worse = found.replace(runs=(found.runs[0].replace(learning=found.runs[0].learning.replace(
        history=found.runs[0].learning.history[::-1])),))
    assert worse.accuracy.mean == pytest.approx(0.6)
    assert worse.best.mean == pytest.approx(0.9)


# ------------------------------------------------------------------------------------------------ curves


def test_curves_over_seeds_are_means_between_the_worst_and_the_best() -> None:
    found = curve(rival("a", [0.8, 0.9], macs=10), ACCURACY, STEPS)
    assert found.points == ((20.0, pytest.approx(0.55)), (40.0, pytest.approx(0.75)), (60.0, pytest.approx(0.85)))
    assert found.band[-1] == (0.8, 0.9)
    assert [x for x, _ in curve(rival("a", [0.8], macs=10), LOSS, MACS).points] == [38_400, 76_800, 115_200]
    assert [x for x, _ in curve(rival("a", [0.8]), ACCURACY, SECONDS).points] == [2, 4, 6]
    assert curve(rival("a", [0.8]), ACCURACY, SECONDS).band == ()


def test_curves_at_different_places_are_met_between_their_points() -> None:
    found = over_seeds([[(1, 0.0), (3, 1.0)], [(2, 1.0), (4, 0.0)]])
    assert found.points == ((2, 0.75), (3, 0.75))
    assert found.band == ((0.5, 1.0), (0.5, 1.0))
    assert over_seeds([]).points == over_seeds([[(1, 1.0)], []]).points == ()
    apart = over_seeds([[(1, 1.0)], [(2, 3.0)]])  # nowhere above each other
    assert (apart.points, apart.band) == (((1.5, 2.0),), ((1.0, 3.0),))


# ---------------------------------------------------------------------------------------------- measures


def test_the_measure_tells_the_best_where_a_difference_was_seen() -> None:
    made = rounds(rival("a", [0.90, 0.91, 0.90]), rival("b", [0.95, 0.96, 0.955]))
    (measure,) = trained(made)
    assert measure.best == (1,)
    assert measure.differs == (None, True)
    (reversed_,) = trained(made, (1, 0))
    assert reversed_.best == (0,)
    assert reversed_.ratios[1] == pytest.approx(measure.numbers[0] / measure.numbers[1])  # type: ignore[operator]


def test_the_measure_tells_none_the_best_of_one_seed_or_of_equals() -> None:
    (single,) = trained(rounds(rival("a", [0.5]), rival("b", [0.99]), seeds=1))
    assert single.best == ()
    assert single.differs == (None, None)
    assert single.ratios == (None, pytest.approx(1.98))
    assert single.undecided(1)
    (alike,) = trained(rounds(rival("a", [0.90, 0.92, 0.91]), rival("b", [0.92, 0.90, 0.915])))
    assert alike.best == ()


def test_the_measure_says_why_a_network_has_no_value() -> None:
    failed = rival("b", []).replace(failure="it has 2 inputs")
    (measure,) = trained(rounds(rival("a", [0.9, 0.9, 0.9]), failed, rival("c", [None, None, None]), rival("d", [])))
    assert measure.values[1:] == (None, None, None)
    assert measure.reasons == ("", "it has 2 inputs", "the loss is not a number", "it was not trained any more")
