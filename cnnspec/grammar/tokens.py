"""Text to tokens: one pass with one pattern; whatever no token begins with is reported and passed over."""

from __future__ import annotations

import re
from array import array

from cnnspec.diagnostics import Diagnostic
from cnnspec.grammar import ast
from cnnspec.source import Source, Span

#: The words that begin a statement. They stand nowhere else, so that the parser recovers at them.
STATEMENTS = frozenset(("use", "let", "block", "net", "expect"))
#: The words of the language; none of them can be a name.
KEYWORDS = STATEMENTS | frozenset(("where", "for", "in", "if", "else", "as", "and", "or", "not", "on", "off"))
#: What begins a statement in other languages, and the statement that is meant.
FOREIGN_STATEMENTS = {
    "def": "block", "function": "block", "func": "block", "fn": "block", "macro": "block", "layer": "block",
    "module": "block", "class": "net", "model": "net", "network": "net", "const": "let", "var": "let", "set": "let",
    "import": "use", "include": "use", "require": "use", "from": "use", "assert": "expect", "check": "expect",
}  # fmt: skip
#: The names of the extents of the value that enters; they cannot be bound either.
EXTENTS = frozenset("CDHWL")

#: Kinds of tokens whose text varies. Every other token's kind is its text; all arrows are `->`.
NAME, NUMBER, SHAPE, STRING, END = "name", "number", "shape", "string", "end"
#: What looks like an arrow (`=>`, `-->`, `⇒`): the parser says what the arrow is, and takes it for one.
ALMOST_ARROW = "=>"

#: After this many mistakes a text is hardly a spec, and reading stops.
MOST_MISTAKES = 100

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<word>[^\W\d]\w*)
    | (?P<almost>-{2,4}>|={1,2}>|~>|\|>|[–—−]{1,4}>|[⇒⟶⟹⟼➔➜➝➞➡↦])
    | (?P<sign>->|\*\*|//|==|!=|<=|>=|:=|[(),=*\[\]|{}:+/@?;%<>-])
    | (?P<number>\.?[0-9](?:[eE][+-](?=[0-9])|[\w.×])*+)
    | (?P<arrow>→)
    | (?P<comment>\#[^\r\n]*)
    | (?P<string>"[^"\r\n]*"|'[^'\r\n]*')
    | (?P<dot>\.)
    | (?P<curly>[“”][^“”\r\n]*[“”]|[‘’][^‘’\r\n]*[‘’])
    | (?P<open>["'][\w./-]*)
    | (?P<end>\Z)
    | (?P<bad>[^\s\w\#"'“”‘’()\[\]{},;:|.@?*/%<>=+→⇒⟶⟹⟼➔➜➝➞➡↦–—−-]+|.)
    )""",
    re.VERBOSE | re.DOTALL,
)

#: What was probably meant by characters that begin no token.
_MEANT = {
    "&": "and", "&&": "and", "!": "not", "^": "**", "×": "*", "·": "*", "−": "-", "–": "-", "—": "-",
    "≤": "<=", "≥": ">=", "≠": "!=", "，": ",", "；": ";", "：": ":", "（": "(", "）": ")",
}  # fmt: skip


class Tokens:
    """The tokens of a text, one list per property; the last token has the kind `END`."""

    __slots__ = ("comments", "diagnostics", "ends", "kinds", "source", "starts", "unsure")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.kinds: list[str] = []
        self.starts = array("q")
        self.ends = array("q")
        self.comments: list[ast.Comment] = []
        self.diagnostics: list[Diagnostic] = []
        #: Indices of tokens before which something was dropped: no further complaint about them is worth reading.
        self.unsure: set[int] = set()

    def add(self, kind: str, start: int, end: int) -> None:
        self.kinds.append(kind)
        self.starts.append(start)
        self.ends.append(end)

    def text(self, index: int) -> str:
        """The token as it is written."""
        return self.source.text[self.starts[index] : self.ends[index]]


def tokenize(source: Source) -> Tokens:
    """All tokens of a text, its comments, and what was wrong with its characters."""
    tokens = Tokens(source)
    kinds, starts, ends = tokens.kinds, tokens.starts, tokens.ends
    begin = 1 if source.text.startswith("\ufeff") else 0
    for match in _TOKEN.finditer(source.text, begin):
        group = str(match.lastgroup)  # every alternative is a group
        start, end = match.span(group)
        if group == "word":
            text = match[group]
            kind = text if text in KEYWORDS else NAME
            if not text.isascii():
                _foreign_word(tokens, start, end)
        elif group == "sign":
            kind = match[group]
        elif group in _KINDS:
            kind = _KINDS[group]
        elif group == "number":
            kind = SHAPE if "x" in match[group] or "×" in match[group] else NUMBER
        else:
            _exceptional(tokens, group, start, end)
            if len(tokens.diagnostics) > MOST_MISTAKES:
                tokens.add(END, end, end)
                break
            continue
        kinds.append(kind)
        starts.append(start)
        ends.append(end)
        if kind is END:
            break
    return tokens


_KINDS = {"dot": ".", "string": STRING, "end": END, "arrow": "->", "almost": ALMOST_ARROW}


def _exceptional(tokens: Tokens, group: str, start: int, end: int) -> None:
    """A comment, an unclosed string, or a character that begins no token."""
    span = Span(tokens.source, start, end)
    if group == "comment":
        line = tokens.source.text[tokens.source.text.rfind("\n", 0, start) + 1 : start]
        tokens.comments.append(ast.Comment(span, span.text.rstrip(), not line.strip(" \t\r\f\v\ufeff")))
    elif group == "open":
        quote = span.text[0]
        tokens.diagnostics.append(
            Diagnostic(
                "unclosed-string",
                f"this `{quote}` opens a text that is never closed",
                Span(tokens.source, start, start + 1),
                help=f"`{span.text}{quote}`" if len(span.text) > 1 else f"a text ends with `{quote}` on its own line",
            )
        )
        tokens.unsure.add(len(tokens.kinds) + 1)
        tokens.add(STRING, start, end)
    elif group == "curly":
        plain = f'"{span.text[1:-1]}"'
        message = f"a text stands in straight quotes, not in `{span.text[0]}`"
        tokens.diagnostics.append(Diagnostic("bad-character", message, span, help=f"write `{plain}`"))
        tokens.add(STRING, start, end)
    else:
        _bad_character(tokens, span)


def _bad_character(tokens: Tokens, span: Span) -> None:
    """Report characters that begin no token, and take them for what they mean elsewhere."""
    meant = _MEANT.get(span.text)
    help = f"write `{meant}`" if meant else ""
    message = f"the language has no character {_shown(span.text[0])}"
    tokens.diagnostics.append(Diagnostic("bad-character", message, span, help=help))
    tokens.unsure.add(len(tokens.kinds))
    if meant:
        tokens.add(meant, span.start, span.end)


def _foreign_word(tokens: Tokens, start: int, end: int) -> None:
    span = Span(tokens.source, start, end)
    strange = next(character for character in span.text if not character.isascii())
    tokens.diagnostics.append(
        Diagnostic(
            "bad-character",
            f"names are written in the letters a to z, digits and `_`, not with {_shown(strange)}",
            span,
        )
    )


def _shown(character: str) -> str:
    code = f"U+{ord(character):04X}"
    if character == "\0":
        return f"NUL ({code})"
    return f"`{character}` ({code})" if character.isprintable() and character != "`" else code
