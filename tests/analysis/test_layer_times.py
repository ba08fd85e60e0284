"""The parts of a run from its stamps, and of a typical run from several: whatever the times, they add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.analysis.layer_times import ASIDE, BACKWARD, END, FORWARD, Mark, Trace, trace, typical

MARKS: list[Mark] = [(ASIDE, "call"), (FORWARD, 1), (FORWARD, 2), (ASIDE, "call"), (ASIDE, "loss"), (BACKWARD, 2),
                     (BACKWARD, 1), END]
#: A step of training in seconds, and one that something else disturbed in its first layer.
STEPS = st.lists(st.lists(st.floats(0, 10), min_size=len(MARKS), max_size=len(MARKS)).map(sorted), min_size=1,
                 max_size=20)


def run(seconds: float, layer: float = 1.0) -> Trace:
    """A run whose second layer takes what its first one leaves."""
    return Trace({0: 0.0, 1: layer, 2: seconds - layer}, {}, {}, seconds)


def test_the_time_between_two_stamps_belongs_to_what_the_first_one_begins() -> None:
    assert trace(MARKS, [0, 1, 3, 7, 8, 24, 32, 64], inputs=[0]) == Trace(
        {0: 0.0, 1: 2, 2: 4}, {2: 8, 1: 32}, {"call": 2, "loss": 16}, 64)


def test_a_layer_takes_both_its_passes() -> None:
    times = typical([trace(MARKS, [0, 1, 3, 7, 8, 24, 32, 64], inputs=[0])])
    assert times.layers == {0: 0.0, 1: 34, 2: 12}


def test_a_stamp_without_a_time_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        trace(MARKS, [0, 1, 2])


@given(STEPS)
def test_the_parts_add_up_to_the_whole(steps: list[list[float]]) -> None:
    times = typical([trace(MARKS, step) for step in steps])
    assert times.total == pytest.approx(times.whole, rel=1e-9, abs=1e-9)


def test_what_is_typical_is_the_mean_of_the_central_half() -> None:
    times = typical([run(9.0, 8.0), run(2.0), run(3.0), run(1.0), run(99.0, 97.0), run(4.0), run(1.5), run(5.0)])
    assert (times.runs, times.kept) == (8, 4)
    assert times.whole == (2 + 3 + 4 + 5) / 4
    assert times.forward == {0: 0.0, 1: 1.0, 2: times.whole - 1}


@pytest.mark.parametrize("runs", [1, 2, 3])
def test_few_runs_are_all_kept(runs: int) -> None:
    times = typical([run(1.0 + index) for index in range(runs)])
    assert (times.runs, times.kept, times.whole) == (runs, runs, (1 + runs) / 2)


def test_a_part_that_some_runs_have_not_still_adds_up() -> None:
    times = typical([Trace({1: 2.0}, {}, {"loss": 1.0}, 3.0), Trace({1: 2.0}, {1: 1.0}, {}, 3.0)])
    assert (times.total, times.backward, times.aside) == (3.0, {1: 0.5}, {"loss": 0.5})
