"""The command as a process: full disks, closed streams, colours."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "cnnspec"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [("summary", "lenet"), ("layers",), ("zoo",), ("explain", "lenet", "conv[0]")])
def test_a_full_disk_is_said_in_a_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False)
    assert (done.returncode, done.stderr) == (2, "Error: the output cannot be written: No space left on device\n")


def test_a_closed_stream_is_no_traceback() -> None:
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m cnnspec summary lenet >&-"], cwd=ROOT,
                          stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "Error: standard output is closed\n")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a command writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=theirs, stderr=theirs,
                             env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment})
    os.close(theirs)
    written = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        written += more
    child.wait()
    os.close(ours)
    return written.decode()


@pytest.mark.parametrize("command", [("summary", "lenet"), ("layers",), ("zoo",)])
def test_colours_are_for_terminals_that_want_them(command: tuple[str, ...]) -> None:
    assert "\x1b[" in on_a_terminal(*command)
    assert "\x1b[" not in on_a_terminal(*command, NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal(*command, TERM="dumb")


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """What a line of a shell leaves, in which `cnnspec` stands for the command."""
    return subprocess.run(["bash", "-c", line.replace("cnnspec", " ".join(COMMAND))], cwd=ROOT, capture_output=True,
                          check=False, env={**os.environ, **environment})


@pytest.mark.parametrize("command", ["summary -", "predict - --device h100", "check -", "fmt -", "compare - lenet"])
def test_a_closed_input_is_said(command: str) -> None:
    done = shell(f"cnnspec {command} <&-")
    assert done.returncode == 2
    assert b"standard input, which is closed" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["predict - - --device h100", "compare - -", "fmt - -"])
def test_standard_input_is_read_once(command: str) -> None:
    done = shell(f"echo 'INPUT(1x8x8) -> RELU' | cnnspec {command}")
    assert done.returncode == 2
    assert b"which can be read once" in done.stderr


@pytest.mark.parametrize("command", ["summary densenet201 --depth all", "layers", "explain densenet201"])
def test_a_reader_that_has_gone_ends_a_command_quietly(command: str) -> None:
    done = shell(f"cnnspec {command} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("wait", ["cnnspec.cli.options:load_target", "cnnspec.render.console:print_summary",
                                  "cnnspec.cli:import_module", "cnnspec.cli.summary:take_depth"])
def test_ctrl_c_ends_with_130_wherever_it_comes(wait: str) -> None:
    module, _, name = wait.partition(":")
    code = (f"import {module}\ndef stop(*given, **more): raise KeyboardInterrupt\n{module}.{name} = stop\n"
            "import sys, cnnspec.cli\nsys.argv = ['cnnspec', 'summary', 'lenet']\ncnnspec.cli.main()")
    if name == "take_depth":
        code = code.replace("take_depth = stop", "command.params[5].callback = stop")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize(("encoding", "has", "lacks"), [
    ("ascii", "->", "?"), ("latin-1", "×", "?"), ("utf-8", "→", "->")])
def test_an_encoding_that_lacks_a_character_has_one_like_it(encoding: str, has: str, lacks: str) -> None:
    for command in ("summary vgg16 --memory", "predict lenet --device h100"):
        text = shell(f"cnnspec {command}", PYTHONIOENCODING=encoding).stdout.decode(encoding)
        assert has in text
        assert lacks not in text
        assert ("█" if encoding == "utf-8" else "#") in text


def test_letters_of_other_scripts_are_lost_in_an_encoding_without_them() -> None:
    done = shell("cnnspec summary nåλ", PYTHONIOENCODING="latin-1")
    assert "nå?".encode("latin-1") in done.stderr
