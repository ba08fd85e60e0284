"""What may follow a step: `*count`, `for … in …`, `if … else …`, `?name`, `as name[…]` and `: shape`."""

from __future__ import annotations

from collections.abc import Callable

from cnnspec.grammar import ast, expressions, steps
from cnnspec.grammar.arguments import call, index, items, missing
from cnnspec.grammar.cursor import BEGIN_VALUE, Cursor
from cnnspec.grammar.lookahead import is_lowercase, opens_chain
from cnnspec.grammar.tokens import NAME, NUMBER, SHAPE

#: Operators that, after what may stand without parentheses, show that a longer expression was meant.
_OPERATORS = frozenset(("+", "-", "/", "//", "%", "**"))


def repeat(c: Cursor, at: int, inner: ast.Step) -> ast.Repeat:
    """repeat = "*" simple"""
    c.advance()
    start = c.at
    count = simple(c, "a count")
    if c.kind in _OPERATORS:
        count = whole(c, start, "*", "a count")
    return ast.Repeat(c.since(at), inner, count)


def simple(c: Cursor, wanted: str) -> ast.Expr:
    """simple = (NUMBER | NAME | "(" expression ")" | tuple) { arguments | index }

    What a count or an iterable may be without parentheses. A `[` that opens a chain is left alone: an arrow is
    missing before it.
    """
    at, outer, c.spine = c.at, c.spine, 0
    if c.kind in (NAME, NUMBER, "("):
        callable = c.kind is not NUMBER
        value = expressions.atom(c)
        while callable and (c.kind == "(" or (c.kind == "[" and not opens_chain(c))):
            value = call(c, at, value) if c.kind == "(" else index(c, at, value)
            c.grow()
    elif c.kind in BEGIN_VALUE or c.kind == "-":
        value = expressions.unary(c)
        span = c.since(at)
        if not isinstance(value, ast.Missing):  # of what could not be read, enough is said
            message = f"{wanted} of this form stands in parentheses"
            c.report("missing-parentheses", message, span, help=f"`({span.text})`")
    else:
        value = missing(c, wanted)
    c.spine = max(outer, c.spine)
    return value


def whole(c: Cursor, at: int, before: str, wanted: str) -> ast.Expr:
    """The expression of which `simple` has read the beginning, from the token at `at`; says to parenthesise it."""
    span = c.here()
    c.move(at)
    value = expressions.operation(c, expressions.SUM)
    message = f"{wanted} ends before this `{span.text}`; a longer one stands in parentheses"
    c.report("missing-parentheses", message, span, help=f"`{before}({c.since(at).text})`")
    return value


def loop(c: Cursor, at: int, inner: ast.Step) -> ast.Loop:
    """loop = "for" turns"""
    c.advance()
    target, iterable = turns(c)
    return ast.Loop(c.since(at), inner, target, iterable)


def turns(c: Cursor) -> tuple[ast.Target, ast.Expr]:
    """turns = targets "in" simple"""
    target = targets(c)
    if not c.expect("in", "the loop's names"):
        c.skip(("in", "->", "|", ":", ";"))
        c.accept("in")
    start = c.at
    iterable = simple(c, "what a `for` goes through")
    if c.kind in _OPERATORS:
        iterable = whole(c, start, "in ", "what a `for` goes through")
    elif c.kind == ",":
        _bare_tuple(c, start)
    return target, iterable


def _bare_tuple(c: Cursor, start: int) -> None:
    place = c.here()
    while c.accept(",") and c.kind in BEGIN_VALUE:
        simple(c, "an element")
    message = "the tuple that a `for` goes through stands in parentheses"
    c.report("missing-parentheses", message, place, help=f"`in ({c.since(start).text})`")


def targets(c: Cursor) -> ast.Target:
    """targets = target { "," target } [","]"""
    at = c.at
    found = [target(c)]
    if c.kind != ",":
        return found[0]
    while c.accept(",") and c.kind in (NAME, "(", ","):
        found.append(target(c))
    return ast.TargetTuple(c.since(at), tuple(found))


def target(c: Cursor) -> ast.Target:
    """target = NAME | "(" targets ")" """
    if c.kind != "(":
        name, span = c.name("a loop's variable", "`for i in range(3)`")
        return ast.TargetName(span, name)
    at = c.at
    c.enter()
    c.advance()
    inside = targets(c)
    c.close(")", "`,`")
    c.leave()
    return inside.replace(span=c.since(at)) if isinstance(inside, ast.TargetTuple) else inside


def choice(c: Cursor, at: int, inner: ast.Step) -> ast.Choice:
    """choice = "if" condition [ "else" alternative ], and no further postfix after the alternative"""
    c.advance()
    test = expressions.condition(c)
    if not c.accept("else"):
        return ast.Choice(c.since(at), inner, test, None)
    start = c.at
    other = alternative(c)
    found = ast.Choice(c.since(at), inner, test, other)
    if c.kind in POSTFIXES:
        _refuse_postfix(c, start, other)
    return found


def alternative(c: Cursor) -> ast.Step:
    """alternative = primary [ "if" condition [ "else" alternative ] ]"""
    at = c.at
    c.enter()
    found = steps.primary(c)
    if c.accept("if"):
        test = expressions.condition(c)
        other = alternative(c) if c.accept("else") else None
        found = ast.Choice(c.since(at), found, test, other)
    c.leave()
    return found


def _refuse_postfix(c: Cursor, at: int, other: ast.Step) -> None:
    """Say that brackets are needed; what follows is read for its own mistakes only."""
    place = c.here()
    mistakes = len(c.diagnostics)
    while c.kind in POSTFIXES:
        POSTFIXES[c.kind](c, at, other)
    if len(c.diagnostics) == mistakes:
        message = f"after `else` it is unclear what this `{place.text}` belongs to"
        c.report("postfix-after-else", message, place, help=f"`else [{c.since(at).text}]`")


def option(c: Cursor, at: int, inner: ast.Step) -> ast.Optional:
    """option = "?" [ NAME ]"""
    c.advance()
    if c.kind is NAME and is_lowercase(c.text()) and c.ahead() not in ("(", "[", "{"):
        name, span = c.name("an option", "`?name`")
        return ast.Optional(c.since(at), inner, name, span)
    if isinstance(inner, ast.Apply | ast.Merge) and isinstance(inner.callee, ast.Name):
        return ast.Optional(c.since(at), inner, inner.callee.id.lower(), None)
    if not isinstance(inner, ast.Missing):
        c.report("unnamed-option", "the `?` of a group needs a name", c.since(c.at - 1), help="`?name`")
    return ast.Optional(c.since(at), inner, "", None)


def naming(c: Cursor, at: int, inner: ast.Step) -> ast.Named:
    """naming = "as" NAME [ items ]"""
    c.advance()
    name, span = c.name("a value", "`as name`")
    found = items(c) if c.kind == "[" and not opens_chain(c) else ()
    return ast.Named(c.since(at), inner, name, span, found)


def ascription(c: Cursor, at: int, inner: ast.Step) -> ast.Ascribed:
    """ascription = ":" (SHAPE | NUMBER | NAME | tuple | "(" expression ")")"""
    c.advance()
    start = c.at
    fits = c.kind in (SHAPE, NUMBER, NAME, "(")
    shape = expressions.atom(c) if fits else missing(c, "a shape")
    if c.kind in _OPERATORS:
        shape = whole(c, start, ": ", "a shape")
    elif c.kind == "," and c.kinds[start] is NUMBER and c.ahead() is NUMBER:
        shape = _bare_shape(c, start)
    return ast.Ascribed(c.since(at), inner, shape)


def _bare_shape(c: Cursor, start: int) -> ast.Missing:
    """A shape that is written as a tuple without parentheses."""
    while c.kind == "," and c.ahead() is NUMBER:
        c.advance()
        c.advance()
    span = c.since(start)
    c.report("missing-parentheses", "a shape of several numbers stands in parentheses", span, help=f"`({span.text})`")
    return ast.Missing(span)


#: By the token that begins them.
POSTFIXES: dict[str, Callable[[Cursor, int, ast.Step], ast.Step]] = {
    "*": repeat,
    "for": loop,
    "if": choice,
    "?": option,
    "as": naming,
    ":": ascription,
}
