"""Expressions as text to lay out, with as few parentheses as say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnnspec.grammar import ast, step_text
from cnnspec.grammar.layout import Doc, Item, Row, before, flat

#: How strongly expressions bind; whatever binds less than its place asks for stands in parentheses.
TERNARY, OR, AND, NOT, COMPARISON, SUM, PRODUCT, UNARY, POWER, POSTFIX, ATOM = range(11)
_BINDING = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "**": POWER}
_LEVELS: dict[type[ast.Expr], int] = {
    ast.Conditional: TERNARY,
    ast.Compare: COMPARISON,
    ast.Call: POSTFIX,
    ast.Index: POSTFIX,
    ast.Attribute: POSTFIX,
    ast.Merge: POSTFIX,
    ast.Reference: POSTFIX,
}


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
    if isinstance(node, ast.Step):
        return step_text.step(node)
    if loose and type(node) in _LOOSE:
        return _LOOSE[type(node)](node, loose)
    return _WRITERS[type(node)](node)


def text(node: ast.Expr, least: int = TERNARY, loose: bool = False) -> str:
    """An expression on one line."""
    return flat(expression(node, least, loose))


def items(found: Sequence[ast.Expr]) -> str:
    """`[a, b]`, and nothing without items."""
    return f"[{', '.join(map(_item, found))}]" if found else ""


def _item(node: ast.Expr) -> str:
    """An index; in parentheses where its bracket could else be taken for a group's before which an arrow is missing."""
    if isinstance(node, ast.Slice):
        parts = [node.start, node.stop] if node.step is None else [node.start, node.stop, node.step]
        return ":".join(["" if part is None else _item(part) for part in parts])
    written = text(node)
    groups = written[0] == "[" or "{" in written or "@" in written
    return f"({written})" if groups or (written[0].isupper() and "(" in written) else written


def listing(found: Sequence[Item]) -> Doc:
    """`(a, b)`."""
    return Row("(", tuple(found), ")", ", ", end=",", indent=1) if found else "()"


def arguments(found: Sequence[ast.Argument]) -> Doc:
    """`(64, 3, stride=2)`."""
    return listing([Item(one.span.start, _argument(one), bool(number)) for number, one in enumerate(found)])


def _argument(node: ast.Argument) -> Doc:
    value = expression(node.value)
    return value if node.name is None else before(f"{node.name}=", value)


def simple(node: ast.Expr) -> Doc:
    """A count or an iterable: bare where it may be, else in parentheses."""
    base = node
    while isinstance(base, ast.Call | ast.Index):
        base = base.callee if isinstance(base, ast.Call) else base.value
    bare = isinstance(base, ast.Name | ast.TupleExpr) or level(base) < POSTFIX or isinstance(node, ast.Number)
    return expression(node, POSTFIX) if bare else f"({text(node)})"


# ------------------------------------------------------------------------------------------- operators


def _binary(node: ast.Binary, loose: bool = False) -> Doc:
    own = level(node)
    if own == POWER:
        return f"{text(node.left, POSTFIX)}**{text(node.right, UNARY)}"
    space = " " if loose else ""
    return text(node.left, own, loose) + space + node.op + space + text(node.right, own + 1, loose)


def _unary(node: ast.Unary) -> Doc:
    return node.op + " " * (node.op == "not") + text(node.operand, level(node))


def _compare(node: ast.Compare) -> Doc:
    words = [text(node.operands[0], SUM)]
    for sign, operand in zip(node.ops, node.operands[1:], strict=True):
        words += sign, text(operand, SUM)
    return " ".join(words)


def _logic(node: ast.Logic) -> Doc:
    return f" {node.op} ".join([text(operand, level(node) + 1) for operand in node.operands])


def _conditional(node: ast.Conditional, loose: bool = False) -> Doc:
    return f"{text(node.then, OR, loose)} if {text(node.test, OR)} else {text(node.other, TERNARY, loose)}"


# ------------------------------------------------------------------------------------------- brackets


def _tuple(node: ast.TupleExpr) -> Doc:
    found = node.items
    if len(found) < 2:
        return f"({text(found[0])},)" if found else "()"
    joins = [not isinstance(item, ast.TupleExpr) for item in found]
    return listing([Item(item.span.start, _element(item), join) for item, join in zip(found, joins, strict=True)])


def _element(node: ast.Expr) -> Doc:
    """An element of a tuple; a plain tuple among them is written without spaces, as the row of a table."""
    if not isinstance(node, ast.TupleExpr) or len(node.items) < 2:
        return expression(node)
    if any(isinstance(item, ast.TupleExpr) for item in node.items):
        return expression(node)
    return f"({','.join(map(text, node.items))})"


def _call(node: ast.Call) -> Doc:
    return before(text(node.callee, POSTFIX), arguments(node.args))


def _index(node: ast.Index) -> Doc:
    return _base(node.value) + items(node.items)


def _attribute(node: ast.Attribute) -> Doc:
    return f"{_base(node.value)}.{node.name}"


def _base(node: ast.Expr) -> str:
    """What an index or a dot follows: a reference would take the index for its own, a number the dot."""
    if isinstance(node, ast.Number | ast.ShapeLiteral) or (isinstance(node, ast.Reference) and not node.items):
        return f"({text(node)})"
    return text(node, POSTFIX)


def _number(node: ast.Number) -> Doc:
    return node.span.text or repr(node.value)


def _shape(node: ast.ShapeLiteral) -> Doc:
    return node.span.text or "x".join(map(str, node.extents))


def _string(node: ast.Text) -> Doc:
    quote = "'" if '"' in node.value else '"'
    return node.span.text or quote + node.value + quote


def _flag(node: ast.Flag) -> Doc:
    return "on" if node.value else "off"


def _name(node: ast.Name) -> Doc:
    return node.id


_WRITERS: dict[type[ast.Expr], Callable[[Any], Doc]] = {
    ast.Binary: _binary,
    ast.Unary: _unary,
    ast.Compare: _compare,
    ast.Logic: _logic,
    ast.Conditional: _conditional,
    ast.TupleExpr: _tuple,
    ast.Call: _call,
    ast.Index: _index,
    ast.Attribute: _attribute,
    ast.Number: _number,
    ast.ShapeLiteral: _shape,
    ast.Text: _string,
    ast.Flag: _flag,
    ast.Name: _name,
}
_LOOSE: dict[type[ast.Expr], Callable[[Any, bool], Doc]] = {ast.Binary: _binary, ast.Conditional: _conditional}
