"""`cnnspec profile` on the command line: formats, files, exit codes, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from cnnspec.cli import group
from cnnspec.cli.profile import take_share
from cnnspec.cli.reports import slug

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to measure")

from cnnspec.runtime import profile as profiling  # noqa: E402  # behind the skip
from cnnspec.runtime import sampling  # noqa: E402
from cnnspec.runtime.workload import Workload  # noqa: E402

SPEC = "net tiny = INPUT(1x8x8) -> CONV(4, 3) -> RELU -> GAP -> FC(2)"


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Measurements that take no time, in a folder of their own, without what was calibrated here."""
    rules = sampling.Rules(block=2, warm_seconds=0.0, warm_limit=0.01, samples=6, seconds=0.0, spread=1e9, limit=0.1)
    plain = profiling.Request

    def request(*given: Any) -> Any:
        return plain(*given).replace(rules=rules, spend=0.01)

    monkeypatch.setattr(profiling, "Request", request)
    monkeypatch.setenv("CNNSPEC_PROFILES", str(tmp_path / "devices"))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["profile", *arguments])


def test_a_table() -> None:
    found = run("-e", SPEC, "--batch", "2")
    assert found.exit_code == 0, found.output
    assert "latency" in found.stdout
    assert "(exact)" in found.stdout
    assert "CONV 3×3 → RELU" in found.stdout
    assert "sampling" in found.stderr
    assert "sampling" not in found.stdout


def test_one_document_for_one_network_and_a_list_for_several() -> None:
    document = json.loads(run("-e", SPEC, "--format", "json", "--batch", "1,2").stdout)
    assert document["schema"] == "cnnspec.profile/1"
    assert [one["batch"] for one in document["runs"]] == [1, 2]
    several = json.loads(run("lenet", "lenet_1998", "--format", "json", "--no-layers").stdout)
    assert [one["net"] for one in several] == ["lenet", "lenet_1998"]


def test_rows_for_each_layer_under_one_head() -> None:
    rows = list(csv.reader(StringIO(run("lenet", "lenet_1998", "--format", "csv").stdout)))
    assert sum(row == rows[0] for row in rows) == 1
    assert {row[0] for row in rows[1:]} == {"lenet", "lenet_1998"}


def test_training() -> None:
    found = run("-e", SPEC, "--mode", "training", "--optimizer", "adamw", "--format", "json")
    (one,) = json.loads(found.stdout)["runs"]
    assert (one["mode"], one["optimizer"]) == ("training", "adamw")


def test_a_saved_profile_is_one_to_compare_with(tmp_path: Path) -> None:
    assert run("-e", SPEC, "--save").exit_code == 0
    (path,) = (tmp_path / "reports").iterdir()
    assert path.name.startswith("tiny-")
    document = json.loads(path.read_text())
    compared = run("-e", SPEC, "--against", str(path), "--max-slowdown", "10000%")
    assert compared.exit_code == 0, compared.output
    for latency in (one["latency"] for one in document["runs"]):
        for key, value in latency.items():
            if key.endswith("_ms") and value is not None:
                latency[key] = value / 1000
    path.write_text(json.dumps(document))
    slower = run("-e", SPEC, "--against", str(path))
    assert slower.exit_code == 1, slower.output
    assert "slower" in slower.stdout


def test_what_cannot_be_compared_or_written_is_refused_before_anything_is_measured(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("-e", SPEC, "--save").exit_code == 0
    (path,) = (str(one.relative_to(tmp_path)) for one in (tmp_path / "reports").iterdir())
    (tmp_path / "file").touch()
    monkeypatch.delattr(profiling, "Measurement")
    for arguments, code, said in (
            (("lenet", "--against", path), 2, "other-network"),
            (("-e", SPEC, "--batch", "7", "--against", path), 2, "no-counterpart"),
            (("-e", SPEC, "--against", "/nosuch"), 2, "no-report"),
            (("-e", SPEC, "--against", "file"), 2, "bad-report"),
            (("-e", SPEC, "--trace", "file/t.json"), 1, "not-writable"), (("-e", SPEC, "--trace", "."), 1, "a folder")):
        found = run(*arguments)
        assert (found.exit_code, found.stdout) == (code, ""), found.output
        assert said in found.stderr


def test_nothing_that_was_saved_is_written_over(tmp_path: Path) -> None:
    for number in ("", "-2", "-3"):
        found = run("-e", SPEC, "--save", "--no-layers")
        assert re.search(rf"-\d\d{number}\.json", found.stderr)
        assert ("beside what was saved before" in found.stderr) == bool(number)
    assert len([*(tmp_path / "reports").iterdir()]) == 3


def test_runs_that_were_broken_off_are_not_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stopped(work: Workload) -> Any:
        if work.options.batch == 2:
            raise KeyboardInterrupt
        return plain(work)

    plain = Workload.run
    monkeypatch.setattr(Workload, "run", stopped)
    found = run("-e", SPEC, "--save", "--batch", "2")
    assert found.exit_code == 130
    assert "tiny is not saved: no run was measured" in found.stderr
    assert not (tmp_path / "reports").exists()
    assert run("-e", SPEC, "--save", "--batch", "1,2").exit_code == 130
    (path,) = (tmp_path / "reports").iterdir()
    assert [one["batch"] for one in json.loads(path.read_text())["runs"]] == [1]


def test_the_latency_is_in_csv_without_layers_too() -> None:
    found = run("-e", SPEC, "--no-layers", "--format", "csv", "--batch", "1,500000000")
    one, gone = csv.DictReader(StringIO(found.stdout))
    assert (one["path"], one["op"]) == ("", "")
    assert float(one["time_ms"]) > 0
    assert gone["time_ms"] == ""


def test_a_torn_file_among_the_calibrations_is_told(tmp_path: Path) -> None:
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "torn.json").write_text("{")
    found = run("-e", SPEC, "--no-layers")
    assert found.exit_code == 0
    assert found.stderr.count("warning[broken-profile]") == 1


@pytest.mark.parametrize(("text", "code"), [("{", "bad-report"), ('{"schema": "other/1"}', "bad-report")])
def test_a_file_that_is_no_profile_is_refused_before_anything_is_measured(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "old.json").write_text(text)
    found = run("-e", SPEC, "--against", "old.json")
    assert found.exit_code != 0
    assert code in found.stderr
    assert "sampling" not in found.stderr


def test_a_trace(tmp_path: Path) -> None:
    for path in ("trace.json", "new/folder/trace.json"):
        assert run("-e", SPEC, "--no-layers", "--trace", path).exit_code == 0
        assert "traceEvents" in json.loads((tmp_path / path).read_text())


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    found = run("-e", SPEC, "--save")
    assert found.exit_code == 1
    assert "not-writable" in found.stderr
    assert (tmp_path / "reports").read_text() == "a file"


def test_ctrl_c_prints_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, calls = Workload.run, [0]

    def stopped(work: Workload) -> Any:
        calls[0] += work.options.batch == 2
        if calls[0] == 2:
            raise KeyboardInterrupt
        return plain(work)

    monkeypatch.setattr(Workload, "run", stopped)
    found = run("-e", SPEC, "--batch", "1,2,4", "--format", "json")
    assert found.exit_code == 130
    document = json.loads(found.stdout)
    assert [one["batch"] for one in document["runs"]] == [1, 2]


@pytest.mark.parametrize(("arguments", "says"), [
    ([], "TARGET"),
    (["lenet", "-e", SPEC], "TARGET"),
    (["lenet", "--batch", "0"], "auto"),
    (["lenet", "--batch", "1,x"], "auto"),
    (["lenet", "--dtype", "tf32"], "CUDA"),
    (["lenet", "--autocast"], "--dtype"),
    (["lenet", "--cuda-graph"], "cuda"),
    (["lenet", "--device", "cuda", "--cuda-graph", "--compile"], "together"),
    (["lenet", "vgg16", "--trace", "t.json"], "one network"),
    (["lenet", "--max-slowdown", "fast"], "5%"),
    (["lenet", "--max-slowdown", "-5%"], "5%"),
    (["lenet", "--max-slowdown", "nan"], "5%"),
    (["lenet", "--max-slowdown", "5", "--against", "x"], "write 5% or 500%"),
    (["lenet", "--max-slowdown", "5%"], "--against"),
    (["lenet", "--optimizer", "adam"], "--mode training"),
    (["lenet", "--batch", "9" * 26], "at most 999,999,999"),
])
def test_wrong_usage(arguments: list[str], says: str) -> None:
    found = run(*arguments)
    assert found.exit_code == 2
    assert says in found.stderr


@pytest.mark.parametrize("text", ["INPUT(3x8x8) -> POOL(2) -> FLATTEN", "INPUT(3x8x8) -> CONV(4, train=off) -> RELU"])
def test_what_has_nothing_to_train_is_not_trained(text: str) -> None:
    found = run("-e", text, "--mode", "training")
    assert found.exit_code == 2
    assert "no weights" in found.stderr
    assert run("-e", text).exit_code == 0


def test_where_nothing_fits_nothing_has_succeeded() -> None:
    found = run("-e", SPEC, "--batch", "500000000")
    assert found.exit_code == 1
    assert "out of memory: it needs" in found.stdout
    assert "GiB are free" in found.stdout
    assert run("-e", SPEC, "--batch", "1,500000000").exit_code == 0


def test_a_device_that_is_not_there() -> None:
    found = run("lenet", "--device", "cuda:7")
    assert found.exit_code == 3
    assert "no-device" in found.stderr


@pytest.mark.parametrize(("text", "share"), [
    ("5%", 0.05), ("0.05", 0.05), (" 12.5% ", 0.125), ("0", 0.0), ("150%", 1.5)])
def test_shares(text: str, share: float) -> None:
    option = click.Option(["--max-slowdown"])
    assert take_share(click.Context(click.Command("profile")), option, text) == pytest.approx(share)


@pytest.mark.parametrize(("name", "part"), [("NVIDIA H200", "nvidia-h200"), ("a/../b", "a-..-b"), ("ŽŽ", "net")])
def test_names_become_parts_of_files(name: str, part: str) -> None:
    assert slug(name) == part
