"""`cnnspec compare --profile`: networks run in turns, from the command line to the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnnspec.cli import group
from cnnspec.runtime import profile_files

ROOT = Path(__file__).parents[2]
SMALL = "INPUT(3x8x8) -> CONV(4) -> RELU -> GAP -> FC(4)"
WIDE = "INPUT(3x8x8) -> CONV(64) -> [CONV(64) -> RELU]*4 -> GAP -> FC(4)"


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(profile_files.FOLDER, str(tmp_path / "profiles"))
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["compare", *arguments])


def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure long enough to see that it is done, and no longer."""
    pytest.importorskip("torch", reason="torch is not installed: nothing to measure")
    from cnnspec.runtime import contest
    from cnnspec.runtime.paired import Turns

    whole = contest.paired.interleave_all

    def short(runs: object, **how: object) -> object:
        from cnnspec.runtime.sampling import Rules

        rules = Rules(block=2, warm_seconds=0.0, warm_limit=0.01, samples=2, seconds=0.0, spread=1e9, limit=0.2)
        return whole(runs, **{**how, "rules": rules, "turns": Turns(seconds=0.0, blocks=8)})

    monkeypatch.setattr(contest.paired, "interleave_all", short)


def test_what_is_measured_joins_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    brief(monkeypatch)
    done = run("-e", SMALL, "-e", WIDE, "--profile", "--threads", "1", "--no-energy", "--format", "json",
               "--report", "two.html", "--report", "two.md")
    assert done.exit_code == 0, done.output
    page = json.loads(done.stdout)
    (first, totals), (second, _) = ((name, network["totals"]) for name, network in page["networks"].items())
    latency = page["measures"]["latency"]
    assert latency["unit"] == "seconds"
    assert latency["values"][second] > latency["values"][first]
    low, high = latency["ratio_intervals"][second]
    assert low <= latency["ratios"][second] <= high
    assert page["measures"]["measured_peak"]["values"][first] == totals["inference_peak_bytes"]
    assert any(sentence.startswith("measured on ") for sentence in page["remarks"])
    html, text = (Path("reports", name).read_text(encoding="utf-8") for name in ("two.html", "two.md"))
    assert "latency, measured" in html
    assert "latency, measured" in text


def test_the_order_may_be_that_of_a_measured_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    brief(monkeypatch)
    done = run("-e", WIDE, "-e", SMALL, "--profile", "--threads", "1", "--no-energy", "--sort", "latency",
               "--columns", "params,latency", "--format", "csv")
    assert done.exit_code == 0, done.output
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert [int(row[rows[0].index("params")]) for row in rows[1:]] == [132, 149_764]


@pytest.mark.parametrize(("arguments", "says"), [
    (("--cold",), "--cold goes with --profile"),
    (("--threads", "1"), "--threads goes with --profile"),
    (("--dtype", "tf32"), "--dtype tf32 goes with --profile"),
    (("--sort", "latency"), "it comes with --profile"),
    (("--profile", "--dtype", "int8"), "networks do not run in int8"),
    (("--profile", "--cuda-graph"), "--cuda-graph goes with --device cuda"),
    (("--profile", "--sort", "predicted"), "there is no measure `predicted`"),
])
def test_options_that_do_not_go_together_are_refused(arguments: tuple[str, ...], says: str) -> None:
    done = run("-e", SMALL, "-e", WIDE, *arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_network_without_weights_is_not_trained() -> None:
    done = run("-e", SMALL, "-e", "INPUT(3x8x8) -> RELU", "--profile", "--mode", "training")
    assert done.exit_code == 2
    assert "--mode training does not go with" in done.stderr
