"""Names without expansion: which ones a piece of syntax leaves unbound, and in what role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cnnspec.grammar import ast
from cnnspec.graph.functions import FUNCTIONS
from cnnspec.layers import find, option_words
from cnnspec.record import Record

#: Roles of a name: a step, a value, the switch of an optional step.
STEP, VALUE, OPTION = "step", "value", "option"

_NONE: frozenset[str] = frozenset()


class NameUse(Record):
    """A name that nothing around it binds."""

    id: str
    role: str
    syntax: ast.Syntax


def unbound(syntax: object, bound: frozenset[str] = _NONE, words: frozenset[str] = _NONE) -> Iterator[NameUse]:
    """The names in `syntax` that neither it nor `bound` binds, in the order of the text.

    Option words in the arguments of the layer that owns them, and called functions, are no names.
    """
    if isinstance(syntax, tuple):
        for part in syntax:
            yield from unbound(part, bound, words)
    elif isinstance(syntax, ast.Name):
        if syntax.id not in bound and syntax.id not in words:
            yield NameUse(syntax.id, VALUE, syntax)
    elif isinstance(syntax, ast.Syntax):
        special = _SPECIAL.get(type(syntax))
        if special is not None:
            yield from special(syntax, bound)
        else:
            for field in syntax._fields:
                yield from unbound(getattr(syntax, field), bound, words)


def bound_by(target: ast.Target) -> frozenset[str]:
    """The names that a loop's target binds."""
    if isinstance(target, ast.TargetName):
        return frozenset({target.id})
    return frozenset().union(*map(bound_by, target.items))


def loop_names(step: ast.Step) -> frozenset[str]:
    """The names of the loop that a step with further postfix forms contains."""
    while isinstance(step, ast.Choice | ast.Repeat | ast.Named | ast.Ascribed | ast.Optional):
        step = step.step
    return bound_by(step.target) if isinstance(step, ast.Loop) else _NONE


def _definition(syntax: ast.Definition, bound: frozenset[str]) -> Iterator[NameUse]:
    for parameter in syntax.parameters:
        yield from unbound(parameter.default, bound)
        bound |= {parameter.name}
    yield from _body(syntax.body, bound)


def _body(syntax: ast.Body, bound: frozenset[str]) -> Iterator[NameUse]:
    inner = bound
    for binding in syntax.where:
        yield from unbound(binding.value, inner)
        inner |= {binding.name}
    yield from unbound(syntax.chains, inner)


def _loop(syntax: ast.Loop, bound: frozenset[str]) -> Iterator[NameUse]:
    yield from unbound(syntax.iterable, bound)
    yield from unbound(syntax.step, bound | bound_by(syntax.target))


def _branch_loop(syntax: ast.BranchLoop, bound: frozenset[str]) -> Iterator[NameUse]:
    yield from unbound(syntax.iterable, bound)
    yield from unbound(syntax.branch, bound | bound_by(syntax.target))


def _optional(syntax: ast.Optional, bound: frozenset[str]) -> Iterator[NameUse]:
    yield from unbound(syntax.step, bound)
    if syntax.name not in bound:
        yield NameUse(syntax.name, OPTION, syntax)


def _apply(syntax: ast.Apply | ast.Merge, bound: frozenset[str]) -> Iterator[NameUse]:
    callee = syntax.callee
    words = _NONE
    if isinstance(callee, ast.Name):
        layer = find(callee.id) if callee.id.isupper() and callee.id not in bound else None
        words = frozenset(layer.words) if layer else _NONE
        if layer is None and callee.id not in bound and callee.id != "ID":
            yield NameUse(callee.id, STEP, callee)
    else:
        yield from unbound(callee, bound)
    for argument in syntax.args or ():
        if isinstance(callee, ast.Name) and callee.id == "OUTPUT" and argument.name is None:
            if isinstance(argument.value, ast.Index):  # the output's name is a word, its index an expression
                yield from unbound(argument.value.items, bound)
        else:
            yield from unbound(argument.value, bound, words)
    if isinstance(syntax, ast.Merge):
        yield from unbound(syntax.branches, bound)


def _call(syntax: ast.Call, bound: frozenset[str]) -> Iterator[NameUse]:
    callee, words = syntax.callee, _NONE
    if isinstance(callee, ast.Name):
        layer = find(callee.id) if callee.id.isupper() and callee.id not in bound else None
        if layer is not None:
            words = frozenset(layer.words)
        elif callee.id not in bound and callee.id not in FUNCTIONS:
            yield NameUse(callee.id, STEP, callee)
    else:
        yield from unbound(callee, bound)
    for argument in syntax.args:
        yield from unbound(argument.value, bound, words)


_SPECIAL: dict[type, Callable[[Any, frozenset[str]], Iterator[NameUse]]] = {
    ast.Block: _definition, ast.Net: _definition, ast.Body: _body, ast.Loop: _loop, ast.BranchLoop: _branch_loop,
    ast.Optional: _optional, ast.Apply: _apply, ast.Merge: _apply, ast.Call: _call,
}


def is_layer(name: str) -> bool:
    """Whether the catalogue has a step of this name."""
    return name == "ID" or find(name) is not None


def is_word(name: str) -> bool:
    """Whether an unbound name stands for itself or for something of the language: a layer, an option, an extent."""
    return name in option_words() or name in "CDHWL" or is_layer(name)
