"""`--find-lr` and `--batch auto`: rates that the loss falls at, and batches that fit and leave steps to learn in."""

from __future__ import annotations

from math import log10

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")

from cnnspec import SpecError, parse  # noqa: E402  # behind what they need
from cnnspec.analysis.learning import Regime  # noqa: E402
from cnnspec.runtime.train import batch_size  # noqa: E402
from cnnspec.runtime.train.batch_size import largest_batch  # noqa: E402
from cnnspec.runtime.train.find_rate import LEAST, MOST, find_rate, steepest  # noqa: E402
from cnnspec.runtime.train.run import train  # noqa: E402
from tests.runtime.training import SMALL, WHOLE, images, never, setup  # noqa: E402

RATES = [10 ** (-6 + step / 10) for step in range(61)]


@pytest.mark.parametrize("fastest", [-4.0, -2.5, -1.0])
def test_the_rate_is_where_the_loss_falls_fastest(fastest: float) -> None:
    losses = [2 - 1 / (1 + 10 ** (3 * (fastest - log10(rate)))) for rate in RATES]
    assert log10(steepest(RATES, losses)) == pytest.approx(fastest, abs=0.11)


def test_what_lies_behind_the_least_loss_is_not_looked_at() -> None:
    falling = [2 - 0.02 * step for step in range(30)]
    leaping = falling + [9.0] * 5 + [1.5] * 26  # falls again, steeply, where it had burst
    assert steepest(RATES, leaping) < RATES[30]


@pytest.mark.parametrize("losses", [[2.0] * 61, [2 + step / 10 for step in range(61)]])
def test_a_loss_that_never_falls_is_told(losses: list[float]) -> None:
    with pytest.raises(SpecError, match="no learning rate lets the loss fall"):
        steepest(RATES, losses)


@pytest.mark.parametrize("spec", [SMALL, WHOLE])
def test_a_network_learns_at_the_rate_that_is_found(spec: str) -> None:
    asked = setup(spec, epochs=6)
    found = find_rate(asked, never)
    assert LEAST < found < MOST
    learned = train(asked.replace(regime=asked.regime.replace(rate=found)), never)
    assert learned.best is not None
    assert learned.best.val_accuracy > 0.9
    assert find_rate(asked, never) == found, "the same each time"


def test_a_run_is_not_changed_by_looking_for_its_rate() -> None:
    asked = setup(WHOLE)
    plain = train(asked, never).history
    find_rate(asked, never)
    assert [epoch.train_loss for epoch in train(asked, never).history] == [epoch.train_loss for epoch in plain]


# --------------------------------------------------------------------------------------------- --batch auto


def test_a_batch_leaves_steps_to_learn_in_and_is_no_more_than_the_most() -> None:
    net, cpu = parse(SMALL), torch.device("cpu")
    assert largest_batch(net, Regime(), cpu, 80) == 10
    assert largest_batch(net, Regime(), cpu, 1_000_000) == batch_size.MOST
    assert largest_batch(net, Regime(), cpu, 3) == 1


def test_a_network_of_which_no_image_fits_is_told() -> None:
    huge = parse("INPUT(1x8x8) -> FLATTEN -> FC(4000000000) -> FC(4)")
    with pytest.raises(SpecError, match="no single image fits"):
        largest_batch(huge, Regime(), torch.device("cpu"), 96)
    assert len(images().train.labels) == 96
