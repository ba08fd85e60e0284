"""After a mistake in a call, the layer that was probably meant: so that three mistakes give three messages."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.grammar import ast
from cnnspec.graph.calls import bind_layer, layer_value
from cnnspec.graph.environment import Environment
from cnnspec.graph.expansion import Expansion, entering
from cnnspec.graph.habits import argument_meant, step_meant
from cnnspec.graph.problem import Problem
from cnnspec.graph.values import GUESSED, UNKNOWN, Given, LayerValue, Wire
from cnnspec.layers import find, keywords
from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Layer
from cnnspec.layers.op import apply


def suggested(x: Expansion, step: ast.Apply, env: Environment, wire: Wire | None) -> Wire:
    """The value that leaves the layer whose name is closest to one that does not exist."""
    name = step.callee.id if isinstance(step.callee, ast.Name) else ""
    layer = find(step_meant(name, keywords()) or "")
    if layer is None:
        return UNKNOWN
    return guessed(layer, x.evaluator.given(step.args or (), LayerValue(layer), env, entering(wire)), wire)


def salvaged(x: Expansion, layer: type[Layer], given: Sequence[Given], problem: Problem, step: ast.Apply,
             env: Environment, wire: Wire | None) -> Wire:
    """After the first argument that does not fit, `problem`: the others that do not, and the shape without them."""
    rest = list(given)
    while True:
        at_fault = next((argument for argument in rest if _is_about(problem, argument)), None)
        if at_fault is None:
            return UNKNOWN
        rest = _without(at_fault, rest, layer, problem)
        try:
            bind_layer(layer, rest, step)
        except Problem as another:
            if another.diagnostic.code == "missing-argument":
                return UNKNOWN  # it was given, only wrongly
            if not _is_about(another, at_fault):  # else its name was mended to one that was not meant
                x.report(another, env)
            problem = another
        else:
            return guessed(layer, rest, wire)


def _without(at_fault: Given, given: Sequence[Given], layer: type[Layer], problem: Problem) -> list[Given]:
    """The arguments without one of them, or with its name mended; a place that it leaves is not taken by the next."""
    others = [argument for argument in given if argument is not at_fault]
    positional = [argument for argument in given if argument.name is None]
    try:
        places = dict(zip(map(id, positional), layer.assign([g.value for g in positional]), strict=True))
    except LayerError:
        places = {}
    if at_fault.name is None:
        return [argument if argument.name is not None else _renamed(argument, places[id(argument)])
                for argument in others if argument.name is not None or id(argument) in places]
    name = argument_meant(at_fault.name, layer.args) if problem.diagnostic.code == "unknown-argument" else None
    taken = {*places.values(), *(argument.name for argument in others)}
    return others if name is None or name in taken else [*others, _renamed(at_fault, name)]


def _renamed(argument: Given, name: str) -> Given:
    return Given(name, argument.value, argument.argument, argument.environment)


def _is_about(problem: Problem, argument: Given) -> bool:
    """Whether a problem is at this argument, or at where its value was written, with a label here."""
    places = [problem.diagnostic.span, *(label.span for label in problem.diagnostic.labels)]
    syntax = argument.argument
    return any(place in (syntax.span, syntax.name_span, syntax.value.span) for place in places)


def guessed(layer: type[Layer], given: Sequence[Given], wire: Wire | None) -> Wire:
    """The shape that leaves a layer with those of the arguments that fit, misspelt names taken for the closest ones.

    Unknown, and without another word, where that does not work out.
    """
    if wire is None or wire.shape is None or layer.merges:
        return UNKNOWN
    positional = [layer_value(argument.value) for argument in given if argument.name is None]
    named: dict[str, object] = {}
    for argument in given:
        name = argument_meant(argument.name, layer.args) if argument.name is not None else None
        if name is not None:
            named[name] = layer_value(argument.value)
    for _ in range(len(named) + 1):
        try:
            return Wire(GUESSED, apply(layer.bind(positional, named), (wire.shape,)).output)
        except LayerError as error:
            if error.argument not in named:
                break
            del named[str(error.argument)]
    return UNKNOWN
