"""`cnnspec summary` as it is called: targets, formats, exit codes, streams, and a real terminal."""

from __future__ import annotations

import csv
import json
import os
import struct
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnnspec
from cnnspec.analysis.conventions import CONVENTIONS
from cnnspec.cli import group
from cnnspec.render.columns import COLUMNS
from cnnspec.render.snippet import width

ROOT = Path(__file__).parents[2]
SMALL = "INPUT(3x8x8) -> [CONV(4) -> RELU]*2 -> FC(2)"


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(group, ["summary", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


# ----------------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize("target", [
    "specs/vgg16.cnn", "specs/vgg.cnn:vgg16", "vgg16", "vgg((2, 2, 3, 3, 3))",
])
def test_targets(target: str) -> None:
    result = run(target)
    assert result.exit_code == 0
    assert "138,357,544" in result.stdout
    assert result.stderr == ""


def test_standard_input_and_inline_specs() -> None:
    for result in (run("-", stdin=SMALL), run("-e", SMALL)):
        assert result.exit_code == 0
        assert "[CONV 3×3 → RELU] ×2" in result.stdout
    assert "<stdin>:1" in run("-", stdin=SMALL).stdout


def test_set_and_input() -> None:
    result = run("vgg16", "--set", "classes=10", "--input", "3x160x160", "--format", "json")
    made = json.loads(result.stdout)
    assert made["output"] == {"shape": [10]}
    assert made["inputs"][0]["shape"] == [3, 160, 160]
    assert made["input_override"] is True
    assert "not checked" in run("vgg16", "--input", "3x160x160").stdout


@pytest.mark.parametrize(("arguments", "says"), [
    ((), "give one TARGET"),
    (("vgg16", "-e", SMALL), "give one TARGET"),
    (("vgg16", "--input", "3xx4"), "--input takes a shape"),
    (("vgg16", "--set", "classes"), "--set takes NAME=VALUE"),
    (("vgg16", "--columns", "layer,parms"), "did you mean `params`?"),
    (("vgg16", "--columns", "zzz"), "there are layer, path, op"),
    (("vgg16", "--columns", "params", "--format", "json"), "json has everything"),
    (("vgg16", "--depth", "some"), "neither a number of levels nor `all`"),
    (("vgg16", "--depth", "-1"), "neither a number of levels nor `all`"),
    (("vgg16", "--batch", "0"), "--batch"),
    (("vgg16", "--dtype", "float31"), "--dtype"),
    (("vgg16", "--convention", "guess"), "--convention"),
    (("vgg16", "--optimizer", "lion"), "--optimizer"),
    (("vgg16", "--memory", "--format", "csv"), "json has it always"),
    (("vgg16", "--dtype", "int8", "--optimizer", "adam"), "int8 has no gradients"),
    (("-e", "INPUT -> POOL", "--columns", "layer,saved"), "the column `saved` is about training, but"),
    (("-e", "INPUT(8x8x8) -> LN(over=all) -> IN", "--convention", "thop", "--format", "yaml"), "--format"),
    (("vgg17",), "did you mean `vgg1"),
    (("specs/vgg17.cnn",), "did you mean"),
])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


def test_a_wrong_spec_exits_with_1_and_shows_the_place() -> None:
    result = run("-e", "INPUT(3x8x8) -> CONV(4, groups=2)")
    assert result.exit_code == 1
    assert "error[groups]" in result.stderr
    assert "<expression>:1:" in result.stderr
    assert result.stdout == ""


def test_a_count_that_another_tool_does_not_define_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnspec.analysis import peers

    monkeypatch.setattr(peers, "MEASURED", frozenset())
    for format_ in ("table", "csv", "markdown", "json"):
        result = run("-e", SMALL, "--convention", "thop", "--format", format_)
        assert result.exit_code == 2
        assert "it is not known how thop counts" in result.stderr


def test_warnings_go_to_stderr_and_leave_0() -> None:
    result = run("-e", "INPUT(3x9x9) -> CONV(4) -> POOL(2) -> FC(2)")
    assert result.exit_code == 0
    assert "warning[unused-rows]" in result.stderr
    assert "warning" not in result.stdout
    made = run("-e", "INPUT(3x9x9) -> CONV(4) -> POOL(2) -> FC(2)", "--format", "json")
    assert made.stderr == ""
    assert json.loads(made.stdout)["diagnostics"][0]["code"] == "unused-rows"


# ----------------------------------------------------------------------------------------------- formats


def test_formats() -> None:
    assert "alexnet" in run("alexnet", "--format", "table").stdout
    assert json.loads(run("alexnet", "--format", "json").stdout)["totals"]["params"] == 61_100_840
    assert len([*csv.reader(StringIO(run("alexnet", "--format", "csv").stdout))]) == 1 + 22
    assert run("alexnet", "--format", "markdown").stdout.startswith("### alexnet\n")


def test_depth() -> None:
    closed, opened, every = (run("resnet18", "--depth", depth).stdout for depth in ("0", "1", "all"))
    assert "basic(64) ×2" in closed
    assert "| conv_bn" not in closed
    assert "| conv_bn(64) → RELU → conv_bn(64)" in opened
    assert every.count("CONV ") == 20
    assert all("11,689,512" in text for text in (closed, opened, every))


def test_columns() -> None:
    result = run("-e", SMALL, "--columns", "params, path,params", "--format", "csv")
    assert result.stdout.splitlines() == [
        "params,path", "0,input", "112,conv[0]", "0,relu[0]", "148,conv[1]", "0,relu[1]", "514,fc"]
    table = run("-e", SMALL, "--columns", "rf,layer").stdout.splitlines()
    assert table[2].split() == ["RF", "layer"]


def test_help_lists_every_column_and_convention() -> None:
    text = run("--help").stdout
    assert all(f"  {name} " in text for name in COLUMNS)
    assert all(name in text for name in CONVENTIONS)


def test_batch_and_dtype_scale_bytes_alone() -> None:
    one, eight = (json.loads(run("alexnet", "--format", "json", *options).stdout)["totals"]
                  for options in ((), ("--batch", "8", "--dtype", "float16")))
    assert eight["macs"] == one["macs"]
    assert eight["activation_bytes"] == 4 * one["activation_bytes"]
    assert eight["weight_bytes"] * 2 == one["weight_bytes"]


# ------------------------------------------------------------------------------------------------- memory


def test_peaks_stand_among_the_totals() -> None:
    text = run("resnet50", "--batch", "8").stdout
    assert "  training peak 896.8 MiB  (SGD with momentum)" in text
    assert "bottleneck[13].relu[0], line 11, backward" in text
    assert "(AdamW)\n" in run("lenet", "--optimizer", "adamw").stdout.replace("  at the update", "\n")
    assert "training peak" not in run("resnet50", "--dtype", "int8").stdout
    assert "training peak" not in run("-e", "INPUT -> CONV(4, train=off) -> RELU").stdout


def test_memory_shows_what_the_peaks_consist_of() -> None:
    lines = run("resnet50", "--batch", "8", "--memory").stdout.splitlines()
    shown = {line[2:25].rstrip(): line[25:].split("  ") for line in lines}
    assert [*map(str.strip, shown["peak"])] == ["", "175.8 MiB", "896.8 MiB"]
    assert [cell.strip() for cell in shown["optimiser state"] if cell.strip()] == ["97.5 MiB"]
    assert [cell.strip() for cell in shown["kept for backward"] if cell.strip()] == ["651.0 MiB"]
    assert {"CUDA, allocated", "CUDA, reserved", "activations", "workspace"} - shown.keys() == {"workspace"}
    inference = lines.index("  live at inference, layer by layer, up to 175.8 MiB")
    drawing = lines[inference + 1 : inference + 5]
    assert drawing[0].count("█") >= 1, "the peak"
    assert drawing[-1] == "  " + "█" * 60, "what is resident is more than a quarter"
    assert any(line.split() == ["forward", "backward"] for line in lines)


def test_memory_in_markdown() -> None:
    text = run("lenet", "--memory", "--format", "markdown").stdout
    assert "| memory at the peak | inference | training |\n| :-- | --: | --: |\n| parameters | 241.0 KiB |" in text
    assert text.count("```text\nlive ") == 2
    assert run("lenet", "--memory", "--dtype", "int8", "--format", "markdown").stdout.count("```text\n") == 1


def test_saved_and_live_columns() -> None:
    rows = [*csv.DictReader(StringIO(run("resnet18", "--batch", "2", "--columns", "path,saved,live,live_training",
                                         "--format", "csv").stdout))]
    summary = cnnspec.load("resnet18").summary(batch=2)
    assert sum(int(row["saved"]) for row in rows) == sum(one.bytes for one in summary.memory("training").saved)
    assert max(int(row["live"] or 0) for row in rows) == summary.memory().peak
    assert max(int(row["live_training"] or 0) for row in rows) == summary.memory("training").peak
    heads = [*csv.DictReader(StringIO(run("googlenet_aux", "--columns", "path,live,live_training", "--format",
                                          "csv").stdout))]
    only = next(row for row in heads if row["path"] == "head[0].adaptivepool")
    assert (only["live"], bool(only["live_training"])) == ("", True), "runs in training only"


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_conventions_print_their_total_to_the_digit(convention: str) -> None:
    made = json.loads(run("resnet18", "--convention", convention, "--format", "json").stdout)
    total = made["totals"]["convention"]["total"]
    for format_ in ("table", "markdown"):
        assert f"{total:,}" in run("resnet18", "--convention", convention, "--format", format_).stdout
    rows = csv.DictReader(StringIO(run("resnet18", "--convention", convention, "--format", "csv").stdout))
    assert sum(int(row[convention]) for row in rows) == total


# ---------------------------------------------------------------------------------------------- processes


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cnnspec", "summary", *arguments]


def test_a_closed_pipe_is_no_traceback() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(command("resnet152", "--depth", "all"), stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_terminal_is_filled_to_its_last_column() -> None:
    import fcntl
    import pty
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command("vgg16"), stdin=follower, stdout=follower, stderr=follower, env=environment):
        os.close(follower)
        output = b""
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            output += chunk
    os.close(leader)
    from rich.text import Text

    assert b"\x1b[" in output
    lines = Text.from_ansi(output.decode().replace("\r\n", "\n")).plain.splitlines()
    assert max(map(width, lines)) == 80
    assert lines[0].startswith("vgg16  specs/vgg16.cnn:")
