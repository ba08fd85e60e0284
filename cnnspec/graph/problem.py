"""How a mistake leaves the depths of expansion: once as a diagnostic, then in silence."""

from __future__ import annotations

from cnnspec.diagnostics import Diagnostic, Label
from cnnspec.source import Span


class Problem(Exception):
    """A mistake in the spec, to be reported; what depends on it is unknown."""

    def __init__(self, code: str, message: str, span: Span | None, *, label: str = "",
                 labels: tuple[Label, ...] = (), notes: tuple[str, ...] = (), help: str = "") -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, label, labels, notes, help)


class Quiet(Exception):
    """Something depends on what an earlier mistake left unknown: nothing more to say."""


class Stop(Exception):
    """A limit is exceeded: expansion ends here."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
