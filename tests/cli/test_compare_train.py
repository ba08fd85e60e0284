"""Options of training networks against each other: what they refuse, mean, keep, and share with `train`."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from cnnspec import SpecError, load, parse
from cnnspec.analysis.rounds import Lost
from cnnspec.cli import group
from cnnspec.cli.compare_train import PARAMETERS, Contestant, compete, exit_code, refuse_training, train_options
from cnnspec.cli.regime_options import PARAMETERS as OF_REGIME
from cnnspec.cli.train import command as train_command
from cnnspec.render.train_compare import as_data
from tests.rounds import rival, rounds

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: no digits")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ROOT = Path(__file__).parents[2]
TINY = "INPUT(1x8x8) -> CONV(4) -> RELU -> GAP -> FC(10)"
QUICK = ("--train", "digits", "--steps", "3", "--threads", "1")


@click.command()
@click.option("--batch", type=int, default=1)
@click.option("--dtype", default="float32")
@click.option("--optimizer", default="momentum")
@click.option("--device")
@click.option("--threads", type=int)
@click.option("--classes", type=int)
@train_options
def command(classes: int | None, **given: Any) -> None:
    """What a command makes of the options: the rounds as JSON."""
    refuse_training(given)
    if given["train"] is None:
        return
    named = {"target": None, "expression": TINY, "settings": (), "inputs": ()}
    own = (f"classes={classes}",) if classes else ()
    lenet = load("lenet", set={"classes": classes} if classes else None)
    try:
        found = compete([Contestant("tiny", parse(TINY, name="<expression>"), named),
                         Contestant("lenet", lenet, {**named, "target": "lenet", "expression": None, "settings": own})],
                        given)
    except SpecError as error:
        raise click.ClickException(error.diagnostics[0].message) from None
    click.echo(json.dumps(as_data(found)))
    click.get_current_context().exit(exit_code(found))


def called(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def data(words: Sequence[str]) -> dict[str, Any]:
    done = called(*words)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("words", "says"), [
    (("--epochs", "3"), "--epochs goes with --train"),
    (("--seeds", "3"), "--seeds goes with --train"),
    (("--out", "x"), "--out goes with --train"),
    (("--train", "digits", "--optimizer", "adam"), "--train trains with sgd or adamw, not adam"),
    (("--train", "digits", "--dtype", "int8"), "networks are not trained in int8"),
    (("--train", "digits", "--dtype", "float16"), "--dtype float16 is for GPUs"),
    (("--train", "digits", "--loss", "hinge", "--label-smoothing", "0.1"), "--label-smoothing goes with"),
    (("--train", "digits", "--seeds", "0"), "--seeds"),
])
def test_what_does_not_go_together_is_refused(words: tuple[str, ...], says: str) -> None:
    done = called(*words)
    assert done.exit_code == 2
    assert says in done.stderr


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "in one process" in called(*QUICK).stderr


def test_every_option_is_known_to_be_one_of_training() -> None:
    own = {"batch", "dtype", "optimizer", "device", "threads", "classes", "train"}
    assert {parameter.name for parameter in command.params} == own | set(PARAMETERS)


def test_train_has_the_same_options_with_the_same_help() -> None:
    known = {parameter.name: parameter for parameter in train_command.params}
    for parameter in command.params:
        if parameter.name in OF_REGIME:
            assert isinstance(parameter, click.Option)
            other = known[parameter.name]
            assert isinstance(other, click.Option)
            assert (parameter.opts, parameter.help, parameter.default) == (other.opts, other.help, other.default)


def test_defaults_of_other_meanings_are_those_of_training() -> None:
    found = data(QUICK)
    assert (found["regime"]["batch"], found["regime"]["optimizer"], found["device"]) == (64, "adamw", "cpu")
    assert found["seeds"] == [0, 1, 2]
    given = data((*QUICK, "--batch", "32", "--optimizer", "momentum", "--seed", "7", "--seeds", "1"))
    assert (given["regime"]["batch"], given["regime"]["optimizer"], given["regime"]["rate"]) == (32, "sgd", 0.05)
    assert given["seeds"] == [7]


def test_the_same_command_gives_the_same_and_tells_of_each_run() -> None:
    once, again = called(*QUICK), called(*QUICK)
    accuracies = [[[run["history"][-1]["val_accuracy"] for run in network["runs"]]
                   for network in json.loads(done.stdout)["networks"].values()] for done in (once, again)]
    assert accuracies[0] == accuracies[1]
    heads = [line for line in once.stderr.splitlines() if "seed" in line]
    assert heads == ["tiny, seed 0 (1 of 6)", "lenet, seed 0 (2 of 6)", "lenet, seed 1 (3 of 6)",
                     "tiny, seed 1 (4 of 6)", "tiny, seed 2 (5 of 6)", "lenet, seed 2 (6 of 6)"]


def test_a_number_of_classes_that_was_given_stays() -> None:
    found = data((*QUICK, "--classes", "12", "--seeds", "1"))
    assert "2 of 12 classes occur in no image" in found["networks"]["lenet"]["says"]


def test_runs_that_are_kept_can_be_gone_on_with(tmp_path: Path) -> None:
    found = data((*QUICK, "--seeds", "1", "--out", str(tmp_path)))
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["lenet-0", "tiny-0"]
    for name in ("tiny", "lenet"):
        words = ["train", "--resume", str(tmp_path / f"{name}-0"), "--steps", "5", "--format", "json", "--threads", "1"]
        done = CliRunner().invoke(group, words)
        assert done.exit_code == 0, done.output
        went_on = json.loads(done.stdout)
        assert went_on["steps"] == 5
        assert went_on["history"][0] == found["networks"][name]["runs"][0]["history"][0]


def test_data_that_there_is_not_is_an_error() -> None:
    done = called("--train", "folder:nowhere", "--steps", "1")
    assert done.exit_code == 1
    assert "nowhere" in done.stderr


def test_exit_codes() -> None:
    whole = rounds(rival("a", [0.5]), seeds=1)
    assert exit_code(whole) == 0
    assert exit_code(whole.replace(ended="interrupted")) == 130
    assert exit_code(whole.replace(ended="the disk is full")) == 1
    assert exit_code(rounds(rival("a", []).replace(failure="it has no weights"))) == 1
    assert exit_code(rounds(rival("a", [0.5]).replace(lost=(Lost(1, "the loss is not a number"),)))) == 1


# ------------------------------------------------------------------------------------- as part of compare

SMALL = "INPUT(1x8x8) -> CONV(2) -> RELU -> GAP -> FC(10)"
BOTH = ("compare", "-e", TINY, "-e", SMALL)
SHORT = ("--train", "digits", "--steps", "2", "--seeds", "2", "--threads", "1")
SCHEMA = json.loads((ROOT / "docs" / "schema" / "compare-1.json").read_text(encoding="utf-8"))


def compared(*words: str) -> Result:
    done = CliRunner().invoke(group, words)
    assert done.exit_code == 0, done.output
    return done


def test_a_comparison_ends_with_how_they_learn() -> None:
    page = compared(*BOTH, *SHORT, "--columns", "params,val_accuracy").stdout
    assert any(line.startswith("accuracy, trained") for line in page.splitlines())
    assert "trained on digits, cpu, fp32, adamw 0.001, batch 64, 2 steps, seeds 0 and 1" in page
    assert "no difference" in page


def test_the_json_of_a_comparison_has_the_training(tmp_path: Path) -> None:
    made = json.loads(compared(*BOTH, *SHORT, "--format", "json").stdout)
    Draft202012Validator(SCHEMA).validate(made)
    names = [*made["networks"]]
    assert [*made["training"]["networks"]] == names
    for name in names:
        assert made["measures"]["val_accuracy"]["values"][name] == (
            made["training"]["networks"][name]["val_accuracy"]["mean"])


def test_networks_that_are_sorted_are_so_in_both_tables() -> None:
    made = json.loads(compared(*BOTH, *SHORT, "--sort", "params", "--format", "json").stdout)
    assert [*made["networks"]] == [*made["training"]["networks"]] == ["<expression> (2)", "<expression>"]
    assert made["training"]["networks"]["<expression> (2)"]["params"] == made["networks"]["<expression> (2)"][
        "totals"]["params"]


def test_reports_and_other_formats_have_the_training(tmp_path: Path) -> None:
    html, markdown = tmp_path / "x.html", tmp_path / "x.md"
    done = compared(*BOTH, *SHORT, "--format", "csv", "--report", str(html), "--report", str(markdown))
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert all(0 <= float(row["val_accuracy"]) <= 1 for row in rows)
    assert "How they learn" in html.read_text(encoding="utf-8")
    assert "validation accuracy over steps" in html.read_text(encoding="utf-8")
    assert "| | params | MACs | accuracy |" in " ".join(markdown.read_text(encoding="utf-8").split())


def test_variants_are_trained_and_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "family.cnn"
    path.write_text("block f(c) = CONV(c) -> RELU\nnet wide(c = 2) = INPUT(1x8x8) -> f(c) -> GAP -> FC(10)\n")
    compared("compare", str(path), "--over", "c=2,3", *SHORT, "--seeds", "1", "--out", str(tmp_path / "runs"))
    assert sorted(folder.name for folder in (tmp_path / "runs").iterdir()) == ["wide-c-2-0", "wide-c-3-0"]
    went_on = compared("train", "--resume", str(tmp_path / "runs" / "wide-c-3-0"), "--steps", "3", "--format", "json",
                       "--threads", "1")
    assert json.loads(went_on.stdout)["steps"] == 3


def test_a_call_with_a_free_name_is_trained_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "wide.cnn").write_text("net wide(c = 2) = INPUT(1x8x8) -> CONV(c) -> GAP -> FC(10)\n")
    compared("compare", "wide(k * 2)", "--over", "k=1,2", *SHORT, "--seeds", "1", "--out", "runs")
    went_on = compared("train", "--resume", "runs/wide-k-2-0", "--steps", "3", "--format", "json", "--threads", "1")
    assert json.loads(went_on.stdout)["steps"] == 3


@pytest.mark.slow
def test_measuring_and_training_go_together() -> None:
    made = json.loads(compared(*BOTH, *SHORT, "--profile", "--no-energy", "--format", "json").stdout)
    assert {"latency", "val_accuracy"} <= {*made["measures"]}


@pytest.mark.parametrize(("words", "says"), [
    (("--columns", "val_accuracy"), "it comes with --train"),
    (("--train", "digits", "--mode", "training"), "--mode goes with --profile"),
    (("--threads", "1"), "--threads goes with --profile or --train"),
    (("--train", "digits", "--momentum", "0.5"), "--momentum goes with --optimizer sgd"),
])
def test_a_comparison_refuses_what_is_not_asked_for(words: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(group, (*BOTH, *words))
    assert done.exit_code == 2
    assert says in done.stderr
