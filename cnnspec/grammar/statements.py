"""A file and its statements: one function per production."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from cnnspec.diagnostics import Label, closest
from cnnspec.grammar import ast
from cnnspec.grammar.arguments import refuse_chain
from cnnspec.grammar.cursor import Cursor, GiveUp, TooDeep
from cnnspec.grammar.expressions import condition, expression, string
from cnnspec.grammar.lookahead import is_lowercase
from cnnspec.grammar.steps import chain
from cnnspec.grammar.tokens import ALMOST_ARROW, END, EXTENTS, FOREIGN_STATEMENTS, NAME, STATEMENTS, STRING
from cnnspec.source import Span

#: Where reading goes on after the value of a binding.
_RESUME = frozenset((",", "where"))


def file(c: Cursor) -> tuple[tuple[ast.Statement, ...], ast.Chain | None]:
    """file = { use | let | block | net | expect } | { let } bare { let } ; bare = chain that begins with INPUT"""
    statements: list[ast.Statement] = []
    formulas: list[ast.Chain] = []
    while c.kind is not END:
        try:
            found = statement(c)
        except TooDeep:
            c.depth = c.spine = 0
            c.skip_statement()
            continue
        except GiveUp:
            break
        if isinstance(found, ast.Chain):
            formulas.append(found)
        elif found is not None:
            statements.append(found)
    with suppress(GiveUp):  # it may be the one mistake too many
        _refuse_mixture(c, statements, formulas)
    return tuple(statements), formulas[0] if formulas else None


def _refuse_mixture(c: Cursor, statements: list[ast.Statement], formulas: list[ast.Chain]) -> None:
    """A bare chain stands alone, but for `let`s."""
    others = [found for found in statements if not isinstance(found, ast.Let)]
    for number, formula in enumerate(formulas):
        if not number and not others:
            continue
        span = formula.steps[0].span
        other = others[0].span if others else formulas[0].steps[0].span
        word = other.text.split(None, 1)[0] if others else ""
        message = f"a bare chain cannot stand beside `{word}`" if others else "a file holds one bare chain"
        labels = (Label(other.replace(end=other.start + len(word or "INPUT"))),)
        c.report("mixed-file", message, span, help=f"name it: `net NAME = {span.text} …`", labels=labels)


def statement(c: Cursor) -> ast.Statement | ast.Chain | None:
    """statement = use | let | block | net | expect"""
    at, word = c.at, c.kind
    if word in STATEMENTS:
        c.advance()
        return _STATEMENTS[word](c, at)
    if word is NAME and c.text() == "INPUT":
        return bare(c)
    if c.begins_statement():
        return _misspelt(c)
    if at and not c.begins_line():
        c.fail("syntax", f"expected the end of the statement, found {c.found()}")
    elif word is NAME or word == "[":
        found = chain(c)
        first = found.steps[0].span
        c.report("unknown-statement", "a bare chain begins with INPUT", first, help=f"`INPUT -> {first.text}`")
    else:
        c.fail("unknown-statement", f"expected a statement, found {c.found()}", help="`net NAME = INPUT -> …`")
    c.skip(())
    return None


def _misspelt(c: Cursor) -> ast.Statement | None:
    """A statement whose keyword is wrong or missing: said once, then read as what was meant."""
    at, word = c.at, c.text()
    if c.ahead() in (NAME, STRING):
        meant = FOREIGN_STATEMENTS.get(word) or closest(word, STATEMENTS) or "block"
        c.report("unknown-statement", f"no statement begins with `{word}`", c.here(), help=f"`{meant}`")
        c.advance()
    else:
        value = (c.after_brackets(at + 1) if c.ahead() == "(" else at + 1) + 1
        if c.kinds[value] is NAME and c.tokens.text(value) == "INPUT":
            meant = "net"
        else:
            meant = "block" if c.ahead() == "(" else "let"
        c.report("unknown-statement", f"`{word}` is defined without a keyword", c.here(), help=f"`{meant} {word}`")
    return _STATEMENTS[meant](c, at)


def bare(c: Cursor) -> ast.Chain:
    """bare = chain"""
    found = chain(c)
    if c.kind in (";", "where"):
        help = "`let NAME = VALUE` above the chain" if c.kind == "where" else "`net NAME = …; …`"
        c.fail("syntax", f"a bare chain has no `{c.kind}`", help=help)
        c.skip(())
    _end(c, "`->`")
    return found


def use(c: Cursor, at: int) -> ast.Use | None:
    """use = "use" STRING"""
    if c.kind is STRING:
        path = string(c)
        found = ast.Use(c.since(at), path)
        _end(c, "a statement")
        return found
    start = c.at
    end = c.find(())
    written = "blocks.cnn" if end == start else c.source.text[c.starts[start] : c.ends[end - 1]].split()[0]
    c.fail("syntax", f"expected a path in quotes after `use`, found {c.found()}", help=f'`use "{written}"`')
    c.skip(())
    return None


def let(c: Cursor, at: int) -> ast.Let:
    """let = "let" binding"""
    found = binding(c, "`let name = value`")
    if c.kind == ",":
        c.fail("syntax", "one `let` names one value", help="`let` before each name")
        c.skip(())
    _end(c, "an operator")
    return ast.Let(c.since(at), found)


def binding(c: Cursor, example: str) -> ast.Binding:
    """binding = NAME "=" expression"""
    at = c.at
    name, span = c.name("a value", example)
    _equals(c, f"`{name}`" if name else "the name")
    start = c.at
    value = expression(c)
    if c.kind == "->":
        refuse_chain(c, start, _RESUME)
    return ast.Binding(c.since(at), name, span, value)


def block(c: Cursor, at: int) -> ast.Block:
    """block = "block" definition"""
    name, span, parameters, content = definition(c, "block")
    return ast.Block(c.since(at), name, span, parameters, content)


def net(c: Cursor, at: int) -> ast.Net:
    """net = "net" definition"""
    name, span, parameters, content = definition(c, "net")
    return ast.Net(c.since(at), name, span, parameters, content)


def definition(c: Cursor, word: str) -> tuple[str, Span, tuple[ast.Parameter, ...], ast.Body]:
    """definition = NAME [ "(" [ parameter {"," parameter} [","] ] ")" ] "=" body"""
    if c.kind is NAME and c.text() == "INPUT" and c.ahead() != "=":
        c.fail("missing-name", f"the {word} has no name", help=f"`{word} NAME = …`")
        name, span = "", c.gap()
    else:
        name, span = c.name(f"a {word}", f"`{word} NAME = …`")
        _lowercase(c, name, span, f"a {word}")
    found = parameters(c) if c.kind == "(" else ()
    _equals(c, f"`{c.tokens.text(c.at - 1)}`")
    content = body(c)
    if c.kind is NAME and not c.begins_line():
        c.fail("syntax", f"expected `->`, `;` or the end of the statement, found {c.found()}")
        c.skip(())
    _end(c, "`->`, `;`")
    return name, span, found, content


def parameters(c: Cursor) -> tuple[ast.Parameter, ...]:
    """parameters = "(" [ parameter {"," parameter} [","] ] ")" """
    c.enter()
    c.advance()
    found: list[ast.Parameter] = []
    while c.kind != ")":
        found.append(parameter(c))
        if c.kind is NAME:
            help = f"`{c.tokens.text(c.at - 1)}, {c.text()}`"
            c.fail("missing-comma", "a comma is missing between two parameters", help=help)
        elif not c.accept(","):
            break
    c.close(")", "`,`")
    c.leave()
    return tuple(found)


def parameter(c: Cursor) -> ast.Parameter:
    """parameter = NAME [ "=" expression ]"""
    at = c.at
    name, span = c.name("a parameter", "`block f(c, k = 3) = …`")
    _lowercase(c, name, span, "a parameter")
    default = expression(c) if c.accept("=") else None
    return ast.Parameter(c.since(at), name, span, default)


def body(c: Cursor) -> ast.Body:
    """body = chain { ";" chain } [ "where" binding { "," binding } ]"""
    at = c.at
    chains = [chain(c)]
    while c.kind == ";":
        place = c.here()
        c.advance()
        if c.kind is END or c.kind == "where" or c.begins_statement():
            c.report("trailing-semicolon", "no chain follows this `;`", place, help="remove the `;`")
            break
        chains.append(chain(c))
    bindings: list[ast.Binding] = []
    if c.accept("where"):
        bindings.append(binding(c, "`where name = value`"))
        while c.accept(",") or _comma_is_missing(c):
            bindings.append(binding(c, "`where a = 1, b = 2`"))
    return ast.Body(c.since(at), tuple(chains), tuple(bindings))


def _comma_is_missing(c: Cursor) -> bool:
    if c.kind is not NAME or c.ahead() != "=" or c.begins_line():
        return False
    c.fail("missing-comma", "a comma is missing between two values", help=f"`, {c.text()}`")
    return True


def expect(c: Cursor, at: int) -> ast.Expect:
    """expect = "expect" expression"""
    test = expression(c)
    if c.kind == "=":
        c.move(at + 1)
        test = condition(c)
    _end(c, "an operator")
    return ast.Expect(c.since(at), test)


_STATEMENTS: dict[str, Callable[[Cursor, int], ast.Statement | None]] = {
    "use": use,
    "let": let,
    "block": block,
    "net": net,
    "expect": expect,
}


def _equals(c: Cursor, after: str) -> None:
    """Step over the `=` of a definition, or over what was written for it."""
    if not c.accept("="):
        help = f"`= {c.text()}`" if c.kind is NAME else "`=`"
        end = c.ends[c.at - 1]
        place = Span(c.source, end, end) if c.begins_line() else c.here()
        c.fail("missing-equals", f"expected `=` after {after}, found {c.found()}", place, help)
        if c.kind in (":=", "==", ":", "->", ALMOST_ARROW):
            c.advance()


def _lowercase(c: Cursor, name: str, span: Span, what: str) -> None:
    """Layers are written in capitals; what a spec defines is not, so that the two are told apart."""
    if not is_lowercase(name) and name not in EXTENTS:
        message = f"the name of {what} is lowercase: layers have the capitals"
        c.report("name-case", message, span, help=f"`{name.lower()}`")


def _end(c: Cursor, content: str) -> None:
    """Check that the statement ends here; pass over what does not belong to it."""
    if c.kind is END or c.begins_line() or c.begins_statement() or c.text() == "INPUT":
        return
    c.fail("syntax", f"expected {content} or the end of the statement, found {c.found()}")
    c.skip(())
