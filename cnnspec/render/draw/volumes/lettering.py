"""What is written at a volume: its shape, and what made it, in lines of a known width."""

from __future__ import annotations

from cnnspec.analysis.diagram import Box
from cnnspec.render import units
from cnnspec.render.draw.titles import title
from cnnspec.render.draw.volumes.stacks import Stack
from cnnspec.render.draw.words import shortened
from cnnspec.render.palette import CHARACTER
from cnnspec.render.snippet import visible, width

#: Size of the letters, width of one and height of a line; pixels.
SIZE = 10.0
LETTER = SIZE * CHARACTER
LINE = 12.5
#: Lines for what made a volume, where one, two or more boxes did.
_LINES = {1: 3, 2: 2}


def pixels(text: str) -> float:
    """How wide a text is."""
    return width(text) * LETTER


def shape(stack: Stack) -> str:
    """What is written below."""
    return units.shape(stack.output)


def made_by(stack: Stack, room: float) -> tuple[str, ...]:
    """What made a stack, and what leaves from it, in lines that are at most `room` pixels wide."""
    most = max(int(room / LETTER), 4)
    told = _told(stack.boxes)
    shown = told if len(told) <= 3 else [told[0], f"… {len(told) - 2} more", told[-1]]
    lines = [line for text in shown for line in broken(text, most, _LINES.get(len(shown), 1))]
    return (*lines, *(cut(f"▸ {visible(name)}", most) for name in stack.ends))


def _told(boxes: tuple[Box, ...]) -> list[str]:
    """The titles of boxes, equal ones in a row once: `[FC → RELU] ×2`."""
    counted: list[tuple[str, int]] = []
    for box in boxes:
        text = title(box.row)
        if len(box.row.layers) > 1:
            text = times(text, len(box.row.layers))
        if counted and counted[-1][0] == text:
            counted[-1] = text, counted[-1][1] + 1
        else:
            counted.append((text, 1))
    return [times(text, count) for text, count in counted]


def times(text: str, count: int) -> str:
    """A text with a count; in brackets where it has several words."""
    if count == 1:
        return text
    return f"[{text}] ×{count}" if " " in text else f"{text} ×{count}"


def broken(text: str, most: int, lines: int) -> list[str]:
    """A text in at most so many lines of at most `most` letters; what is too long ends in `…` and keeps its count."""
    filled: list[str] = []
    for word in _words(text, most):
        if filled and width(f"{filled[-1]} {word}") <= most:
            filled[-1] += f" {word}"
        else:
            filled.append(word)
    if len(filled) <= lines:
        return [cut(line, most) for line in filled]
    rest = " ".join(filled[lines - 1:]).replace("( ", "(")
    return [*(cut(line, most) for line in filled[:lines - 1]), cut(rest, most)]


def _words(text: str, most: int) -> list[str]:
    """The words of a text; an arrow stays with the word behind it, a count with the one before.

    A call that is longer than a line breaks behind its bracket.
    """
    words: list[str] = []
    for word in text.split(" "):
        if words and (words[-1] == "→" or _is_count(word)):
            words[-1] += f" {word}"
        else:
            words.append(word)
    parted: list[str] = []
    for word in words:
        name, bracket, rest = word.partition("(")
        parted += [name + bracket, rest] if rest and width(word) > most else [word]
    return parted


def _is_count(word: str) -> bool:
    return word[:1] == "×" and word[1:].isdigit()


def cut(text: str, most: int) -> str:
    """A text of at most so many letters; one that is longer is shortened before its count, if it has one."""
    if width(text) <= most:
        return text
    kept, _, last = text.rpartition(" ")
    behind = f" {last}" if _is_count(last) and len(last) + 3 <= most else ""
    return shortened(kept if behind else text, most - len(behind)) + behind
