"""What can be said of definitions without expanding them: unknown names, and calls whose arguments cannot fit.

Expansion says the same, at the same places, of whatever a net reaches; this finds it in the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.diagnostics import Diagnostic
from cnnspec.grammar import ast
from cnnspec.graph.binding import everything
from cnnspec.graph.calls import bind_layer, match_parameters, need_branches, need_parameters
from cnnspec.graph.environment import Environment, Frame
from cnnspec.graph.names import OPTION, STEP, is_word
from cnnspec.graph.problem import Problem
from cnnspec.graph.program import Module
from cnnspec.graph.unknown import unknown_name
from cnnspec.graph.values import Given
from cnnspec.layers import find
from cnnspec.layers.arguments import Symbol
from cnnspec.layers.base import Layer

Call = ast.Apply | ast.Merge | ast.Call

#: What of a layer's complaint holds whatever the values of its arguments are.
_OF_ANY_VALUE = frozenset(("unknown-argument", "doubled-argument", "missing-argument"))
_UNKNOWN = object()


def mistakes(module: Module) -> Iterator[Diagnostic]:
    """The mistakes in a file's definitions, in no particular order."""
    # the values beside a bare chain are parameters of its net
    for statement in module.file.statements if module.formula is None else (module.formula,):
        if isinstance(statement, ast.Definition | ast.Let):
            yield from _in_statement(statement, module)


def _in_statement(statement: ast.Definition | ast.Let, module: Module) -> Iterator[Diagnostic]:
    env = Environment(module, Frame())
    env.names.update(dict.fromkeys(_own_names(statement)))
    blocks: dict[ast.Syntax, ast.Definition] = {}
    for use in module.uses(statement):
        entry = module.names.get(use.id)
        if isinstance(entry, ast.Definition):
            blocks[use.syntax] = entry
        elif entry is None and use.role != OPTION and use.id and not is_word(use.id):
            if isinstance(use.syntax, ast.Name):
                yield unknown_name(use.syntax, env, step=use.role == STEP).diagnostic
    for call in everything(statement):
        if isinstance(call, Call):
            problem = _misfit(call, blocks, env)
            if problem is not None:
                yield problem.diagnostic


def _own_names(statement: ast.Definition | ast.Let) -> Iterator[str]:
    """What a definition binds for all of its body, for suggestions."""
    if isinstance(statement, ast.Definition):
        yield from (parameter.name for parameter in statement.parameters)
        yield from (binding.name for binding in statement.body.where)


def _misfit(call: Call, blocks: dict[ast.Syntax, ast.Definition], env: Environment) -> Problem | None:
    """What is wrong with the arguments of a call, as far as their values do not matter."""
    callee = call.callee
    if not isinstance(callee, ast.Name) or callee.id == "OUTPUT":
        return None
    layer = find(callee.id) if callee.id.isupper() else None
    try:
        if layer is not None:
            given = tuple(Given(a.name, _literal(a.value, layer), a, env) for a in call.args or ())
            _check_layer(layer, given, call)
        elif callee in blocks:
            given = tuple(Given(a.name, None, a, env) for a in call.args or ())
            _check_definition(blocks[callee], given, call, env.module)
    except Problem as problem:
        return problem
    return None


def _check_definition(definition: ast.Definition, given: tuple[Given, ...], call: Call, module: Module) -> None:
    home = module.homes.get(definition.name, module)
    signature = home.signature(definition)
    matched = match_parameters(signature, given, definition.name)
    if not isinstance(call, ast.Call):  # a value may get the rest of its arguments where it is used
        need_parameters(signature, given, matched, definition.name, call.span)


def _check_layer(layer: type[Layer], given: tuple[Given, ...], call: Call) -> None:
    need_branches(layer, call)
    try:
        bind_layer(layer, given, call)
    except Problem as problem:
        code = problem.diagnostic.code
        partial = isinstance(call, ast.Call) and code == "missing-argument"
        if not partial and (code in _OF_ANY_VALUE or all(g.value is not _UNKNOWN for g in given)):
            raise


def _literal(expr: ast.Expr, layer: type[Layer]) -> object:
    """The value of an argument that is the same wherever it is evaluated."""
    if isinstance(expr, ast.Name):
        return Symbol(expr.id) if expr.id in layer.words else _UNKNOWN
    if isinstance(expr, ast.Number | ast.Flag):
        return expr.value
    return expr.extents if isinstance(expr, ast.ShapeLiteral) else _UNKNOWN
