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
    assert (done.returncode, done.stderr) == (2, "")


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
