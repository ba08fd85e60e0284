"""Every rule of warming up, stopping and slowdowns, on a clock on which time passes only in runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log

import pytest

from cnnspec.analysis.latency import Interval, Latency, interval
from cnnspec.environment import Unavailable
from cnnspec.runtime import sampling
from cnnspec.runtime.nvml import INVALIDATING, SLOWDOWNS, Monitor
from cnnspec.runtime.sampling import DEFAULT, Interrupted, Progress, Rules, Watch, sample, timed, warm_up
from tests.runtime.clocks import Gpu, Machine, Plan, Runs, in_turn, steadily

#: Half of the runs are slower than the other half, so that the median lies in a gap: no interval gets narrow.
RAGGED = in_turn(0.01, 0.02, 0.02, 0.01)


def warmed(plan: Plan, watch: Watch | None = None, rules: Rules = DEFAULT) -> tuple[bool, Runs, float]:
    """Whether it got steady, the runs, and the seconds."""
    machine = Machine()
    runs = machine.runs(plan)
    steady = warm_up(runs, machine.clock, rules, watch)
    return steady, runs, machine.now - 1000


def sampled(plan: Plan, watch: Watch | None = None, rules: Rules = DEFAULT) -> tuple[Latency, Runs]:
    machine = Machine()
    runs = machine.runs(plan)
    return sample(runs, machine.clock, rules, watch), runs


# ------------------------------------------------------------------------------------------------------- warming up


def test_the_rules_are_those_that_the_documentation_states() -> None:
    stated = Rules(block=10, warm_seconds=0.5, level=0.01, clock_level=0.03, warm_limit=5, samples=30, seconds=0.5,
                   spread=0.01, limit=10, repeats=2, every=0.1)
    assert stated == DEFAULT


def test_it_is_warm_after_two_equal_medians_of_ten() -> None:
    steady, runs, _ = warmed(steadily(0.0625))
    assert (steady, len(runs.begun)) == (True, 20)


def test_it_warms_up_for_half_a_second_at_least() -> None:
    steady, runs, seconds = warmed(steadily(2**-10))
    assert (steady, len(runs.begun)) == (True, 520)  # half a second is 512 runs; the block of ten is run to its end
    assert seconds == 520 / 1024


def test_it_goes_on_while_runs_get_faster() -> None:
    steady, runs, _ = warmed(lambda number, _: max(0.1 - 0.001 * number, 0.0625))
    assert (steady, len(runs.begun)) == (True, 60)  # medians of ten: 95.5, 85.5, 75.5, 65.5, 62.5, 62.5 ms


def test_medians_within_one_percent_are_level() -> None:
    assert len(warmed(lambda number, _: 0.100 if number < 10 else 0.0991)[1].begun) == 20
    assert len(warmed(lambda number, _: 0.100 if number < 10 else 0.0989)[1].begun) == 30


def test_single_slow_runs_do_not_keep_it_from_being_warm() -> None:
    assert len(warmed(lambda number, _: 0.2 if number % 20 < 4 else 0.0625)[1].begun) == 20


def test_after_five_seconds_it_goes_on_not_steady() -> None:
    steady, runs, seconds = warmed(lambda number, _: 0.0625 * 0.98 ** (number // 10))
    assert not steady
    assert 5 <= seconds < 5.0625
    assert len(runs.begun) > 80


def test_a_run_of_twenty_seconds_warms_up_once() -> None:
    steady, runs, _ = warmed(steadily(20))
    assert (steady, len(runs.begun)) == (False, 1)


@pytest.mark.parametrize(("clocks", "blocks"), [
    ((1980, 1980), 2), ((1900, 1955), 2), ((1900, 1980), 3), ((1000, 1200, 1400, 1600, 1980, 1980), 6),
    ((Unavailable("not on this device"),), 2),
])
def test_the_clock_of_the_device_must_be_level_too(clocks: tuple[int, ...], blocks: int) -> None:
    steady, runs, _ = warmed(steadily(0.0625), Gpu(clocks))
    assert (steady, len(runs.begun)) == (True, 10 * blocks)


def test_a_clock_that_never_settles_is_not_steady() -> None:
    assert not warmed(steadily(0.0625), Gpu(clocks=[1000, 1980] * 50))[0]


def test_every_figure_of_warming_up_is_a_rule() -> None:
    rules = Rules(block=4, warm_seconds=0.1, level=0.5, warm_limit=1)
    assert len(warmed(lambda number, _: 0.0625 if number < 4 else 0.04, rules=rules)[1].begun) == 8
    assert warmed(in_turn(*[0.0625] * 4, *[0.03] * 4), rules=rules)[2] == pytest.approx(1, abs=0.0625)


# --------------------------------------------------------------------------------------------------------- stopping


def test_it_stops_at_thirty_samples() -> None:
    found, runs = sampled(steadily(0.0625))
    assert (found.samples, len(runs.begun)) == (30, 20 + 30)
    assert found.steady
    assert found.converged
    assert (found.minimum, found.low, found.median, found.high) == (0.0625,) * 4
    assert found.seconds == 50 * 0.0625


def test_it_samples_for_half_a_second_at_least() -> None:
    found, _ = sampled(steadily(2**-10))
    assert found.samples == 512
    assert (found.p90, found.p99) == (2**-10, 2**-10)


def test_half_a_percent_to_either_side_is_narrow() -> None:
    found, _ = sampled(in_turn(0.1, 0.0995, 0.1005, 0.0995, 0.1005, 0.0995, 0.1005, 0.1))
    assert (found.samples, found.converged) == (30, True)
    assert found.low < found.high


def test_it_goes_on_until_the_interval_is_narrow() -> None:
    # A third is slower by far: the interval's upper end leaves that third only with enough samples.
    found, _ = sampled(in_turn(0.02, 0.01, 0.01))
    assert found.converged
    assert 30 < found.samples < 100
    assert (found.low, found.median, found.high) == (0.01, 0.01, 0.01)


def test_after_ten_seconds_it_has_not_converged() -> None:
    found, runs = sampled(RAGGED)
    assert not found.converged
    taken = runs.machine.now - runs.begun[-found.samples]
    assert 10 <= taken < 10.02
    assert found.samples == pytest.approx(10 / 0.015, abs=2)


def test_thirty_samples_take_as_long_as_there_is_time() -> None:
    found, _ = sampled(steadily(0.5))
    assert (found.samples, found.converged) == (20, False)
    found, _ = sampled(steadily(0.3125))
    assert (found.samples, found.converged) == (30, True)
    found, _ = sampled(steadily(10 / 30))  # the thirtieth ends as the time does
    assert (found.samples, found.converged) == (30, True)


def test_a_run_of_twenty_seconds_is_sampled_once() -> None:
    found, runs = sampled(steadily(20))
    assert len(runs.begun) == 2
    assert (found.samples, found.median, found.low, found.high, found.seconds) == (1, 20, 20, 20, 40)
    assert not found.steady
    assert not found.converged


def test_what_was_not_steady_is_told() -> None:
    found, _ = sampled(lambda number, _: 0.0625 * 0.98 ** (number // 10))
    assert not found.steady
    found, _ = sampled(steadily(0.0625), Gpu(clocks=[1000, 1980] * 50))
    assert not found.steady


def test_the_more_samples_the_less_often_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def noted(samples: Sequence[float]) -> Interval | None:
        asked.append(len(samples))
        return interval(samples)

    monkeypatch.setattr(sampling, "interval", noted)
    found, _ = sampled(in_turn(0.0001, 0.0002, 0.0002, 0.0001))
    assert found.samples > 60_000
    assert asked[0] == pytest.approx(0.5 / 0.00015, abs=2)
    assert len(asked) == pytest.approx(log(found.samples / asked[0], 1.05), abs=2)


def test_warming_up_does_not_count() -> None:
    found, _ = sampled(lambda number, _: 9.0 if number == 0 else 0.0625)
    assert found.maximum == 0.0625


def test_every_figure_of_stopping_is_a_rule() -> None:
    assert sampled(steadily(0.0625), rules=Rules(samples=40))[0].samples == 40
    assert sampled(steadily(0.0625), rules=Rules(seconds=3.125))[0].samples == 50
    assert sampled(RAGGED, rules=Rules(spread=1.0))[0].samples == 34  # 0.51 s
    assert sampled(RAGGED, rules=Rules(limit=1.0))[0].samples == pytest.approx(67, abs=1)


# --------------------------------------------------------------------------------------------------------- slowdowns


@pytest.mark.parametrize("word", sorted(INVALIDATING))
def test_a_slowdown_begins_it_anew(word: str) -> None:
    found, runs = sampled(steadily(0.0625), Gpu(slowdowns=[(), (word,), ()]))
    assert (found.valid, found.repeats, found.throttled) == (True, 1, ())
    assert (found.samples, len(runs.begun)) == (30, 20 + 3 + 20 + 30)
    assert found.seconds == len(runs.begun) * 0.0625


def test_a_slowdown_that_stays_is_told() -> None:
    found, runs = sampled(steadily(0.0625), Gpu(slowdowns=[("thermal slowdown", "power cap")]))
    assert (found.valid, found.repeats) == (False, 2)
    assert found.throttled == ("thermal slowdown", "power cap")
    assert (found.samples, len(runs.begun)) == (30, 2 * (20 + 1) + 20 + 30)


def test_a_slowdown_after_the_last_sample_counts() -> None:
    # It is looked at after the first and every second sample of 62.5 ms up to the 29th, and at the end.
    found, _ = sampled(steadily(0.0625), Gpu(slowdowns=[*[()] * 15, ("thermal slowdown",), ()]))
    assert found.repeats == 1
    assert found.valid


@pytest.mark.parametrize("word", sorted({*SLOWDOWNS.values(), "reason 0x800"} - INVALIDATING - {"idle"}))
def test_other_reasons_are_only_told(word: str) -> None:
    found, _ = sampled(steadily(0.0625), Gpu(slowdowns=[(), (word,), (word,), ()]))
    assert (found.valid, found.repeats, found.throttled) == (True, 0, (word,))


def test_a_device_is_idle_between_two_runs() -> None:
    assert sampled(steadily(0.0625), Gpu(slowdowns=[("idle",)]))[0].throttled == ()


def test_reasons_that_cannot_be_read_are_no_reasons() -> None:
    found, _ = sampled(steadily(0.0625), Gpu(slowdowns=[Unavailable("not on this device")]))
    assert (found.valid, found.throttled) == (True, ())


def test_the_device_is_looked_at_ten_times_a_second() -> None:
    looked: list[float] = []
    machine = Machine()

    class Timed(Gpu):
        def slowdowns(self) -> tuple[str, ...] | Unavailable:
            looked.append(machine.now)
            return ()

    sample(machine.runs(steadily(2**-10)), machine.clock, watch=Timed())
    assert len(looked) == 5 + 1  # in half a second, and at its end
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(looked[:-1]))


def test_nvml_can_be_watched() -> None:
    watch: Watch = Monitor(nvml=None, device=None, board=None, mig=False)
    assert {name for name in vars(Watch) if not name.startswith("_")} <= set(dir(watch))


# ---------------------------------------------------------------------------------------- what happens in between


class Boom(Exception):
    pass


def breaking(number: int, error: BaseException) -> Plan:
    def plan(count: int, _: float) -> float:
        if count == number:
            raise error
        return 0.0625

    return plan


def test_ctrl_c_keeps_the_samples() -> None:
    with pytest.raises(Interrupted) as caught:
        sampled(breaking(20 + 12, KeyboardInterrupt()))
    found = caught.value.latency
    assert (found.samples, found.median, found.interrupted, found.converged) == (12, 0.0625, True, False)
    assert found.seconds == 32 * 0.0625
    assert isinstance(caught.value, KeyboardInterrupt)


@pytest.mark.parametrize("number", [0, 19, 20])
def test_ctrl_c_before_the_first_sample_is_itself(number: int) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        sampled(breaking(number, KeyboardInterrupt()))
    assert not isinstance(caught.value, Interrupted)


@pytest.mark.parametrize("number", [0, 25])
def test_what_the_run_raises_is_raised(number: int) -> None:
    with pytest.raises(Boom):
        sampled(breaking(number, Boom()))


def test_progress_is_told_now_and_then() -> None:
    told: list[Progress] = []
    machine = Machine()
    found = sample(machine.runs(RAGGED), machine.clock, Rules(limit=2), progress=told.append)
    phases = [progress.phase for progress in told]
    assert sorted(set(phases), key=phases.index) == ["warming up", "sampling"]
    assert told[0].runs == 1  # at once, so that something is seen
    assert all(later.seconds - earlier.seconds >= 0.1 - 1e-9 for earlier, later in pairwise(told)
               if earlier.phase == later.phase)
    assert found.seconds / 0.12 < len(told) <= found.seconds / 0.1 + 2
    assert told[-1].spread is not None
    assert told[0].spread is None


# ------------------------------------------------------------------------------------------------- the host's clock


def test_a_run_by_the_hosts_clock_waits_for_the_device() -> None:
    machine = Machine()
    order: list[str] = []

    def work() -> None:
        order.append("work")
        machine.now += 0.25

    def synchronize() -> None:
        order.append("wait")
        machine.now += 0.5

    assert timed(work, synchronize, machine.clock)() == 0.75
    assert order == ["work", "wait"]
    assert timed(work, clock=machine.clock)() == 0.25
