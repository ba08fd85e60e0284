"""The learning rate over a run: beside PyTorch's schedulers where those have the same rule, and by its bounds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.analysis.learning import SCHEDULES, Regime
from cnnspec.analysis.schedule import share

shares = st.floats(0, 1, exclude_max=True)


def ours(steps: int, **regime: Any) -> list[float]:
    """The share of the rate in each step of a run."""
    return [share(Regime(**regime), step / steps, 1 / steps) for step in range(steps)]


def theirs(steps: int, schedule: Callable[[Any, Any], Any]) -> list[float]:
    """The same of a scheduler of PyTorch's, which `schedule(torch.optim.lr_scheduler, optimiser)` makes."""
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare with")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = schedule(torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(("steps", "warm"), [(100, 5), (40, 2), (200, 50), (7, 0), (1, 0)])
def test_a_warm_up_and_a_cosine_are_those_of_pytorch(steps: int, warm: int) -> None:
    def schedule(schedulers: Any, optimizer: Any) -> Any:
        cosine = schedulers.CosineAnnealingLR(optimizer, steps - warm)
        if not warm:
            return cosine
        rising = schedulers.LinearLR(optimizer, 1 / warm, 1.0, warm - 1)
        return schedulers.SequentialLR(optimizer, [rising, cosine], [warm])

    assert ours(steps, warmup=warm / steps) == pytest.approx(theirs(steps, schedule), abs=1e-12)


@pytest.mark.parametrize("steps", [4, 100, 640])
def test_steps_are_those_of_pytorch(steps: int) -> None:
    expected = theirs(steps, lambda schedulers, optimizer: schedulers.MultiStepLR(
        optimizer, [steps // 2, 3 * steps // 4], 0.1))
    assert ours(steps, schedule="step", warmup=0.0) == pytest.approx(expected)


def test_a_constant_rate_is_constant_behind_its_warm_up() -> None:
    assert ours(10, schedule="constant", warmup=0.0) == [1.0] * 10
    assert ours(10, schedule="constant", warmup=0.4) == pytest.approx([0.25, 0.5, 0.75, *[1.0] * 7])


@given(st.sampled_from(SCHEDULES), shares, shares, st.integers(1, 10_000))
def test_a_share_is_never_negative_and_never_more_than_the_whole(
        schedule: str, warmup: float, progress: float, steps: int) -> None:
    found = share(Regime(schedule=schedule, warmup=warmup), progress, 1 / steps)
    assert 0 <= found <= 1
    assert found > 0 or schedule == "cosine", "the cosine alone may end at nothing"


@given(st.sampled_from(SCHEDULES), shares, st.integers(1, 300))
def test_it_rises_to_the_whole_and_then_only_falls(schedule: str, warmup: float, steps: int) -> None:
    rates = ours(steps, schedule=schedule, warmup=warmup)
    warm = sum(step / steps < warmup for step in range(steps))
    assert all(one <= after for one, after in pairwise(rates[:warm]))
    assert all(one >= after for one, after in pairwise(rates[warm:]))
    assert rates[0] > 0, "no step is wasted"
    if warm:
        assert rates[warm - 1] == pytest.approx(1, abs=1 / (warmup * steps))


def test_a_cosine_ends_at_nothing_and_is_half_in_its_middle() -> None:
    regime = Regime(warmup=0.2)
    assert share(regime, 1.0, 0.01) == pytest.approx(0, abs=1e-15)
    assert share(regime, 0.6, 0.01) == pytest.approx(0.5)
    assert share(regime, 0.2, 0.01) == 1
