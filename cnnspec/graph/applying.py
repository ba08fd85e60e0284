"""Steps that call: a layer, a block, a net, a chain passed as an argument, or `ID`."""

from __future__ import annotations

from cnnspec.grammar import ast
from cnnspec.graph.blame import blamed
from cnnspec.graph.calls import bind_parameters, flatten, layer_problem, need_branches
from cnnspec.graph.environment import Environment, Frame
from cnnspec.graph.expansion import Expansion, entered, entering
from cnnspec.graph.network import BLOCK, NET, Node, Scope
from cnnspec.graph.ports import expand_input, expand_output
from cnnspec.graph.problem import Problem
from cnnspec.graph.recovery import salvaged, suggested
from cnnspec.graph.replay import Expanded, call_key, replay
from cnnspec.graph.unknown import unknown_name
from cnnspec.graph.values import (
    GUESSED,
    UNKNOWN,
    Bound,
    ChainValue,
    Defined,
    Given,
    Identity,
    LayerValue,
    NetExpansion,
    Wire,
    describe,
)
from cnnspec.layers import find
from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Layer, show
from cnnspec.layers.op import apply


def expand_apply(x: Expansion, step: ast.Apply, env: Environment, wire: Wire | None, name: str | None,
                 first: bool) -> Wire | None:
    """A layer, block, net, chain or `ID`, by name."""
    constant = x.constant.get(step)
    if constant is not None:
        return expand_layer(x, constant, step, (), env, wire, name)
    if isinstance(step.callee, ast.Name):
        if step.callee.id == "OUTPUT":
            return expand_output(x, step, env, wire)
        if step.callee.id == "INPUT":
            return expand_input(x, step, env, wire, name, first)
    try:
        callee = called(x, step.callee, env, wire)
    except Problem as problem:
        x.report(problem, env)
        return suggested(x, step, env, wire)
    given = x.evaluator.given(step.args, callee, env, entering(wire)) if step.args else ()
    return expand_called(x, callee, given, step, env, wire, name)


def called(x: Expansion, expr: ast.Expr, env: Environment, wire: Wire | None) -> object:
    """What a step's name stands for."""
    if isinstance(expr, ast.Name) and env.holder(expr.id) is None and expr.id not in env.module.names:
        if expr.id == "ID":
            return Identity()
        layer = find(expr.id)
        if layer is None:
            raise unknown_name(expr, env, step=True)
        return LayerValue(layer)
    return x.value(expr, env, wire)


def expand_called(x: Expansion, callee: object, given: tuple[Given, ...], step: ast.Apply, env: Environment,
                  wire: Wire | None, name: str | None) -> Wire | None:
    """Expand what is called, with its arguments."""
    if isinstance(callee, Bound):
        callee, given = flatten(callee, given)
    if isinstance(callee, LayerValue):
        need_branches(callee.layer, step)
        try:
            layer = x.bind(callee.layer, given, step)
        except Problem as problem:
            x.report(problem, env)
            return salvaged(x, callee.layer, given, problem, step, env, wire)
        return expand_layer(x, layer, step, given, env, wire, name)
    if isinstance(callee, Defined):
        return expand_definition(x, callee, given, step, env, wire, name)
    if given and isinstance(callee, ChainValue | Identity):
        raise Problem("not-callable", f"{describe(callee)} takes no arguments", given[0].argument.span)
    if isinstance(callee, Identity):
        return entered(step, wire)
    if isinstance(callee, ChainValue):
        inner = Environment(callee.environment.module, callee.environment.frame, env.scope, callee.environment)
        return x.step(callee.step, inner, wire, name, first=True)
    if isinstance(callee, Wire):
        raise Problem("not-a-step", f"`{step.callee.span.text}` is a value, not a step", step.callee.span,
                      help=f"start from it with `@{step.callee.span.text}`")
    origin, labels = blamed(step.callee, env)
    raise Problem("not-a-step", f"{describe(callee)} is not a step", origin, labels=labels,
                  help="a step is a layer, a block, a net, a group `[…]` or a merge `ADD{…}`")


def expand_definition(x: Expansion, callee: Defined, given: tuple[Given, ...], step: ast.Apply, env: Environment,
                      wire: Wire | None, name: str | None) -> Wire | None:
    """A block or net, expanded in place."""
    x.budget.turn(step.span)
    if isinstance(callee.definition, ast.Net):
        return expand_net(x, callee, given, step, env, wire, name)
    key = call_key(callee, given, wire)
    made = x.expanded.get(key)
    component = name or callee.definition.name
    if made is not None and wire is not None:
        scope = Scope(env.scope, BLOCK, callee.definition, component, made.scope.values, call=step)
        return replay(x, made, scope, wire, step.span)
    inner = Environment(callee.module, Frame(callee.definition.body))
    start, turns, ports = len(x.nodes), x.budget.turns, x.ports
    left = expand_body(x, callee, given, step, env, inner, wire, component)
    if key is not None and left is not None and left.node >= 0 and inner.scope is not None and x.ports == ports:
        x.expanded[key] = Expanded(start, len(x.nodes), left, inner.scope, x.budget.turns - turns)
    return left


def expand_net(x: Expansion, callee: Defined, given: tuple[Given, ...], step: ast.Apply, env: Environment,
               wire: Wire | None, name: str | None) -> Wire | None:
    """A net as a step: the value that enters goes to its INPUT, or to that of the net that it begins with."""
    net = callee.definition
    if wire is None:
        wire, env.frame.entering = env.frame.entering, None
    frame = Frame(net.body, wire, step.span)
    whole = _is_whole_body(step, env.scope)
    if whole:
        frame.marks = env.frame.marks
    component = name or (None if whole else net.name)
    mistakes = len(x.diagnostics)
    left = expand_body(x, callee, given, step, env, Environment(callee.module, frame), None, component)
    if frame.entering is not None and len(x.diagnostics) == mistakes:
        raise Problem("unused-input", f"the value that enters net `{net.name}` is not read: the net has no INPUT",
                      step.span)
    if name is not None and left is not None:
        x.net = NetExpansion(frame, left)
    return left


def expand_body(x: Expansion, callee: Defined, given: tuple[Given, ...], step: ast.Apply, env: Environment,
                inner: Environment, wire: Wire | None, component: str | None) -> Wire | None:
    """Arguments meet parameters in `inner`, then the body runs."""
    definition = callee.definition
    bind_parameters(callee.module.signature(definition), given, definition.name, step.span, inner, x.evaluator,
                    entering(wire))
    kind = NET if isinstance(definition, ast.Net) else BLOCK
    inner.scope = Scope(env.scope, kind, definition, component, dict(inner.names), call=step)
    return x.body(definition.body, inner, wire)


def expand_layer(x: Expansion, layer: Layer, step: ast.Apply, given: tuple[Given, ...], env: Environment,
                 wire: Wire | None, name: str | None) -> Wire:
    """A layer of the catalogue, on the value that enters."""
    wire = entered(step, wire)
    if wire.shape is None:
        return UNKNOWN
    try:
        op = apply(layer, (wire.shape,))
    except LayerError as error:
        if not given and step.args:
            given = x.evaluator.given(step.args, LayerValue(type(layer)), env, wire.shape)
        x.report(explained(x, layer_problem(error, type(layer), given, step), wire), env)
        return Wire(GUESSED, layer.meant(wire.shape))
    return x.add(op, (wire.node,), env, step, name)


def explained(x: Expansion, problem: Problem, wire: Wire) -> Problem:
    """A window that does not fit: with the chain of sizes that led there."""
    if problem.diagnostic.code in ("kernel-too-large", "size-zero") and wire.node >= 0:
        sizes = sizes_before(x.nodes, wire.node)
        if len(sizes) > 1:
            problem.diagnostic = problem.diagnostic.replace(
                notes=(f"the sizes that led here: {' → '.join(sizes)}", *problem.diagnostic.notes))
    return problem


def _is_whole_body(step: ast.Apply, scope: Scope | None) -> bool:
    """Whether a net's call is the target itself, or all that the net around it says: `net resnet18 = resnet(basic)`.

    Such a net adds no component to the paths, and what it names is named in the net around it.
    """
    if scope is None:
        return True
    if not isinstance(scope.syntax, ast.Net):
        return False
    chains = scope.syntax.body.chains
    return len(chains) == 1 and chains[0].steps == (step,)


def sizes_before(nodes: list[Node], index: int) -> list[str]:
    """The extents on the way to a node, each time they change."""
    sizes: list[str] = []
    while True:
        size = show(nodes[index].shape[1:])
        if size and (not sizes or sizes[-1] != size):
            sizes.append(size)
        if not nodes[index].inputs:
            return sizes[::-1]
        index = nodes[index].inputs[0]
