"""Chains and steps as text to lay out, with brackets where they say what belongs to what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnspec.grammar import ast, expression_text
from cnnspec.grammar.comments import without_comments
from cnnspec.grammar.layout import Doc, Item, Row, Suffixed, after, before, flat


def chain(node: ast.Chain, open: str = "", close: str = "") -> Row:
    """`a -> b -> c`. A plain step without arguments stays on the line of the plain step before it."""
    last = len(node.steps) - 1
    arrow = _arrow(node)
    found = [
        Item(one.span.start, step(one, arrow=number < last), number > 0 and _joins(node.steps[number - 1], one))
        for number, one in enumerate(node.steps)
    ]
    return Row(open, tuple(found), close, f" {arrow} ", lead=f"{arrow} ", indent=len(open))


def _arrow(node: ast.Chain) -> str:
    """The arrow that the chain is written with: a formula keeps the whiteboard's."""
    if len(node.steps) < 2:
        return "->"
    between = node.span.source.text[node.steps[0].span.end : node.steps[1].span.start]
    return "→" if "→" in without_comments(between) else "->"


def _joins(previous: ast.Step, node: ast.Step) -> bool:
    return isinstance(previous, ast.Apply) and isinstance(node, ast.Apply) and node.args is None


def step(node: ast.Step, arrow: bool = False) -> Doc:
    """A step; with an `arrow` after it, the steps that an `if` chooses from stand in brackets."""
    if isinstance(node, ast.Choice):
        return _choice(node, arrow)
    return _WRITERS[type(node)](node)


def branch(node: ast.Branch) -> Doc:
    """`for i in t: branch`, `if test: branch`, or a chain."""
    if isinstance(node, ast.BranchLoop):
        return before(f"{flat(_turns(node.target, node.iterable))}: ", branch(node.branch))
    if isinstance(node, ast.BranchIf):
        return before(f"{_condition(node.test)}: ", branch(node.branch))
    return chain(node)


# ------------------------------------------------------------------------------------------- primaries


def _apply(node: ast.Apply | ast.Merge) -> Doc:
    callee = expression_text.text(node.callee)
    return callee if node.args is None else before(callee, expression_text.arguments(node.args))


def _group(node: ast.Group) -> Doc:
    return chain(node.chain, "[", "]")


def _merge(node: ast.Merge) -> Doc:
    head = flat(_apply(node))
    found = tuple(Item(one.span.start, branch(one)) for one in node.branches)
    return Row(f"{head}{{ ", found, " }", " | ", lead="| ", indent=len(head))


def _reference(node: ast.Reference) -> Doc:
    return "@" + ".".join(node.names) + expression_text.items(node.items)


# ------------------------------------------------------------------------------------------- postfixes


def _repeat(node: ast.Repeat) -> Doc:
    return Suffixed(_bracketed(node.step), "*", expression_text.simple(node.count), breaks=False)


def _loop(node: ast.Loop) -> Doc:
    inner = _bracketed(node.step) if _has_loop(node.step) else _inner(node.step)
    return Suffixed(inner, " ", _turns(node.target, node.iterable), breaks=True)


def _has_loop(node: ast.Step) -> bool:
    """Whether the step, without brackets around it, carries a `for`: it can have one only."""
    while isinstance(node, ast.Choice | ast.Optional | ast.Named | ast.Ascribed):
        node = node.step
    return isinstance(node, ast.Loop)


def _choice(node: ast.Choice, arrow: bool) -> Doc:
    alternative = _bracketed if arrow else _primary
    inner = _bracketed(node.step) if arrow else _inner(node.step)
    found = Suffixed(inner, " ", _condition(node.test), breaks=True)
    other = node.other
    while isinstance(other, ast.Choice):
        part = after(before("else ", alternative(other.step)), f" {_condition(other.test)}")
        found = Suffixed(found, " ", part, breaks=True)
        other = other.other
    if other is not None:
        found = Suffixed(found, " ", before("else ", alternative(other)), breaks=True)
    return found


def _optional(node: ast.Optional) -> Doc:
    return after(_inner(node.step), "?" if node.name_span is None else f"?{node.name}")


def _named(node: ast.Named) -> Doc:
    return Suffixed(_inner(node.step), " as ", node.name + expression_text.items(node.items), breaks=False)


def _ascribed(node: ast.Ascribed) -> Doc:
    plain = isinstance(node.shape, ast.ShapeLiteral | ast.Number | ast.Name | ast.TupleExpr)
    shape = expression_text.text(node.shape)
    return Suffixed(_inner(node.step), " : ", shape if plain else f"({shape})", breaks=False)


def _missing(node: ast.Missing) -> Doc:
    return node.span.text


_WRITERS: dict[type[ast.Step], Callable[[Any], Doc]] = {
    ast.Apply: _apply,
    ast.Group: _group,
    ast.Merge: _merge,
    ast.Reference: _reference,
    ast.Repeat: _repeat,
    ast.Loop: _loop,
    ast.Optional: _optional,
    ast.Named: _named,
    ast.Ascribed: _ascribed,
    ast.Missing: _missing,
}


# ------------------------------------------------------------------------------------------- their parts


def _bracketed(node: ast.Step) -> Doc:
    """A group as it is, another step in brackets; INPUT never, since a bare chain begins with it."""
    if isinstance(node, ast.Group) or _is_input(node):
        return step(node)
    return chain(ast.Chain(node.span, (node,)), "[", "]")


def _is_input(node: ast.Step) -> bool:
    while isinstance(node, ast.Repeat | ast.Loop | ast.Choice | ast.Optional | ast.Named | ast.Ascribed):
        node = node.step
    return isinstance(node, ast.Apply) and isinstance(node.callee, ast.Name) and node.callee.id == "INPUT"


def _primary(node: ast.Step) -> Doc:
    """A step without a postfix as it is, another in brackets."""
    return step(node) if isinstance(node, ast.Apply | ast.Merge | ast.Reference) else _bracketed(node)


def _inner(node: ast.Step) -> Doc:
    """A step that a postfix follows; after `else` none may."""
    return _bracketed(node) if isinstance(node, ast.Choice) and node.other is not None else step(node)


def _condition(node: ast.Expr) -> str:
    return f"if {expression_text.text(node, expression_text.OR)}"


def _turns(target: ast.Target, iterable: ast.Expr) -> Doc:
    return before(f"for {_target(target)} in ", expression_text.simple(iterable))


def _target(node: ast.Target, nested: bool = False) -> str:
    if isinstance(node, ast.TargetName):
        return node.id
    inside = ", ".join([_target(item, True) for item in node.items]) + "," * (len(node.items) == 1)
    return f"({inside})" if nested else inside
