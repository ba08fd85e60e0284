"""What stands between brackets in expressions: arguments, tuples, indices and slices."""

from __future__ import annotations

from collections.abc import Container

from cnnspec.grammar import ast, expressions
from cnnspec.grammar.cursor import BEGIN_VALUE, Cursor
from cnnspec.grammar.tokens import KEYWORDS, NAME


def arguments(c: Cursor) -> tuple[ast.Argument, ...]:
    """arguments = "(" [ argument {"," argument} [","] ] ")" """
    c.enter()
    c.advance()
    found: list[ast.Argument] = []
    named = False
    while c.kind != ")":
        at = c.at
        one = argument(c)
        if named and one.name is None:
            message = "a positional argument cannot follow a named one"
            c.report("positional-after-named", message, one.span, help=f"`NAME={one.span.text}`")
        named = named or one.name is not None
        found.append(one)
        if not _separated(c, at, "arguments"):
            break
    c.close(")", "`,`")
    c.leave()
    return tuple(found)


def argument(c: Cursor) -> ast.Argument:
    """argument = [ NAME "=" ] expression"""
    at = c.at
    if c.ahead() == "=" and (c.kind is NAME or c.kind in KEYWORDS):
        name, span = c.text(), c.here()
        if c.kind in KEYWORDS:
            message = f"`{name}` is a word of the language and cannot name an argument"
            c.report("reserved-word", message, span)
        c.advance()
        c.advance()
        value = expressions.expression(c)
        return ast.Argument(c.since(at), name, span, value)
    value = expressions.expression(c)
    return ast.Argument(c.since(at), None, None, value)


def _separated(c: Cursor, start: int, what: str) -> bool:
    """Whether another element follows in parentheses, after the one that begins at the token `start`."""
    if c.accept(","):
        return True
    if c.kind == ")":
        return False
    if c.kind == "->":
        refuse_chain(c, start + 2 if c.kinds[start + 1] == "=" else start, _COMMA)
    elif c.kind == "for":
        help = "write the tuple out, or repeat a step with `for`"
        c.fail("syntax", f"expected `,` or `)`, found {c.found()}", help=help)
    elif c.kind == "=":
        c.fail("syntax", "only a plain name stands before `=`", help="`==` compares")
    elif c.kind == ":":
        c.fail("syntax", "an argument is named with `=`, found `:`", help=f"`{c.tokens.text(c.at - 1)}=`")
    elif c.kind in BEGIN_VALUE:
        before = c.tokens.text(c.at - 1)
        if c.text() == "x":
            c.fail("bad-number", "a shape is written without spaces", help="`3x224x224`")
            c.skip((",",))
            return c.accept(",")
        c.fail("missing-comma", f"a comma is missing between two {what}", help=f"`{before}, {c.text()}`")
        return True
    else:
        c.fail("syntax", f"expected `,` or `)`, found {c.found()}")
    c.skip((",",))
    return c.accept(",")


def refuse_chain(c: Cursor, start: int, until: Container[str]) -> None:
    """Say that the chain which begins at the token `start` and ends before `until` stands in brackets; pass over it."""
    written = c.source.text[c.starts[start] : c.ends[c.find(until) - 1]]
    c.fail("chain-value", "a chain that is a value stands in square brackets", help=f"`[{written}]`")
    c.skip(until)


_COMMA = frozenset(",")


def call(c: Cursor, at: int, callee: ast.Expr) -> ast.Call:
    """call = postfix arguments"""
    args = arguments(c)
    return ast.Call(c.since(at), callee, args)


def index(c: Cursor, at: int, value: ast.Expr) -> ast.Index:
    """index = postfix "[" item {"," item} "]" """
    found = items(c)
    return ast.Index(c.since(at), value, found)


def items(c: Cursor) -> tuple[ast.Expr, ...]:
    """items = "[" item {"," item} "]" """
    c.enter()
    c.advance()
    found = [item(c)]
    while c.accept(","):
        found.append(item(c))
    c.close("]", "`,`")
    c.leave()
    return tuple(found)


def item(c: Cursor) -> ast.Expr:
    """item = expression | [expression] ":" [expression] [":" [expression]]"""
    at = c.at
    start = None
    if c.kind != ":":
        start = expressions.expression(c)
        if c.kind != ":":
            return start
    c.advance()
    stop = None if c.kind in _SLICE_END else expressions.expression(c)
    step = expressions.expression(c) if c.accept(":") and c.kind not in _SLICE_END else None
    return ast.Slice(c.since(at), start, stop, step)


_SLICE_END = frozenset((":", "]", ","))


def parenthesised(c: Cursor) -> ast.Expr:
    """tuple = "(" ")" | "(" expression "," [ expression {"," expression} [","] ] ")" """
    at = c.at
    c.enter()
    c.advance()
    found: list[ast.Expr] = []
    commas = False
    while c.kind != ")":
        start = c.at
        found.append(expressions.expression(c))
        more = _separated(c, start, "elements")
        commas = commas or more
        if not more:
            break
    c.close(")", "`,`")
    c.leave()
    if len(found) == 1 and not commas:
        return found[0]
    return ast.TupleExpr(c.since(at), tuple(found))


def missing(c: Cursor, wanted: str) -> ast.Missing:
    """Say that a value is missing here."""
    help = "`==` compares" if c.kind == "=" else "`(not …)`" if c.kind == "not" else ""
    c.fail("missing-value", f"expected {wanted}, found {c.found()}", help=help)
    return ast.Missing(c.gap())
