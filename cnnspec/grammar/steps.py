"""Chains and their steps: one function per production."""

from __future__ import annotations

from cnnspec.grammar import ast, expressions
from cnnspec.grammar.arguments import arguments, index, items
from cnnspec.grammar.brackets import CLOSERS
from cnnspec.grammar.cursor import Cursor
from cnnspec.grammar.lookahead import is_layer, is_lowercase, opens_chain
from cnnspec.grammar.postfixes import POSTFIXES, turns
from cnnspec.grammar.tokens import ALMOST_ARROW, END, NAME, NUMBER, SHAPE, STATEMENTS, STRING
from cnnspec.source import Span

#: What may follow a chain; whoever reads the chain says which of them fits.
_AFTER_CHAIN = frozenset(("|", ";", "]", "}", ")", "where", END)) | STATEMENTS
_CLOSING = frozenset(("|", "]", "}", ")", ";"))
#: Where the reading of a chain goes on after what it cannot understand.
_RESUME = frozenset(("->", ALMOST_ARROW, "|", ";", "where"))


def chain(c: Cursor) -> ast.Chain:
    """chain = step { ("->" | "→") step }"""
    at = c.at
    found = [step(c)]
    while True:
        if c.kind == "->":
            c.advance()
        elif c.kind in _AFTER_CHAIN or not _mend_arrow(c):
            break
        found.append(step(c))
    return ast.Chain(c.since(at), tuple(found))


def _mend_arrow(c: Cursor) -> bool:
    """Say what is wrong after a step where no arrow follows; whether a further step does."""
    if c.begins_statement() or (c.kind is NAME and c.text() == "INPUT"):
        return False
    if c.kind in (ALMOST_ARROW, ">", ",", "."):
        c.fail("bad-arrow", f"steps are joined by `->`, found `{c.text()}`", help="`->`")
        c.advance()
        return True
    if c.kind == "-" and c.ahead() == ">":
        c.advance()
        c.fail("bad-arrow", "the two signs of an arrow stand together", c.since(c.at - 1).to(c.here()), help="`->`")
        c.advance()
        return True
    if c.kind == "[" and c.ahead() in (NUMBER, SHAPE, STRING):
        at, end = c.at, c.after_brackets(c.at)
        inside = c.source.text[c.ends[at] : c.starts[end - 1]].strip()
        c.fail("round-arguments", "arguments stand in parentheses, not in square brackets", help=f"`({inside})`")
        c.move(end)
        return _mend_arrow(c) if c.kind not in _AFTER_CHAIN and c.kind != "->" else c.accept("->")
    if c.kind in ("[", "@") or (c.kind is NAME and not _is_word_argument(c)):
        c.fail("missing-arrow", f"an arrow is missing before `{c.text()}`", c.here(), help=f"`-> {c.text()}`")
        return True
    if c.kind in (NUMBER, SHAPE, STRING, NAME) and c.tokens.kinds[c.at - 1] is NAME:
        before = c.tokens.text(c.at - 1)
        words = [c.tokens.text(at) for at in range(c.at, c.find(_RESUME))]
        help = f"`{before}({', '.join([word for word in words if word != ','])})`"
        c.fail("missing-parentheses", f"the arguments of `{before}` stand in parentheses", help=help)
    else:
        help = "a comment begins with `#`" if c.kind == "//" else ""
        c.fail("syntax", f"expected `->` after a step, found {c.found()}", help=help)
    c.skip(_RESUME)
    return c.accept("->") or (c.kind == ALMOST_ARROW and _mend_arrow(c))


def _is_word_argument(c: Cursor) -> bool:
    """Whether the name here was meant as the argument of the layer before it: `POOL max`."""
    return c.kinds[c.at - 1] is NAME and c.text().islower() and c.ahead() in (",", NUMBER)


def step(c: Cursor) -> ast.Step:
    """step = primary { repeat | loop | choice | option | naming | ascription }"""
    at, outer, c.spine = c.at, c.spine, 0
    node = primary(c)
    loops = 0
    while (postfix := POSTFIXES.get(c.kind)) is not None:
        loops += c.kind == "for"
        if c.kind == "for" and loops == 2:
            message = "a step has one `for`; brackets say which of two is the outer one"
            c.report("two-loops", message, c.here(), help=f"`[{c.since(at).text}] for …`")
        node = postfix(c, at, node)
        c.grow()
    c.spine = max(outer, c.spine)
    return node


def primary(c: Cursor) -> ast.Step:
    """primary = apply | merge | group | reference"""
    if c.kind is NAME:
        return apply_or_merge(c)
    if c.kind == "[":
        return group(c)
    if c.kind == "@":
        return reference(c)
    if c.kind == "(":
        return _round_group(c)
    return _missing_step(c)


def _round_group(c: Cursor) -> ast.Step:
    at, end = c.at, c.after_brackets(c.at)
    inside = c.source.text[c.ends[at] : c.starts[end - 1]].strip()
    c.fail("round-group", "a group stands in square brackets", help=f"`[{inside}]`")
    if c.ahead() is not NAME and c.ahead() != "[":
        c.move(end)
        return ast.Missing(c.since(at))
    c.enter()
    c.advance()
    found = chain(c)
    c.close(")", "`->`")
    c.leave()
    return ast.Group(c.since(at), found)


def _missing_step(c: Cursor) -> ast.Missing:
    arrow = c.at > 0 and c.kinds[c.at - 1] == "->"
    if arrow and (c.kind is END or c.begins_statement()):
        message = "the chain ends with an arrow; after it a layer is missing"
        place = Span(c.source, c.starts[c.at - 1], c.ends[c.at - 1])
        c.fail("arrow-at-end", message, place, help="remove the arrow, or write the step that follows")
    elif c.kind in _CLOSING and not arrow:
        c.fail("missing-step", f"expected a layer, found {c.found()}", help="`ID` is the step that changes nothing")
    elif c.kind == "{":
        c.fail("missing-step", "branches `{ … }` follow the name of a merge, such as ADD", help="`ADD{ … }`")
        at = c.at
        branches(c)
        return ast.Missing(c.since(at))
    else:
        help = "one arrow" if arrow and c.kind == "->" else "remove the arrow" if arrow and c.kind in _CLOSING else ""
        help = _BEHIND.get(c.kind, help) if c.kind is not NUMBER or c.ahead() == "*" else help
        c.fail("missing-step", f"expected a layer, found {c.found()}", help=help)
    return ast.Missing(c.gap())


#: What stands behind the step that it is about, and not before.
_BEHIND = {
    "for": "a loop stands behind its step: `[…] for i in …`",
    "if": "a condition stands behind its step: `[…] if …`",
    NUMBER: "a count stands behind its step: `[…]*3`",
}


def apply_or_merge(c: Cursor) -> ast.Apply | ast.Merge:
    """apply = callee [arguments] ; merge = callee [arguments] "{" branches "}" ; callee = NAME [index]"""
    at, name = c.at, c.text()
    c.advance()
    callee: ast.Name | ast.Index = ast.Name(c.since(at), name)
    if c.kind == "[" and is_lowercase(name) and not opens_chain(c):
        callee = index(c, at, callee)
    if c.kind in ("(", "[") and is_layer(name) and _holds_branches(c):
        inside = c.source.text[c.ends[c.at] : c.starts[c.after_brackets(c.at) - 1]].strip()
        c.fail("missing-braces", "the branches of a merge stand in braces", help=f"`{name}{{ {inside} }}`")
        found = branches(c, CLOSERS[c.kind])
        return ast.Merge(c.since(at), callee, None, found)
    args = arguments(c) if c.kind == "(" else None
    if c.kind == "{":
        found = branches(c)
        return ast.Merge(c.since(at), callee, args, found)
    return ast.Apply(c.since(at), callee, args)


def _holds_branches(c: Cursor) -> bool:
    """Whether a `|` stands directly inside the bracket here."""
    at, end = c.at + 1, c.after_brackets(c.at) - 1
    while at < end:
        if c.kinds[at] == "|":
            return True
        at = c.after_brackets(at)
    return False


def group(c: Cursor) -> ast.Group:
    """group = "[" chain "]" """
    at = c.at
    c.enter()
    c.advance()
    inside = chain(c)
    if c.kind == "|":
        c.fail("syntax", "`|` separates the branches of a merge, not of a group", help="`ADD{ a | b }`")
    c.close("]", "`->`")
    c.leave()
    return ast.Group(c.since(at), inside)


def group_value(c: Cursor) -> ast.Expr:
    """group, as a value; numbers in square brackets are refused, since a tuple is written with round ones."""
    if c.ahead() not in (NUMBER, SHAPE, STRING, "]", "(", "-"):
        return group(c)
    at, end = c.at, c.after_brackets(c.at)
    inside = c.source.text[c.ends[at] : c.starts[end - 1]].strip()
    span = c.here()
    c.move(end)
    c.report("square-tuple", "a tuple stands in parentheses; `[ ]` hold a chain", span, help=f"`({inside})`")
    return ast.Missing(c.since(at))


def branches(c: Cursor, closer: str = "}") -> tuple[ast.Branch, ...]:
    """branches = "{" branch { "|" branch } "}" """
    c.enter()
    c.advance()
    found = [branch(c)]
    while c.accept("|"):
        found.append(branch(c))
    c.close(closer, "`->`, `|`")
    c.leave()
    return tuple(found)


def branch(c: Cursor) -> ast.Branch:
    """branch = "for" turns ":" branch | "if" condition ":" branch | chain"""
    at, word = c.at, c.kind
    if word not in ("for", "if"):
        return chain(c)
    c.enter()
    c.advance()
    if word == "for":
        target, iterable = turns(c)
        c.expect(":", "the loop of a branch")
        inside = branch(c)
        found: ast.Branch = ast.BranchLoop(c.since(at), target, iterable, inside)
    else:
        test = _branch_condition(c)
        c.expect(":", "the condition of a branch")
        inside = branch(c)
        found = ast.BranchIf(c.since(at), test, inside)
    c.leave()
    return found


def _branch_condition(c: Cursor) -> ast.Expr:
    at = c.at
    test = expressions.condition(c)
    if c.kind == "if":
        c.move(at)
        test = expressions.expression(c)
        span = c.since(at)
        c.report("missing-parentheses", "a condition of this form stands in parentheses", span, help=f"`({span.text})`")
    return test


def reference(c: Cursor) -> ast.Reference:
    """reference = "@" NAME { "." NAME } [ items ]"""
    at = c.at
    c.advance()
    names = [c.name("a value", "`@name`, of a value that `as` has named")[0]]
    while c.accept("."):
        names.append(c.name("a value", "`@net.name`")[0])
    found = items(c) if c.kind == "[" and not opens_chain(c) else ()
    return ast.Reference(c.since(at), tuple(names), found)
