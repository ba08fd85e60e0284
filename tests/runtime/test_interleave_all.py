"""Three runs and more that take turns: their order, what meets all alike, when it stops, and what is kept."""

from __future__ import annotations

from random import Random

import pytest

from cnnspec.analysis.comparison import Comparison, Rounds, compare
from cnnspec.runtime.paired import Interrupted, interleave, interleave_all, order
from cnnspec.runtime.sampling import Progress, Rules, sample
from tests.runtime.clocks import Gpu, Machine, Plan, Runs, in_turn, steadily

#: As short as it may be, to try many.
SOON = Rules(limit=2)


def turns(*plans: Plan, rules: Rules = Rules(), watch: Gpu | None = None) -> tuple[Rounds, list[Runs]]:  # noqa: B008
    machine = Machine()
    runs = [machine.runs(plan) for plan in plans]
    return interleave_all(runs, machine.clock, rules, watch=watch), runs


def who(runs: list[Runs]) -> str:
    """Who ran when, after all had warmed up."""
    begun = sorted((time, "ABCDE"[number]) for number, run in enumerate(runs) for time in run.begun[20:])
    return "".join(name for _, name in begun)


def test_they_run_out_and_back_and_another_one_begins_each_block() -> None:
    found, runs = turns(*[steadily(0.0625)] * 3)
    assert who(runs) == "ABCCBABCAACBCABBAC" * 10
    assert len(found.blocks) == 30
    assert [latency.samples for latency in found.latencies] == [60] * 3
    assert found.converged


@pytest.mark.parametrize("sides", [2, 3, 4, 7])
def test_each_follows_itself_as_often_as_the_others(sides: int) -> None:
    whole = [number for block in range(sides) for out in [order(sides, block)] for number in [*out, *reversed(out)]]
    own = [one for one, next_ in zip(whole, [*whole[1:], whole[0]], strict=True) if one == next_]
    assert len({own.count(number) for number in range(sides)}) == 1


def test_two_are_a_pair() -> None:
    machine, other = Machine(), Machine()
    pair = interleave(machine.runs(steadily(0.0625)), machine.runs(steadily(0.03125)), machine.clock)
    both = interleave_all([other.runs(steadily(0.0625)), other.runs(steadily(0.03125))], other.clock)
    assert (pair.comparison, pair.first, pair.second) == (both.comparison(1), *both.latencies)


@pytest.mark.parametrize("runs", [[], [steadily(1)]])
def test_one_has_nobody_to_take_turns_with(runs: list[Plan]) -> None:
    with pytest.raises(ValueError, match="another"):
        turns(*runs)


# ------------------------------------------------------------------------------------------- what is told apart


def noisy(seed: int, factor: float = 1.0) -> Plan:
    """20 ms, give or take 2 %, and one in twenty twice as long."""
    random = Random(seed)  # noqa: S311  # the same noise each time
    noise = [random.gauss(1, 0.02) + (random.random() < 0.05) for _ in range(4000)]
    return lambda number, begin: 0.02 * noise[number % 4000] * factor


def test_equals_show_no_difference() -> None:
    seen = [turns(*(noisy(3 * seed + number) for number in range(3)), rules=SOON)[0] for seed in range(20)]
    assert sum(found.comparison(run, to).different for found in seen for run, to in [(1, 0), (2, 0), (2, 1)]) <= 9


def test_a_delay_is_found_whoever_has_it() -> None:
    seen = [turns(noisy(3 * seed), noisy(3 * seed + 1), noisy(3 * seed + 2, 1.05), rules=SOON)[0] for seed in range(20)]
    for run, to in [(2, 0), (2, 1)]:
        assert sum(found.comparison(run, to).low > 1 for found in seen) >= 19
    assert sum(found.comparison(1).different for found in seen) <= 3


def test_every_two_are_compared() -> None:
    found, _ = turns(steadily(0.0625), steadily(0.125), steadily(0.25))
    assert [found.comparison(run, to).ratio for run, to in [(1, 0), (2, 0), (2, 1), (0, 2)]] == [2, 4, 2, 0.25]


def drifting(machine: Machine) -> Plan:
    """50 ms, and 1 % more for each second that passes, whoever runs."""
    begin = machine.now
    return lambda number, now: 0.05 * (1 + 0.01 * (now - begin))


def test_drift_meets_all_alike() -> None:
    machine = Machine()
    found = interleave_all([machine.runs(drifting(machine)) for _ in range(3)], machine.clock)
    ratios = [found.comparison(run) for run in (1, 2)]
    assert [one.ratio for one in ratios] == [pytest.approx(1, abs=1e-3)] * 2
    assert not any(one.different for one in ratios)


def test_drift_fools_who_measures_one_after_the_other() -> None:
    """The twin of the one above: it shows that the drift is one that could be taken for a difference."""
    machine = Machine()
    plan = drifting(machine)
    first, *others = [sample(machine.runs(plan), machine.clock, Rules(seconds=2)) for _ in range(3)]
    assert [one.low > first.high * 1.02 for one in others] == [True, True]


class Cached(Runs):
    """A run that takes 5 % longer where another one has run before it."""

    last: Runs | None = None

    def __call__(self) -> float:
        taken = 0.02 if Cached.last is self else 0.021
        Cached.last = self
        self.machine.now += taken
        return taken


def test_caches_that_others_have_taken_make_nobody_slow() -> None:
    machine = Machine()
    runs = [Cached(machine, steadily(0)) for _ in range(3)]
    found = interleave_all(runs, machine.clock)
    assert not found.comparison(1).different
    assert not found.comparison(2).different


def test_caches_would_do_so_where_the_same_one_always_began() -> None:
    """The twin of the one above: A B C C B A over and over, in which B alone never follows itself."""
    machine = Machine()
    a, b, c = (Cached(machine, steadily(0)) for _ in range(3))
    ratios = []
    for _ in range(30):
        out, back = [one() for one in (a, b, c)], [one() for one in (c, b, a)]
        ratios.append((out[1] + back[1]) / (out[0] + back[2]))
    assert compare(ratios[1:]).different


# ---------------------------------------------------------------------------------------------------- stopping


def test_it_goes_on_until_all_ratios_are_known() -> None:
    ragged = in_turn(*[0.02] * 4, *[0.021] * 2)  # a third of its blocks says 1.05
    plain, _ = turns(steadily(0.02), steadily(0.02), steadily(0.02))
    second, _ = turns(steadily(0.02), ragged, steadily(0.02))
    third, _ = turns(steadily(0.02), steadily(0.02), ragged)
    assert len(plain.blocks) < len(second.blocks) == len(third.blocks)
    assert all(found.converged for found in (plain, second, third))


def test_it_ends_after_the_time_of_all() -> None:
    ragged = in_turn(*[0.02] * 2, *[0.04] * 2)
    found, _ = turns(steadily(0.02), ragged, steadily(0.02), rules=SOON)
    assert not found.converged
    lasted = sum(latency.mean * latency.samples for latency in found.latencies)
    assert 3 * 2 <= lasted <= 3 * 2 + 6 * 0.04


def test_very_slow_runs_end_after_one_block() -> None:
    found, _ = turns(steadily(20), steadily(30), steadily(10))
    assert [found.comparison(run) for run in (1, 2)] == [Comparison(1.5, 1, 1.5, 1), Comparison(0.5, 0.5, 1, 1)]
    assert not found.converged


# -------------------------------------------------------------------------------------- what happens in between


def breaking(number: int) -> Plan:
    """Ctrl-C in a run, by its number."""

    def plan(count: int, _: float) -> float:
        if count == number:
            raise KeyboardInterrupt
        return 0.0625

    return plan


@pytest.mark.parametrize("side", [0, 1, 2])
def test_ctrl_c_keeps_whole_blocks(side: int) -> None:
    plans = [steadily(0.0625)] * 3
    plans[side] = breaking(20 + 2 * 4 + 1)  # the second turn of the fifth block
    with pytest.raises(Interrupted) as caught:
        turns(*plans)
    found = caught.value.rounds
    assert len(found.blocks) == found.comparison(2).pairs == 4
    assert not found.converged
    assert all(latency.interrupted and latency.samples >= 8 for latency in found.latencies)


@pytest.mark.parametrize("number", [0, 20, 21])
def test_ctrl_c_before_the_first_block_is_itself(number: int) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        turns(steadily(0.0625), steadily(0.0625), breaking(number))
    assert not isinstance(caught.value, Interrupted)


def test_a_slowdown_is_told_of_all() -> None:
    found, _ = turns(*[steadily(0.0625)] * 3, watch=Gpu(slowdowns=[(), ("thermal slowdown",), ()]))
    assert [(one.valid, one.throttled) for one in found.latencies] == [(False, ("thermal slowdown",))] * 3


def test_progress_names_each_warming_up_and_comparing() -> None:
    told: list[Progress] = []
    machine = Machine()
    runs = [machine.runs(plan) for plan in (steadily(0.02), in_turn(0.02, 0.02, 0.04, 0.04), steadily(0.02))]
    interleave_all(runs, machine.clock, SOON, progress=told.append)
    assert [one.phase for one in told if one.runs == 1] == ["warming up"] * 3
    assert told[-1].phase == "comparing"
    assert told[-1].spread is not None
