"""The expressions, a subset of Python's: one function per production."""

from __future__ import annotations

from cnnspec.grammar import ast, steps
from cnnspec.grammar.cursor import BEGIN_VALUE, Cursor
from cnnspec.grammar.numbers import number, shape
from cnnspec.grammar.tokens import ALMOST_ARROW, KEYWORDS, NAME, NUMBER, SHAPE, STRING

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
    """or = and {"or" and} ; and = not {"and" not} ; not = "not" not | comparison ;
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
    if sign == "-" or sign == "+":
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


def simple(c: Cursor, wanted: str) -> ast.Expr:
    """simple = (NUMBER | NAME | "(" expression ")" | tuple) { arguments | index }

    What a count or an iterable may be without parentheses. A `[` that opens a chain is left alone: an arrow is
    missing before it.
    """
    at, outer, c.spine = c.at, c.spine, 0
    if c.kind in (NAME, NUMBER, "("):
        value = atom(c)
        while (c.kind == "(" and not isinstance(value, ast.Number)) or (c.kind == "[" and not opens_chain(c)):
            value = call(c, at, value) if c.kind == "(" else index(c, at, value)
            c.grow()
    elif c.kind in BEGIN_VALUE or c.kind == "-":
        value = unary(c)
        span = c.since(at)
        c.report("missing-parentheses", f"{wanted} of this form stands in parentheses", span, help=f"`({span.text})`")
    else:
        value = missing(c, wanted)
    c.spine = max(outer, c.spine)
    return value


def whole(c: Cursor, at: int, before: str, wanted: str) -> ast.Expr:
    """The expression of which `simple` has read the beginning, from the token at `at`; says to parenthesise it."""
    span = c.here()
    c.move(at)
    value = operation(c, SUM)
    message = f"{wanted} ends before this `{span.text}`; a longer one stands in parentheses"
    c.report("missing-parentheses", message, span, help=f"`{before}({c.since(at).text})`")
    return value


def opens_chain(c: Cursor) -> bool:
    """Whether the `[` here holds a chain, by what stands in it; else it holds an index."""
    at = c.at + 1
    if c.kinds[at] is NAME and is_layer(c.tokens.text(at)):
        apart = c.starts[c.at] > c.ends[c.at - 1]
        if c.kinds[at + 1] == "(" or (c.kinds[at + 1] == "]" and apart):
            return True
    if c.kinds[at] == "[":
        return True
    while c.kinds[at] != "]":
        if c.kinds[at] in _CHAIN_ONLY:
            return True
        at = c.after_brackets(at)
    return False


_CHAIN_ONLY = frozenset(("->", ALMOST_ARROW, "?", "as", "for", ";", "{", "@"))


def is_layer(name: str) -> bool:
    """Whether a name has the look of a layer's: capital letters, more than one, as in `CONV` and `ID`."""
    return len(name) > 1 and name[0].isupper() and name == name.upper()


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
        value = expression(c)
        return ast.Argument(c.since(at), name, span, value)
    value = expression(c)
    return ast.Argument(c.since(at), None, None, value)


def _separated(c: Cursor, start: int, what: str) -> bool:
    """Whether another element follows in parentheses, after the one that begins at the token `start`."""
    if c.accept(","):
        return True
    if c.kind == ")":
        return False
    if c.kind == "->":
        start += 2 if c.kinds[start + 1] == "=" else 0
        help = f"`[{c.source.text[c.starts[start] : c.ends[c.find((',',)) - 1]]}]`"
        c.fail("chain-argument", "a chain that is passed as a value stands in square brackets", help=help)
    elif c.kind == "for":
        c.fail("syntax", f"expected `,` or `)`, found {c.found()}", help="write the tuple out, or repeat a step with `for`")
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
    start = None if c.kind == ":" else expression(c)
    if c.kind != ":":
        assert start is not None
        return start
    c.advance()
    stop = None if c.kind in _SLICE_END else expression(c)
    step = expression(c) if c.accept(":") and c.kind not in _SLICE_END else None
    return ast.Slice(c.since(at), start, stop, step)


_SLICE_END = frozenset((":", "]", ","))


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
        text = c.text()
        c.advance()
        return ast.Text(c.since(at), text[1:].removesuffix(text[0]))
    if kind == "on" or kind == "off":
        c.advance()
        return ast.Flag(c.since(at), kind == "on")
    if kind == "[":
        return steps.group_value(c)
    if kind == "@":
        return steps.reference(c)
    return missing(c, "a value")


def missing(c: Cursor, wanted: str) -> ast.Missing:
    """Say that a value is missing here."""
    help = "`==` compares" if c.kind == "=" else ""
    c.fail("missing-value", f"expected {wanted}, found {c.found()}", help=help)
    return ast.Missing(c.gap())


def parenthesised(c: Cursor) -> ast.Expr:
    """tuple = "(" ")" | "(" expression "," [ expression {"," expression} [","] ] ")" """
    at = c.at
    c.enter()
    c.advance()
    found: list[ast.Expr] = []
    commas = False
    while c.kind != ")":
        start = c.at
        found.append(expression(c))
        more = _separated(c, start, "elements")
        commas = commas or more
        if not more:
            break
    c.close(")", "`,`")
    c.leave()
    if len(found) == 1 and not commas:
        return found[0]
    return ast.TupleExpr(c.since(at), tuple(found))
