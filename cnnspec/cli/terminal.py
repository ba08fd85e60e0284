"""What the terminal can show."""

from __future__ import annotations

import codecs
import os
import sys
from typing import TextIO

#: What stands for a character that the encoding of a stream lacks.
_PLAIN = {
    "→": "->", "×": "x", "µ": "u", "±": "+-", "−": "-", "–": "-", "…": "...", "·": ".", "≥": ">=", "≤": "<=", "≈": "~",
    "²": "^2", "°": " deg ", "√": "sqrt ", "½": "1/2", "✓": "+", "✗": "x", "├": "+", "└": "+", "│": "|", "─": "-",
    **dict.fromkeys("█▉▊▋▌▇▆▅▄", "#"), **dict.fromkeys("▍▎▏▃▂▁", "."), "\u00a0": " ",
}
_HANDLER = "cnnspec"
#: What begins a line that was written before, and clears it.
CLEAR = "\r\x1b[K"


def colored(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: to a terminal, unless `NO_COLOR` is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """A text in bold on standard output, where that shows."""
    return f"\x1b[1m{text}\x1b[0m" if colored(sys.stdout) else text


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What to write for characters that cannot be encoded, and where to go on; `?` for letters of other scripts."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(one, "?") for one in error.object[error.start:error.end]), error.end


def make_plain(stream: TextIO) -> None:
    """Let a stream that lacks a character show something like it."""
    codecs.register_error(_HANDLER, _plain)
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=_HANDLER)


def is_followed() -> bool:
    """Whether somebody watches what goes to stderr, where a line may be written over."""
    return sys.stderr.isatty()
