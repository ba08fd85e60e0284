"""Writes into the pages what their commands print and their tables hold today: `python -m tests.docs.refresh`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from tests.docs.pages import PAGES, Block, blocks, commands, printed, workplace
from tests.docs.tables import TABLE, TABLES


def refreshed(page: Path) -> str:
    """The text of a page with today's output and tables."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in reversed([block for block in blocks(page) if block.kind == "console" and can_run(block)]):
        with tempfile.TemporaryDirectory() as folder:
            place = workplace(block, Path(folder))
            inside = [line for command in commands(block)
                      for line in (*f"$ {command.text}".splitlines(), *printed(command.text, place))]
        lines[block.line : block.line + len(block.lines)] = inside
    return re.sub(TABLE, lambda found: found[1] + text(TABLES[found[2]]()) + found[4], text(lines), flags=re.DOTALL)


def can_run(block: Block) -> bool:
    """Whether the packages that it needs are here."""
    return all(find_spec(needed) for needed in block.words)


def text(lines: Iterable[str]) -> str:
    """Lines with their ends."""
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(refreshed(page), encoding="utf-8")
