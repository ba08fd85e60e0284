"""The catalogue of messages: what each code means, a spec that gives it, and the same one mended.

It is read from `codes.md`, and only by who explains: the message itself stands where the mistake is found.
"""

from __future__ import annotations

import os
from functools import cache

from cnnspec.diagnostics import WARNINGS
from cnnspec.record import Record

#: Kinds of examples: a spec that can be checked, a command line, words.
SPEC, COMMAND, WORDS = "cnn", "sh", "text"


class Example(Record):
    """What gives a message, or its correction."""

    kind: str
    text: str
    #: Limits under which a spec is checked, by the names of their options: `max-nesting`.
    limits: dict[str, int]


class Code(Record):
    """One kind of message."""

    name: str
    #: The heading under which it stands.
    topic: str
    #: One sentence.
    meaning: str
    #: Why it is a mistake and how to mend it; paragraphs with a blank line between, or empty.
    explanation: str
    wrong: Example
    #: None where no text would show it.
    right: Example | None

    @property
    def severity(self) -> str:
        """`error` or `warning`."""
        return "warning" if self.name in WARNINGS else "error"


@cache
def catalogue() -> dict[str, Code]:
    """All codes, in the order of the catalogue."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "codes.md")
    with open(path, encoding="utf-8") as file:
        _, *sections = file.read().split("\n## ")
    found: dict[str, Code] = {}
    topic = ""
    for section in sections:
        name, _, text = section.partition("\n")
        if text.strip():
            found[name] = _code(name, topic, text)
        else:
            topic = name
    return found


def _code(name: str, topic: str, text: str) -> Code:
    words, *fenced = text.split("\n```")
    meaning, _, explanation = words.strip().partition("\n\n")
    examples = [_example(block) for block in fenced if block.strip()]
    return Code(name, topic, meaning, explanation, examples[0], examples[1] if len(examples) > 1 else None)


def _example(block: str) -> Example:
    """A block behind its fence: the kind, the limits, the text."""
    info, _, text = block.partition("\n")
    kind, *limits = info.split()
    options = [limit.split("=") for limit in limits]
    return Example(kind, f"{text.rstrip()}\n", {name: int(value) for name, value in options})
