"""All nodes of a syntax tree."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.grammar import ast


def nodes(root: ast.Syntax, deep: bool = True) -> Iterator[ast.Syntax]:
    """The children of a node, in order of their fields, or all nodes below it."""
    for field in root._fields:
        yield from _inside(getattr(root, field), deep)


def _inside(value: object, deep: bool) -> Iterator[ast.Syntax]:
    if isinstance(value, ast.Syntax):
        yield value
        if deep:
            yield from nodes(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _inside(item, deep)
