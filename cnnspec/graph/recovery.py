"""After a mistake in a call, the layer that was probably meant: so that three mistakes give three messages."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.diagnostics import closest
from cnnspec.grammar import ast
from cnnspec.graph.calls import layer_value
from cnnspec.graph.environment import Environment
from cnnspec.graph.expansion import Expansion, entering
from cnnspec.graph.values import GUESSED, UNKNOWN, Given, LayerValue, Wire
from cnnspec.layers import find, keywords
from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Layer
from cnnspec.layers.op import apply


def suggested(x: Expansion, step: ast.Apply, env: Environment, wire: Wire | None) -> Wire:
    """The value that leaves the layer whose name is closest to one that does not exist."""
    name = step.callee.id if isinstance(step.callee, ast.Name) else ""
    layer = find(closest(name, keywords()) or "")
    if layer is None:
        return UNKNOWN
    return guessed(layer, x.evaluator.given(step.args or (), LayerValue(layer), env, entering(wire)), wire)


def guessed(layer: type[Layer], given: Sequence[Given], wire: Wire | None) -> Wire:
    """The shape that leaves a layer with those of the arguments that fit, misspelt names taken for the closest ones.

    Unknown, and without another word, where that does not work out.
    """
    if wire is None or wire.shape is None or layer.merges:
        return UNKNOWN
    positional = [layer_value(g.value) for g in given if g.name is None]
    named: dict[str, object] = {}
    for argument in given:
        name = closest(argument.name, layer.args) if argument.name is not None else None
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
