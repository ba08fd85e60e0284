"""`cnnspec compare` as it is called: targets, families, orders, fronts, and what is refused."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnnspec
from cnnspec.analysis.devices import Anchor
from cnnspec.cli import group
from cnnspec.runtime import profile_files
from tests.analysis.devices import steady
from tests.oracle.test_torchvision import NAMES

ROOT = Path(__file__).parents[2]
FAMILY = "resnet(basic, (n, n, n, n))"


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(profile_files.FOLDER, str(tmp_path / "profiles"))
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(group, ["compare", *arguments], input=stdin)


def table(*arguments: str, stdin: str | None = None) -> list[dict[str, str]]:
    """The rows of the CSV."""
    done = run(*arguments, "--format", "csv", stdin=stdin)
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(StringIO(done.stdout)))


# ----------------------------------------------------------------------------------------------- targets


def test_targets_of_every_kind_stand_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "two.cnn"
    path.write_text("net first = INPUT(3x8x8) -> CONV(4)\nnet two = INPUT(3x8x8) -> CONV(8)\n")
    rows = table("lenet", f"{path}:first", str(path), "resnet(depths=(1, 1, 1, 1))", "-", "-e", "INPUT -> FC(7)",
                 stdin="INPUT(1x8x8) -> FC(2)")
    assert [row["network"] for row in rows] == ["lenet", "first", "two", "resnet", "<stdin>", "<expression>"]
    assert [int(row["params"]) for row in rows] == [61706, 4 * 28, 8 * 28, 5418792, 130, 7 * (3 * 224 * 224 + 1)]


def test_the_same_network_twice_has_two_names() -> None:
    assert [row["network"] for row in table("lenet", "lenet", "specs/lenet.cnn:lenet")] == [
        "lenet", "lenet (2)", "specs/lenet.cnn:lenet"]


def test_batch_dtype_input_and_optimizer_are_those_of_the_summary() -> None:
    done = run("alexnet", "resnet18", "--batch", "4", "--dtype", "float16", "--input", "3x160x160", "--optimizer",
               "adam", "--format", "json")
    data = json.loads(done.stdout)
    for name in ("alexnet", "resnet18"):
        summary = cnnspec.load(name, input=(3, 160, 160)).summary(4, "float16", "adam")
        assert data["networks"][name]["totals"]["inference_peak_bytes"] == summary.totals.inference_peak_bytes
        assert data["measures"]["training_peak"]["values"][name] == summary.memory("training").peak
        assert data["networks"][name]["input_override"] is True


def test_a_setting_goes_to_every_network_that_has_it() -> None:
    assert [row["output"] for row in table("lenet", "resnet18", "--set", "classes=3")] == ["3", "3"]
    done = run("lenet", "resnet18", "--set", "depths=(1, 1, 1, 1)", "--format", "csv")
    assert done.stderr == "--set depths: not in lenet\n"
    assert "5418792" in done.stdout


# ---------------------------------------------------------------------------------------------- families


def test_a_family_over_a_free_name() -> None:
    rows = table(FAMILY, "--over", "n=1..4")
    assert [row["network"] for row in rows] == [f"resnet n={n}" for n in range(1, 5)]
    expected = [cnnspec.load(f"resnet(basic, ({n}, {n}, {n}, {n}))").summary().totals.params for n in range(1, 5)]
    assert [int(row["params"]) for row in rows] == expected


def test_a_family_over_a_parameter_and_a_free_name_is_their_product() -> None:
    rows = table("resnet(depths=(n, 1, 1, 1))", "lenet", "--over", "n=1,3", "--over", "unit=basic,bottleneck")
    assert [row["network"] for row in rows] == [
        "resnet n=1 unit=basic", "resnet n=1 unit=bottleneck", "resnet n=3 unit=basic", "resnet n=3 unit=bottleneck",
        "lenet"]
    assert len({row["params"] for row in rows}) == 5


def test_what_is_set_holds_for_the_whole_family() -> None:
    rows = table(FAMILY, "--over", "n=1,2", "--set", "classes=10")
    assert [row["output"] for row in rows] == ["10", "10"]
    rows = table("resnet18", "--set", "depths=(n, n, n, n)", "--over", "n=1,2", "--set", "classes=n * 2")
    assert [(row["network"], row["output"]) for row in rows] == [("resnet18 n=1", "2"), ("resnet18 n=2", "4")]
    rows = table("resnet(depths=(n, m, m, m))", "--over", "n=1,2", "--set", "m=1")
    assert [row["network"] for row in rows] == ["resnet n=1", "resnet n=2"]


def test_whom_over_passes_by_is_said() -> None:
    done = run(FAMILY, "lenet", "alexnet", "--over", "n=1,2")
    assert done.exit_code == 0
    assert done.stderr == "--over n: not in lenet and alexnet\n"


# -------------------------------------------------------------------------------------- orders and fronts


@pytest.mark.parametrize(("sort", "order"), [
    ("params", ["lenet", "mobilenet_v2", "resnet18", "alexnet"]),
    ("-params", ["alexnet", "resnet18", "mobilenet_v2", "lenet"]),
    ("rf", ["lenet", "alexnet", "resnet18", "mobilenet_v2"]),
])
def test_sorting(sort: str, order: list[str]) -> None:
    assert [row["network"] for row in table("alexnet", "resnet18", "lenet", "mobilenet_v2", "--sort", sort)] == order


def test_a_network_without_a_value_is_sorted_last() -> None:
    for sort in ("training_peak", "-training_peak"):
        rows = table("-e", "INPUT -> POOL(2)", "lenet", "alexnet", "--sort", sort)
        assert rows[-1]["network"] == "<expression>"


def test_many_networks_are_sorted_unless_they_are_data() -> None:
    names = ["vgg19", "vgg11", "alexnet", "lenet", "nin", "resnet18", "unet"]
    done = run(*names)
    assert [line.split()[0] for line in done.stdout.splitlines()[2:9]] == [
        "lenet", "nin", "resnet18", "unet", "alexnet", "vgg11", "vgg19"]
    assert "sorted by parameters" in done.stdout
    assert [row["network"] for row in table(*names)] == names


def test_the_front_is_marked_and_named() -> None:
    rows = table("alexnet", "resnet18", "mobilenet_v2", "--pareto", "params,activations")
    assert [row["pareto"] for row in rows] == ["front", "front", "front"]
    rows = table("alexnet", "resnet18", "mobilenet_v2", "--pareto", "params,macs")
    assert [row["pareto"] for row in rows] == ["dominated", "dominated", "front"]
    two = run("alexnet", "mobilenet_v2", "--pareto", "params,macs").stdout
    assert "front of parameters and MACs: mobilenet_v2" in two


def test_a_network_without_a_value_is_neither_on_the_front_nor_dominated() -> None:
    done = run("-e", "INPUT -> POOL(2)", "lenet", "--pareto", "params,training_peak", "--format", "json")
    assert json.loads(done.stdout)["pareto"] == {
        "measures": ["params", "training_peak"], "front": ["lenet"], "dominated": [], "unknown": ["<expression>"]}
    assert "1 without a value" in run("-e", "INPUT -> POOL(2)", "lenet", "--pareto", "params,training_peak").stdout


def test_columns_are_the_rows_in_their_order() -> None:
    lines = run("lenet", "alexnet", "--columns", "depth,params,depth", "--no-stages").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["depth", "parameters"]
    assert lines[3] == ""
    assert list(table("lenet", "alexnet", "--columns", "rf,params")[0]) == ["network", "target", "rf", "params"]


# ------------------------------------------------------------------------------------------------ devices


def test_a_device_adds_predicted_latencies(tmp_path: Path) -> None:
    path = tmp_path / "abacus.json"
    profile_files.write(steady(anchors=(Anchor("a", 1.0, 1.1), Anchor("b", 1.0, 0.9))), str(path))
    done = run("lenet", "alexnet", "--device", str(path))
    assert "latency, predicted" in done.stdout
    assert done.stdout.count("calibrated: Abacus 3") == 1
    rows = table("lenet", "alexnet", "--device", str(path), "--sort", "-predicted")
    assert [row["network"] for row in rows] == ["alexnet", "lenet"]
    assert all(float(row["predicted_low"]) < float(row["predicted"]) < float(row["predicted_high"]) for row in rows)
    bound = run("lenet", "alexnet", "--device", "h100")
    assert "latency, at least" in bound.stdout
    assert calibrated_front(str(path)) == "front of parameters and latency, predicted: lenet"


def calibrated_front(device: str) -> str:
    done = run("lenet", "alexnet", "--device", device, "--pareto", "params,predicted")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("front of ")]
    return line


def test_bounds_order_nothing() -> None:
    done = run("alexnet", "resnet18", "--device", "h100", "--format", "json")
    data = json.loads(done.stdout)["measures"]["predicted"]
    assert (data["better"], data["best"]) == (None, [])
    assert data["ratios"] == {"alexnet": None, "resnet18": None}
    done = run("alexnet", "resnet18", "--device", "h100", "--sort", "predicted", "--columns", "predicted")
    assert "sorted by latency, at least: lower bounds" in done.stdout
    assert "◂" not in done.stdout


def test_the_order_is_told() -> None:
    assert "sorted by parameters, largest first\n" in run("alexnet", "resnet18", "--sort=-params").stdout
    assert "sorted by parameters\n" in run("alexnet", "resnet18", "--sort", "params").stdout
    names = ("vgg19", "vgg11", "alexnet", "lenet", "nin", "resnet18", "unet")
    assert "sorted by MACs\n" in run(*names, "--columns", "input,macs").stdout


# ------------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(("arguments", "code", "said"), [
    ((), 2, ["give two TARGETs or more"]),
    (("lenet",), 2, ["one TARGET has nothing to be compared with", "--over NAME=1..4"]),
    (("alexnett", "lenet", "resnet17"), 2, ["no net `alexnett`", "`alexnet`?", "no net `resnet17`", "`resnet18`?"]),
    (("missing.cnn", "nonesuch", "specs"), 2, ["no file missing.cnn", "no net `nonesuch`", "no net `specs`"]),
    (("lenet", "-e", "INPUT -> CONV(0)", "-e", "INPUT -> FC(0)"), 1, ["CONV(0)", "FC(0)"]),
    (("-", "-"), 2, ["which can be read once"]),
    (("lenet", "alexnet", "--set", "clases=3"), 2, ["`clases` in lenet and alexnet", "did you mean `classes`?"]),
    (("lenet", "alexnet", "--set", "classes=3 +"), 1, ["error["]),
    (("lenet", "alexnet", "--set", "classes"), 2, ["--set takes NAME=VALUE"]),
    (("lenet", "alexnet", "--over", "depths=1..2"), 2, ["`depths` in lenet and alexnet"]),
    (("lenet", "--over", "classes=3..1"), 2, ["`3..1` is empty"]),
    (("lenet", "--over", "classes=3"), 2, ["this is one network"]),
    (("lenet", "--over", "classes"), 2, ["NAME=1..4"]),
    (("lenet", "--over", "classes=1,2", "--set", "classes=3"), 2, ["--set and --over both give classes"]),
    (("lenet", "--over", "classes=1,2", "--over", "classes=3"), 2, ["--over gives classes values twice"]),
    (("resnet18", "--over", "classes=1..101", "--over", "unit=basic,bottleneck"), 2, ["202 networks", "200 at most"]),
    (("resnet(depths=(n, m, m, m))", "--over", "n=1..2", "--set", "m=m"), 1, ["being set itself"]),
    ((FAMILY, "lenet"), 1, ["there is no name `n`"]),
    (("lenet", "--over", "classes=0,3"), 1, ["bad-argument", "with classes=0"]),
    (("lenet", "alexnet", "--sort", "parms"), 2, ["no measure `parms`", "did you mean `params`?"]),
    (("lenet", "alexnet", "--sort=-output"), 2, ["the output is a shape", "sort by a number"]),
    (("lenet", "alexnet", "--device", "h100", "--pareto", "params,predicted"), 2, ["lower bounds", "calibrate"]),
    (("lenet", "alexnet", "--columns", "params,predicted"), 2, ["it comes with --device"]),
    (("lenet", "alexnet", "--columns", "params", "--format", "json"), 2, ["json has everything"]),
    (("lenet", "alexnet", "--pareto", "params,depth"), 2, ["of depth, neither more nor less is better"]),
    (("lenet", "alexnet", "--pareto", "params"), 2, ["give two or more"]),
    (("lenet", "alexnet", "--device", "h10"), 2, ["did you mean `h100`?"]),
    (("lenet", "alexnet", "--device", "this"), 3, ["no calibration of `this` is stored"]),
    (("lenet", "alexnet", "--input", "3x32x32"), 1, ["error["]),
])
def test_what_is_refused_says_why(arguments: tuple[str, ...], code: int, said: list[str]) -> None:
    done = run(*arguments, stdin="")
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    assert all(text in done.stderr for text in said), done.stderr
    assert "Traceback" not in done.stderr


def test_all_of_torchvisions_networks_load_nothing_heavy() -> None:
    watched = ("import atexit, sys; heavy = {'torch', 'numpy', 'pandas', 'rich'}; "
               "atexit.register(lambda: print([*heavy & {*sys.modules}], file=sys.stderr)); "
               "from cnnspec.cli import main; main()")
    done = subprocess.run([sys.executable, "-c", watched, "compare", *NAMES, "--format", "csv"], capture_output=True,
                          encoding="utf-8", check=True, cwd=ROOT)
    assert done.stderr.split() == ["[]"]
    assert len(done.stdout.splitlines()) == len(NAMES) + 1
