"""How wide texts are, and how labels break into lines."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

from cnnspec.render.palette import CHARACTER

ARROW = " → "
ELLIPSIS = "…"


def columns(text: str) -> int:
    """How many characters' places a text takes: two for a wide character, none for a mark above another."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def width(text: str, size: float) -> float:
    """The width of a text at a font size."""
    return columns(text) * CHARACTER * size


def shortened(text: str, most: int) -> str:
    """A text of at most so many places; one that is longer ends in `…`.

    Brackets that are open there close behind it, and hold whole words: `bottleneck(64, …)`.
    """
    if columns(text) <= most:
        return text
    for at in range(min(len(text), most + len(ARROW)), -1, -1):
        kept, closed = text[:at], closing(text[at:])
        if closed and kept and kept[-1] not in " ([{":
            continue
        kept = kept.removesuffix(ARROW) if closed else kept.rstrip(" →")
        if columns(kept) + len(ELLIPSIS + closed) <= most:
            return kept + ELLIPSIS + closed
    return ELLIPSIS[:most]


def closing(text: str) -> str:
    """The brackets that a text closes without having opened them."""
    found, depth = "", 0
    for character in text:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            found, depth = (found, depth - 1) if depth else (found + character, 0)
    return found


def broken(label: str, most: int, lines: int) -> list[str]:
    """A label in lines of at most `most` places, broken before arrows; what does not fit in `lines` is left out."""
    first, *rest = label.split(ARROW)
    return _limited(_even([first, *(f"→ {step}" for step in rest)], most), most, lines)


def listed(label: str, most: int, lines: int) -> list[str]:
    """A label in lines of at most `most` places, broken behind the commas between arguments."""
    words = label.split(", ")
    return _limited(_even([*(f"{word}," for word in words[:-1]), words[-1]], most), most, lines)


def _even(words: list[str], most: int) -> list[str]:
    """Words in as few lines as they need, and these as even as they can be."""
    filled = _filled(words, most)
    widest = max(columns(line) for line in filled)
    narrower = (_filled(words, width) for width in range(max(map(columns, words)), widest))
    return next((lines for lines in narrower if len(lines) == len(filled)), filled)


def _filled(words: list[str], most: int) -> list[str]:
    filled: list[str] = []
    for word in words:
        if filled and columns(filled[-1]) + 1 + columns(word) <= most:
            filled[-1] += " " + word
        else:
            filled.append(word)
    return filled


def _limited(filled: list[str], most: int, lines: int) -> list[str]:
    kept = [shortened(line, most) for line in filled[:lines]]
    if len(filled) > lines:
        end = f" {ELLIPSIS}{closing(' '.join(filled[lines:]))}"
        kept[-1] = shortened(kept[-1].removesuffix(ELLIPSIS), most - len(end)) + end
    return kept
