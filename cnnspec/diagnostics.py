"""What can be wrong with a spec, as data: codes, labels, notes and help; printing is `render`'s."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cnnspec.record import Record
from cnnspec.source import Span

#: Codes that leave a spec usable; every other code is an error.
WARNINGS = frozenset({"unused-rows", "unused-name", "overwritten-name", "dead-branch"})
#: Codes of files beside specs that are passed over.
_PASSED_OVER = frozenset({"broken-profile"})


class Label(Record):
    """A second place that belongs to a message, and what to say beneath it."""

    span: Span
    text: str = ""


class Diagnostic(Record):
    """One mistake: where, what the constraint is, the actual values, and a way to mend it."""

    code: str
    message: str
    #: The smallest wrong place; None for what has no text, such as a missing file.
    span: Span | None = None
    #: What to say beneath the carets.
    label: str = ""
    labels: tuple[Label, ...] = ()
    #: Facts that led here: the chain of calls and turns, the sizes on the way.
    notes: tuple[str, ...] = ()
    #: Text that mends it, as far as possible to be pasted.
    help: str = ""

    @property
    def severity(self) -> str:
        """`error` or `warning`."""
        return "warning" if self.code in WARNINGS | _PASSED_OVER else "error"

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for one mistake that several turns or calls run into."""
        if self.span is None:
            return self.code, self.message
        return self.code, self.span.source.name, self.span.start


class SpecError(Exception):
    """A spec that cannot be used; `diagnostics` says why, in source order."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n".join(
            f"{d.span or ''}{': ' if d.span else ''}{d.severity}[{d.code}] {d.message}" for d in self.diagnostics
        )


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """One message per mistake, in source order, files in the order of their first message."""
    unique: dict[tuple[object, ...], Diagnostic] = {}
    places: set[tuple[Span, str]] = set()
    for diagnostic in diagnostics:
        if diagnostic.span is None or (diagnostic.span, diagnostic.severity) not in places:
            unique.setdefault(diagnostic.key, diagnostic)
        if diagnostic.span is not None:
            places.add((diagnostic.span, diagnostic.severity))  # whatever else a wrong value makes go wrong follows
    files: dict[str, int] = {}
    for diagnostic in unique.values():
        if diagnostic.span is not None:
            files.setdefault(diagnostic.span.source.name, len(files))

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        span = diagnostic.span
        return (files[span.source.name], span.start) if span else (-1, 0)

    return tuple(sorted(unique.values(), key=place))


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be, or None."""
    return _closest(word, tuple(sorted(set(candidates))))


@lru_cache(1024)  # the same mistake is often made everywhere
def _closest(word: str, known: tuple[str, ...]) -> str | None:
    folded = {candidate.lower(): candidate for candidate in known}
    if word.lower() in folded:
        return folded[word.lower()]
    if len(word) < 2:
        return None  # a letter resembles too much
    from difflib import get_close_matches  # only a mistake pays for the import

    matches = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None
