"""Balance the brackets of a text before it is parsed: each unclosed or stray one is reported once, and mended.

The parser then sees balanced text only, and can pass over whatever it does not understand up to the closing bracket.
"""

from __future__ import annotations

from cnnspec.diagnostics import Diagnostic, Label
from cnnspec.grammar.tokens import ALMOST_ARROW, END, MOST_MISTAKES, STATEMENTS, Tokens
from cnnspec.limits import Limits
from cnnspec.source import Span

CLOSERS = {"(": ")", "[": "]", "{": "}"}
_OPENERS = {closer: opener for opener, closer in CLOSERS.items()}
#: What cannot stand directly inside a bracket: an unclosed one was meant to be closed before it.
_FOREIGN = {
    "(": frozenset(("->", ALMOST_ARROW, "|", ";", ":", "?", "where", "for", "as")),
    "[": frozenset(("|", ";", "=", "where")),
    "{": frozenset((";", "=", "where")),
}


class Balanced:
    """Tokens whose brackets match. In the `mended` ranges of token indices a further complaint would mislead."""

    __slots__ = ("mended", "stray", "tokens")

    def __init__(self, tokens: Tokens, mended: list[tuple[int, int]], stray: list[Diagnostic]) -> None:
        self.tokens = tokens
        self.mended = mended
        #: Stray brackets: reported unless the parser passes over them for another reason.
        self.stray = stray


class _Open:
    """A bracket that waits to be closed."""

    __slots__ = ("foreign", "index", "kind", "rival")

    def __init__(self, kind: str, index: int) -> None:
        self.kind = kind
        self.index = index
        #: The first token directly inside that cannot stand there.
        self.foreign: int | None = None
        #: The first closing bracket of another kind that was met directly inside.
        self.rival: int | None = None


def balance(tokens: Tokens, limits: Limits) -> Balanced:
    """The tokens with missing closing brackets put in, stray ones taken out and wrong ones replaced."""
    if _is_balanced(tokens.kinds):
        return Balanced(tokens, [], [])
    mender = _Mender(tokens, limits)
    for index, kind in enumerate(tokens.kinds):
        mender.see(index, kind)
        if len(tokens.diagnostics) > MOST_MISTAKES:
            mender.give_up(index)
            break
    return mender.mended()


def _is_balanced(kinds: list[str]) -> bool:
    waiting: list[str] = []
    for kind in kinds:
        if kind in CLOSERS:
            waiting.append(CLOSERS[kind])
        elif kind in _OPENERS:
            if not waiting or waiting.pop() != kind:
                return False
        elif waiting and kind in STATEMENTS:
            return False
    return not waiting


def too_deep(span: Span, limits: Limits) -> Diagnostic:
    """What is said, once for a statement, at the place that exceeds the limit."""
    message = f"this nests deeper than {limits.nesting} levels"
    help = "name a part of it with `let`, `where` or `block`, or raise the limit: `--max-nesting N`"
    return Diagnostic("limit-nesting", message, span, help=help)


class _Mender:
    """Goes through the tokens once and collects what to insert, remove and replace."""

    def __init__(self, tokens: Tokens, limits: Limits) -> None:
        self.tokens = tokens
        self.limits = limits
        self.stack: list[_Open] = []
        #: How many of each kind wait on the stack.
        self.waiting = dict.fromkeys(CLOSERS, 0)
        #: The token from which on the statement, or the text, is cut off: it nests too deep, or has too many strays.
        self.cut: int | None = None
        self.cuts: dict[int, int] = {}
        self.insert: dict[int, list[_Open]] = {}
        self.strays: dict[int, None] = {}
        self.replace: dict[int, str] = {}

    def see(self, index: int, kind: str) -> None:
        if kind is END or (kind in STATEMENTS and not self._is_name(index)):
            self._end_statement(index)
        elif self.cut is not None:
            return
        elif kind in CLOSERS:
            self._open(index, kind)
        elif kind in _OPENERS:
            self._close(index, kind)
        elif self.stack and self.stack[-1].foreign is None and kind in _FOREIGN[self.stack[-1].kind]:
            self.stack[-1].foreign = index

    def give_up(self, index: int) -> None:
        """Read no further: the text ends here."""
        self._end_statement(index)
        self.cuts[index] = len(self.tokens.kinds) - 1

    def _is_name(self, index: int) -> bool:
        """Whether a statement's word is used, wrongly, as an argument or a loop's variable: said by the parser."""
        before, behind = self.tokens.kinds[index - 1], self.tokens.kinds[index + 1]
        if not self.stack:
            return False
        as_argument = before in {"(", ","} and behind in {"=", ",", ")"}
        return as_argument or (before in {"for", "(", ","} and behind == "in")

    def _open(self, index: int, kind: str) -> None:
        if len(self.stack) == self.limits.nesting:
            self.tokens.diagnostics.append(too_deep(self._span(index), self.limits))
            self.cut = index
        else:
            self.stack.append(_Open(kind, index))
            self.waiting[kind] += 1

    def _close(self, index: int, kind: str) -> None:
        opener = _OPENERS[kind]
        if self.waiting[opener]:
            while self.stack[-1].kind != opener:
                self._give_up(self._pop(), index)
            self._pop()
        elif len(self.strays) > MOST_MISTAKES:
            self.cut = index
        else:
            if self.stack and self.stack[-1].rival is None:
                self.stack[-1].rival = index
            self.strays[index] = None

    def _pop(self) -> _Open:
        waiting = self.stack.pop()
        self.waiting[waiting.kind] -= 1
        return waiting

    def _end_statement(self, index: int) -> None:
        while self.stack:
            self._give_up(self._pop(), index)
        if self.cut is not None:
            self.cuts[self.cut] = index
        self.cut = None

    def _give_up(self, waiting: _Open, index: int) -> None:
        """Close a bracket that nothing closes before the token at `index`."""
        rival, foreign = waiting.rival, waiting.foreign
        if rival is not None and (foreign is None or rival < foreign):
            del self.strays[rival]
            self.replace[rival] = CLOSERS[waiting.kind]
            self._report(self._mismatched(waiting, rival))
        elif rival is not None:  # what stands inside fits the closing bracket, so the opening one is wrong
            del self.strays[rival]
            self.replace[waiting.index] = _OPENERS[self.tokens.kinds[rival]]
            self._report(self._misopened(waiting, rival))
        else:
            at = index if foreign is None else foreign
            self.insert.setdefault(at, []).append(waiting)
            self._report(self._unclosed(waiting, at))

    def _report(self, diagnostic: Diagnostic) -> None:
        if self.cut is None:  # else that is said already
            self.tokens.diagnostics.append(diagnostic)

    def _unclosed(self, waiting: _Open, at: int) -> Diagnostic:
        kinds, text = self.tokens.kinds, self.tokens.text
        place = f" after `{text(at - 1)}`" if at - 1 > waiting.index else ""
        if kinds[at - 1] in _OPENERS and kinds[at] is not END and kinds[at] not in STATEMENTS:
            place = f" before `{text(at)}`"
        return Diagnostic(
            "unclosed-bracket",
            f"this `{waiting.kind}` is never closed",
            self._span(waiting.index),
            help=f"write `{CLOSERS[waiting.kind]}`{place}",
        )

    def _mismatched(self, waiting: _Open, rival: int) -> Diagnostic:
        return Diagnostic(
            "mismatched-bracket",
            f"a `{waiting.kind}` is closed by this `{self.tokens.text(rival)}`",
            self._span(rival),
            labels=(Label(self._span(waiting.index), "opened here"),),
            help=f"write `{CLOSERS[waiting.kind]}`",
        )

    def _misopened(self, waiting: _Open, rival: int) -> Diagnostic:
        return Diagnostic(
            "mismatched-bracket",
            f"this `{waiting.kind}` is closed by a `{self.tokens.text(rival)}`",
            self._span(waiting.index),
            labels=(Label(self._span(rival), "closed here"),),
            help=f"write `{_OPENERS[self.tokens.kinds[rival]]}`",
        )

    def _span(self, index: int) -> Span:
        return Span(self.tokens.source, self.tokens.starts[index], self.tokens.ends[index])

    def mended(self) -> Balanced:
        """The mended tokens."""
        old, new = self.tokens, Tokens(self.tokens.source)
        new.comments, new.diagnostics = old.comments, old.diagnostics
        moved: dict[int, int] = {}
        mended = []
        end = 0
        for index, kind in enumerate(old.kinds):
            for waiting in self.insert.get(index, ()):
                place = old.ends[index - 1]
                mended.append((moved[waiting.index], len(new.kinds) + 1))
                new.add(CLOSERS[waiting.kind], place, place)
            end = self.cuts.get(index, end)
            if index < end:
                continue
            if kind in CLOSERS or index in old.unsure:
                moved[index] = len(new.kinds)
            if index not in self.strays:
                new.add(self.replace.get(index, kind), old.starts[index], old.ends[index])
        new.unsure = {moved[index] for index in old.unsure if index in moved}
        return Balanced(new, mended, [self._stray(index) for index in self.strays])

    def _stray(self, index: int) -> Diagnostic:
        text, span = self.tokens.text(index), self._span(index)
        return Diagnostic("stray-bracket", f"this `{text}` closes nothing", span, help=f"remove the `{text}`")
