"""The expanded layers as a tree that follows the spec: calls, repeats, turns, merges and branches around layers."""

from __future__ import annotations

from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.graph.network import BLOCK, BRANCH, GROUP, MERGE, NET, REPEAT, TURN, Scope
from cnnspec.record import Record


class Stretch(Record):
    """A stretch of the layers in order of execution: those from `start` to before `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


class Leaf(Stretch):
    """One layer."""

    layer: LayerSummary


class Join(Leaf):
    """A merge whose branches have no layers of their own."""


class Unit(Stretch):
    """What one scope has made: a block's call, a repeat, a turn, a merge's branches."""

    scope: Scope
    parts: tuple[Part, ...]
    #: The layer that joins the branches of a merge.
    merge: Leaf | None = None

    @property
    def is_step(self) -> bool:
        """Whether it stands in a chain as one step: a call or a merge."""
        return self.scope.kind in {BLOCK, NET, MERGE}


class Fold(Stretch):
    """Units in a row that are alike, and stand in one row of a table; shown by the last of them."""

    units: tuple[Unit, ...]


class Run(Stretch):
    """Steps of one chain that stand in one row of a table: a layer or call, and what follows in the same shape."""

    parts: tuple[Part, ...]


Part = Leaf | Unit | Fold | Run


def tree(summary: Summary) -> tuple[Part, ...]:
    """The network as parts within parts. Groups, which only bracket, dissolve; a net that is another's body as well."""
    stack: list[tuple[Scope | None, list[Part]]] = [(None, [])]
    levels: dict[Scope | None, int] = {None: 0}
    for layer in summary.layers:
        entered: list[Scope] = []
        scope: Scope | None = layer.node.scope
        while scope is not None and scope not in levels:
            entered.append(scope)
            scope = scope.parent
        _leave(stack, levels, levels[scope])
        for inner in reversed(entered):
            levels[inner] = len(stack)
            stack.append((inner, []))
        _put(stack[-1][1], Leaf(layer.index, layer.index + 1, layer))
    _leave(stack, levels, 0)
    parts = tuple(stack[0][1])
    while len(parts) == 1 and isinstance(parts[0], Unit) and parts[0].scope.kind in {NET, BLOCK}:
        parts = parts[0].parts
    return parts


def _leave(stack: list[tuple[Scope | None, list[Part]]], levels: dict[Scope | None, int], level: int) -> None:
    """Close the scopes above a level."""
    while len(stack) > level + 1:
        scope, parts = stack.pop()
        del levels[scope]
        outer = stack[-1][1]
        if scope is None or scope.kind == GROUP:
            outer.extend(parts)
        elif parts:
            outer.append(Unit(parts[0].start, parts[-1].stop, scope, tuple(parts)))


def _put(parts: list[Part], leaf: Leaf) -> None:
    """Append a layer; one that joins branches becomes a part of its merge."""
    node = leaf.layer.node
    if not node.op.layer.merges:
        parts.append(leaf)
        return
    last = parts[-1] if parts else None
    if isinstance(last, Unit) and last.scope.kind == MERGE and not last.merge and last.scope.syntax.span == node.span:
        parts[-1] = Unit(last.start, leaf.stop, last.scope, last.parts, leaf)
    else:
        parts.append(Join(leaf.start, leaf.stop, leaf.layer))


def spread(parts: tuple[Part, ...], *, loops: bool = True) -> list[Part]:
    """The parts of a chain with its repeats and loops (unless `loops` is false) replaced by their turns.

    A merge that was left with one branch is that branch; a turn that is one call or merge is that step.
    """
    found: list[Part] = []
    for part in parts:
        if not isinstance(part, Unit) or part.merge is not None or part.scope.kind in {BLOCK, NET}:
            found.append(part)
        elif part.scope.kind == MERGE:
            for branch in part.parts:
                found += spread(branch.parts if isinstance(branch, Unit) else (branch,), loops=loops)
        elif part.scope.kind in {TURN, BRANCH} or not loops:
            found.append(part)
        else:
            found += _turns(part, loops)
    return found


def _turns(unit: Unit, loops: bool) -> list[Part]:
    if unit.scope.kind == REPEAT and len(unit.parts) == 1 and isinstance(unit.parts[0], Unit):
        return spread(unit.parts[0].parts, loops=loops)
    return [_step(turn, loops) for turn in unit.parts]


def _step(turn: Part, loops: bool) -> Part:
    """A turn, or the one call or merge in it."""
    inside = spread(turn.parts, loops=loops) if isinstance(turn, Unit) else []
    return inside[0] if len(inside) == 1 and isinstance(inside[0], Unit) and inside[0].is_step else turn


def branches(merge: Unit) -> list[Unit]:
    """The branches of a merge that have layers; those of a loop in it, one by one."""
    found: list[Unit] = []
    for part in merge.parts:
        if isinstance(part, Unit):
            found += [part] if part.scope.kind == BRANCH else branches(part)
    return found


def leaves(part: Part) -> list[LayerSummary]:
    """The layers of a part, in order of execution."""
    found: list[LayerSummary] = []
    stack: list[Part] = [part]
    while stack:
        top = stack.pop()
        if isinstance(top, Leaf):
            found.append(top.layer)
        elif isinstance(top, Unit):
            stack += [top.merge] if top.merge else []
            stack += reversed(top.parts)
        else:
            stack += reversed(top.units if isinstance(top, Fold) else top.parts)
    return found
