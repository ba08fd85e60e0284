"""Which way values go that pass around boxes: at which side they leave and enter, along which lanes and tracks.

Lines never cross a box, since each stretch runs where none can be: beside a stem along its lanes, above or below the
columns of a fork along its tracks, or from a box straight outwards where nothing stands beside it.
"""

from __future__ import annotations

from cnnspec.render import units
from cnnspec.render.draw.stems import LEFT, RIGHT, BoxNode, ForkNode, Key, Skip, Stem, inside


def choose(skips: list[Skip], root: Stem) -> None:
    """Choose the ways of all, and note at every box what comes in from its sides."""
    coming: dict[tuple[BoxNode, int], list[Skip]] = {}
    for skip in skips:
        _choose(skip)
        skip.source.sends.add(skip.out_side)
        skip.target.takes.add(skip.in_side)
        coming.setdefault((skip.target, skip.in_side), []).append(skip)
    for (target, side), entering in coming.items():
        shapes = dict.fromkeys(units.shape(skip.edge.shape) for skip in entering)
        first = next(iter(shapes))
        several = f" ×{len(entering)}" if len(entering) > 1 else ""
        target.notes[side] = first + several if len(shapes) == 1 else f"{len(entering)} values"
    for node in inside(root):
        if isinstance(node, ForkNode):
            node.merge.takes.update(node.passes)


def _choose(skip: Skip) -> None:
    meet, left, entered = _common(skip.source.stem, skip.target.stem)
    if left is not None and entered is not None and left.owner is entered.owner:
        _cross(skip, left, entered)
        return
    best: tuple[int, int, int] | None = None
    for side in (RIGHT, LEFT):
        leaves, enters = _columns(skip.source.stem, meet, side), _columns(skip.target.stem, meet, side)
        if leaves is None or enters is None:
            continue
        cost = len(leaves) + len(enters), side != skip.target.prefers, side
        if best is None or cost < best:
            best = cost
            skip.out_side = skip.in_side = side
            skip.leaves, skip.enters, skip.meet = leaves, enters, meet
    for column in skip.leaves:
        _track(_fork(column).below, ("out", skip.edge.source))
    for column in skip.enters:
        _track(_fork(column).above, ("in", skip.edge.target))


def _cross(skip: Skip, left: Stem, entered: Stem) -> None:
    """From one column of a fork into another: between the two if they are neighbours, else above all."""
    fork = _fork(left)
    distance = fork.columns.index(entered) - fork.columns.index(left)
    skip.out_side, leaves = _free(skip.source.stem, left, RIGHT if distance > 0 else LEFT)
    skip.in_side, enters = _free(skip.target.stem, entered, LEFT if distance > 0 else RIGHT)
    if distance * skip.out_side == 1 and skip.in_side == -skip.out_side:
        skip.leaves, skip.enters, skip.meet = leaves, enters, left
    else:
        skip.leaves, skip.enters, skip.cross = [*leaves, left], [*enters, entered], fork
        _track(fork.above, ("cross", skip.edge.source, skip.edge.target))
    for column in leaves:
        _track(_fork(column).below, ("out", skip.edge.source))
    for column in enters:
        _track(_fork(column).above, ("in", skip.edge.target))


def _free(stem: Stem, outer: Stem, side: int) -> tuple[int, list[Stem]]:
    """A side at which a stem can be left for the lanes of an outer one, and the columns on the way."""
    columns = _columns(stem, outer, side)
    return (side, columns) if columns is not None else (LEFT, _columns(stem, outer, LEFT) or [])


def _columns(stem: Stem, outer: Stem, side: int) -> list[Stem] | None:
    """The columns between a stem and an outer one with others beyond them; None where something hangs in the way."""
    found: list[Stem] = []
    while stem is not outer:
        if side == RIGHT and stem.tapped:
            return None
        if isinstance(stem.owner, ForkNode) and not stem.owner.outermost(stem, side):
            found.append(stem)
        if stem.parent is None:
            break
        stem = stem.parent
    return found


def _common(one: Stem, other: Stem) -> tuple[Stem, Stem | None, Stem | None]:
    """The innermost stem that holds both, and those right below it on the way to each."""
    ways = [_outwards(one), _outwards(other)]
    met = next(stem for stem in ways[0] if any(stem is each for each in ways[1]))
    below = [way[: next(at for at, stem in enumerate(way) if stem is met)] for way in ways]
    return met, below[0][-1] if below[0] else None, below[1][-1] if below[1] else None


def _outwards(stem: Stem) -> list[Stem]:
    found = [stem]
    while stem.parent is not None:
        stem = stem.parent
        found.append(stem)
    return found


def _fork(column: Stem) -> ForkNode:
    assert isinstance(column.owner, ForkNode)
    return column.owner


def _track(tracks: dict[Key, int], key: Key) -> None:
    tracks.setdefault(key, len(tracks))
