"""`cnnspec predict`, `calibrate` and `summary --device`: what they print, and their exit codes."""

from __future__ import annotations

import csv
import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

import cnnspec
from cnnspec.analysis.devices import Anchor
from cnnspec.analysis.prediction import predict
from cnnspec.cli import group
from cnnspec.diagnostics import Diagnostic
from cnnspec.environment import NoDevice
from cnnspec.render import calibrate as page
from cnnspec.render import units
from cnnspec.render.console import plain
from cnnspec.runtime import profile_files
from tests.analysis.devices import steady
from tests.layers.oracle import needs_torch

SCHEMAS = Path(__file__).parents[2] / "docs/schema"
SMALL = "INPUT(64x56x56) -> CONV(64, 3, pad=1) -> RELU -> FLATTEN -> FC(10)"


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An exported profile; the cache folder is empty."""
    monkeypatch.setenv(profile_files.FOLDER, str(tmp_path / "profiles"))
    path = tmp_path / "abacus.json"
    profile_files.write(steady(anchors=(Anchor("a", 1.0, 1.1), Anchor("b", 1.0, 0.9))), str(path))
    return path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(group, list(arguments))


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


def test_a_bound_says_that_it_is_one() -> None:
    done = run("predict", "-e", SMALL, "--device", "h100")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[2].split() == ["layer", "output", "MACs", "time", "bound", "by"]
    assert "CONV 3×3 → RELU" in lines[4]
    assert lines[4].split()[-1] == "compute"
    assert done.stdout.count("at least") == 1
    assert "at most" in done.stdout
    assert "bound: the roofline of the NVIDIA H100 SXM's datasheet" in done.stdout


def test_an_unconfirmed_row_of_the_table_says_so() -> None:
    assert "unconfirmed: its figures" in run("predict", "lenet", "--device", "h100-pcie").stdout
    assert "unconfirmed" not in run("predict", "lenet", "--device", "h100").stdout


def test_an_estimate_has_a_range_and_says_what_it_rests_on(profile: Path) -> None:
    done = run("predict", "-e", SMALL, "--device", str(profile), "--batch", "4")
    found = predict(cnnspec.parse(SMALL).summary(batch=4), profile_files.read(str(profile)))
    assert found.high is not None
    between = f"{units.duration(found.low)} to {units.duration(found.high)}"
    assert f"latency {units.duration(found.seconds)}   {between}" in done.stdout
    assert "calibrated: Abacus 3, PyTorch 2.13.0, 1 thread, fp32, 2026-11-21" in done.stdout


def test_more_images_than_were_measured_are_said_to_be_extrapolated(profile: Path) -> None:
    said = "of images, layers were measured with at most 1 at once: for 2 this is extrapolated"
    assert said in run("predict", "lenet", "--device", str(profile), "--batch", "2").stdout
    assert "extrapolated" not in run("predict", "lenet", "--device", str(profile)).stdout


def test_several_networks_have_a_line_each(profile: Path) -> None:
    done = run("predict", "lenet", "alexnet", "--device", str(profile))
    assert [line.split()[:1] for line in done.stdout.splitlines()[:3]] == [["network"], ["lenet"], ["alexnet"]]
    assert done.stdout.count("calibrated: ") == 1


@pytest.mark.parametrize("device", ["h100", "a10", "profile"])
def test_json_follows_its_schema(device: str, profile: Path) -> None:
    name = str(profile) if device == "profile" else device
    done = run("predict", "lenet", "googlenet_aux", "--device", name, "--format", "json")
    data = json.loads(done.stdout)
    jsonschema.validate(data, schema("predict-1.json"))
    assert [net["net"] for net in data["nets"]] == ["lenet", "googlenet_aux"]
    for net in data["nets"]:
        assert net["time_s"] == pytest.approx(sum(layer["time_s"] for layer in net["layers"]))
        assert (net["high_s"] is None) == (device != "profile")


def test_csv_has_a_row_for_each_layer() -> None:
    rows = list(csv.DictReader(StringIO(run("predict", "-e", SMALL, "--device", "t4", "--format", "csv").stdout)))
    assert [row["op"] for row in rows] == ["CONV", "RELU", "FLATTEN", "FC"]
    assert float(rows[0]["time_s"]) == pytest.approx(2 * 64 * 64 * 9 * 56 * 56 / 8.1e12)
    assert rows[0]["high_s"] == ""


def test_markdown_is_a_table_of_networks() -> None:
    lines = run("predict", "lenet", "--device", "t4", "--format", "markdown").stdout.splitlines()
    assert lines[:2] == ["| network | latency | low | high | images/s |", "| :-- | --: | --: | --: | --: |"]
    assert lines[2].startswith("| lenet | ≥ ")
    assert lines[4].startswith("- bound: the roofline")


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (("lenet",), 3, "error[no-profile]: no calibration of `this` is stored"),
    (("lenet", "--device", "h10"), 2, "did you mean `h100`?"),
    (("lenet", "--device", "missing.json"), 2, "missing.json cannot be read"),
    (("lenet", "--device", "t4", "--dtype", "bfloat16"), 3, "gives no peak for bfloat16"),
    (("nonet", "--device", "t4"), 2, "error[unknown-net]"),
    ((), 2, "give TARGETs or `-e SPEC`"),
    (("lenet", "--mode", "training", "--device", "t4"), 2, "training is not predicted"),
    (("lenet", "--threads", "2", "--device", "t4"), 2, "--threads goes with a device that was calibrated"),
])
def test_what_cannot_be_predicted_says_why(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run("predict", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_torn_profile_is_wrong_usage(tmp_path: Path) -> None:
    torn = tmp_path / "torn.json"
    torn.write_text('{"schema"')
    done = run("predict", "lenet", "--device", str(torn))
    assert done.exit_code == 2
    assert "is no device profile: it is no JSON, or only a part of it" in done.stderr


# --------------------------------------------------------------------------------------- summary --device


def test_a_summary_gains_the_columns(profile: Path) -> None:
    plain, timed = run("summary", "lenet"), run("summary", "lenet", "--device", str(profile))
    head = next(line for line in timed.stdout.splitlines() if "params" in line)
    assert head.split()[-3:] == ["time", "bound", "by"]
    assert "latency" in timed.stdout
    assert "latency" not in plain.stdout


def test_chosen_columns_gain_them_too() -> None:
    done = run("summary", "lenet", "--columns", "layer,params", "--device", "h100", "--format", "csv")
    assert done.stdout.splitlines()[0] == "layer,params,time,bound"
    markdown = run("summary", "lenet", "--device", "h100", "--format", "markdown").stdout
    assert "| time | bound by |" in markdown
    assert "- latency at least " in markdown


def test_the_json_of_a_summary_has_the_prediction_where_a_device_is_named() -> None:
    plain, timed = (json.loads(run("summary", "googlenet_aux", "--format", "json", *more).stdout)
                    for more in ((), ("--device", "h100")))
    for data in (plain, timed):
        jsonschema.validate(data, schema("summary-1.json"))
    assert "prediction" not in plain
    assert all("predicted" not in layer for layer in plain["layers"])
    assert timed["prediction"]["basis"] == "bound"
    assert {layer["predicted"] is None for layer in timed["layers"] if layer["train_only"]} == {True}


def test_a_row_adds_up_the_times_of_its_layers(profile: Path) -> None:
    rows = list(csv.DictReader(StringIO(run("summary", "lenet", "--device", str(profile), "--format", "csv").stdout)))
    found = predict(cnnspec.load("lenet").summary(), profile_files.read(str(profile)))
    assert sum(float(row["time"] or 0) for row in rows) == pytest.approx(found.seconds)


# ---------------------------------------------------------------------------------------------- calibrate


@needs_torch
def test_calibrate_stores_and_exports_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = []

    def measure(plan: Any, told: Any) -> Any:
        plans.append(plan)
        told(0.5)
        told(1.0)
        return steady(anchors=(Anchor("resnet18", 0.01, 0.02),))

    monkeypatch.setattr("cnnspec.runtime.calibrate.calibrate", measure)
    out = tmp_path / "out" / "mine.json"
    done = run("calibrate", "--threads", "3", "--dtype", "bfloat16", "--seconds", "5", "-o", str(out))
    assert done.exit_code == 0
    assert (plans[0].threads, plans[0].dtype, plans[0].seconds) == (3, "bfloat16", 5.0)
    stored = [path for path, _ in profile_files.load_all()]
    assert done.stdout.splitlines()[-2:] == [f"  written to {stored[0]}", f"  written to {out}"]
    assert "resnet18, all its layers  10.0 ms, measured 20.0 ms" in done.stdout
    assert done.stderr == "measured\n"
    assert profile_files.read(str(out)) == profile_files.read(stored[0])


def test_a_profile_of_a_busy_machine_says_so_with_the_network_that_fits_worst() -> None:
    anchors = (Anchor("a", 1.0, 1.1), Anchor("b", 1.0, 0.5))
    quiet, busy = ("".join(plain(page.lines(steady(unrest=unrest, anchors=anchors), ["p.json"])))
                   for unrest in (0.03, 0.4))
    assert "disturbed" not in quiet
    assert "disturbed: the same runs took 40% longer at times, and b 0.50 times as long as all its layers\n" in busy
    assert "calibrate again" in busy


@pytest.mark.parametrize("command", [("predict", "lenet"), ("predict", "lenet", "alexnet"), ("summary", "lenet"),
                                     ("predict", "lenet", "--format", "markdown")])
def test_every_prediction_says_that_its_calibration_was_disturbed(command: tuple[str, ...], tmp_path: Path) -> None:
    said = "disturbed when it was calibrated: the same runs took 40% longer at times"
    for unrest in (0.1, 0.4):
        path = tmp_path / f"{unrest}.json"
        profile_files.write(steady(unrest=unrest), str(path))
        done = run(*command, "--device", str(path))
        assert (said in " ".join(done.stdout.split())) == (unrest == 0.4)


@needs_torch
def test_a_disturbed_calibration_leaves_a_better_one_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    path = profile_files.store(steady(unrest=0.02))
    monkeypatch.setattr("cnnspec.runtime.calibrate.calibrate", lambda plan, told: steady(unrest=0.4))
    done = run("calibrate")
    assert done.exit_code == 0
    assert f"not stored: what {path} holds was disturbed less" in done.stdout
    assert "written to" not in done.stdout
    assert [one.unrest for _, one in profile_files.load_all()] == [0.02]


@needs_torch
@pytest.mark.parametrize(("arguments", "folder", "said"), [
    (("-o", "."), "profiles", ". cannot be written: it is a folder"),
    (("-o", "file/x.json"), "profiles", "file is no folder"), (("-o", ""), "profiles", "it names no file"),
    ((), "file", "file is no folder")])
def test_calibrate_measures_nothing_that_it_cannot_write(
        arguments: tuple[str, ...], folder: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setenv(profile_files.FOLDER, folder)
    monkeypatch.delattr("cnnspec.runtime.calibrate._measured")
    done = run("calibrate", *arguments)
    assert done.exit_code == 1
    assert said in done.stderr


def test_nan_is_no_number_of_seconds() -> None:
    assert run("calibrate", "--seconds", "nan").exit_code == 2
    assert run("draw", "lenet", "-o", "x.png", "--scale", "nan").exit_code == 2


@pytest.mark.parametrize("command", [("predict", "lenet"), ("summary", "lenet"), ("compare", "lenet", "alexnet")])
def test_a_torn_file_among_the_calibrations_is_passed_over_with_a_warning(command: tuple[str, ...],
                                                                          tmp_path: Path) -> None:
    profile_files.store(steady())
    (tmp_path / "profiles" / "torn.json").write_text("{")
    done = run(*command, "--device", "Abacus 3")
    assert done.exit_code == 0
    assert "warning[broken-profile]" in done.stderr
    assert "torn.json" in done.stderr


def test_an_input_alone_has_nothing_to_compute(profile: Path) -> None:
    for device in ("h100", str(profile)):
        assert "nothing to compute" in run("predict", "-e", "INPUT(3x8x8)", "--device", device).stdout
        data = json.loads(run("predict", "-e", "INPUT(3x8x8)", "--device", device, "--format", "json").stdout)
        jsonschema.validate(data, schema("predict-1.json"))
        assert data["nets"][0]["images_per_second"] is None
    page = run("predict", "-e", "INPUT(3x8x8)", "--device", "h100", "--format", "markdown").stdout
    assert "| nothing to compute | – |" in page


@needs_torch
def test_what_cannot_be_calibrated_exits_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(plan: Any, told: Any) -> Any:
        raise NoDevice([Diagnostic("cannot-calibrate", "cpu does not compute in float16")])

    monkeypatch.setattr("cnnspec.runtime.calibrate.calibrate", measure)
    done = run("calibrate")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "error[cannot-calibrate]: cpu does not compute in float16" in done.stderr
    assert [*profile_files.load_all()] == []
    assert run("calibrate", "--dtype", "int8").exit_code == 3
    assert run("calibrate", "--device", "tpu").exit_code == 2


def test_without_torch_nothing_is_calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    done = run("calibrate")
    assert done.exit_code == 3
    assert "error[no-torch]" in done.stderr


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0, "0.00 µs"), (7e-9, "0.007 µs"), (3.21e-6, "3.21 µs"), (45.678e-6, "45.7 µs"), (999.6e-6, "1.00 ms"),
    (0.1062, "106 ms"), (1.2345, "1.23 s"), (1234.5, "1,234 s"),
])
def test_durations_have_three_digits(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text
