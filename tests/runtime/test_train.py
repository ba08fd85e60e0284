"""A run against a loop by hand; stopped and gone on with; and ended by what must end it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")

from torch.nn import functional  # noqa: E402

from cnnspec import SpecError  # noqa: E402
from cnnspec.runtime.train import checkpoint  # noqa: E402
from cnnspec.runtime.train.begin import begin  # noqa: E402
from cnnspec.runtime.train.keeper import BEST, CHECKPOINT  # noqa: E402
from cnnspec.runtime.train.run import train  # noqa: E402
from cnnspec.runtime.weight_files import load_file  # noqa: E402
from tests.runtime.training import SMALL, WHOLE, After, Diary, images, never, setup  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


# ----------------------------------------------------------------------------------------- a loop by hand


def by_hand(spec: str, optimizer: str, epochs: int, rate: float) -> tuple[list[float], list[float]]:
    """Losses of all steps, and validation accuracies, of the loop that anyone would write."""
    given = setup(spec, optimizer=optimizer, epochs=epochs, rate=rate)
    torch.manual_seed(0)
    model = begin(given.net, torch.device("cpu")).module.train()
    groups = [{"params": [w for w in model.parameters() if w.ndim > 1], "weight_decay": given.regime.decay},
              {"params": [w for w in model.parameters() if w.ndim <= 1], "weight_decay": 0.0}]
    made: Any = (torch.optim.AdamW(groups, lr=rate) if optimizer == "adamw" else
                 torch.optim.SGD(groups, lr=rate, momentum=0.9))
    pixels, labels = given.data.train.images.values, given.data.train.labels  # type: ignore[attr-defined]
    mean, deviation = torch.tensor(given.data.mean), torch.tensor(given.data.deviation)
    xs = (pixels.float() / 255 - mean.view(1, -1, 1, 1)) / deviation.view(1, -1, 1, 1)
    vs = (given.data.val.images.values.float() / 255 - mean) / deviation  # type: ignore[attr-defined]
    steps, losses, accuracies, step = epochs * (len(xs) // 16), [], [], 0
    for epoch in range(epochs):
        shuffled = torch.randperm(len(xs), generator=torch.Generator().manual_seed(epoch))
        for begun in range(0, len(xs), 16):
            places = shuffled[begun : begun + 16]
            part = step / steps
            share = (min(1.0, (part + 1 / steps) / 0.05) if part < 0.05 else
                     (1 + math.cos(math.pi * (part - 0.05) / 0.95)) / 2)
            for group in made.param_groups:
                group["lr"] = rate * share
            loss = functional.cross_entropy(model(xs[places]), labels[places])
            made.zero_grad()
            loss.backward()
            made.step()
            losses.append(float(loss))
            step += 1
        model.eval()
        with torch.no_grad():
            accuracies.append(float((model(vs).argmax(1) == given.data.val.labels).double().mean()))
        model.train()
    return losses, accuracies


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("spec", [SMALL, WHOLE])
def test_losses_are_those_of_a_loop_by_hand(spec: str, optimizer: str) -> None:
    diary = Diary()
    learned = train(setup(spec, optimizer=optimizer, epochs=3), never, [diary])
    losses, accuracies = by_hand(spec, optimizer, 3, 0.01)
    assert diary.losses == pytest.approx(losses, abs=1e-5)
    assert [epoch.val_accuracy for epoch in learned.history] == pytest.approx(accuracies)
    assert learned.steps == len(losses) == 18


def test_a_network_learns_what_can_be_learned_and_not_what_cannot() -> None:
    learned = train(setup(WHOLE, epochs=8, rate=0.02), never)
    assert learned.best is not None
    assert learned.best.val_accuracy > 0.95
    data = images()
    blind = data.replace(train=data.train.replace(labels=data.train.labels[torch.randperm(
        len(data.train.labels), generator=torch.Generator().manual_seed(3))]))
    guessed = train(setup(WHOLE, data=blind, epochs=8, rate=0.02), never)
    assert guessed.best is not None
    assert guessed.best.val_accuracy < 0.7


# ------------------------------------------------------------------------------------------ the best epoch


def equal(one: Any, other: Any) -> bool:
    """Whether two state dicts hold the same bits."""
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def best(folder: Path) -> tuple[int, dict[str, Any]]:
    """The epoch whose weights are kept as the best, and these."""
    return checkpoint.state(str(folder / BEST))["epoch"]["epoch"], load_file(folder / BEST)


#: With this seed and rate the accuracy falls after its best.
UNSTEADY: dict[str, Any] = {"optimizer": "sgd", "rate": 0.3, "schedule": "constant", "epochs": 8}


@pytest.mark.parametrize("average", [None, 0.5])
def test_the_weights_of_the_best_epoch_are_kept_as_they_were_judged(average: float | None, tmp_path: Path) -> None:
    learned = train(setup(WHOLE, str(tmp_path), average=average, **UNSTEADY), never)
    assert learned.best is not None
    assert learned.best is not learned.last
    epoch, weights = best(tmp_path)
    assert (epoch, learned.best_weights) == (learned.best.epoch, str(tmp_path / BEST))
    given = setup(WHOLE)
    module = given.net.to_torch(weights=learned.best_weights).eval()
    right = sum(int((module(images).argmax(1) == labels).sum()) for images, labels in given.feed.judge())
    assert right / len(given.data.val.labels) == pytest.approx(learned.best.val_accuracy)
    assert equal(begin(given.net, torch.device("cpu"), learned.best_weights).module.state_dict(), weights)


@pytest.mark.parametrize("asked", [3, 12, 20, 40])
def test_a_run_that_goes_on_keeps_the_right_best(asked: int, tmp_path: Path) -> None:
    train(setup(WHOLE, str(tmp_path / "whole"), **UNSTEADY), never)
    stopped = train(setup(WHOLE, str(tmp_path / "parted"), **UNSTEADY), After(asked))
    train(setup(WHOLE, str(tmp_path / "parted"), **UNSTEADY), never, resumed=checkpoint.read(stopped.checkpoint))
    (epoch, weights), (expected, others) = best(tmp_path / "parted"), best(tmp_path / "whole")
    assert epoch == expected
    assert equal(weights, others)


def test_a_run_that_was_killed_before_it_kept_its_best_keeps_it_when_it_goes_on(tmp_path: Path) -> None:
    learned = train(setup(WHOLE, str(tmp_path), epochs=1), never)
    epoch, weights = best(tmp_path)
    (tmp_path / BEST).unlink()
    again = train(setup(WHOLE, str(tmp_path), epochs=1), never, resumed=checkpoint.read(learned.checkpoint))
    assert best(tmp_path)[0] == epoch == 1
    assert equal(best(tmp_path)[1], weights)
    assert again.best_weights == learned.best_weights


def test_a_run_in_the_place_of_another_has_nothing_of_it(tmp_path: Path) -> None:
    train(setup(WHOLE, str(tmp_path), epochs=4), never)
    train(setup(WHOLE, str(tmp_path), epochs=None, steps=3), After(1))
    assert checkpoint.read(str(tmp_path / CHECKPOINT)).state["step"] == 1
    assert not (tmp_path / BEST).exists()
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) <= 1
    assert (tmp_path / "metrics.jsonl").read_text(encoding="utf-8") == ""


# ------------------------------------------------------------------------------------- stopped and resumed


def same(one: str, other: str) -> bool:
    """Whether two checkpoints hold the same bits."""
    a, b = checkpoint.read(one), checkpoint.read(other)
    return a.weights.keys() == b.weights.keys() and a.rest.keys() == b.rest.keys() and all(
        torch.equal(value, b.weights[name]) for name, value in a.weights.items()) and all(
        torch.equal(value, b.rest[name]) for name, value in a.rest.items())


@pytest.mark.parametrize("asked", [1, 5, 6, 7, 8, 12])
@pytest.mark.parametrize("regime", [{"optimizer": "sgd"}, {"average": 0.9, "clip": 0.5, "smoothing": 0.1}], ids=str)
def test_a_run_that_was_stopped_ends_with_the_same_bits(asked: int, regime: dict[str, Any], tmp_path: Path) -> None:
    whole, parted = str(tmp_path / "whole"), str(tmp_path / "parted")
    expected = train(setup(WHOLE, whole, **regime), never)
    stopped = train(setup(WHOLE, parted, **regime), After(asked))
    assert stopped.ended == "interrupted"
    assert stopped.steps == asked - (asked > 6), "it is asked behind each step, and while an epoch is judged"
    torch.manual_seed(1234)  # whatever the process did before
    found = checkpoint.read(f"{parted}/{CHECKPOINT}")
    resumed = train(setup(WHOLE, parted, **regime), never, resumed=found)
    assert same(f"{whole}/{CHECKPOINT}", f"{parted}/{CHECKPOINT}")
    pairs = zip(expected.history, resumed.history, strict=True)
    assert all((a.train_loss, a.val_loss, a.val_accuracy) == (b.train_loss, b.val_loss, b.val_accuracy)
               for a, b in pairs)


def test_other_seeds_begin_and_go_on_differently() -> None:
    curves = []
    for seed in (0, 0, 1):
        diary = Diary()
        train(setup(WHOLE, seed=seed, deterministic=True), never, [diary])
        curves.append(diary.losses)
    assert curves[0] == curves[1]
    assert curves[0] != curves[2]


def test_the_journal_has_a_line_for_each_epoch_once_even_where_a_run_was_broken(tmp_path: Path) -> None:
    folder = str(tmp_path)
    train(setup(WHOLE, folder, epochs=4), After(15))
    with open(tmp_path / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 16, "epoch": 2, "loss": 1.0}\n{"step": 17, "ep')  # what a killed run leaves
    train(setup(WHOLE, folder, epochs=4), never, resumed=checkpoint.read(f"{folder}/{CHECKPOINT}"))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines if "val_loss" in line] == [1, 2, 3, 4]
    assert [line["step"] for line in lines if "loss" in line] == [10, 20]


# -------------------------------------------------------------------------------------------- what ends it


def test_bounds_end_a_run() -> None:
    assert train(setup(epochs=None, steps=7), never).steps == 7
    assert train(setup(epochs=1, steps=100), never).steps == 6
    timed = train(setup(epochs=None, seconds=0.2), never)
    assert timed.seconds >= 0.2
    assert timed.history[-1].step == timed.steps


def test_a_loss_that_is_no_number_ends_a_run_and_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    folder = str(tmp_path)
    learned = train(setup(SMALL, folder, optimizer="sgd", rate=1e30, warmup=0.6, epochs=4), never)
    assert learned.ended == "the loss is not a number"
    kept = checkpoint.read(str(tmp_path / CHECKPOINT))
    assert all(torch.isfinite(value).all() for value in kept.weights.values())


def test_a_run_that_is_lost_in_its_first_epoch_leaves_what_it_began_with(tmp_path: Path) -> None:
    learned = train(setup(SMALL, str(tmp_path), optimizer="sgd", rate=1e30, warmup=0.0), never)
    assert (learned.ended, learned.best_weights) == ("the loss is not a number", "")
    kept = checkpoint.read(learned.checkpoint)
    assert (kept.state["step"], kept.state["history"]) == (0, [])
    torch.manual_seed(0)
    assert equal(kept.weights, setup(SMALL).begin().module.state_dict())
    assert not (tmp_path / BEST).exists()


def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    diary = Diary()
    with pytest.raises(SpecError, match="cannot be written"):
        train(setup(SMALL, str(tmp_path / "file" / "run")), never, [diary])
    assert diary.losses == []


# ----------------------------------------------------------------------------------------- weights to begin


def test_what_is_frozen_stays_to_the_bit(tmp_path: Path) -> None:
    spec = WHOLE.replace("CONV(6)", "CONV(6) as stem[1]")
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    train(setup(spec, first), never)
    learned = train(setup(spec, second, init=f"{first}/{CHECKPOINT}", freeze="stem1|bn.0"), never)
    before, after = checkpoint.read(f"{first}/{CHECKPOINT}").weights, checkpoint.read(f"{second}/{CHECKPOINT}").weights
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(name.startswith(("stem", "bn.0")) for name in changed), "statistics stay too"
    assert "2 layers stay as they are, with 72 parameters" in learned.says


def test_a_head_for_other_classes_begins_anew(tmp_path: Path) -> None:
    spec = "net n(classes = 4) = INPUT(1x8x8) -> CONV(6) -> BN -> RELU -> GAP -> FC(classes)"
    train(setup(spec, str(tmp_path)), never)
    path = f"{tmp_path}/{CHECKPOINT}"
    begun = begin(setup(spec.replace("4", "7")).net, torch.device("cpu"), path)
    state, kept = begun.module.state_dict(), checkpoint.read(path).weights
    assert state["fc.weight"].shape == (7, 6)
    assert torch.equal(state["conv.weight"], kept["conv.weight"])
    assert begun.says == (f"weights from {path}, which has 4 classes: `fc.weight`, `fc.bias` begin anew",)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(number: float, tmp_path: Path) -> None:
    state = {name: value.clone() for name, value in setup(SMALL).begin().module.state_dict().items()}
    state["conv.1.weight"][0, 0, 0, 0] = number
    torch.save(state, tmp_path / "weights.pt")
    with pytest.raises(SpecError, match=r"weights\.pt: `conv\.1\.weight` holds NaN or infinity") as error:
        begin(setup(SMALL).net, torch.device("cpu"), str(tmp_path / "weights.pt"))
    assert error.value.diagnostics[0].code == "bad-weights"


@pytest.mark.parametrize(("freeze", "says"), [
    ("nothing", "no layer's path matches `nothing`"), ("(", "`(` is no regular expression"),
    (".*", "`.*` leaves nothing to learn")])
def test_freezing_nothing_or_everything_is_said(freeze: str, says: str) -> None:
    with pytest.raises(SpecError) as error:
        train(setup(SMALL, freeze=freeze), never)
    assert says in error.value.diagnostics[0].message
