"""Several processes that train one network: the curve of one, and one end for all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: one process trains alone")

from cnnspec import SpecError  # noqa: E402
from cnnspec.runtime.train import checkpoint  # noqa: E402
from cnnspec.runtime.train.keeper import CHECKPOINT  # noqa: E402
from cnnspec.runtime.train.run import train  # noqa: E402
from cnnspec.runtime.train.team import Alone, part  # noqa: E402
from cnnspec.runtime.train.teams import lost, placed, shared, team_of  # noqa: E402
from tests.runtime import teamwork  # noqa: E402
from tests.runtime.teamwork import together  # noqa: E402
from tests.runtime.training import SMALL, WHOLE, Diary, never, setup  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NORMED = WHOLE.replace("DROPOUT(0.2) -> ", "")
FLAT = "INPUT(1x8x8) -> FLATTEN -> FC(12) -> BN -> RELU -> FC(4)"


# ------------------------------------------------------------------------------------------- the same curve


# Before a batch norm a bias has no gradient but rounding, which AdamW makes whole steps of, and validation shows: SGD.
@pytest.mark.parametrize(("spec", "size", "regime"), [
    (SMALL, 2, {}), (NORMED, 2, {"optimizer": "sgd", "clip": 0.5}), (NORMED, 4, {"optimizer": "sgd", "average": 0.9}),
    (FLAT, 2, {"optimizer": "sgd", "smoothing": 0.1}), (SMALL, 2, {"loss": "hinge"})])
def test_several_processes_have_the_losses_of_one(spec: str, size: int, regime: dict[str, Any], tmp_path: Path) -> None:
    alone, several, diary = str(tmp_path / "alone"), str(tmp_path / "several"), Diary()
    expected = train(setup(spec, alone, **regime), never, [diary])
    found = together(size, teamwork.run, spec, several, regime)
    for each in found:
        assert each["losses"] == pytest.approx(diary.losses, abs=1e-5)
        assert each["ended"] == ""
        assert each["steps"] == expected.steps == 12
    told = [(epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy) for epoch in expected.history]
    assert found[0]["history"] == [pytest.approx(epoch, abs=1e-5) for epoch in told]
    assert all(each["history"] == found[0]["history"] for each in found), "all judge by all images"
    assert [bool(each["checkpoint"]) for each in found] == [True] + [False] * (size - 1), "the first one writes"
    one, other = (checkpoint.read(f"{folder}/{CHECKPOINT}").weights for folder in (alone, several))
    assert one.keys() == other.keys()


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 2, 4)])
def test_a_batch_norm_over_processes_is_that_of_the_whole_batch(shape: tuple[int, ...]) -> None:
    expected = _normalised(shape)
    found = together(2, teamwork.normalise, shape)
    for rank, each in enumerate(found):
        for name in ("0.running_mean", "0.running_var", "0.num_batches_tracked"):
            found_here = torch.tensor(each[name], dtype=expected[name].dtype)
            assert torch.allclose(found_here, expected[name], atol=1e-12), name
        # The loss of a process is a mean over its half: all gradients together are those of twice the whole mean.
        own = torch.tensor(each["input"], dtype=torch.float64) / 2
        assert torch.allclose(own, expected["input"][rank::2], atol=1e-12)
    for name in ("0.weight.grad", "0.bias.grad"):
        mean = sum(torch.tensor(each[name], dtype=torch.float64) for each in found) / 2
        assert torch.allclose(mean, expected[name], atol=1e-12), name


def _normalised(shape: tuple[int, ...]) -> dict[str, Any]:
    """What PyTorch's own batch norm makes of the whole batch."""
    kind = {2: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}[len(shape)]
    module = torch.nn.Sequential(kind(shape[1], momentum=0.3)).double()
    whole = torch.randn(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64).requires_grad_()
    target = torch.arange(whole.numel(), dtype=torch.float64).view(shape).sin()
    ((module(whole) - target) ** 2).mean().backward()
    assert whole.grad is not None
    return {"input": whole.grad, **module.state_dict(),
            **{f"{name}.grad": weight.grad for name, weight in module.named_parameters() if weight.grad is not None}}


def test_what_is_frozen_stays_in_all_and_the_rest_has_the_curve_of_one_process(tmp_path: Path) -> None:
    spec, first, diary = NORMED.replace("CONV(6)", "CONV(6) as stem"), str(tmp_path / "first"), Diary()
    train(setup(spec, first), never)
    kept = f"{first}/{CHECKPOINT}"
    train(setup(spec, init=kept, freeze=r"stem|bn\.0|bn\[0\]"), never, [diary])
    found = together(2, teamwork.run, spec, str(tmp_path), {"init": kept, "freeze": r"stem|bn\.0|bn\[0\]"})
    assert found[0]["losses"] == pytest.approx(diary.losses, abs=1e-5)
    before, after = checkpoint.read(kept).weights, checkpoint.read(f"{tmp_path}/{CHECKPOINT}").weights
    same = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert {name for name in before if name.startswith(("stem", "bn.0"))} <= same, "statistics stay too"
    assert not any(name.startswith("bn.1") for name in same)


def test_processes_draw_different_numbers_and_the_same_again() -> None:
    first, second = together(2, teamwork.numbers, 7), together(2, teamwork.numbers, 7)
    assert first == second
    drawn = [tuple(step) for process in first for step in process]
    assert len(set(drawn)) == 6, "each process in each step"


# -------------------------------------------------------------------------------------- stopped and resumed


@pytest.mark.parametrize(("rank", "step"), [(1, 3), (0, 5), (-1, 6), (1, 8)])
def test_a_signal_to_any_stops_all_and_they_go_on_to_the_same_bits(rank: int, step: int, tmp_path: Path) -> None:
    whole, parted = str(tmp_path / "whole"), str(tmp_path / "parted")
    expected = together(2, teamwork.run, WHOLE, whole, {})
    stopped = together(2, teamwork.run, WHOLE, parted, {}, ("signal", rank, step))
    assert [each["ended"] for each in stopped] == ["interrupted"] * 2
    # A signal behind the last agreement of a step is heard at that of the next, or while an epoch is judged.
    assert stopped[0]["steps"] == stopped[1]["steps"] in {step, step + 1}
    resumed = together(2, teamwork.run, WHOLE, parted, {}, ("", 0, 0), True)
    assert [each["history"] for each in resumed] == [each["history"] for each in expected]
    one, other = (checkpoint.read(f"{folder}/{CHECKPOINT}") for folder in (whole, parted))
    for a, b in ((one.weights, other.weights), (one.rest, other.rest)):
        assert a.keys() == b.keys()
        assert all(torch.equal(value, b[name]) for name, value in a.items())


def test_one_process_goes_on_with_the_run_of_two_and_two_with_that_of_one(tmp_path: Path) -> None:
    diary = Diary()
    train(setup(NORMED), never, [diary])
    folder = str(tmp_path / "two")
    two = together(2, teamwork.run, NORMED, folder, {}, ("signal", 1, 7))
    begun = two[0]["losses"]
    alone = Diary()
    learned = train(setup(NORMED, folder), never, [alone], checkpoint.read(f"{folder}/{CHECKPOINT}"))
    assert [*begun, *alone.losses] == pytest.approx(diary.losses, abs=1e-5)
    assert any(sentence.startswith("2 processes began the run, 1 went on") for sentence in learned.says)
    folder = str(tmp_path / "one")
    train(setup(NORMED, folder, steps=7), never)
    found = together(2, teamwork.run, NORMED, folder, {}, ("", 0, 0), True)
    assert found[0]["losses"] == found[1]["losses"]
    assert found[0]["steps"] == 12
    assert any(sentence.startswith("1 process began the run, 2 went on") for sentence in found[0]["says"])


# --------------------------------------------------------------------------------------------- one end for all


def test_a_loss_that_is_no_number_in_one_process_ends_all_in_that_step(tmp_path: Path) -> None:
    found = together(2, teamwork.run, NORMED, str(tmp_path), {}, ("nan", 1, 7))
    assert [each["ended"] for each in found] == ["the loss is not a number"] * 2
    assert [each["steps"] for each in found] == [8, 8]
    kept = checkpoint.read(f"{tmp_path}/{CHECKPOINT}")
    assert kept.state["step"] == 6
    assert all(torch.isfinite(value).all() for value in kept.weights.values())


def test_time_ends_all_in_the_same_step() -> None:
    found = together(2, teamwork.run, SMALL, "", {"epochs": None, "seconds": 0.5})
    assert found[0]["steps"] == found[1]["steps"] > 0
    assert found[0]["history"] == found[1]["history"]


@pytest.mark.parametrize("rank", [0, 1])
def test_processes_do_not_wait_for_one_that_is_gone(rank: int, tmp_path: Path) -> None:
    found = together(2, teamwork.run, NORMED, str(tmp_path), {}, ("death", rank, 3))
    assert found[rank] is None
    assert found[1 - rank] == ["Told", "lost-process"]


def test_an_error_of_one_process_in_a_step_is_its_own_and_ends_the_others(tmp_path: Path) -> None:
    found = together(2, teamwork.run, SMALL, str(tmp_path), {}, ("error", 1, 3))
    assert found == [["Told", "lost-process"], ["SpecError", "not-writable"]]


def test_what_one_process_cannot_do_none_does() -> None:
    assert together(2, teamwork.agree, 1) == [["Told", "bad-data"]] * 2
    assert together(2, teamwork.agree, 9) == [0, 1]


def test_one_process_brings_what_the_others_find(tmp_path: Path) -> None:
    assert together(3, teamwork.fetch, str(tmp_path / "file")) == ["by 0"] * 3


def test_other_errors_are_told_from_lost_processes() -> None:
    assert not lost(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert lost(RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:538] Connection closed by peer"))


# --------------------------------------------------------------------------------- what is refused beforehand


class Two(Alone):
    size = 2


@pytest.mark.parametrize(("batch", "train", "val", "message", "help_"), [
    (63, 100, 20, "a batch of 63 images has no equal parts for 2 processes", "`--batch 62` or `--batch 64`"),
    (1, 100, 20, "a batch of 1 images has no equal parts for 2 processes", "`--batch 2`"),
    (64, 41, 20, "a batch of 64 images for 2 processes, but there are 41 to train on",
     "`--batch 40`, or fewer processes"),
    (8, 41, 1, "2 processes, but 1 images to judge by", "fewer processes")])
def test_parts_that_are_not_equal_are_refused(batch: int, train: int, val: int, message: str, help_: str) -> None:
    with pytest.raises(SpecError) as error:
        shared(Two(torch.device("cpu")), batch, train, val)
    assert [(each.code, each.message, each.help) for each in error.value.diagnostics] == [
        ("bad-processes", message, help_)]


def test_equal_parts_are_said_and_one_process_has_all() -> None:
    (said,) = shared(Two(torch.device("cpu")), 64, 100, 20)
    assert said.startswith("2 processes, each with 32 of a batch's 64 images; gradients and statistics")
    assert shared(Alone(torch.device("cpu")), 63, 10, 1) == ()
    second = Two(torch.device("cpu"))
    second.rank = 1
    assert part([5, 6, 7, 8], second) == [6, 8]


@pytest.mark.parametrize(("device", "count", "found"), [
    ("cuda", 2, "cuda:1"), ("cuda", 0, "cuda:1"), ("cpu", 0, "cpu"),
    ("cuda", 1, "2 processes of this machine need a GPU each, but there is 1"),
    ("cuda:1", 2, "`cuda:1` is one device, but 4 processes train together"),
    ("mps", 0, "`mps` is one device, but 4 processes train together")])
def test_each_process_has_a_gpu_of_its_own(
        device: str, count: int, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert placed(device) == device, "alone"
    for name, value in {"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    if " " not in found:
        assert placed(device) == found
        return
    with pytest.raises(SpecError) as error:
        placed(device)
    assert error.value.diagnostics[0].message == found


def test_several_processes_need_accelerate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(SpecError) as error:
        team_of(torch.device("cpu"), "float32")
    assert error.value.diagnostics[0].code == "no-package"


# --------------------------------------------------------------------------------------------- the launcher


def launched(folder: Path, *words: str) -> subprocess.Popen[str]:
    """`cnnspec train` in two processes of torchrun, in a folder."""
    (folder / "net.cnn").write_text(f"net small = {NORMED.replace('FC(4)', 'FC(10)')}\n", encoding="utf-8")
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
         "--master-port", str(teamwork.free_port()), "-m", "cnnspec", "train", "net.cnn", "--no-check", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def curve(folder: Path) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(line["step"], line.get("loss", line.get("val_loss"))) for line in lines]


@pytest.mark.slow
def test_the_same_command_under_torchrun_tells_once_and_has_the_curve_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn's digits are learned")
    with launched(tmp_path, "--epochs", "2", "--optimizer", "sgd", "--out", "two", "--format", "json") as both:
        out, err = both.communicate(timeout=180)
    assert both.returncode == 0, err
    told = json.loads(out)
    assert told["schema"] == "cnnspec.train/1"
    assert any(sentence.startswith("2 processes, each with 32") for sentence in told["says"])
    assert len(re.findall(r"^ +[12]( +[\d.,]+( %)?){5}$", err, re.MULTILINE)) == 2, "a line for each epoch, once"
    assert "Warning" not in err
    alone = subprocess.run(
        [sys.executable, "-m", "cnnspec", "train", "net.cnn", "--no-check", "--epochs", "2", "--optimizer", "sgd",
         "--out", "one", "--threads", "1"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, timeout=180, check=True,
        capture_output=True)
    assert alone.returncode == 0
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert [step for step, _ in one] == [step for step, _ in two]
    assert [loss for _, loss in one] == pytest.approx([loss for _, loss in two], abs=1e-5)


@pytest.mark.slow
def test_a_batch_that_has_no_equal_parts_is_refused_once_and_before_anything_runs(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn's digits are learned")
    with launched(tmp_path, "--batch", "63", "--out", "run") as both:
        out, err = both.communicate(timeout=180)
    assert both.returncode != 0
    assert out == ""
    assert err.count("a batch of 63 images has no equal parts for 2 processes") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_launcher_that_is_asked_to_end_leaves_a_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn's digits are learned")
    with launched(tmp_path, "--epochs", "5000", "--out", "run") as both:
        until = time.monotonic() + 120
        while not (tmp_path / "run" / CHECKPOINT).exists() and time.monotonic() < until:
            time.sleep(0.2)
        both.send_signal(signal.SIGTERM)
        _, err = both.communicate(timeout=60)
    kept = checkpoint.read(str(tmp_path / "run" / CHECKPOINT))
    assert kept.state["processes"] == 2
    assert kept.state["number"] > 0 or kept.state["step"] % 22 == 0
    assert "lost-process" not in err
