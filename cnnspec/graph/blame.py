"""Where a value was really written: from a name through calls and loops to the expression that made it."""

from __future__ import annotations

from cnnspec.diagnostics import Label
from cnnspec.grammar import ast
from cnnspec.graph.environment import Environment, Frame, Origin
from cnnspec.source import Span


def written_at(expr: ast.Expr, env: Environment) -> Span:
    """The place of the expression that a plain name stands for: a caller's argument, a loop's element, a default."""
    return _follow(Origin(expr, env)).expression.span


def blamed(expr: ast.Expr, env: Environment, site: Span | None = None) -> tuple[Span, tuple[Label, ...]]:
    """Where a wrong value was written; if that is elsewhere, with a label at the place that cannot use it (`site`)."""
    origin = written_at(expr, env)
    return origin, (Label(site or expr.span, "used here"),) if origin != expr.span else ()


def element_of(iterable: ast.Expr, index: int, env: Environment) -> Span | None:
    """The place of an element of a tuple that is written out somewhere; None where it is computed."""
    origin = _follow(Origin(iterable, env))
    expr = origin.expression
    if isinstance(expr, ast.TupleExpr) and index < len(expr.items):
        return written_at(expr.items[index], origin.environment)
    return None


def culprit(expr: ast.Expr, code: str, env: Environment) -> ast.Expr:
    """The name whose value an operation cannot take: a divisor that is zero, an operand that is no number (no tuple,
    where it has an index); the operation itself where none of its operands is such a name.
    """
    if code == "division-by-zero" and isinstance(expr, ast.Binary):
        return expr.right if isinstance(expr.right, ast.Name) else expr
    for operand in _operands(expr):
        holder = env.holder(operand.id) if isinstance(operand, ast.Name) else None
        if holder is not None and isinstance(operand, ast.Name):
            value = holder.names[operand.id]
            if not isinstance(value, tuple if isinstance(expr, ast.Index) else int | float):
                return operand
    return expr


def _operands(expr: ast.Expr) -> tuple[ast.Expr, ...]:
    if isinstance(expr, ast.Binary):
        return expr.left, expr.right
    if isinstance(expr, ast.Unary):
        return (expr.operand,)
    return (expr.value,) if isinstance(expr, ast.Index) else ()


def _follow(origin: Origin) -> Origin:
    seen: set[ast.Expr] = set()
    while isinstance(origin.expression, ast.Name) and origin.expression not in seen:  # `where c = c` leads to itself
        seen.add(origin.expression)
        name, env = origin.expression.id, origin.environment
        holder = env.holder(name)
        if holder is None:
            entry, home = env.module.names.get(name), env.module.homes.get(name, env.module)
            if not isinstance(entry, ast.Let):
                break
            found: Origin | None = Origin(entry.binding.value, Environment(home, Frame()))
        elif holder.turn is not None and holder.parent is not None:
            found = _element(name, holder.turn.target, Origin(holder.turn.iterable, holder.parent),
                             holder.turn.index)
        else:
            found = holder.origins.get(name)
        if found is None:
            break
        origin = found
    return origin


def _element(name: str, target: ast.Target, iterable: Origin, index: int) -> Origin | None:
    """Where the value of `name` stands in a literal tuple, through `zip`, `enumerate` and names."""
    iterable = _follow(iterable)
    expr, env = iterable.expression, iterable.environment
    if isinstance(expr, ast.TupleExpr) and index < len(expr.items):
        return _part(name, target, Origin(expr.items[index], env))
    if not (isinstance(expr, ast.Call) and isinstance(expr.callee, ast.Name) and isinstance(target, ast.TargetTuple)):
        return None
    rows: list[ast.Expr] = [argument.value for argument in expr.args]
    if expr.callee.id == "enumerate" and len(target.items) == 2 and _binds(target.items[1], name):
        return _element(name, target.items[1], Origin(rows[0], env), index)
    if expr.callee.id == "zip" and len(rows) == len(target.items):
        for row, item in zip(rows, target.items, strict=True):
            if _binds(item, name):
                return _element(name, item, Origin(row, env), index)
    return None


def _part(name: str, target: ast.Target, value: Origin) -> Origin | None:
    """The part of a loop's element that `name` takes."""
    if isinstance(target, ast.TargetName):
        return value
    value = _follow(value)
    if not isinstance(value.expression, ast.TupleExpr) or len(value.expression.items) != len(target.items):
        return None
    for item, part in zip(target.items, value.expression.items, strict=True):
        if _binds(item, name):
            return _part(name, item, Origin(part, value.environment))
    return None


def _binds(target: ast.Target, name: str) -> bool:
    if isinstance(target, ast.TargetName):
        return target.id == name
    return any(_binds(item, name) for item in target.items)
