"""`cnnspec diff`: what it prints in every format, and its exit codes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from cnnspec.cli import group
from tests.render.test_json import closed

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs/schema/diff-1.json").read_text(encoding="utf-8"))
STRICT = Draft202012Validator(closed(SCHEMA))
SPEC = """block b(c, k = 3) = CONV(c, k) -> BN -> RELU
net n(w = 8) = INPUT(3x32x32) -> [b(w)]*3 -> POOL(2) -> GAP -> FC(10)
"""


def run(*arguments: str, **options: Any) -> Any:
    return CliRunner().invoke(group, ["diff", *arguments], **options)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two specs that differ in a kernel, a repeat, and a layer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.cnn").write_text(SPEC, encoding="utf-8")
    changed = SPEC.replace("k = 3", "k = 5").replace("]*3", "]*4").replace("-> GAP", "-> DROPOUT -> GAP")
    (tmp_path / "b.cnn").write_text(changed, encoding="utf-8")
    return tmp_path


def test_the_table(files: Path) -> None:
    done = run("a.cnn", "b.cnn")
    assert done.exit_code == 1
    assert done.stderr == ""
    text = done.stdout
    assert text.splitlines()[:7] == [
        "before  n  a.cnn:2",
        "after   n  b.cnn:2",
        "",
        "                       before       after",
        "  parameters            1,530       5,586   ×3.65",
        "  MACs                  1.4 M       5.5 M   ×3.95",
        "  receptive field           8          18   ×2.25",
    ]
    assert [line.split() for line in text.splitlines() if line.startswith(("  ~", "  +", "  -"))] == [
        ["~", "b:", "k", "3", "→", "5,", "3", "places", "+2,432", "+2.5", "M", "+6", "+9.5", "KiB", "1"],
        ["~", "[b(8)]", "×3", "→", "×4", "+1,624", "+1.6", "M", "+4", "+6.4", "KiB", "2"],
        ["+", "DROPOUT", "2"],
    ]
    assert "the network before with this change alone" in text
    assert max(map(len, text.splitlines())) <= 80


def test_equal_networks_exit_with_0(files: Path) -> None:
    done = run("a.cnn", "a.cnn")
    same = "  no difference: the same layers with the same arguments, connections and shapes"
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, same)
    (files / "c.cnn").write_text(SPEC.replace("[b(w)]*3", "b(w) -> b(w) -> b(w)"), encoding="utf-8")
    done = run("a.cnn", "c.cnn")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "  the same layers, written differently: other blocks, repeats or names"


@pytest.mark.parametrize(("before", "after"), [
    ("a.cnn", "b.cnn"), ("b.cnn", "a.cnn"), ("a.cnn", "a.cnn"), ("resnet18", "resnet50"), ("vgg16", "inception_v3"),
    ("lenet", "lenet_1998"), ("googlenet_aux", "googlenet"),
])
def test_the_json_is_as_its_schema_says(before: str, after: str, files: Path) -> None:
    done = run(before, after, "--format", "json")
    made = json.loads(done.stdout)
    STRICT.validate(made)
    assert done.exit_code == (0 if made["equal"] else 1)
    for figure in ("params", "macs"):
        changed = sum(change[figure] for change in made["changes"]) + made["follows"][figure]
        assert changed == made["after"]["totals"][figure] - made["before"]["totals"][figure]


def test_the_names_that_callers_use_are_in_the_json(files: Path) -> None:
    two = "net two = INPUT(3x8x8) as {} ; INPUT(3x8x8) as right ; CONCAT{{ @{} | @right }} -> OUTPUT({}) -> RELU"
    (files / "x.cnn").write_text(two.format("left", "left", "both"), encoding="utf-8")
    (files / "y.cnn").write_text(two.format("lift", "lift", "all"), encoding="utf-8")
    done = run("x.cnn", "y.cnn", "--format", "json")
    made = json.loads(done.stdout)
    STRICT.validate(made)
    assert (done.exit_code, made["equal"], made["rewritten"]) == (1, False, False)
    assert [(one["kind"], one["text"], one["before"], one["after"]) for one in made["changes"]] == [
        ("input", "input left → lift", "input left", "input lift"),
        ("output", "output both → all", "output both", "output all")]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_change_in_json(files: Path) -> None:
    made = json.loads(run("a.cnn", "b.cnn", "--format", "json").stdout)
    kernel, repeat, dropout = made["changes"]
    assert (kernel["kind"], kernel["text"], kernel["count"]) == ("altered", "b: k 3 → 5, 3 places", 3)
    assert kernel["values"] == [
        {"name": "k", "before": "3", "after": "5", "before_written": "3", "after_written": "5"}]
    assert kernel["before_at"] == {"file": "a.cnn", "line": 1, "column": 12}
    assert kernel["before_layers"] == ["b[0].conv", "b[1].conv", "b[2].conv"]
    assert repeat["after_layers"] == ["b[3].conv", "b[3].bn", "b[3].relu"]
    assert (dropout["before"], dropout["after"], dropout["before_at"]) == (None, "DROPOUT", None)
    assert kernel["alone"]["receptive_field"] == [14, 14]


def test_markdown_is_a_table(files: Path) -> None:
    done = run("a.cnn", "b.cnn", "--format", "markdown")
    lines = done.stdout.splitlines()
    assert lines[0] == "### n → n"
    assert "| \\~ |" not in done.stdout
    assert any(line.startswith("| ~ | b: k 3 → 5, 3 places | +2,432 |") for line in lines)
    tables = [line for line in lines if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {5, 8}


def test_many_changes_are_cut_unless_all_are_asked_for(files: Path) -> None:
    before, after = (" -> ".join(["INPUT(3x8x8)", *(f"DROPOUT({i / 100 + more})" for i in range(1, 50))])
                     for more in (0, 0.5))
    (files / "d.cnn").write_text(before, encoding="utf-8")
    (files / "e.cnn").write_text(after, encoding="utf-8")
    cut, whole = run("d.cnn", "e.cnn"), run("d.cnn", "e.cnn", "--all")
    assert "    … and 9 more changes (--all)" in cut.stdout.splitlines()
    assert cut.stdout.count("DROPOUT") == 40
    assert whole.stdout.count("DROPOUT") == 49
    assert "more changes" in run("d.cnn", "e.cnn", "--format", "markdown").stdout
    assert len(json.loads(run("d.cnn", "e.cnn", "--format", "json").stdout)["changes"]) == 49


def test_one_of_the_two_can_be_standard_input(files: Path) -> None:
    done = run("a.cnn", "-", input=SPEC)
    assert (done.exit_code, "after   n  <stdin>:2" in done.stdout) == (0, True)
    assert run("-", "-", input=SPEC).exit_code == 2


def test_settings_go_to_both_or_to_one(files: Path) -> None:
    assert run("a.cnn", "a.cnn", "--set", "w=16").exit_code == 0
    done = run("a.cnn", "a.cnn", "--set-after", "w=16")
    assert done.exit_code == 1
    assert "  ~ n: w 8 → 16" in done.stdout
    change, = (line for line in done.stdout.splitlines() if line.startswith("  ~ "))
    assert change.endswith("  2 → --set")
    assert "<w>" not in done.stdout
    assert run("a.cnn", "a.cnn", "--set", "w=4", "--set-before", "w=16", "--set-after", "w=16").exit_code == 0
    made = json.loads(run("a.cnn", "b.cnn", "--input", "3x64x64", "--format", "json").stdout)
    assert [made[side]["inputs"] for side in ("before", "after")] == [[[3, 64, 64]]] * 2


@pytest.mark.parametrize("targets", [(), ("a.cnn",), ("a.cnn", "b.cnn", "a.cnn")])
def test_another_number_of_targets_is_wrong_usage(targets: tuple[str, ...], files: Path) -> None:
    done = run(*targets)
    assert done.exit_code == 2
    assert "give two networks, BEFORE and AFTER" in done.stderr


def test_the_mistakes_of_both_are_told_at_once(files: Path) -> None:
    done = run("alexnett", "resnet19")
    assert done.exit_code == 2
    assert "there is no net `alexnett`" in done.stderr
    assert "there is no net `resnet19`" in done.stderr
    (files / "x.cnn").write_text("INPUT(3x8x8) -> CNV(8)", encoding="utf-8")
    (files / "y.cnn").write_text("INPUT(3x8x8) -> POOL(9)", encoding="utf-8")
    done = run("x.cnn", "y.cnn")
    assert done.exit_code == 2
    assert "unknown-layer" in done.stderr
    assert "size-zero" in done.stderr
    assert run("x.cnn", "x.cnn").stderr.count("unknown-layer") == 1
    assert run("x.cnn", "nowhere").exit_code == 2


@pytest.mark.parametrize("arguments", [
    ("a.cnn", "wrong.cnn"), ("bytes.cnn", "a.cnn"), ("a.cnn", "gone.cnn"), ("a.cnn", "b.cnn", "--set", "v=1"),
    ("a.cnn", "b.cnn", "--set-after", "w=0"), ("a.cnn", "b.cnn", "--input", "x=3x8x8"),
    ("a.cnn", "b.cnn", "--max-layers", "2"),
])
def test_1_means_different_and_nothing_else(arguments: tuple[str, ...], files: Path) -> None:
    (files / "wrong.cnn").write_text("INPUT(3x8x8) -> POOL(9)", encoding="utf-8")
    (files / "bytes.cnn").write_bytes(b"\xff\xfe")
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "error[" in done.stderr


def test_what_a_terminal_would_act_on_is_shown(files: Path) -> None:
    (files / "a\x1b[31m.cnn").write_text(SPEC, encoding="utf-8")
    for format_ in ("table", "markdown"):
        assert "\x1b" not in run("a\x1b[31m.cnn", "b.cnn", "--format", format_).stdout


def test_colours_where_they_are_asked_for(files: Path) -> None:
    done = run("a.cnn", "b.cnn", env={"FORCE_COLOR": "1", "NO_COLOR": None, "TERM": "xterm"}, color=True)
    assert "\x1b[32m  + \x1b[0m" in done.stdout
    assert "\x1b[36m  ~ \x1b[0m" in done.stdout


@pytest.mark.parametrize("room", [40, 60, 80])
def test_lines_fit_a_terminal(room: int, files: Path) -> None:
    done = run("lenet", "efficientnet", env={"COLUMNS": str(room)})
    said, changes = (part.splitlines() for part in done.stdout.split("\n\n")[2:4])
    assert len(changes) > 10
    assert max(map(len, [*said, *changes])) <= room


def test_that_networks_have_little_in_common_is_said(files: Path) -> None:
    said = "little in common: of 22 and 175 layers, 6 were matched (6 % of both)"
    assert f"  {said}\n" in run("alexnet", "resnet50").stdout
    assert f"\n{said}\n" in run("alexnet", "resnet50", "--format", "markdown").stdout
    assert json.loads(run("alexnet", "resnet50", "--format", "json").stdout)["matched"] == round(12 / 197, 4)
    (files / "c.cnn").write_text(SPEC.replace("]*3", "]*60"), encoding="utf-8")
    for before, after in (("a.cnn", "b.cnn"), ("a.cnn", "c.cnn"), ("c.cnn", "a.cnn"), ("resnet18", "resnet34")):
        assert "little in common" not in run(before, after).stdout


@pytest.mark.parametrize(("before", "after"), [("alexnet", "efficientnet_v2_m"), ("googlenet_paper", "single_conv")])
def test_what_is_long_is_cut(before: str, after: str, files: Path) -> None:
    done = run(before, after)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    starts = [at for at, line in enumerate(lines) if line.startswith(("  ~ ", "  + ", "  - ", "    and "))]
    assert max(after - before for before, after in itertools.pairwise(starts)) <= 4
    whole = json.loads(run(before, after, "--format", "json").stdout)["changes"]
    assert max(len(change["text"]) for change in whole) > 400


def test_of_a_long_place_what_is_innermost_is_shown(files: Path) -> None:
    blocks = "".join(f"block block_number_{i} = block_number_{i - 1} -> RELU\n" for i in range(1, 20))
    for name, kernel in (("p", 3), ("q", 5)):
        text = f"block block_number_0 = CONV(8, {kernel})\n{blocks}net n = INPUT(8x8x8) -> block_number_19"
        (files / f"{name}.cnn").write_text(text, encoding="utf-8")
    first, second = run("p.cnn", "q.cnn").stdout.split("\n\n")[2].splitlines()[1:]
    assert first.startswith("  ~ … · block_number_1 · block_number_0: ")
    assert second == "      CONV 3×3 → 5×5"
