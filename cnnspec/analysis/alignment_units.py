"""Units of a chain replaced by what is in them, in search of layers that were written elsewhere before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnnspec.analysis.alignment_chains import Chain, Step
from cnnspec.analysis.alignment_items import PATH, ROUND, ROUNDS, Item
from cnnspec.graph.network import REPEAT


def is_repeat(item: Item) -> bool:
    """Whether it is `[…]*n`, whose turns are alike; not a loop, whose turns have values."""
    return item.unit is not None and item.unit.scope.kind == REPEAT


def opened(unit: tuple[int, int], *sides: Iterable[Item]) -> tuple[Chain, Chain]:
    """Both sides of a gap, one unit replaced by its parts: repeats by what is in their turns, merges by branches."""
    chains = [list(side) for side in sides]
    side, at = unit
    chains[side][at : at + 1] = _parts(chains[side][at])
    return tuple(chains[0]), tuple(chains[1])


def unrolled(chain: Iterable[Item]) -> Chain:
    """A chain, all repeats and loops in it replaced by what is in their turns."""
    return tuple(part for item in chain for part in (_parts(item) if item.kind == ROUNDS else [item]))


def _parts(unit: Item) -> list[Item]:
    inner = [part for part in unit.parts if not part.is_empty]
    return [item for part in inner for item in (part.parts if part.kind in {ROUND, PATH} else (part,))]


def recounted(a: Chain, b: Chain, steps: Sequence[Step]) -> Iterator[range]:
    """Stretches of steps around a repeat that has another count, with the gaps beside it; those without gaps are none.

    Some of the turns may have been written out, to change one of them.
    """
    stop = 0
    for at, step in enumerate(steps):
        if not step.paired or not _has_another_count(a[step.a.start], b[step.b.start]):
            continue
        low = at - (at > stop and not steps[at - 1].paired)
        high = at + 1 + (at + 1 < len(steps) and not steps[at + 1].paired)
        if high - low > 1:
            stop = high
            yield range(low, high)


def _has_another_count(a: Item, b: Item) -> bool:
    return is_repeat(a) and is_repeat(b) and len(a.parts) != len(b.parts)
