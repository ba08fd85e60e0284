"""`cnnspec train` on the command line: what it prints, keeps and refuses, and the schema of its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from cnnspec.cli import group, train_progress

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: no digits")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "train-1.json").read_text(encoding="utf-8"))
TINY = "INPUT(1x8x8) -> CONV(4) -> RELU -> GAP -> FC(10)"


def strict(schema: Any) -> Any:
    """The schema without room for keys that it does not describe."""
    if isinstance(schema, dict):
        closed = {key: strict(value) for key, value in schema.items()}
        if "properties" in schema and schema.get("description") != SCHEMA["properties"]["environment"]["description"]:
            closed.setdefault("additionalProperties", False)
        return closed
    return [strict(value) for value in schema] if isinstance(schema, list) else schema


STRICT = Draft202012Validator(strict(SCHEMA))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(group, ["train", *words])


def learned(*words: str, code: int = 0) -> dict[str, Any]:
    done = run(*words, "--threads", "1", "--format", "json")
    assert done.exit_code == code, done.output
    made: dict[str, Any] = json.loads(done.stdout)
    STRICT.validate(made)
    return made


def quick(*words: str) -> Sequence[str]:
    return ("-e", TINY, "--steps", "3", "--no-check", *words)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_run_ends_with_one_object() -> None:
    made = learned("-e", TINY, "--epochs", "2")
    assert (made["schema"], made["net"], made["data"]) == ("cnnspec.train/1", "<expression>", "digits")
    assert (made["epochs"], made["steps"], len(made["history"])) == (2, 44, 2)
    last = made["history"][-1]
    assert all(made[name] == last[name] for name in ("train_loss", "val_loss", "val_accuracy"))
    assert made["best_val_accuracy"] == max(epoch["val_accuracy"] for epoch in made["history"])
    assert [check["name"] for check in made["checks"]] == [
        "classes", "initial-loss", "scale", "dead-units", "gradients", "overfit"]
    assert made["images_per_second"] == pytest.approx(44 * 64 / made["seconds"])
    assert made["ended"] is None


@pytest.mark.parametrize("words", [
    ("--optimizer", "sgd", "--schedule", "step", "--clip", "1", "--ema", "0.9", "--augment", "flip,crop,randaugment"),
    ("--loss", "hinge", "--deterministic", "--dtype", "bfloat16", "--schedule", "constant", "--warmup", "0"),
    ("--label-smoothing", "0.1", "--weight-decay", "0", "--seed", "7", "--batch", "auto", "--time", "5m"),
    ("--find-lr",),
], ids=" ".join)
def test_every_way_of_training_ends_with_such_an_object(words: Sequence[str]) -> None:
    made = learned(*quick(*words))
    assert made["steps"] == 3
    assert made["checks"] == []


def test_ten_epochs_are_the_default() -> None:
    done = run("--help")
    assert "default 10" in " ".join(done.stdout.split())
    assert learned("-e", TINY, "--batch", "1024", "--no-check")["epochs"] == 10


def test_a_bound_of_time_ends_a_run() -> None:
    made = learned("-e", TINY, "--time", "0.05s", "--no-check")
    assert made["ended"] is None
    assert 0.05 <= made["seconds"] < 5


def test_a_run_that_bursts_ends_and_is_told(folder: Path) -> None:
    made = learned("-e", TINY, "--lr", "1e18", "--optimizer", "sgd", "--no-check", code=1)
    assert made["ended"] == "the loss is not a number"
    done = run("-e", TINY, "--lr", "1e18", "--optimizer", "sgd", "--no-check", "--threads", "1")
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_the_line_that_moves_tells_loss_accuracy_speed_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_progress, "_EVERY", 0.0)
    monkeypatch.setattr(train_progress, "is_followed", lambda: True)
    told = run(*quick("--threads", "1")).stderr
    (last,) = re.findall(r"epoch 1  step 3 of 3  loss (\S+)  accuracy (\S+) %  \S+ images/s", told)
    assert 0 < float(last[0]) < 5
    assert f"{last[1]} %" in next(line for line in told.splitlines() if "      1    " in line)
    assert re.search(r"step 1 of 3 .* left", told)


def test_what_is_unusual_is_said_before_the_first_epoch() -> None:
    done = run(*quick("--loss", "hinge", "--ema", "0.9", "--augment", "flip,crop", "--threads", "1"))
    first, second, *others = done.stdout.splitlines()
    assert first == "<expression>  digits  cpu  fp32"
    assert second == ("  adamw 0.001, batch 64, 3 steps, seed 0, hinge loss, weights averaged by 0.9, "
                      "flip and crop")
    told = done.stderr.splitlines()
    heads = next(line for line in others if "val loss" in line)
    assert told[:2] == [first, second]
    assert told.index(heads) < next(number for number, line in enumerate(told) if line.startswith("      1  "))


def test_what_a_step_takes_and_learns_from_is_said() -> None:
    seen = "INPUT(1x8x8) -> CONV(4) -> OUTPUT(low) -> GAP -> FC(10)"  # which shows a value, and learns nothing from it
    made = learned("-e", seen, "--steps", "1", "--no-check")
    assert made["train_loss"] == pytest.approx(2.3, abs=0.2)
    assert not any("output" in said for said in made["says"])
    two = "net two = INPUT(1x8x8) -> CONV(4) as x -> GAP -> FC(10) ; @x -> GAP -> FC(10) -> OUTPUT(side)"
    made = learned("-e", two, "--steps", "1", "--no-check", "--batch", "5000")
    assert made["regime"]["batch"] == 1438
    assert "batch 1,438 rather than 5,000: there are no more images to train on" in made["says"]
    assert any("has that of another output in it, by 0.3 each" in said for said in made["says"])
    assert "batch 178: larger ones would leave less than 8 steps an epoch" in learned(
        "-e", TINY, "--steps", "1", "--no-check", "--batch", "auto")["says"]


def test_questions_alone_train_nothing(folder: Path) -> None:
    made = learned("-e", TINY, "--check", code=1)
    assert (made["steps"], made["history"], made["val_accuracy"]) == (0, [], None)
    failed = [check["name"] for check in made["checks"] if not check["passed"]]
    assert failed == ["overfit"]
    assert not any(folder.iterdir())


def test_too_few_classes_are_an_answer_where_questions_are_asked_and_else_an_error() -> None:
    few = TINY.replace("FC(10)", "FC(7)")
    answers = learned("-e", few, "--check", code=1)["checks"]
    assert [answer["name"] for answer in answers] == [
        "classes", "initial-loss", "scale", "dead-units", "gradients", "overfit"]
    assert (answers[0]["passed"], answers[0]["figures"]) == (False, {"told": 7, "in the data": 10})
    assert "`FC(10)`" in answers[0]["advice"]
    assert answers[1]["passed"]
    done = run("-e", few, "--steps", "1")
    assert done.exit_code == 1
    assert "tells 7 classes apart, but digits has 10" in done.stderr


def test_answers_are_cut_to_the_width_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = "INPUT(1x8x8) -> [CONV(4) -> SIGMOID]*44 -> GAP -> FC(10)"
    monkeypatch.setenv("COLUMNS", "70")
    done = run("-e", stack, "--check", "--threads", "1")
    assert done.exit_code == 1
    assert max(map(len, done.stdout.splitlines())) <= 70
    words = " ".join(done.stdout.split())
    assert "! gradients vanish towards the input: " in words
    assert "5 layers nearer to the others are not shown; `--format json` has all" in words


def test_questions_alone_are_answered_on_stdout() -> None:
    done = run("lenet", "--check", "--threads", "1")
    assert done.exit_code == 0
    first, *others = done.stdout.splitlines()
    assert first == "✓ the network tells 10 classes, as many as there are"
    heads = next(line for line in others if "deviation" in line)
    assert heads.split() == ["deviation", "silent", "gradient", "update"]
    assert [line.split()[0] for line in others[others.index(heads) + 1 :] if line.startswith("  ")] == [
        "conv[0]", "conv[1]", "conv[2]", "fc[0]", "fc[1]"]


def test_a_run_is_kept_and_the_next_beside_it(folder: Path) -> None:
    run(*quick())
    run(*quick())
    assert sorted(path.name for path in (folder / "runs").iterdir()) == ["expression-digits", "expression-digits-2"]
    kept = folder / "runs" / "expression-digits"
    assert (kept / "checkpoint.safetensors").is_file()
    lines = [json.loads(line) for line in (kept / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[-1]["step"] == 3
    assert "val_accuracy" in lines[-1]


def test_tensorboard_finds_the_metrics(folder: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator",
                                      reason="TensorBoard is not installed")
    made = learned("-e", TINY, "--epochs", "2", "--no-check")
    events = accumulator.EventAccumulator(str(folder / "runs" / "expression-digits"))
    events.Reload()
    (tag,) = (tag for tag in events.Tags()["scalars"] if "val" in tag and "accuracy" in tag)
    assert [event.value for event in events.Scalars(tag)] == [
        pytest.approx(epoch["val_accuracy"]) for epoch in made["history"]]


def test_a_spec_in_a_checkpoint_is_enough_to_say_what_it_was(folder: Path) -> None:
    from safetensors import safe_open

    run(*quick())
    with safe_open(folder / "runs" / "expression-digits" / "checkpoint.safetensors", "pt") as file:
        told = json.dumps(file.metadata())
    assert "CONV(4)" in told
    assert "fingerprint" in told


def test_two_runs_with_the_same_seed_are_the_same() -> None:
    words = ("-e", "INPUT(1x8x8) -> CONV(4) -> BN -> RELU -> DROPOUT(0.3) -> GAP -> FC(10)", "--epochs", "2",
             "--no-check", "--deterministic", "--augment", "crop")
    one, other = ([{key: value for key, value in epoch.items() if key not in ("seconds", "images_per_second")}
                   for epoch in learned(*words)["history"]] for _ in range(2))
    assert one == other


@pytest.mark.parametrize(("words", "code", "says"), [
    ((), 2, ["give one TARGET"]),
    (("lenet", "--find-lr", "--lr", "0.1"), 2, ["exclude each other"]),
    *((("lenet", "--optimizer", "sgd", option, value), 2, [f"`{value}` is no number"])
      for option in ("--lr", "--momentum", "--weight-decay", "--ema", "--clip", "--warmup", "--label-smoothing")
      for value in ("nan", "inf", "1e40") if value == "nan" or option in {"--lr", "--weight-decay", "--clip"}),
    (("lenet", "--momentum", "0.5"), 2, ["--momentum goes with --optimizer sgd"]),
    (("lenet", "--check", "--no-check"), 2, ["exclude each other"]),
    (("lenet", "--resume", "x"), 2, ["--resume goes on with what the run was", "TARGET"]),
    (("--resume", "x", "--lr", "1"), 2, ["--lr cannot be given"]),
    (("--resume", "nowhere"), 1, ["nowhere"]),
    (("lenet", "--loss", "hinge", "--label-smoothing", "0.1"), 2, ["--label-smoothing goes with"]),
    (("lenet", "--dtype", "float16"), 2, ["bfloat16 trains on the CPU as well"]),
    (("lenet", "--data", "digit"), 1, ["digit", "digits"]),
    (("lenet", "--data", "folder:nowhere"), 1, ["nowhere"]),
    (("lenet", "--augment", "blur"), 2, ["blur", "flip"]),
    (("lenet", "--time", "soon"), 2, ["soon"]),
    (("lenet", "--batch", "0"), 2, ["0"]),
    (("lenet", "--device", "cuda:9"), 3, ["cuda"]),
    (("-e", "INPUT(3x8x8) -> CONV(4) -> GAP -> FC(4)"), 1, ["tells 4 classes apart, but digits has 10", "FC(10)"]),
    (("-e", "INPUT(1x2x2) -> POOL(4) -> GAP -> FC(10)"), 1, ["POOL"]),
    (("-e", "INPUT(1x8x8) -> CONV(10)"), 1, ["no score for each class", "-> GAP -> FC(classes)"]),
    (("lenet", "--freeze", "nothing", "--steps", "1"), 1, ["nothing"]),
    (("lenet", "--init", "nowhere.safetensors", "--steps", "1"), 1, ["nowhere.safetensors"]),
])
def test_what_cannot_be_done_is_said_and_nothing_is_left(words: Sequence[str], code: int, says: Sequence[str],
                                                         folder: Path) -> None:
    done = run(*words)
    assert done.exit_code == code, done.output
    assert not done.exception or isinstance(done.exception, SystemExit)
    assert all(word in done.stderr for word in says), done.stderr
    assert not any(folder.iterdir())
