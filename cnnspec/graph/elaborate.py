"""A net of a file, with its arguments, becomes a graph, or all that is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cnnspec.diagnostics import Diagnostic, closest, in_order
from cnnspec.grammar import ast
from cnnspec.graph.budget import limit_layers, limit_turns
from cnnspec.graph.census import Census
from cnnspec.graph.environment import Environment, Frame
from cnnspec.graph.expand import Expander
from cnnspec.graph.expansion import Seen
from cnnspec.graph.network import Graph, NamedValue
from cnnspec.graph.problem import Stop
from cnnspec.graph.program import Module
from cnnspec.graph.remedy import with_input
from cnnspec.graph.values import Wire
from cnnspec.layers import option_words
from cnnspec.layers.base import Shape
from cnnspec.limits import Limits
from cnnspec.record import Record
from cnnspec.source import Span

#: Python's own limit while steps within steps expand; expansion's limit on depth is reached first.
_RECURSION = 20_000
#: Mistakes for which expansion is tried again, to see what would mend them.
_MOST_TRIED = 8


class Elaboration(Record):
    """What came of expanding a net: its graph where nothing is wrong, and the mistakes."""

    graph: Graph | None
    diagnostics: tuple[Diagnostic, ...]
    #: Layers that were expanded, whether or not a graph came of it.
    layers: int = 0


def elaborate(module: Module, call: ast.Apply, limits: Limits, input_shape: Mapping[str, Shape] | None = None,
              name: str = "", value: object = None) -> Elaboration:
    """Expand the net that `call` names, as seen from `module`; `name` is what the network is called, else like the net.

    `value` is what the call's name stands for where that is known already, such as a call with its arguments evaluated.

    `input_shape` takes the place of the spec's inputs, by name, or under `""` of the only one; ascriptions are then
    not checked. Where an ascription is not met, checking goes on with the shape that leaves fewer mistakes.
    """
    shapes = dict(input_shape or {})
    free = _free_parameters(module, call)
    if free:
        return Elaboration(None, (free,))
    root = Environment(module, Frame(), names={} if value is None else {_name(call): value})
    with _deep():
        expander, wire = _run(root, call, limits, shapes)
        for span in expander.unmet[:_MOST_TRIED]:
            other, other_wire = _run(root, call, limits, shapes, expander.trust_found | {span})
            if len(in_order(other.diagnostics)) < len(in_order(expander.diagnostics)):
                expander, wire = other, other_wire
        mistakes, layers = in_order(expander.diagnostics), len(expander.nodes)
        if not mistakes:
            return Elaboration(_graph(name or _name(call), call, expander, wire), (), layers)

        def retry(shape: Shape) -> list[Diagnostic]:
            return _run(root, call, limits, {"": shape})[0].diagnostics

        first = [with_input(mistake, expander, retry) for mistake in mistakes[:_MOST_TRIED]]
        return Elaboration(None, (*first, *mistakes[_MOST_TRIED:]), layers)


def shapes_seen(module: Module, call: ast.Apply, limits: Limits) -> Seen:
    """The shapes that enter and leave every step, over all turns and calls, as far as mistakes leave them known."""
    expander = Expander(limits, {})
    expander.seen = {}
    with _deep():
        try:
            root = Environment(module, Frame())
            _check_size(root, call, limits)
            expander.step(call, root, None)
        except Stop:
            return {}  # too large to expand: nothing is known
    return expander.seen


def _run(root: Environment, call: ast.Apply, limits: Limits, shapes: dict[str, Shape],
         trust_found: frozenset[Span] = frozenset()) -> tuple[Expander, Wire | None]:
    expander = Expander(limits, shapes)
    expander.trust_found = trust_found
    try:
        _check_size(root, call, limits)
        wire = expander.step(call, root, None)
    except Stop as stop:
        expander.diagnostics.append(stop.diagnostic)
        return expander, None
    if not expander.diagnostics:
        if wire is None or wire.node < 0:
            expander.diagnostics.append(Diagnostic("no-input", f"net `{_name(call)}` has no INPUT", call.span,
                                                   help="begin it with `INPUT(3x224x224)`"))
        for name in shapes:
            if name and name not in {node.name for node in expander.inputs}:
                expander.diagnostics.append(Diagnostic("unknown-input", f"the net has no input named `{name}`"))
        if "" in shapes and len(expander.inputs) > 1:
            names = ", ".join(f"`{node.name}`" for node in expander.inputs)
            expander.diagnostics.append(Diagnostic("unknown-input", f"the net has several inputs: {names}",
                                                   help=f"say which: `--input {expander.inputs[0].name}=3x224x224`"))
    return expander, wire


def _check_size(root: Environment, call: ast.Apply, limits: Limits) -> None:
    """Refuse a net that is too large before expanding anything."""
    census = Census(limits)
    census.step(call, root)
    if census.culprit is not None:
        place, (layers, turns) = census.culprit
        too_many_layers = layers > limits.layers
        raise Stop(limit_layers(layers, limits, place) if too_many_layers else limit_turns(turns, limits, place))


def _graph(name: str, call: ast.Apply, expander: Expander, wire: Wire | None) -> Graph:
    assert wire is not None  # a net without a value is a mistake
    named = tuple(
        NamedValue(label, getattr(mark.value, "node", -1), mark.span, mark.read, mark.overwritten, mark.plain)
        for label, mark in expander.marks
    )
    inputs: dict[str, int] = {}
    for node in expander.inputs:
        label = node.name if node.name not in inputs else f"{node.name}[{len(inputs)}]"
        inputs[label] = node.index
    return Graph(name, tuple(expander.nodes), inputs, wire.node, tuple(expander.outputs), named, call.span)


def _name(call: ast.Apply) -> str:
    return call.callee.id if isinstance(call.callee, ast.Name) else call.callee.span.text


def _free_parameters(module: Module, call: ast.Apply) -> Diagnostic | None:
    """A formula whose free parameters are not all set says so by name."""
    if module.formula is None:
        return None
    given = {argument.name for argument in call.args or ()}
    positional = sum(argument.name is None for argument in call.args or ())
    missing = [p for p in module.formula.parameters[positional:] if p.default is None and p.name not in given]
    if not missing:
        return None
    names = [f"`{p.name}`" for p in missing]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    sets = " ".join(f"--set {p.name}=2" for p in missing)
    word = next(filter(None, (closest(p.name, option_words()) for p in missing if p.name.islower())), None)
    return Diagnostic("free-parameter", f"{listed} {'has' if len(names) == 1 else 'have'} no value", missing[0].span,
                      help=f"did you mean the word `{word}`? Else `{sets}`" if word else
                      f"`{sets}`, or write `let {missing[0].name} = 2` above the chain")


@contextmanager
def _deep() -> Iterator[None]:
    """Room for steps within steps; pure Python calls take no C stack."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
