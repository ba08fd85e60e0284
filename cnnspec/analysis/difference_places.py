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
            named = " ".join(text(turn_label(scope)).split())
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


def both(before: Place, after: Place) -> Place:
    """Where something stands in two networks: as the later one has it; of turns, the values that are in both."""
    if len(before) != len(after):
        return after
    return tuple(part for pair in zip(before, after, strict=True) if (part := _shared(*pair)))


def common(places: list[Place]) -> Place:
    """What several places have in common: where they are equally deep, whatever is the same; else both ends."""
    first = places[0]
    if all(one == first for one in places):
        return first
    if len({len(one) for one in places}) == 1:
        return tuple(parts[0] for parts in zip(*places, strict=True) if len(set(parts)) == 1)
    shortest = min(map(len, places))
    before = next((at for at in range(shortest) if any(one[at] != first[at] for one in places)), shortest)
    after = next((at for at in range(shortest - before) if any(one[-1 - at] != first[-1 - at] for one in places)),
                 shortest - before)
    return (*first[:before], *first[len(first) - after :])


def _shared(before: str, after: str) -> str:
    """A part of two places; of a turn with other values, those that are the same."""
    if before == after or "=" not in before:
        return after
    return " ".join(word for word in after.split(" ") if "=" in word and word in before.split(" "))
