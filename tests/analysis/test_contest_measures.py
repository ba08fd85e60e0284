"""A contest as measures of a lineup: values, reasons, and whose ratios they are."""

from __future__ import annotations

import pytest

from cnnspec.analysis.comparison import Rounds
from cnnspec.analysis.contest import Contest, Heat
from cnnspec.analysis.contest_measures import MEASURED, measured
from cnnspec.analysis.latency import Interval, Latency, summarize
from cnnspec.analysis.lineup_measures import ANALYTIC, Measure
from cnnspec.analysis.profile import NOT_ASKED, MemoryUse, Options, Run
from cnnspec.environment import Unavailable
from tests.analysis.test_contest import heat, joules

ELSEWHERE = Unavailable("this is no CUDA device")
GIVEN_UP = Unavailable("the run was given up")
#: Seconds of the same network, the one that fails, and one that is slower.
SAME, SLOW = summarize([0.09] * 10 + [0.1] * 10 + [0.11] * 10), summarize([0.2] * 30)


def run(latency: Latency, peak: int = 1000, **changes: object) -> Run:
    use = MemoryUse(ELSEWHERE, peak, ELSEWHERE, ELSEWHERE, ELSEWHERE)
    made: Run = Run(Options(batch=4), latency, ELSEWHERE, use, NOT_ASKED, NOT_ASKED).replace(**changes)
    return made


FAILED = Run(Options(batch=4), *[GIVEN_UP] * 5, failure="out of memory")


def ragged() -> Heat:
    """Of which the second is 1 % faster or slower, block by block, and the third takes twice as long."""
    blocks = tuple(((1.0, 1.0), (factor, factor), (2.0, 2.0)) for factor in [0.99, 1.01] * 10)
    return Heat((0, 1, 3), Rounds((SAME, SAME, SLOW), blocks, converged=True))


def contest(host: Heat | Unavailable, runs: tuple[Run, ...], **changes: object) -> Contest:
    made: Contest = Contest("cpu", "CPU", {}, Options(batch=4), runs, host, ELSEWHERE).replace(**changes)
    return made


FOUR = contest(ragged(), (run(SAME), run(SAME, 1200), FAILED, run(SLOW, 500)))


def named(found: tuple[Measure, ...]) -> dict[str, Measure]:
    return {measure.name: measure for measure in found}


def test_what_is_measured_on_a_cpu() -> None:
    found = named(measured(FOUR))
    assert [*found] == ["latency", "throughput", "measured_peak"]
    assert all(measure.doc == MEASURED[name] for name, measure in found.items())
    assert found["latency"].values == (0.1, 0.1, None, 0.2)
    assert found["latency"].intervals == (SAME.interval, SAME.interval, None, SLOW.interval)
    assert found["throughput"].values == (40.0, 40.0, None, 20.0)
    assert found["throughput"].intervals[0] == Interval(4 / SAME.high, 4 / SAME.low)
    assert found["measured_peak"].values == (1000, 1200, None, 500)
    assert {measure.reason(2) for measure in found.values()} == {"out of memory"}
    assert {measure.reason(0) for measure in found.values()} == {""}


def test_no_name_is_taken_twice() -> None:
    assert not MEASURED.keys() & ANALYTIC.keys()


def test_no_difference_where_none_was_seen() -> None:
    found = named(measured(FOUR))
    for name in ("latency", "throughput"):
        assert found[name].differs == (None, False, None, True)
        assert found[name].best == (0, 1)
    low, high = (getattr(found["throughput"].ratio_intervals[3], end) for end in ("low", "high"))
    assert low <= 0.5 <= high
    assert found["measured_peak"].differs == (None,) * 4
    assert found["measured_peak"].best == (3,)


def test_in_another_order_ratios_are_to_its_first() -> None:
    found = named(measured(FOUR, [3, 0, 1]))
    assert found["latency"].values == (0.2, 0.1, 0.1)
    assert found["latency"].reasons == ()
    assert found["latency"].ratio_intervals[:2] == (None, Interval(0.5, 0.5))
    assert found["latency"].differs == (None, True, True)
    assert found["measured_peak"].ratios == (None, 2.0, 2.4)


def test_graphs_have_a_row_of_their_own_and_count_where_they_run() -> None:
    graphs = (run(SAME, device_latency=summarize([0.05] * 30)), run(SLOW, device_latency=Unavailable("not captured")))
    one = contest(heat((0, 1), 0.1, 0.2), graphs, replays=Unavailable("one alone"))
    found = named(measured(one))
    assert found["device_latency"].values == (0.05, None)
    assert found["device_latency"].reason(1) == "not captured"
    assert found["device_latency"].ratio_intervals == (None, None)
    assert found["throughput"].values == (40.0, 20.0)
    found = named(measured(one.replace(options=Options(batch=4, cuda_graph=True))))
    assert found["throughput"].values == (80.0, None)
    assert found["throughput"].ratio_intervals == (None, None)


def test_energy_where_it_was_asked_for() -> None:
    runs = (run(SAME, energy=joules(*[2.0] * 6)), run(SAME, energy=joules(*[3.0] * 6)),
            run(SAME, energy=joules(1.0, failure=Unavailable("in window 2 of 6: broken"))))
    found = named(measured(contest(heat((0, 1, 2), 1, 1, 1), runs)))["energy"]
    assert found.values == (2.0, 3.0, None)
    assert found.reason(2) == "in window 2 of 6: broken"
    assert found.ratio_intervals == (None, Interval(1.5, 1.5), None)
    without = tuple(one.replace(energy=Unavailable("no counter")) for one in runs)
    assert named(measured(contest(NOT_ASKED, without)))["energy"].reasons == ("no counter",) * 3


def test_without_turns_there_are_values_and_no_ratios() -> None:
    why = Unavailable("the networks do not fit at once")
    crowded = contest(why, tuple(run(SAME).replace(latency=why) for _ in range(2)))
    found = named(measured(crowded))
    assert found["latency"].reasons == found["throughput"].reasons == (why.why,) * 2
    assert found["latency"].differs == (None, None)
    assert found["measured_peak"].values == (1000, 1000)


@pytest.mark.parametrize("order", [None, [1, 0]])
def test_where_all_fail_each_has_its_reason(order: list[int] | None) -> None:
    found = measured(contest(GIVEN_UP, (FAILED, FAILED.replace(failure="no kernel"))), order)
    assert {frozenset(measure.reasons) for measure in found} == {frozenset({"out of memory", "no kernel"})}
    assert "energy" not in named(found)


def test_few_turns_have_no_interval_and_tell_nobody_best() -> None:
    few = Heat((0, 1), Rounds((SAME, SLOW), (((1.0, 1.0), (2.0, 2.0)),) * 5, converged=False))
    found = named(measured(contest(few, (run(SAME), run(SLOW)))))
    for name, ratio in (("latency", 2.0), ("throughput", 0.5)):
        assert found[name].ratios == (None, ratio)
        assert found[name].ratio_intervals == found[name].differs == (None, None)
        assert [found[name].undecided(place) for place in (0, 1)] == [False, True]
        assert found[name].best == ()
