"""Calls: arguments meet parameters, of blocks and nets and of layers."""

from __future__ import annotations

from collections.abc import Container, Sequence

from cnnspec.diagnostics import Label, closest
from cnnspec.grammar import ast
from cnnspec.graph.blame import written_at
from cnnspec.graph.environment import Environment, Origin
from cnnspec.graph.expressions import Evaluator
from cnnspec.graph.extents import Entering
from cnnspec.graph.habits import argument_meant
from cnnspec.graph.problem import Problem, Quiet
from cnnspec.graph.values import Bound, Callable, Given, Wire, describe
from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Layer
from cnnspec.source import Span


def flatten(callee: object, given: tuple[Given, ...]) -> tuple[object, tuple[Given, ...]]:
    """What is called in the end, and all arguments, those bound earlier first."""
    while isinstance(callee, Bound):
        late = {g.name for g in given if g.name is not None}
        given = tuple(g for g in callee.given if g.name is None or g.name not in late) + given
        callee = callee.callee
    return callee, given


def bind_parameters(signature: tuple[ast.Parameter, ...], given: Sequence[Given], name: str, at: Span,
                    env: Environment, evaluator: Evaluator, entering: Entering) -> None:
    """Bind the arguments of a block or net in `env`, then its defaults; raises `Problem` for what does not fit."""
    for matched, argument in match_parameters(signature, given, name).items():
        env.names[matched] = argument.value
        env.origins[matched] = Origin(argument.argument.value, argument.environment)
    need_parameters(signature, given, env.names, name, at)
    later = [p.name for p in signature]
    for parameter in signature:
        del later[0]
        if parameter.name not in env.names:
            assert parameter.default is not None  # checked above
            bind_value(env, parameter.name, parameter.default, evaluator, entering, later)
            env.origins[parameter.name] = Origin(parameter.default, env)


def match_parameters(signature: tuple[ast.Parameter, ...], given: Sequence[Given], name: str) -> dict[str, Given]:
    """The argument for each parameter that gets one; raises `Problem` for one too many, unknown or given twice."""
    known = {parameter.name for parameter in signature}
    order = iter(signature)
    matched: dict[str, Given] = {}
    for argument in given:
        following = next(order, None) if argument.name is None else None
        parameter = following.name if following is not None else argument.name
        if parameter is None or parameter not in known:
            raise _surplus(argument, name, signature, len([g for g in given if g.name is None]))
        if parameter in matched:
            raise Problem("doubled-argument", f"`{name}` gets `{parameter}` twice", argument.argument.span)
        matched[parameter] = argument
    return matched


def need_parameters(signature: tuple[ast.Parameter, ...], given: Sequence[Given], matched: Container[str], name: str,
                    at: Span) -> None:
    """Raise `Problem` where a parameter without default gets no argument."""
    missing = [p for p in signature if p.default is None and p.name not in matched]
    if missing:
        needs = " and ".join(f"`{p.name}`" for p in missing)
        arguments = ", ".join([*(g.argument.span.text for g in given), *(f"{p.name}=…" for p in missing)])
        raise Problem("missing-argument", f"`{name}` needs {needs}", at,
                      labels=tuple(Label(p.name_span, "has no default") for p in missing),
                      help=f"write `{name}({arguments})`")


def bind_value(env: Environment, name: str, expr: ast.Expr, evaluator: Evaluator, entering: Entering,
               later: Container[str] = ()) -> None:
    """Bind a default or a `where`, of which those that come `later` cannot be read yet; one that an earlier mistake
    leaves unknown is bound to None.
    """
    try:
        env.names[name] = evaluator.value(expr, env, entering)
    except Quiet:
        env.names[name] = None
    except Problem as problem:
        unknown = problem.diagnostic
        if unknown.code == "unknown-name" and unknown.span and unknown.span.text in later:
            problem.diagnostic = unknown.replace(
                help=f"`{unknown.span.text}` comes later; `{name}` reads what stands before it")
        raise


def _surplus(argument: Given, name: str, signature: tuple[ast.Parameter, ...], positional: int) -> Problem:
    takes = ", ".join(p.name for p in signature) or "no arguments"
    if argument.name is None:
        most = f"at most {len(signature)} argument{'s' if len(signature) > 1 else ''} ({takes}), not {positional}"
        return Problem("unknown-argument", f"`{name}` takes {most if signature else takes}", argument.argument.span)
    match = closest(argument.name, (p.name for p in signature))
    return Problem("unknown-argument", f"`{name}` has no parameter `{argument.name}`; it takes {takes}",
                   argument.argument.name_span,
                   help=f"did you mean `{match}`?" if match else "")


def need_branches(layer: type[Layer], step: ast.Apply | ast.Merge | ast.Call) -> None:
    """Raise `Problem` where a merge stands as a step without branches, or with parentheses around them."""
    if layer.merges and isinstance(step, ast.Apply):
        branches = [argument.value.span.text for argument in step.args or () if argument.name is None]
        inside = " | ".join(branches) if len(branches) > 1 else "ID | …"
        raise Problem("merge-without-branches", f"{layer.keyword} joins branches, and has none here", step.span,
                      help=f"`{layer.keyword}{{ {inside} }}`")


def bind_layer(cls: type[Layer], given: Sequence[Given], step: ast.Apply | ast.Merge | ast.Call) -> Layer:
    """A layer with its arguments; raises `Problem` at the argument that does not fit."""
    positional = [layer_value(g.value) for g in given if g.name is None]
    named: dict[str, object] = {}
    for argument in given:
        if argument.name is not None:
            if argument.name in named:
                raise Problem("doubled-argument", f"{cls.keyword} gets `{argument.name}` twice", argument.argument.span)
            named[argument.name] = layer_value(argument.value)
    try:
        return cls.bind(positional, named)
    except LayerError as error:
        raise layer_problem(error, cls, given, step) from None


def layer_value(value: object) -> object:
    """An argument as layers take it: a wire becomes its shape."""
    if isinstance(value, Wire):
        if value.shape is None:
            raise Quiet
        return value.shape
    return value


def layer_problem(error: LayerError, cls: type[Layer], given: Sequence[Given],
                  step: ast.Apply | ast.Merge | ast.Call) -> Problem:
    """A layer's complaint, at the argument that it names, or where that argument's value was written."""
    argument = _argument(error, cls, given)
    help = error.help
    if argument is None:
        place = step.span if isinstance(step, ast.Apply) else step.callee.span
        return Problem(error.code, error.message, place, help=help)
    syntax = argument.argument
    if error.code == "unknown-argument" and isinstance(error.argument, str):
        match = argument_meant(error.argument, cls.args)
        help = f"did you mean `{match}`?" if match else f"it takes {', '.join(cls.args) or 'no arguments'}"
        return Problem(error.code, error.message, syntax.name_span, help=help)
    if error.code == "doubled-argument":
        return Problem(error.code, error.message, syntax.span, help=help)
    if error.code == "bad-argument" and isinstance(argument.value, Callable):
        help = f"{describe(argument.value)} is no number"
    origin = written_at(syntax.value, argument.environment)
    labels = (Label(syntax.span, f"`{cls.keyword}` takes it here"),) if origin != syntax.value.span else ()
    return Problem(error.code, error.message, origin, labels=labels, help=help)


def _argument(error: LayerError, cls: type[Layer], given: Sequence[Given]) -> Given | None:
    """The argument that a layer's complaint is about."""
    positional = [g for g in given if g.name is None]
    if isinstance(error.argument, int):
        return positional[error.argument]
    for argument in given:
        if argument.name is not None and argument.name == error.argument:
            return argument
    try:
        names = cls.assign([g.value for g in positional])
    except LayerError:
        return None
    return next((g for g, name in zip(positional, names, strict=True) if name == error.argument), None)
