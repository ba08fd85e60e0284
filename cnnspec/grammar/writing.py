"""Syntax nodes as text to lay out, with as few brackets as say the same."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.grammar import ast
from cnnspec.grammar.layout import Doc, Item, Row, Suffixed, after, before, flat

# How strongly expressions bind; whatever binds less than its place asks for stands in parentheses.
TERNARY, OR, AND, NOT, COMPARISON, SUM, PRODUCT, UNARY, POWER, POSTFIX, ATOM = range(11)
_BINDING = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "**": POWER}
_LEVELS: dict[type[ast.Expr], int] = {
    ast.Conditional: TERNARY, ast.Compare: COMPARISON, ast.Call: POSTFIX, ast.Index: POSTFIX, ast.Attribute: POSTFIX,
    ast.Merge: POSTFIX, ast.Reference: POSTFIX,
}  # fmt: skip


def level(node: ast.Expr) -> int:
    """How strongly a written expression holds together."""
    if isinstance(node, ast.Logic):
        return OR if node.op == "or" else AND
    if isinstance(node, ast.Unary):
        return NOT if node.op == "not" else UNARY
    if isinstance(node, ast.Binary):
        return _BINDING[node.op]
    return _LEVELS.get(type(node), ATOM)


def expression(node: ast.Expr, least: int = TERNARY, loose: bool = False) -> Doc:
    """An expression where at least `least` is asked for; `loose` puts spaces around its arithmetic."""
    if level(node) < least:
        return f"({flat(expression(node))})"
    if isinstance(node, ast.Number):
        return node.span.text or (str(node.value) if isinstance(node.value, int) else repr(node.value))
    if isinstance(node, ast.ShapeLiteral):
        return node.span.text or "x".join(map(str, node.extents))
    if isinstance(node, ast.Text):
        return node.span.text or (f'"{node.value}"' if '"' not in node.value else f"'{node.value}'")
    if isinstance(node, ast.Flag):
        return "on" if node.value else "off"
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.TupleExpr):
        return _tuple(node)
    if isinstance(node, ast.Call):
        return before(flat(expression(node.callee, POSTFIX)), arguments(node.args))
    if isinstance(node, ast.Index):
        return _base(node.value) + items(node.items)
    if isinstance(node, ast.Attribute):
        return f"{_base(node.value)}.{node.name}"
    if isinstance(node, ast.Slice):
        return _slice(node)
    if isinstance(node, ast.Step):
        return step(node)
    return _operation(node, loose)


def _operation(node: ast.Expr, loose: bool) -> str:
    if isinstance(node, ast.Binary):
        own = level(node)
        left = text(node.left, own + (own == POWER), loose)
        right = text(node.right, UNARY if own == POWER else own + 1, loose)
        return f"{left} {node.op} {right}" if loose and own != POWER else left + node.op + right
    if isinstance(node, ast.Unary):
        space = " " if node.op == "not" else ""
        return node.op + space + text(node.operand, level(node), loose)
    if isinstance(node, ast.Compare):
        words = [text(node.operands[0], SUM)]
        for sign, operand in zip(node.ops, node.operands[1:], strict=True):
            words += sign, text(operand, SUM)
        return " ".join(words)
    if isinstance(node, ast.Logic):
        return f" {node.op} ".join([text(operand, level(node) + 1) for operand in node.operands])
    assert isinstance(node, ast.Conditional), node
    return f"{text(node.then, OR, loose)} if {text(node.test, OR)} else {text(node.other, TERNARY, loose)}"


def text(node: ast.Expr, least: int = TERNARY, loose: bool = False) -> str:
    """An expression on one line."""
    return flat(expression(node, least, loose))


def _base(node: ast.Expr) -> str:
    """What an index or an attribute follows; a reference would take an index for its own."""
    least = ATOM if isinstance(node, ast.Reference) and not node.items else POSTFIX
    written = text(node, least)
    return f"({written})" if isinstance(node, ast.Number) else written


def _slice(node: ast.Slice) -> str:
    parts = [node.start, node.stop] if node.step is None else [node.start, node.stop, node.step]
    return ":".join(["" if part is None else text(part) for part in parts])


def items(found: Sequence[ast.Expr]) -> str:
    """`[a, b]`, and nothing without items."""
    return f"[{', '.join(map(text, found))}]" if found else ""


def _tuple(node: ast.TupleExpr) -> Doc:
    """A tuple; one that is an element of another is written without spaces where it is plain."""
    found = node.items
    if len(found) < 2:
        return f"({text(found[0])},)" if found else "()"
    elements = [_element(item) for item in found]
    plain = [isinstance(element, str) and not isinstance(item, ast.TupleExpr) for item, element in zip(found, elements)]
    return listing(
        [Item(item.span.start, element, joins) for item, element, joins in zip(found, elements, plain, strict=True)]
    )


def _element(node: ast.Expr) -> Doc:
    if isinstance(node, ast.TupleExpr) and len(node.items) > 1:
        if not any(isinstance(item, ast.TupleExpr) for item in node.items):
            return f"({','.join(map(text, node.items))})"
    return expression(node)


def listing(found: Sequence[Item]) -> Doc:
    """`(a, b)`."""
    return Row("(", tuple(found), ")", ", ", end=",", indent=1) if found else "()"


def arguments(found: Sequence[ast.Argument]) -> Doc:
    """`(64, 3, stride=2)`."""
    return listing([Item(one.span.start, _argument(one), bool(number)) for number, one in enumerate(found)])


def _argument(node: ast.Argument) -> Doc:
    value = expression(node.value)
    return value if node.name is None else before(f"{node.name}=", value)


def target(node: ast.Target, nested: bool = False) -> str:
    """`i, (c, n)`."""
    if isinstance(node, ast.TargetName):
        return node.id
    inside = ", ".join([target(item, True) for item in node.items]) + "," * (len(node.items) == 1)
    return f"({inside})" if nested else inside


def simple(node: ast.Expr) -> Doc:
    """A count or an iterable: bare where it may be, else in parentheses."""
    base = node
    while isinstance(base, ast.Call | ast.Index):
        base = base.callee if isinstance(base, ast.Call) else base.value
    bare = isinstance(base, ast.Name | ast.TupleExpr) or level(base) < POSTFIX or isinstance(node, ast.Number)
    return expression(node, POSTFIX) if bare else f"({text(node)})"


# ------------------------------------------------------------------------------------------------- steps


def chain(node: ast.Chain, open: str = "", close: str = "") -> Row:
    """`a -> b -> c`. A plain step without arguments stays on the line of the plain step before it."""
    found = []
    for number, one in enumerate(node.steps):
        joins = number > 0 and isinstance(one, ast.Apply) and one.args is None
        joins = joins and isinstance(node.steps[number - 1], ast.Apply)
        found.append(Item(one.span.start, step(one, number < len(node.steps) - 1), joins))
    return Row(open, tuple(found), close, " -> ", lead="-> ", indent=len(open))


def step(node: ast.Expr, arrow: bool = False) -> Doc:
    """A step; with an `arrow` after it, what an `if` chooses from stands in brackets."""
    if isinstance(node, ast.Apply):
        return _apply(node)
    if isinstance(node, ast.Group):
        return chain(node.chain, "[", "]")
    if isinstance(node, ast.Merge):
        return _merge(node)
    if isinstance(node, ast.Reference):
        return "@" + ".".join(node.names) + items(node.items)
    if isinstance(node, ast.Repeat):
        return Suffixed(_bracketed(node.step), "*", simple(node.count), False)
    if isinstance(node, ast.Loop):
        inner = _bracketed(node.step) if _has_loop(node.step) else _inner(node.step)
        return Suffixed(inner, " ", before(f"for {target(node.target)} in ", simple(node.iterable)), True)
    if isinstance(node, ast.Choice):
        return _choice(node, arrow)
    if isinstance(node, ast.Optional):
        return after(_inner(node.step), "?" if node.name_span is None else f"?{node.name}")
    if isinstance(node, ast.Named):
        return Suffixed(_inner(node.step), " as ", node.name + items(node.items), False)
    if isinstance(node, ast.Ascribed):
        return Suffixed(_inner(node.step), " : ", _shape(node.shape), False)
    return node.span.text  # a step that is missing


def _apply(node: ast.Apply | ast.Merge) -> Doc:
    callee = text(node.callee)
    return callee if node.args is None else before(callee, arguments(node.args))


def _merge(node: ast.Merge) -> Doc:
    head = flat(_apply(node))
    found = tuple(Item(one.span.start, branch(one)) for one in node.branches)
    return Row(f"{head}{{ ", found, " }", " | ", lead="| ", indent=len(head))


def branch(node: ast.Branch) -> Doc:
    """`for i in t: branch`, `if test: branch`, or a chain."""
    if isinstance(node, ast.BranchLoop):
        return before(f"for {target(node.target)} in {flat(simple(node.iterable))}: ", branch(node.branch))
    if isinstance(node, ast.BranchIf):
        return before(f"if {text(node.test, OR)}: ", branch(node.branch))
    return chain(node)


def _choice(node: ast.Choice, arrow: bool) -> Doc:
    inner = _bracketed(node.step) if arrow else _inner(node.step)
    condition = f"if {text(node.test, OR)}"
    if node.other is None:
        return Suffixed(inner, " ", condition, True)
    return Suffixed(inner, " ", before(f"{condition} else ", _alternative(node.other, arrow)), True)


def _alternative(node: ast.Step, arrow: bool) -> Doc:
    if isinstance(node, ast.Choice):
        inner = _bracketed(node.step) if arrow else _primary(node.step)
        rest = f"if {text(node.test, OR)}"
        if node.other is None:
            return after(after(inner, " "), rest)
        return after(inner, f" {rest} else {flat(_alternative(node.other, arrow))}")
    return _bracketed(node) if arrow else _primary(node)


def _shape(node: ast.Expr) -> str:
    plain = isinstance(node, ast.ShapeLiteral | ast.Number | ast.Name | ast.TupleExpr)
    return text(node) if plain else f"({text(node)})"


def _bracketed(node: ast.Step) -> Doc:
    """A group as it is, another step in brackets."""
    return step(node) if isinstance(node, ast.Group) else after(before("[", step(node)), "]")


def _primary(node: ast.Step) -> Doc:
    """A step without a postfix as it is, another in brackets."""
    return step(node) if isinstance(node, ast.Apply | ast.Merge | ast.Reference) else _bracketed(node)


def _inner(node: ast.Step) -> Doc:
    """A step that a postfix follows; after `else` none may."""
    return _bracketed(node) if isinstance(node, ast.Choice) and node.other is not None else step(node)


def _has_loop(node: ast.Step) -> bool:
    """Whether the step, without brackets around it, carries a `for`."""
    while isinstance(node, ast.Choice | ast.Optional | ast.Named | ast.Ascribed | ast.Loop):
        if isinstance(node, ast.Loop):
            return True
        node = node.step
    return False
