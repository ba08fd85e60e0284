"""Blocks that repeat are expanded once: the same call on the same shape makes the same layers again."""

from __future__ import annotations

from collections.abc import Hashable

from cnnspec.graph.budget import limit_layers
from cnnspec.graph.expansion import Expansion
from cnnspec.graph.network import Node, Scope
from cnnspec.graph.problem import Stop
from cnnspec.graph.values import Bound, ChainValue, Defined, Given, Wire, argument_key
from cnnspec.record import Record
from cnnspec.source import Span


class Expanded(Record):
    """What a block's call has made: its nodes, and the value that left."""

    start: int
    end: int
    left: Wire
    scope: Scope
    #: Turns that it took, as the budget counts them.
    turns: int


def call_key(callee: Defined, given: tuple[Given, ...], wire: Wire | None) -> Hashable | None:
    """What the layers of a block's call depend on.

    None where they depend on values elsewhere in the network, and after a mistake, where there are no layers.
    """
    if wire is None or wire.node < 0 or not all(_portable(g.value) for g in given):
        return None
    return callee, wire.shape, argument_key(given)


def _portable(value: object) -> bool:
    """Whether a value means the same wherever it is used: chains and wires carry their surroundings along."""
    if isinstance(value, tuple):
        return all(map(_portable, value))
    if isinstance(value, Bound):
        return all(_portable(given.value) for given in value.given)
    return not isinstance(value, ChainValue | Wire)


def replay(x: Expansion, made: Expanded, scope: Scope, wire: Wire, span: Span) -> Wire:
    """The nodes of an earlier call once more, for the value `wire`, inside `scope`."""
    x.budget.turn(span, made.turns)
    start, shift = made.start, len(x.nodes) - made.start
    if made.end + shift > x.budget.limits.layers:
        raise Stop(limit_layers(made.end + shift, x.budget.limits, span))
    scopes = {made.scope: scope}
    for node in x.nodes[start : made.end]:
        # a node before the block's first can only be the value that enters
        inputs = tuple([i + shift if i >= start else wire.node for i in node.inputs])
        x.nodes.append(Node(node.index + shift, node.op, inputs, _moved(node.scope, scopes), node.span, node.name))
    return Wire(made.left.node + shift, made.left.shape) if made.left.node >= start else wire


def _moved(scope: Scope, scopes: dict[Scope, Scope]) -> Scope:
    """The copy of a scope inside the new call."""
    moved = scopes.get(scope)
    if moved is None:
        assert scope.parent is not None  # the call's own scope is known from the start
        parent = _moved(scope.parent, scopes)
        moved = Scope(parent, scope.kind, scope.syntax, scope.component, scope.values, scope.turn, scope.turns,
                      scope.call)
        scopes[scope] = moved
    return moved
