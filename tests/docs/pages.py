"""The project's pages as data: their fenced blocks, and what each one claims.

A `cnn` block is a spec, and must pass `cnnspec check` without a mistake or warning. Behind `cnn` may stand

- a file name: later blocks of the page may `use` it, and commands read it;
- `wrong CODE` or `warns CODE`: these diagnostics, and no others, must come of it (several: `CODE,CODE`);
- `each`: every line is a spec of its own;
- `--set NAME=VALUE`: it is expanded with these values instead.

A block that is a fragment has an HTML comment on the line above, `<!-- with: … -->`, which readers do not see: the spec
that it is a part of, in which `…` stands for the block, or for the line of an `each`.

The entry points of a `toml` block are known to the commands of its page.

A `console` block holds commands behind `$ ` and exactly what they print, on both streams, to a pipe of 80 columns. A
`pycon` block is a Python session. Packages that either needs stand behind its kind: `console torch`. Between `<!--
table: NAME -->` and `<!-- end -->` stands a table of `tables.py`. `python -m tests.docs.refresh` writes what is
printed and generated today into the pages; look at the difference.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
#: Kinds of blocks that the tests know what to do with; `text` and `sh` are for the eye.
KINDS = {"cnn", "console", "pycon", "python", "toml", "diff", "yaml", "sh", "text"}


class Block(NamedTuple):
    """One fenced block."""

    page: Path
    #: Line of the first character inside, from 0.
    line: int
    kind: str
    #: What stands behind the kind.
    words: tuple[str, ...]
    lines: tuple[str, ...]
    #: The spec around a fragment, with `…` in its place.
    around: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def file(self) -> str:
        """The name of the file that it shows; empty for none."""
        return next((word for word in self.words if word.endswith((".cnn", ".py"))), "")


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page; raises `ValueError` for one that is never closed."""
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        if not lines[at].startswith("```"):
            at += 1
            continue
        end = next((i for i in range(at + 1, len(lines)) if lines[i] == "```"), None)
        if end is None:
            raise ValueError(f"{page.name}:{at + 1}: this block is never closed")
        kind, *words = lines[at][3:].split() or ["text"]
        above = lines[at - 1] if at else ""
        around = above.removeprefix("<!-- with:").removesuffix("-->").strip() if above.startswith("<!-- with:") else ""
        yield Block(page, at + 1, kind, tuple(words), tuple(lines[at + 1 : end]), around)
        at = end + 1


def of_kind(*kinds: str) -> list[Block]:
    """The blocks of some kinds, on all pages."""
    return [block for page in PAGES for block in blocks(page) if block.kind in kinds]


def files_before(block: Block) -> dict[str, str]:
    """The files that a page has shown up to and with a block."""
    return {other.file: other.text for other in blocks(block.page) if other.file and other.line <= block.line}


class Command(NamedTuple):
    """A command of a `console` block, and the lines that it prints."""

    text: str
    output: tuple[str, ...]


def commands(block: Block) -> list[Command]:
    """The commands of a block; a line that ends in a backslash goes on in the next."""
    found: list[Command] = []
    going_on = False
    for line in block.lines:
        if going_on:
            found[-1] = Command(f"{found[-1].text}\n{line}", ())
        elif line.startswith("$ "):
            found.append(Command(line[2:], ()))
        elif found:
            found[-1] = Command(found[-1].text, (*found[-1].output, line))
        else:
            raise ValueError(f"{block}: a console block begins with a command, `$ …`")
        going_on = line.endswith("\\") and not found[-1].output
    return found


def workplace(block: Block, folder: Path) -> Path:
    """A folder with the page's files, the zoo, and a `cnnspec` that runs this checkout."""
    (folder / "specs").symlink_to(ROOT / "specs", target_is_directory=True)
    for name, text in files_before(block).items():
        (folder / name).write_text(text, encoding="utf-8")
    install_plug_ins(block.page, folder)
    tool = folder / ".bin" / "cnnspec"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cnnspec "$@"\n')
    tool.chmod(0o755)
    return folder


def install_plug_ins(page: Path, folder: Path) -> None:
    """Make the entry points that a page shows known to Python where `folder` is on its path."""
    for block in blocks(page):
        if block.kind == "toml":
            for group, entries in tomllib.loads(block.text)["project"]["entry-points"].items():
                info = folder / "plug_in-1.0.dist-info"
                info.mkdir()
                (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
                lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
                (info / "entry_points.txt").write_text(f"[{group}]\n{lines}")


def printed(command: str, folder: Path) -> tuple[str, ...]:
    """What a command prints in a workplace, line by line."""
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "LC_ALL")}
    environment = {**kept, "COLUMNS": "80", "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTHONUTF8": "1",
                   "PATH": f"{folder / '.bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    return tuple(line.rstrip() for line in done.stdout.splitlines())
