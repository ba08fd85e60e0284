"""Where in a network something stands, in words: the turns of loops, blocks and names around it."""

from __future__ import annotations

from cnnspec.analysis.labels import text, turn_label
from cnnspec.graph.network import BLOCK, NET, TURN, Scope

Place = tuple[str, ...]


def place(scope: Scope | None) -> Place:
    """What stands around a layer or unit, from the outermost; the net that is the whole network is left out."""
    found: list[str] = []
    while scope is not None:
        named = scope.component
        if named is None and scope.kind == TURN and scope.values and not _says_turn(found):
            named = text(turn_label(scope)).split("  ", maxsplit=1)[0]  # the first of its values tells it from others
        elif named is None and scope.kind in {BLOCK, NET} and scope.parent is not None:
            named = getattr(scope.syntax, "name", None)
        if scope.kind == NET and (scope.parent is None or scope.parent.kind == NET):
            named = None
        if named is not None:
            found.append(named)
        scope = scope.parent
    return tuple(reversed(found))


def _says_turn(found: list[str]) -> bool:
    """Whether the name inside a turn has its index: `stage[2]` says it all."""
    return bool(found) and found[-1].endswith("]")


def common(places: list[Place]) -> Place:
    """What several places have in common, from both ends, with `…` for what differs between."""
    first = places[0]
    if all(one == first for one in places):
        return first
    shortest = min(map(len, places))
    before = next((at for at in range(shortest) if any(one[at] != first[at] for one in places)), shortest)
    after = next((at for at in range(shortest - before) if any(one[-1 - at] != first[-1 - at] for one in places)),
                 shortest - before)
    return (*first[:before], *first[len(first) - after :])
