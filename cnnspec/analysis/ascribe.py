"""Shape ascriptions, written or refreshed: what `cnnspec fmt --shapes` adds to a file."""

from __future__ import annotations

from typing import Any

from cnnspec.grammar import ast
from cnnspec.graph.elaborate import shapes_seen
from cnnspec.graph.program import Module
from cnnspec.layers.base import Shape, show
from cnnspec.limits import Limits
from cnnspec.source import Source, Span


def ascribe(module: Module, limits: Limits) -> ast.File:
    """The module's file with ascriptions that hold.

    In every net whose parameters all have defaults, a step of the net's own chains gets one where the extents or their
    number change. An ascription that is there already, anywhere, stays if it holds and is corrected if it does not.
    Only shapes that are the same in all turns and calls are written.
    """
    leaving: dict[ast.Step, set[Shape | None]] = {}
    changed: set[ast.Step] = set()
    for net in module.nets:
        if any(parameter.default is None for parameter in module.signature(net)):
            continue
        call = ast.Apply(net.name_span, ast.Name(net.name_span, net.name), None)
        for step, pairs in shapes_seen(module, call, limits).items():
            leaving.setdefault(step, set()).update(after for _, after in pairs)
            if _is_own(step, net) and any(_reshapes(before, after) for before, after in pairs):
                changed.add(step)
    known = {step: shapes.pop() for step, shapes in leaving.items() if len(shapes) == 1}
    file: ast.File = _rewritten(module.file, {step: shape for step, shape in known.items() if shape}, changed)
    return file


def _is_own(step: ast.Step, net: ast.Net) -> bool:
    return any(step in chain.steps for chain in net.body.chains)


def _reshapes(before: Shape | None, after: Shape | None) -> bool:
    """Whether a step changes the extents or the number of axes; an INPUT, which nothing enters, does not."""
    return bool(before) and bool(after) and before is not None and after is not None and (
        len(before) != len(after) or before[1:] != after[1:])


def _rewritten(node: Any, known: dict[ast.Step, Shape], changed: set[ast.Step]) -> Any:
    """A piece of syntax with its ascriptions written or corrected."""
    if isinstance(node, tuple):
        return tuple(_rewritten(part, known, changed) for part in node)
    if not isinstance(node, ast.Syntax):
        return node
    parts = {field: _rewritten(getattr(node, field), known, changed) for field in node._fields}
    same = all(parts[field] is getattr(node, field) or parts[field] == getattr(node, field) for field in node._fields)
    copy: Any = node if same else type(node)(**parts)
    if not isinstance(node, ast.Step) or node not in known:
        return copy
    shape = _literal(known[node])
    if isinstance(node, ast.Ascribed):
        return copy if _says(node.shape, known[node]) else ast.Ascribed(copy.span, copy.step, shape)
    return ast.Ascribed(copy.span, _closed(copy), shape) if node in changed else copy


def _says(written: ast.Expr, shape: Shape) -> bool:
    """Whether an ascription can stand: it is an expression (the check tells whether it holds) or the very shape."""
    if isinstance(written, ast.ShapeLiteral):
        return written.extents == shape
    if isinstance(written, ast.Number):
        return shape == (written.value,)
    return True


def _closed(step: ast.Step) -> ast.Step:
    """A step that may be followed by an ascription: nothing follows `else step` without brackets."""
    if isinstance(step, ast.Choice) and step.other is not None:
        return ast.Group(step.span, ast.Chain(step.span, (step,)))
    return step


def _literal(shape: Shape) -> ast.Expr:
    text = show(shape)
    span = Span(Source("<shape>", text), 0, len(text))
    return ast.ShapeLiteral(span, shape) if len(shape) > 1 else ast.Number(span, shape[0])
