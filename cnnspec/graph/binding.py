"""What a spec binds: no name twice in one place, and none that is a layer's."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.diagnostics import Diagnostic, Label
from cnnspec.grammar import ast
from cnnspec.graph.names import is_layer
from cnnspec.source import Span

#: A name, and where it is bound.
Bound = tuple[str, Span]


def misbound(file: ast.File) -> Iterator[Diagnostic]:
    """The mistakes in what a file binds: parameters, loop variables, `let`, `where`, `as`."""
    for syntax in everything((file.statements, file.formula)):
        before: dict[str, Span] = {}
        for name, span in bound_in(syntax):
            if is_layer(name):
                if not isinstance(syntax, ast.Definition):  # the grammar wants parameters in lowercase
                    yield Diagnostic("reserved-word", f"`{name}` is a layer of the catalogue and cannot be bound", span,
                                     help=f"`{name.lower()}`")
            elif name in before:
                yield Diagnostic("bound-twice", f"`{name}` is bound twice here", span,
                                 labels=(Label(before[name], "bound first"),), help="rename one of them")
            elif name not in ("", "_"):  # missing, or thrown away
                before[name] = span


def everything(syntax: object) -> Iterator[ast.Syntax]:
    """Each piece of a tree, in no particular order."""
    waiting: list[object] = [syntax]
    while waiting:
        found = waiting.pop()
        if isinstance(found, tuple):
            waiting += found
        elif isinstance(found, ast.Syntax):
            yield found
            waiting += [getattr(found, field) for field in found._fields]


def bound_in(syntax: ast.Syntax) -> list[Bound]:
    """The names that a piece of syntax binds in one place."""
    if isinstance(syntax, ast.Definition):
        return [(parameter.name, parameter.name_span) for parameter in syntax.parameters]
    if isinstance(syntax, ast.Body):
        return [(binding.name, binding.name_span) for binding in syntax.where]
    if isinstance(syntax, ast.Loop | ast.BranchLoop):
        return list(_targets(syntax.target))
    if isinstance(syntax, ast.Let):
        return [(syntax.binding.name, syntax.binding.name_span)]
    if isinstance(syntax, ast.Named):
        return [(syntax.name, syntax.name_span)]
    return []


def _targets(target: ast.Target) -> Iterator[Bound]:
    if isinstance(target, ast.TargetName):
        yield target.id, target.span
    else:
        for item in target.items:
            yield from _targets(item)
