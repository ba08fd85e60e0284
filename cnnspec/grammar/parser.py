"""Text to syntax tree: always a tree, and every mistake once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from cnnspec.diagnostics import Diagnostic, in_order
from cnnspec.grammar import ast, expressions, statements, steps
from cnnspec.grammar.brackets import balance
from cnnspec.grammar.cursor import Cursor, GiveUp, TooDeep
from cnnspec.grammar.tokens import END, MOST_MISTAKES, NAME, tokenize
from cnnspec.limits import DEFAULT, Limits
from cnnspec.source import Source, Span

Node = TypeVar("Node", bound=ast.Expr)
#: Calls for one level of nesting, of this parser and of whoever walks the tree; measured, with room to spare.
_FRAMES = 20
Diagnostics = tuple[Diagnostic, ...]


def parse_file(source: Source, *, limits: Limits = DEFAULT) -> tuple[ast.File, Diagnostics]:
    """The tree of a whole file and all its syntax errors, in source order.

    There is always a tree: `ast.Missing` stands for a step or value that could not be read.
    """
    c = _cursor(source, limits)
    found, formula = statements.file(c)
    span = Span(source, 0, len(source.text))
    return ast.File(span, source, found, formula, tuple(c.tokens.comments)), _diagnostics(c)


def parse_expression(source: Source, *, limits: Limits = DEFAULT) -> tuple[ast.Expr | None, Diagnostics]:
    """A lone expression, such as the value of `--set N=2`; None where it cannot be read."""
    c = _cursor(source, limits)
    return _alone(c, expressions.expression, "an operator")


def parse_target(source: Source, *, limits: Limits = DEFAULT) -> tuple[ast.Apply | None, Diagnostics]:
    """A lone call of a net, such as `resnet(bottleneck, (3, 4, 6, 3))`; None where it cannot be read."""
    c = _cursor(source, limits)
    if c.kind is not NAME:
        c.fail("syntax", f"expected a net, found {c.found()}", help="`resnet50` or `resnet(basic, (2, 2, 2, 2))`")
        return None, _diagnostics(c)
    found, diagnostics = _alone(c, steps.apply_or_merge, "`(`")
    if isinstance(found, ast.Merge):
        return None, (Diagnostic("syntax", "a merge is no net", found.span), *diagnostics)
    return found, diagnostics


def _cursor(source: Source, limits: Limits) -> Cursor:
    if limits.nesting > DEFAULT.nesting:  # whoever allows deeper specs allows the stack that their readers need
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES * limits.nesting))
    return Cursor(balance(tokenize(source), limits), limits)


def _alone(c: Cursor, production: Callable[[Cursor], Node], more: str) -> tuple[Node | None, Diagnostics]:
    """What a production reads, where it reads all of the text without a mistake."""
    try:
        found = production(c)
        if c.kind is not END:
            c.fail("syntax", f"expected {more} or the end, found {c.found()}")
    except (GiveUp, TooDeep):
        return None, _diagnostics(c)
    diagnostics = _diagnostics(c)
    return None if diagnostics else found, diagnostics


def _diagnostics(c: Cursor) -> Diagnostics:
    """All that was found wrong, in source order; a stray bracket only where it was not passed over anyway."""
    stray = [one for one in c.stray if one.span and not any(start <= one.span.start <= end for start, end in c.passed)]
    found = in_order([*c.diagnostics, *stray])
    if len(found) <= MOST_MISTAKES:
        return found
    message = f"more than {MOST_MISTAKES} mistakes: the rest of the text is not read"
    return *found[:MOST_MISTAKES], Diagnostic("too-many-mistakes", message, found[MOST_MISTAKES].span)
