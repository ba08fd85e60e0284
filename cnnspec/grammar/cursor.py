"""The parser's place in the tokens: looking, advancing, complaining once, and passing over what makes no sense."""

from __future__ import annotations

from collections.abc import Container
from typing import NoReturn

from cnnspec.diagnostics import Diagnostic, Label, closest
from cnnspec.grammar.brackets import CLOSERS, Balanced, too_deep
from cnnspec.grammar.tokens import (
    END,
    EXTENTS,
    FOREIGN_STATEMENTS,
    KEYWORDS,
    MOST_MISTAKES,
    NAME,
    NUMBER,
    SHAPE,
    STATEMENTS,
    STRING,
)
from cnnspec.limits import Limits
from cnnspec.source import Span


class TooDeep(Exception):
    """The statement nests deeper than the limit; said already."""


class GiveUp(Exception):
    """There are too many mistakes to go on."""


class Cursor:
    """Where the parser stands. `kind` is the kind of the token at `at`."""

    __slots__ = (
        "at", "depth", "diagnostics", "ends", "failures", "fence", "kind", "kinds", "last", "limits", "mended",
        "passed", "source", "spine", "starts", "stray", "tokens", "unsure",
    )  # fmt: skip

    def __init__(self, balanced: Balanced, limits: Limits) -> None:
        tokens = balanced.tokens
        self.tokens = tokens
        self.source = tokens.source
        self.kinds = tokens.kinds
        self.starts = tokens.starts
        self.ends = tokens.ends
        self.limits = limits
        self.diagnostics = tokens.diagnostics
        self.at = 0
        self.kind = self.kinds[0]
        #: Levels of brackets, conditions and signs around this place.
        self.depth = 0
        #: The most operators and postfixes that lie on one path down the tree that was read last.
        self.spine = 0
        #: No second complaint at or before this token.
        self.fence = -1
        self.mended = balanced.mended
        self.stray = balanced.stray
        self.unsure = tokens.unsure
        #: The span that was asked for last: a name, its call and its chain often share one.
        self.last = Span(self.source, 0, 0)
        #: How often the text made no sense, said or not.
        self.failures = 0
        #: Ranges of characters that were passed over.
        self.passed: list[tuple[int, int]] = []

    # -------------------------------------------------------------------------------------------- moving

    def advance(self) -> None:
        self.at += 1
        self.kind = self.kinds[self.at]

    def accept(self, kind: str) -> bool:
        """Step over a token of this kind, if it stands here."""
        if self.kind != kind:
            return False
        self.advance()
        return True

    def move(self, index: int) -> None:
        """Go back to a token."""
        self.at = index
        self.kind = self.kinds[index]

    def ahead(self, distance: int = 1) -> str:
        """The kind of the token that many places further on; `END` beyond the last."""
        at = self.at + distance
        return self.kinds[at] if at < len(self.kinds) else END

    def after_brackets(self, index: int) -> int:
        """The index after the bracket that opens at `index` and all that it holds."""
        depth = 0
        while True:
            kind = self.kinds[index]
            depth += kind in CLOSERS
            depth -= kind in _CLOSING
            index += 1
            if not depth:
                return index

    def find(self, until: Container[str]) -> int:
        """The index of the next token of a kind in `until`, closing bracket or beginning of a statement."""
        start = self.at
        while not (self.kind in until or self.kind in _BARRIERS or self.begins_statement()):
            self.move(self.after_brackets(self.at) if self.kind in CLOSERS else self.at + 1)
        found = self.at
        self.move(start)
        return found

    def skip(self, until: Container[str]) -> None:
        """Pass over tokens, brackets with all they hold, to where `find` says."""
        start = self.at
        self.move(self.find(until))
        if self.at > start:
            self.passed.append((self.starts[start], self.ends[self.at - 1]))
        self.fence = self.at

    def skip_statement(self) -> None:
        """Pass over tokens, brackets or not, up to the next statement's keyword."""
        start = self.at
        while self.kind not in STATEMENTS and self.kind is not END:
            self.advance()
        self.passed.append((self.starts[start], self.starts[self.at]))
        self.fence = self.at

    def begins_statement(self) -> bool:
        """Whether a statement begins here: with its keyword, or, at the start of a line, as `blok f(x) =` or `f =`."""
        if self.kind in STATEMENTS:
            return True
        if self.kind is not NAME or self.depth or not self.begins_line():
            return False
        word = self.ahead() in (NAME, STRING)
        if word and (self.text() in FOREIGN_STATEMENTS or closest(self.text(), STATEMENTS)):
            return True
        at = self.at + word
        if self.kinds[at + 1] == "(":
            return self.kinds[self.after_brackets(at + 1)] == "="
        return self.kinds[at + 1] == "="

    def begins_line(self) -> bool:
        """Whether nothing but white space or a comment stands before this token on its line."""
        return self.at == 0 or "\n" in self.source.text[self.ends[self.at - 1] : self.starts[self.at]]

    # ------------------------------------------------------------------------------------------- looking

    def text(self) -> str:
        """The token as it is written."""
        return self.tokens.text(self.at)

    def here(self) -> Span:
        """The token's place."""
        return Span(self.source, self.starts[self.at], self.ends[self.at])

    def gap(self) -> Span:
        """An empty place before the token: where something is missing."""
        return Span(self.source, self.starts[self.at], self.starts[self.at])

    def blamed(self) -> Span:
        """The token's place, or the last one of a line above where this one only shows that something is missing."""
        ends = self.kind in _ENDS or self.begins_statement()
        if self.at and (self.kind is END or (ends and self.begins_line())):
            return Span(self.source, self.starts[self.at - 1], self.ends[self.at - 1])
        return self.here()

    def since(self, index: int) -> Span:
        """From the token at `index` to the last one that was stepped over."""
        start = self.starts[index]
        end = self.ends[self.at - 1] if self.at > index else start
        if self.last.start != start or self.last.end != end:
            self.last = Span(self.source, start, end)
        return self.last

    def found(self) -> str:
        """The token, as messages call it."""
        if self.kind is END:
            return "the end of the text"
        if self.kind in STATEMENTS and self.begins_line():
            return f"the next statement, `{self.text()}`"
        return f"the keyword `{self.text()}`" if self.kind in KEYWORDS else f"`{self.text()}`"

    # ----------------------------------------------------------------------------------------- nesting

    def enter(self) -> None:
        """Go one level deeper; raises `TooDeep` beyond the limit. Whoever enters leaves."""
        self.depth += 1
        if self.depth > self.limits.nesting:
            self.too_deep()

    def leave(self) -> None:
        self.depth -= 1

    def grow(self) -> None:
        """Take what was read last as the operand of one more operator; raises `TooDeep` beyond the limit."""
        self.spine += 1
        if self.spine > self.limits.nesting:
            self.too_deep()

    def too_deep(self) -> NoReturn:
        if not self._is_mended():
            self._add(too_deep(self.here(), self.limits))
        raise TooDeep

    # -------------------------------------------------------------------------------------- complaining

    def fail(self, code: str, message: str, span: Span | None = None, help: str = "") -> None:
        """Report that the token here makes no sense, unless that follows from what was said before."""
        if self.at > self.fence and self.at not in self.unsure:
            self.report(code, message, span or self.blamed(), help)
        self.fence = self.at
        self.failures += 1
        if self.failures > _MOST_FAILURES:
            raise GiveUp

    def report(self, code: str, message: str, span: Span, help: str = "", labels: tuple[Label, ...] = ()) -> None:
        """Report a mistake in what was understood."""
        if not self._is_mended():
            self._add(Diagnostic(code, message, span, labels=labels, help=help))

    def _is_mended(self) -> bool:
        """Whether a bracket was put in around this place, so that what stands here says little."""
        return any(first <= self.at <= last for first, last in self.mended)

    def _add(self, diagnostic: Diagnostic) -> None:
        self.diagnostics.append(diagnostic)
        if len(self.diagnostics) > MOST_MISTAKES:
            raise GiveUp

    # ----------------------------------------------------------------------------------------- tokens

    def expect(self, kind: str, after: str) -> bool:
        """Step over a token that must stand here; `after` says what it follows, in words."""
        if self.accept(kind):
            return True
        self.fail("syntax", f"expected `{kind}` after {after}, found {self.found()}", help=f"`{kind}`")
        return False

    def close(self, closer: str, content: str) -> None:
        """Step over the bracket that closes `content`, and over whatever stands before it that cannot be there."""
        if self.kind != closer:
            self.fail("syntax", f"expected {content} or `{closer}`, found {self.found()}")
            while self.kind != closer:  # the brackets are balanced, so this ends
                self.skip((closer,))
                if self.kind in STATEMENTS:
                    self.move(self.at + 1)
        self.advance()

    def name(self, what: str, example: str) -> tuple[str, Span]:
        """A name that is bound here; after a complaint, an empty one."""
        text, span = self.text(), self.here()
        if self.kind is NAME:
            if text in EXTENTS:
                message = f"`{text}` is reserved for an extent of the value that enters"
                self.report("reserved-word", message, span, help=f"choose another name for {what}")
            self.advance()
            return text, span
        if self.kind in KEYWORDS and self.ahead() in _AFTER_NAME:
            message = f"`{text}` is a word of the language and cannot name {what}"
            self.report("reserved-word", message, span, help=f"`{text}_`")
            self.advance()
            return text, span
        self.fail("missing-name", f"expected the name of {what}, found {self.found()}", help=example)
        return "", self.gap()


_MOST_FAILURES = 10 * MOST_MISTAKES
_CLOSING = frozenset(CLOSERS.values())
_BARRIERS = _CLOSING | {END}
_ENDS = _BARRIERS | {"|", ";", "where"}
_AFTER_NAME = frozenset(("=", "(", ")", ",", "in"))
#: Tokens that begin a value.
BEGIN_VALUE = frozenset((NAME, NUMBER, SHAPE, STRING, "(", "[", "@", "on", "off"))
