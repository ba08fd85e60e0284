"""What the terminal can show."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def colored(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: to a terminal, unless `NO_COLOR` is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """A text in bold on standard output, where that shows."""
    return f"\x1b[1m{text}\x1b[0m" if colored(sys.stdout) else text
