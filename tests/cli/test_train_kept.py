"""Runs that `cnnspec train` keeps: what is in the way of one, and going on from wherever, with whatever is left."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cnnspec.cli import group

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("safetensors", reason="safetensors is not installed: nothing is kept")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: no digits")

from cnnspec import SpecError  # noqa: E402
from cnnspec.runtime.train import checkpoint  # noqa: E402
from cnnspec.runtime.train.claim import LOCK, claim, claim_free  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

TINY = "INPUT(1x8x8) -> CONV(4) -> RELU -> GAP -> FC(10)"
SMALL = "INPUT(1x8x8) -> CONV(2) -> RELU -> GAP -> FC(10)"
QUICK = ("-e", TINY, "--steps", "3", "--no-check", "--threads", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str) -> Result:
    return CliRunner().invoke(group, words)


def train(*words: str, code: int = 0) -> Result:
    done = called("train", *words)
    assert done.exit_code == code, done.output
    assert not done.exception or isinstance(done.exception, SystemExit)
    return done


def went_on(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(train(*words, "--threads", "1", "--format", "json").stdout)
    return found


def content(folder: Path) -> dict[str, bytes]:
    """The files of a folder, at any depth."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---------------------------------------------------------------------------------------- what is there already


def test_a_run_that_is_kept_is_not_overwritten_without_a_word(folder: Path) -> None:
    train(*QUICK, "--out", "r")
    before = content(folder)
    assert LOCK not in {path.name for path in (folder / "r").iterdir()}
    done = train("-e", SMALL, "--steps", "1", "--out", "r", code=1)
    assert "run-exists" in done.stderr
    assert "r holds a run already, of 3 steps" in done.stderr
    assert all(way in done.stderr for way in ("--resume r", "--overwrite", "--out FOLDER"))
    assert "✓" not in done.stderr, "nothing has run"
    assert content(folder) == before


@pytest.mark.parametrize("left", ["metrics.jsonl", "best.safetensors"])
def test_nor_is_what_is_left_of_one(left: str, folder: Path) -> None:
    (folder / "r").mkdir()
    (folder / "r" / left).write_text("kept\n", encoding="utf-8")
    assert "--resume" not in train(*QUICK, "--out", "r", code=1).stderr
    assert content(folder) == {f"r/{left}": b"kept\n"}


def test_overwriting_puts_a_run_in_the_place_of_another(folder: Path) -> None:
    train(*QUICK, "--out", "r")
    train("-e", SMALL, "--steps", "1", "--no-check", "--out", "r", "--overwrite")
    found = checkpoint.read("r/checkpoint.safetensors")
    assert (found.state["step"], found.weights["conv.weight"].shape[0]) == (1, 2)
    assert len((folder / "r" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize("words", [("lenet", "--overwrite"), ("--resume", "r", "--overwrite")])
def test_overwriting_goes_with_a_folder(words: Sequence[str]) -> None:
    assert "--overwrite" in train(*words, code=2).stderr


def test_a_comparison_overwrites_no_run_and_says_so_before_it_trains(folder: Path) -> None:
    words = ("compare", "-e", TINY, "-e", SMALL, "--train", "digits", "--steps", "2", "--seeds", "2", "--threads", "1",
             "--out", "runs")
    assert called(*words).exit_code == 0
    shutil.rmtree(folder / "runs" / "expression-0")
    before = content(folder)
    done = called(*words)
    assert done.exit_code == 1
    assert "run-exists" in done.stderr
    assert "seed" not in done.stderr, "none has begun"
    assert content(folder) == before
    assert not (folder / "runs" / "expression-0").exists()
    assert called(*words, "--overwrite").exit_code == 0
    assert (folder / "runs" / "expression-0" / "checkpoint.safetensors").exists()


# --------------------------------------------------------------------------------------------- one at a time


@pytest.mark.parametrize("words", [(*QUICK, "--out", "r", "--overwrite"), ("--resume", "r", "--steps", "9")])
def test_two_runs_are_not_kept_in_one_folder_at_once(words: Sequence[str], folder: Path) -> None:
    train(*QUICK, "--out", "r")
    before = content(folder)
    with claim("r", empty=False):
        done = train(*words, code=1)
    assert "run-busy" in done.stderr
    assert "another process is training in r now" in done.stderr
    assert content(folder) == before
    train(*words)


def test_a_run_that_names_no_folder_takes_one_that_nobody_else_has(folder: Path) -> None:
    with claim("runs/expression-digits", empty=True):
        assert "expression-digits-2" in train(*QUICK).stdout
    assert [path.name for path in (folder / "runs").iterdir()] == ["expression-digits-2"]


def test_a_claim_leaves_nothing_where_nothing_was_kept(folder: Path) -> None:
    (folder / "mine").mkdir()
    for name in ("runs/deep/er", "mine", "mine/new"):
        with claim(name, empty=True):
            assert (folder / name).is_dir()
    assert [path.name for path in folder.rglob("*")] == ["mine"]


def hold(told: Connection, name: str) -> None:
    with claim_free(name) as found:
        told.send(found)
        signal.pause()


def test_a_lock_is_gone_with_its_process(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=hold, args=(theirs, str(folder / "r")), daemon=True)
    child.start()
    assert ours.recv() == str(folder / "r")
    with pytest.raises(SpecError, match="run-busy"), claim("r", empty=True):
        pass
    child.kill()
    child.join()
    with claim("r", empty=True):
        assert (folder / "r" / LOCK).exists()
    assert not (folder / "r" / LOCK).exists()


def test_a_checkpoint_that_another_process_has_left_behind_is_not_gone_on_with(
        folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(*QUICK, "--out", "r")
    old = checkpoint.read("r/checkpoint.safetensors")
    train("--resume", "r", "--steps", "5")
    monkeypatch.setattr(checkpoint, "read", lambda path: old)
    before = content(folder)
    done = train("--resume", "r", "--steps", "9", code=1)
    assert "has gone on with r/checkpoint.safetensors meanwhile" in done.stderr
    assert content(folder) == before


def test_a_copy_of_a_checkpoint_beside_another_does_not_take_its_place(folder: Path) -> None:
    train(*QUICK, "--out", "r")
    shutil.copy("r/checkpoint.safetensors", "r/old.safetensors")
    assert "run-exists" in train("--resume", "r/old.safetensors", "--steps", "5", code=1).stderr
    (folder / "other").mkdir()
    shutil.move("r/old.safetensors", "other")
    assert went_on("--resume", "other/old.safetensors", "--steps", "5")["checkpoint"] == "other/checkpoint.safetensors"


# -------------------------------------------------------------------------------------------------- no run there


def test_where_no_run_is_there_is_said_to_be_none(folder: Path) -> None:
    train(*QUICK, "--out", "runs/tiny")
    (folder / "empty").mkdir()
    assert "there is no run at runs/tony" in (said := train("--resume", "runs/tony", code=1).stderr)
    assert "did you mean `runs/tiny`?" in said
    assert "empty holds no run: there is no checkpoint.safetensors in it" in train("--resume", "empty", code=1).stderr
    assert "there is one in `runs/tiny`" in train("--resume", "runs", code=1).stderr
    assert "it holds weights alone" in train("--resume", "runs/tiny/best.safetensors", code=1).stderr


# ------------------------------------------------------------------------------------------------------ the spec


def kept_run(folder: Path, text: str = f"net tiny = {TINY}\n", target: str = "specs/net.cnn") -> None:
    (folder / "specs").mkdir(exist_ok=True)
    (folder / "specs" / "net.cnn").write_text(text, encoding="utf-8")
    train(target, "--steps", "3", "--no-check", "--out", "r")


@pytest.mark.parametrize("target", ["specs/net.cnn", "specs/net.cnn:tiny", "net", "tiny", "tiny(4)"])
def test_a_run_goes_on_without_its_spec_file(target: str, folder: Path) -> None:
    kept_run(folder, "net tiny(c = 4) = INPUT(1x8x8) -> CONV(c) -> RELU -> GAP -> FC(10)\n"
             "net other = INPUT(1x8x8) -> GAP -> FC(10)\n", target if target != "net" else "specs/net.cnn:tiny")
    (folder / "specs" / "net.cnn").unlink()
    made = went_on("--resume", "r", "--steps", "5")
    assert made["steps"] == 5
    said = "specs/net.cnn cannot be read: its text in the checkpoint stands for it"
    assert any(sentence.endswith(said) for sentence in made["says"])


@pytest.mark.parametrize("gone", [False, True])
def test_a_run_goes_on_from_another_folder(gone: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_run(folder)
    if gone:
        (folder / "specs" / "net.cnn").unlink()
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    made = went_on("--resume", str(folder / "r"), "--steps", "5")
    assert (made["steps"], made["net"]) == (5, "tiny")
    assert any("its text in the checkpoint" in says for says in made["says"]) == gone
    assert not any((folder / "elsewhere").iterdir())


def test_a_run_goes_on_where_its_whole_project_was_moved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "old").mkdir()
    monkeypatch.chdir(folder / "old")
    kept_run(folder / "old")
    shutil.move(folder / "old", folder / "new")
    monkeypatch.chdir(folder / "new")
    assert not any("its text in" in says for says in went_on("--resume", "r", "--steps", "5")["says"])


def test_a_spec_that_is_another_now_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_run(folder)
    (folder / "specs" / "net.cnn").write_text(f"net tiny = {SMALL}\n", encoding="utf-8")
    for here in (folder, folder / "specs"):
        monkeypatch.chdir(here)
        done = train("--resume", str(folder / "r"), "--steps", "5", code=1)
        assert "was trained as another network than" in done.stderr


def test_a_text_that_uses_files_that_are_gone_is_not_enough(folder: Path) -> None:
    (folder / "specs").mkdir()
    (folder / "specs" / "parts.cnn").write_text("block part = CONV(4) -> RELU\n", encoding="utf-8")
    kept_run(folder, 'use "parts.cnn"\nnet tiny = INPUT(1x8x8) -> part -> GAP -> FC(10)\n')
    (folder / "specs" / "net.cnn").unlink()
    assert went_on("--resume", "r", "--steps", "5")["steps"] == 5
    (folder / "specs" / "parts.cnn").unlink()
    done = train("--resume", "r", "--steps", "7", code=2)
    assert "its text in the checkpoint is not enough" in done.stderr
    assert "parts.cnn" in done.stderr


def test_a_spec_from_standard_input_goes_on(folder: Path) -> None:
    words = ["train", "-", "--steps", "3", "--no-check", "--out", "r"]
    assert CliRunner().invoke(group, words, input=TINY).exit_code == 0
    assert went_on("--resume", "r", "--steps", "5")["steps"] == 5


# ---------------------------------------------------------------------------------------- images and weights


@pytest.mark.parametrize("moved", [False, True])
def test_images_and_weights_of_a_relative_path_are_found_from_another_folder(
        moved: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numpy = pytest.importorskip("numpy")
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    labels = numpy.arange(60) % 3
    numpy.savez("some.npz", images=(labels[:, None, None, None] * 80 + numpy.zeros((60, 8, 8, 1))).astype("uint8"),
                labels=labels)
    train(*QUICK, "--data", "npz:some.npz", "--batch", "8", "--out", "first")
    train(*QUICK, "--data", "npz:some.npz", "--batch", "8", "--init", "first/best.safetensors", "--out", "r")
    shutil.rmtree("first")
    if moved:
        shutil.move(folder / "here", folder / "there")
    monkeypatch.chdir(folder / "there" if moved else folder)
    made = went_on("--resume", "r" if moved else "here/r", "--steps", "5")
    assert (made["steps"], made["data"]) == (5, "npz:some.npz")
    assert "begun with weights from first/best.safetensors" in made["says"]


# ------------------------------------------------------------------------------------------------ already done


@pytest.mark.parametrize(("words", "done", "more"), [
    ((), "2 epochs, 2 asked for", "--epochs 4"), (("--epochs", "1"), "2 epochs, 1 asked for", "--epochs 4"),
    (("--steps", "10"), "44 steps, 10 asked for", "--steps 88"),
    (("--time", "0.001s"), "1.00 ms asked for", "--time 1s")])
def test_a_run_that_is_done_is_said_to_be(words: Sequence[str], done: str, more: str, folder: Path) -> None:
    train("-e", TINY, "--epochs", "2", "--no-check", "--threads", "1", "--out", "r")
    before = content(folder / "r")
    page = train("--resume", "r", *words)
    assert done in page.stdout
    assert "nothing was trained" in page.stdout
    assert more in page.stdout
    assert "images/s" not in page.output, "no table as if it had been"
    made = went_on("--resume", "r", *words)
    assert (made["epochs"], made["steps"], len(made["history"])) == (2, 44, 2)
    assert content(folder / "r") == before
    assert went_on("--resume", "r", "--epochs", "3")["epochs"] == 3


def test_the_end_says_which_file_holds_what(folder: Path) -> None:
    page = train("-e", TINY, "--epochs", "2", "--no-check", "--out", "r").stdout
    best = checkpoint.state("r/best.safetensors")["epoch"]["epoch"]
    assert "kept in r/checkpoint.safetensors" in page
    assert f"the weights of epoch {best} in r/best.safetensors" in page
    assert os.path.exists("r/best.safetensors")
