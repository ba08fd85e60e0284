"""The expressions, a subset of Python's: one function per production."""

from __future__ import annotations

from cnnspec.grammar import ast, steps
from cnnspec.grammar.arguments import call, index, missing, parenthesised
from cnnspec.grammar.cursor import Cursor
from cnnspec.grammar.numbers import number, shape
from cnnspec.grammar.tokens import NAME, NUMBER, SHAPE, STRING

#: How strongly the binary operators bind.
OR, AND, NOT, COMPARISON, SUM, PRODUCT, UNARY = range(1, 8)
_BINDING = {
    "or": OR, "and": AND,
    "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON, "==": COMPARISON, "!=": COMPARISON,
    "in": COMPARISON, "not": COMPARISON,
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT,
}  # fmt: skip


def expression(c: Cursor) -> ast.Expr:
    """expression = operation [ "if" operation "else" expression ]"""
    at = c.at
    then = operation(c, OR)
    if c.kind != "if":
        return then
    c.advance()
    test = condition(c)
    if not c.accept("else"):
        c.fail("syntax", f"expected `else` after the condition, found {c.found()}", help="`x if condition else y`")
        return ast.Conditional(c.since(at), then, test, ast.Missing(c.gap()))
    c.enter()
    other = expression(c)
    c.leave()
    return ast.Conditional(c.since(at), then, test, other)


def condition(c: Cursor) -> ast.Expr:
    """condition = operation"""
    at = c.at
    test = operation(c, OR)
    while c.kind == "=":
        c.fail("single-equals", "`=` gives a name its value; `==` compares", help="`==`")
        c.advance()
        test = ast.Compare(c.since(at), (test, operation(c, OR)), ("==",))
        c.grow()
    return test


def operation(c: Cursor, level: int) -> ast.Expr:
    """operation = or ; or = and {"or" and} ; and = not {"and" not} ; not = "not" not | comparison ;
    comparison = sum {("<" | "<=" | ">" | ">=" | "==" | "!=" | "in" | "not" "in") sum} ;
    sum = product {("+" | "-") product} ; product = unary {("*" | "/" | "//" | "%") unary}

    One function for all levels, since each level of functions would deepen the stack for every bracket.
    """
    at, outer, c.spine = c.at, c.spine, 0
    left = negation(c) if c.kind == "not" and level <= NOT else unary(c)
    while (binding := _BINDING.get(c.kind, 0)) >= level and not (c.kind == "not" and c.ahead() != "in"):
        if binding == COMPARISON:
            left = _comparison(c, at, left)
        elif binding <= AND:
            left = _logic(c, at, left, binding)
        else:
            sign = c.kind
            c.advance()
            right = operation(c, binding + 1)
            left = ast.Binary(c.since(at), sign, left, right)
        c.grow()
    c.spine = max(outer, c.spine)
    return left


def _logic(c: Cursor, at: int, first: ast.Expr, binding: int) -> ast.Expr:
    operands, word = [first], c.kind
    while c.accept(word):
        operands.append(operation(c, binding + 1))
    return ast.Logic(c.since(at), word, tuple(operands))


def _comparison(c: Cursor, at: int, first: ast.Expr) -> ast.Expr:
    operands, signs = [first], []
    while _BINDING.get(c.kind) == COMPARISON and not (c.kind == "not" and c.ahead() != "in"):
        sign = c.kind
        c.advance()
        if sign == "not":
            c.advance()
            sign = "not in"
        signs.append(sign)
        operands.append(operation(c, SUM))
    return ast.Compare(c.since(at), tuple(operands), tuple(signs))


def negation(c: Cursor) -> ast.Expr:
    """not = "not" not | comparison"""
    at = c.at
    c.enter()
    c.advance()
    operand = operation(c, NOT)
    c.leave()
    return ast.Unary(c.since(at), "not", operand)


def unary(c: Cursor) -> ast.Expr:
    """unary = ("-" | "+") unary | power ; power = postfix [ "**" unary ]"""
    at, sign = c.at, c.kind
    if sign in _SIGNS:
        c.enter()
        c.advance()
        operand = unary(c)
        c.leave()
        return ast.Unary(c.since(at), sign, operand)
    base = postfix(c)
    if c.kind != "**":
        return base
    c.enter()
    c.advance()
    exponent = unary(c)
    c.leave()
    return ast.Binary(c.since(at), "**", base, exponent)


_SIGNS = frozenset("+-")


def postfix(c: Cursor) -> ast.Expr:
    """postfix = atom { arguments | "[" item {"," item} "]" | "." NAME | "{" branches "}" }"""
    at = c.at
    value = atom(c)
    while c.kind in _POSTFIX:
        if c.kind == "(":
            value = call(c, at, value)
        elif c.kind == "[":
            value = index(c, at, value)
        elif c.kind == ".":
            value = _attribute(c, at, value)
        else:
            value = _merge(c, at, value)
        c.grow()
    return value


_POSTFIX = frozenset(("(", "[", ".", "{"))


def _attribute(c: Cursor, at: int, value: ast.Expr) -> ast.Attribute:
    """attribute = postfix "." NAME"""
    c.advance()
    name, span = c.name("an attribute", "`vgg16.params`")
    return ast.Attribute(c.since(at), value, name, span)


def _merge(c: Cursor, at: int, value: ast.Expr) -> ast.Expr:
    """merge = NAME [arguments] "{" branches "}" """
    callee: ast.Expr = value.callee if isinstance(value, ast.Call) else value
    args = value.args if isinstance(value, ast.Call) else None
    if not isinstance(callee, ast.Name | ast.Index):
        c.fail("syntax", "branches `{ … }` follow the name of a merge, such as ADD", help="`ADD{ a | b }`")
        callee = ast.Name(value.span, "")
    branches = steps.branches(c)
    return ast.Merge(c.since(at), callee, args, branches)


def atom(c: Cursor) -> ast.Expr:
    """atom = NUMBER | SHAPE | STRING | "on" | "off" | NAME | tuple | "(" expression ")" | group | reference"""
    kind, at = c.kind, c.at
    if kind is NAME:
        name = c.text()
        c.advance()
        return ast.Name(c.since(at), name)
    if kind is NUMBER:
        return number(c)
    if kind is SHAPE:
        return shape(c)
    if kind == "(":
        return parenthesised(c)
    if kind is STRING:
        return string(c)
    if kind in ("on", "off"):
        c.advance()
        return ast.Flag(c.since(at), kind == "on")
    if kind == "[":
        return steps.group_value(c)
    if kind == "@":
        return steps.reference(c)
    return missing(c, "a value")


def string(c: Cursor) -> ast.Text:
    """STRING: a text in either kind of quotes, on one line, without escapes"""
    at, text = c.at, c.text()
    c.advance()
    return ast.Text(c.since(at), text[1:].removesuffix(text[0]))
