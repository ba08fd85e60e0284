"""The bounds that keep every spec cheap to refuse: each is named in its message and raised by an option."""

from __future__ import annotations

from cnnspec.record import Record


class Limits(Record):
    """What a spec may ask for. Each bound is checked before the work that it bounds is done."""

    #: Bytes of one file (`--max-file-bytes`).
    file_bytes: int = 1_048_576
    #: Levels of brackets, branches and conditions, and operators on one operand (`--max-nesting`).
    nesting: int = 64
    #: Digits of a whole number, written or computed (`--max-digits`); the interpreter reads 4,300 at most.
    digits: int = 100
    #: Layers of one expanded network (`--max-layers`).
    layers: int = 200_000
    #: Turns of loops and repetitions, calls among them (`--max-turns`).
    turns: int = 1_000_000
    #: Elements of one tuple (`--max-elements`).
    elements: int = 1_000_000


#: The bounds that hold where nothing else is said.
DEFAULT = Limits()
