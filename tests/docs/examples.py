"""The pictures and pages in `reports/`, made anew by their commands: `python -m tests.docs.examples`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: A row of a table of the page: the file, the command that makes it, and where it was run, if that makes a difference.
_ROW = re.compile(r"^\| \[[^]]+\]\(([^)]+)\) \| `([^`]+)` \|([^|\n]*\|)?$", re.MULTILINE)


def examples() -> Iterator[tuple[str, str]]:
    """The files of `reports/` that come out the same each time, with their commands."""
    yield from ((file, command) for file, command, where in _rows() if not where)


def measured() -> Iterator[str]:
    """The files that hold what was measured once, on a machine that the page names."""
    yield from (file for file, _, where in _rows() if where)


def _rows() -> list[tuple[str, str, str]]:
    return _ROW.findall((ROOT / "reports" / "README.md").read_text(encoding="utf-8"))


def make(command: str, folder: Path) -> None:
    """Run a command in a folder that has the project's specs."""
    if not (folder / "specs").exists():
        shutil.copytree(ROOT / "specs", folder / "specs")
    (folder / "reports").mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    subprocess.run([sys.executable, "-m", *shlex.split(command)], cwd=folder, env=environment, check=True,
                   capture_output=True)


if __name__ == "__main__":
    for _, line in examples():
        make(line, ROOT)
