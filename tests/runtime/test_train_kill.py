"""Runs that are killed at any moment, and go on as if nothing had been; and runs that are asked to stop."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("safetensors", reason="safetensors is not installed: nothing is kept")

from cnnspec.runtime.train import checkpoint  # noqa: E402
from cnnspec.runtime.train.checkpoint import Checkpoint  # noqa: E402
from cnnspec.runtime.train.course import Tick  # noqa: E402
from cnnspec.runtime.train.keeper import BEST, CHECKPOINT  # noqa: E402
from cnnspec.runtime.train.run import train  # noqa: E402
from cnnspec.runtime.train.stop import SIGNALS, stopping  # noqa: E402
from cnnspec.runtime.weight_files import load_file  # noqa: E402
from tests.runtime.children import DEATHS, start  # noqa: E402
from tests.runtime.training import WHOLE, After, Diary, never, setup  # noqa: E402

#: 48 steps, with all that a checkpoint may hold.
REGIME: dict[str, Any] = {"epochs": 8, "average": 0.9, "clip": 1.0}
#: Seconds from a child's start, or its first step, to its kill, at most: most of a run, on an idle machine.
LONGEST = 0.3
#: Seconds to wait for a child.
PATIENCE = 120
#: What time alone decides.
TIMED = {"seconds", "images_per_second"}


def untimed(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in TIMED}


def assert_same_tensors(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    assert one.keys() == other.keys()
    assert [name for name, value in one.items() if not torch.equal(value, other[name])] == []


def assert_same(found: Checkpoint, expected: Checkpoint) -> None:
    """Two runs ended with the same bits, and with the same history but for the times."""
    assert_same_tensors(found.weights, expected.weights)
    assert_same_tensors(found.rest, expected.rest)
    assert found.spec == expected.spec
    for name in ("step", "epoch", "number", "rate", "optimizer"):
        assert found.state[name] == expected.state[name]
    assert list(map(untimed, found.state["history"])) == list(map(untimed, expected.state["history"]))


def lines(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal, without times: a run that was killed may leave a torn one at the end."""
    path = folder / "metrics.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [untimed(json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("expected")
    train(setup(WHOLE, str(folder), **REGIME), never)
    return folder


def finish(folder: Path, expected: Path) -> None:
    """Go on with a run to its end, which is that of the undisturbed one; nothing else is left in the folder."""
    child, _ = start(str(folder), WHOLE, REGIME)
    child.join(PATIENCE)
    assert child.exitcode == 0
    assert_same(checkpoint.read(str(folder / CHECKPOINT)), checkpoint.read(str(expected / CHECKPOINT)))
    assert lines(folder) == lines(expected)
    assert checkpoint.state(str(folder / BEST))["epoch"]["epoch"] == (
        checkpoint.state(str(expected / BEST))["epoch"]["epoch"])
    assert_same_tensors(load_file(folder / BEST), load_file(expected / BEST))
    assert [path.name for path in folder.iterdir() if path.name.endswith(".part")] == []


# ---------------------------------------------------------------------------------------------------- killed


def killed(folder: Path, chance: random.Random) -> bool:
    """Go on with a run and kill it at some moment, before or behind its first step; whether it was going on still."""
    child, told = start(str(folder), WHOLE, REGIME)
    for _ in range(chance.choice([1, 2, 2])):
        assert told.poll(PATIENCE)
        if told.recv() not in {"ready", "stepped"}:
            break  # there was no step left
    child.join(chance.uniform(0, LONGEST))
    child.kill()
    child.join()
    return child.exitcode == -signal.SIGKILL


def kill(times: int, folder: Path, expected: Path, seed: int) -> int:
    """Kill runs so many times in all, each until it ends; how many kills fell into the writing of a file."""
    chance = random.Random(seed)  # noqa: S311  # it guards nothing
    left, number, torn = times, 0, 0
    while left:
        run, number, step = folder / str(number), number + 1, 0
        while left and killed(run, chance):
            left -= 1
            torn += any(run.glob("*.part"))
            known = [line["epoch"] for line in lines(run) if "val_loss" in line]
            assert known == list(range(1, len(known) + 1))
            if not (run / CHECKPOINT).exists():
                assert step == 0
                continue
            found = checkpoint.read(str(run / CHECKPOINT))
            assert_known_best(run, found)
            assert found.state["step"] >= step, "what was kept stays"
            assert len(known) >= found.state["epoch"], "the journal has all that the checkpoint has"
            step = found.state["step"]
        finish(run, expected)
    return torn


def assert_known_best(run: Path, found: Checkpoint) -> None:
    """The weights that are kept as the best are whole, and of no epoch that the checkpoint does not know."""
    if not (run / BEST).exists():
        assert len(found.state["history"]) <= 1
        return
    kept = checkpoint.state(str(run / BEST))["epoch"]
    assert kept in found.state["history"]
    assert len(load_file(run / BEST)) == len(found.weights)


def test_a_run_that_is_killed_goes_on_to_the_same_bits(tmp_path: Path, expected: Path) -> None:
    kill(4, tmp_path, expected, seed=1)


@pytest.mark.slow
def test_runs_that_are_killed_at_fifty_moments_go_on_to_the_same_bits(tmp_path: Path, expected: Path) -> None:
    assert kill(50, tmp_path, expected, seed=2), "some fell into the writing of a file; how many is the disk's affair"


@pytest.mark.parametrize("moment", DEATHS)
def test_a_kill_in_the_middle_of_writing_leaves_what_was_there(moment: str, tmp_path: Path, expected: Path) -> None:
    train(setup(WHOLE, str(tmp_path), **REGIME), After(15))
    before = lines(tmp_path)
    assert [line["step"] for line in before] == [6, 10, 12]
    child, _ = start(str(tmp_path), WHOLE, REGIME, dies=moment)
    child.join(PATIENCE)
    assert child.exitcode == -signal.SIGKILL
    # Stopped at step 13, two of its questions having come while epochs were judged.
    assert checkpoint.read(str(tmp_path / CHECKPOINT)).state["step"] == (14 if moment == "named" else 13)
    assert lines(tmp_path)[: len(before)] == before
    assert any(tmp_path.glob("*.part")) == (moment != "named")
    finish(tmp_path, expected)


def test_a_kill_between_an_epochs_line_and_its_checkpoint_repeats_no_line(tmp_path: Path, expected: Path) -> None:
    train(setup(WHOLE, str(tmp_path), **REGIME), After(7))  # while the first epoch is judged
    assert checkpoint.read(str(tmp_path / CHECKPOINT)).state["number"] == 6
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "step": 6, "val_loss": 1.0}\n', encoding="utf-8")
    finish(tmp_path, expected)


@pytest.mark.parametrize("torn", ['{"epoch": 0, "step": 10}', '{"epo', "\0\0", "7\n", '{"epoch": 0}\n'])
def test_a_torn_line_of_the_journal_is_cut_off(torn: str, tmp_path: Path) -> None:
    train(setup(WHOLE, str(tmp_path), epochs=4), After(15))
    before = lines(tmp_path)
    with open(tmp_path / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write(torn)
    train(setup(WHOLE, str(tmp_path), epochs=4), never, resumed=checkpoint.read(f"{tmp_path}/{CHECKPOINT}"))
    after = lines(tmp_path)
    assert after[: len(before)] == before
    assert [line["step"] for line in after[len(before):] if "val_loss" in line][-2:] == [18, 24]


# --------------------------------------------------------------------------------------------- asked to stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_with_a_checkpoint(number: int, tmp_path: Path) -> None:
    child, told = start(str(tmp_path), WHOLE, {**REGIME, "epochs": 10_000})
    assert [told.recv(), told.recv()] == ["ready", "stepped"]
    assert child.pid is not None
    os.kill(child.pid, number)
    ended, steps = told.recv()
    child.join(PATIENCE)
    assert (ended, child.exitcode) == ("interrupted", 0)
    assert checkpoint.read(str(tmp_path / CHECKPOINT)).state["step"] == steps


class Sending(Diary):
    """Sends this process a signal in the middle of a step."""

    def __init__(self, number: int, step: int) -> None:
        super().__init__()
        self.number, self.step = number, step

    def stepped(self, tick: Tick) -> None:
        super().stepped(tick)
        if tick.step == self.step:
            signal.raise_signal(self.number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_ends_within_a_step_and_a_second_signal_is_not_held_back(number: int, tmp_path: Path) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with stopping() as stopped:
        learned = train(setup(WHOLE, str(tmp_path), **REGIME), stopped, [Sending(number, 8)])
        assert signal.getsignal(number) == before[SIGNALS.index(number)]
    assert (learned.ended, learned.steps) == ("interrupted", 9)
    assert checkpoint.read(learned.checkpoint).state["step"] == 9
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_other_threads_are_asked_nothing() -> None:
    answers = []

    def ask() -> None:
        with stopping() as stopped:
            answers.append(stopped())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [False]


@pytest.mark.parametrize("steps", [7, 12])
def test_a_run_that_is_stopped_while_its_last_epoch_is_judged_trains_no_further(steps: int, tmp_path: Path) -> None:
    bounds: dict[str, Any] = {"epochs": None, "steps": steps}
    train(setup(WHOLE, str(tmp_path / "whole"), **bounds), never)
    stopped = train(setup(WHOLE, str(tmp_path / "parted"), **bounds), After(steps + 2))
    assert (stopped.ended, stopped.steps, stopped.epochs) == ("interrupted", steps, 1)
    found = checkpoint.read(stopped.checkpoint)
    resumed = train(setup(WHOLE, str(tmp_path / "parted"), **bounds), never, resumed=found)
    assert (resumed.ended, resumed.steps, resumed.epochs) == ("", steps, 2)
    assert_same(checkpoint.read(resumed.checkpoint), checkpoint.read(str(tmp_path / "whole" / CHECKPOINT)))
