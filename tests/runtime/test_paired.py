"""Runs that take turns: their order, what cancels, when it stops, and what is kept, on a clock that only runs move."""

from __future__ import annotations

from random import Random

import pytest

from cnnspec.analysis.comparison import Paired
from cnnspec.runtime.paired import TURNS, Interrupted, Turns, interleave
from cnnspec.runtime.sampling import Progress, Rules
from tests.runtime.clocks import Gpu, Machine, Plan, Runs, in_turn, steadily

#: Half of the blocks say 0.5 and half say 2: no interval gets narrow.
RAGGED = in_turn(*[0.02] * 2, *[0.04] * 2)


def paired(a: Plan, b: Plan, rules: Rules = Rules(), turns: Turns = TURNS, watch: Gpu | None = None,  # noqa: B008
           ) -> tuple[Paired, Runs, Runs]:
    machine = Machine()
    first, second = machine.runs(a), machine.runs(b)
    return interleave(first, second, machine.clock, rules, turns, watch), first, second


def order(first: Runs, second: Runs) -> str:
    """Who ran when, after both had warmed up."""
    begun = sorted([*((time, "A") for time in first.begun[20:]), *((time, "B") for time in second.begun[20:])])
    return "".join(name for _, name in begun)


def test_they_run_as_abba() -> None:
    found, first, second = paired(steadily(0.0625), steadily(0.03125))
    assert order(first, second) == "ABBA" * 30
    assert (found.comparison.ratio, found.comparison.low, found.comparison.high) == (0.5, 0.5, 0.5)
    assert found.comparison.pairs == 30
    assert (found.first.samples, found.first.median) == (60, 0.0625)
    assert (found.second.samples, found.second.median) == (60, 0.03125)
    assert found.converged
    assert found.first.converged
    assert found.first.steady
    assert found.second.steady


def test_short_runs_take_longer_turns() -> None:
    found, first, second = paired(steadily(2**-10), steadily(2**-8), turns=Turns(seconds=2**-7))
    # Warming up takes half a second each: 52 blocks of ten, and 13.
    begun = sorted([*((time, "A") for time in first.begun[520:]), *((time, "B") for time in second.begun[130:])])
    assert "".join(name for _, name in begun).startswith("A" * 8 + "BB" * 2 + "A" * 8)
    assert found.first.samples == 2 * 8 * found.comparison.pairs
    assert found.second.samples == 2 * 2 * found.comparison.pairs


def test_one_slow_run_does_not_make_a_turn_slow() -> None:
    found, *_ = paired(steadily(2**-10), in_turn(*[2**-10] * 9, 2**-4))
    assert found.comparison.ratio == 1
    assert found.comparison.high == 1
    assert found.second.maximum == 2**-4


def test_drift_cancels() -> None:
    """Runs that get slower by 1 % each, whoever runs: one after the other, B would take far longer."""
    machine = Machine()
    count = 0

    def drifting(number: int, _: float) -> float:
        nonlocal count
        count += 1
        return 0.05 + 0.0005 * count

    found = interleave(machine.runs(drifting), machine.runs(drifting), machine.clock)
    assert found.comparison.ratio == pytest.approx(1, abs=1e-9)
    assert not found.first.steady
    assert found.second.median > 0.06


@pytest.mark.parametrize("delay", [0.0, 0.05])
def test_a_delay_is_found_under_noise(delay: float) -> None:
    seen = []
    for seed in range(20):
        random = Random(seed)  # noqa: S311  # the same noise each time
        noise = [random.gauss(1, 0.02) + (random.random() < 0.05) for _ in range(4000)]

        def plan(number: int, _: float, noise: list[float] = noise) -> float:
            return 0.02 * noise[number % 4000]

        def delayed(number: int, _: float, noise: list[float] = noise) -> float:
            return 0.02 * noise[-1 - number % 4000] * (1 + delay)

        seen.append(paired(plan, delayed, Rules(limit=2))[0].comparison.different)
    assert sum(seen) >= 19 if delay else sum(seen) <= 3


# --------------------------------------------------------------------------------------------------------- stopping


def test_it_takes_thirty_blocks_at_least() -> None:
    assert TURNS.blocks == 30
    assert paired(steadily(0.0625), steadily(0.0625), turns=Turns(blocks=40))[0].comparison.pairs == 40


def test_it_takes_the_samples_and_the_seconds_of_the_rules() -> None:
    few = Turns(blocks=6)
    assert paired(steadily(0.0625), steadily(0.0625), turns=few)[0].first.samples == 30
    assert paired(steadily(0.0625), steadily(0.0625), Rules(samples=50), few)[0].first.samples == 50
    # Eight seconds for the two of them: 32 blocks of a quarter.
    assert paired(steadily(0.0625), steadily(0.0625), Rules(seconds=4), few)[0].comparison.pairs == 32


def test_it_goes_on_until_the_ratio_is_known() -> None:
    # A third of the blocks says 1.05: the interval's upper end leaves that third only with enough blocks.
    found, *_ = paired(steadily(0.02), in_turn(*[0.02] * 4, *[0.021] * 2))
    assert 30 < found.comparison.pairs < 200
    assert found.converged
    assert found.comparison.high <= found.comparison.ratio * 1.01


def test_it_ends_after_twice_the_time() -> None:
    machine = Machine()
    begun = machine.now
    found = interleave(machine.runs(steadily(0.02)), machine.runs(RAGGED), machine.clock)
    assert not found.converged
    assert found.first.seconds == machine.now - begun
    block = 0.02 * 2 + 0.03 * 2
    assert 20 <= machine.now - begun - warming(found) <= 20 + 2 * block


def warming(found: Paired) -> float:
    """The seconds before the first block."""
    return found.first.seconds - found.first.mean * found.first.samples - found.second.mean * found.second.samples


def test_very_slow_runs_end_after_one_block() -> None:
    found, first, second = paired(steadily(20), steadily(30))
    assert (len(first.begun), len(second.begun)) == (1 + 2, 1 + 2)
    assert (found.comparison.pairs, found.comparison.ratio, found.comparison.different) == (1, 1.5, False)
    assert not found.converged
    assert not found.first.steady
    assert not found.first.converged


# ---------------------------------------------------------------------------------------- what happens in between


def test_a_slowdown_is_told() -> None:
    found, *_ = paired(steadily(0.0625), steadily(0.0625), watch=Gpu(slowdowns=[(), ("thermal slowdown",), ()]))
    assert (found.first.valid, found.second.throttled) == (False, ("thermal slowdown",))
    assert found.comparison.pairs == 30
    # It is looked at after every block of a quarter of a second, and at the end.
    found, *_ = paired(steadily(0.0625), steadily(0.0625), watch=Gpu(slowdowns=[*[()] * 30, ("power cap",)]))
    assert found.first.throttled == ("power cap",)


def breaking(number: int) -> Plan:
    def plan(count: int, _: float) -> float:
        if count == number:
            raise KeyboardInterrupt
        return 0.0625

    return plan


def test_ctrl_c_keeps_whole_blocks() -> None:
    with pytest.raises(Interrupted) as caught:
        paired(steadily(0.0625), breaking(20 + 5))
    found = caught.value.paired
    assert (found.comparison.pairs, found.converged, found.first.interrupted) == (2, False, True)
    assert (found.first.samples, found.second.samples) == (5, 5)


@pytest.mark.parametrize("number", [0, 20, 21])
def test_ctrl_c_before_the_first_block_is_itself(number: int) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        paired(steadily(0.0625), breaking(number))
    assert not isinstance(caught.value, Interrupted)


def test_progress_names_both_warming_up_and_comparing() -> None:
    told: list[Progress] = []
    machine = Machine()
    interleave(machine.runs(steadily(0.02)), machine.runs(RAGGED), machine.clock, Rules(limit=2), progress=told.append)
    assert [one.phase for one in told if one.runs == 1] == ["warming up", "warming up"]
    assert told[-1].phase == "comparing"
    assert told[-1].spread is not None
