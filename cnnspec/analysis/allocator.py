"""CUDA's caching allocator: what it takes of the device, in segments, for a sequence of blocks.

Rules of c10/cuda/CUDACachingAllocator.cpp with its default settings, on one stream: requests of at most 1 MiB come out
of segments of 2 MiB, those below 10 MiB out of segments of 20 MiB, larger ones get segments of their own, a multiple
of 2 MiB. A request takes the smallest free block that is large enough, of several the one that comes first, and leaves
the rest of it free where that is large enough to be of use; neighbours that are free become one. Segments stay.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

MIB = 2**20
#: Requests up to the first come from the pool of small blocks, whose segments have the second size.
SMALL, SMALL_SEGMENT = MIB, 2 * MIB
#: Requests below the first share segments of the second size; others have segments of a multiple of the third.
MIDDLE, MIDDLE_SEGMENT, LARGE_STEP = 10 * MIB, 20 * MIB, 2 * MIB
#: The least that is split off a block: a whole block in the small pool, more than 1 MiB in the large one.
_LEAST_SMALL, _LEAST_LARGE = 512, MIB + 1


class _Pool:
    """The free blocks of one pool. A place is a number: segments follow each other with gaps between them."""

    def __init__(self, least: int) -> None:
        self.least = least
        self.free: list[tuple[int, int]] = []  # size, place
        self.starts: dict[int, int] = {}  # place of a free block -> size
        self.ends: dict[int, int] = {}  # place behind a free block -> its place

    def add(self, place: int, size: int) -> None:
        """A block becomes free, and one with the free blocks beside it."""
        before = self.ends.get(place)
        if before is not None:
            size += self._remove(before)
            place = before
        if place + size in self.starts:
            size += self._remove(place + size)
        insort(self.free, (size, place))
        self.starts[place] = size
        self.ends[place + size] = place

    def take(self, size: int) -> tuple[int, int] | None:
        """The place and size of the free block that serves a request; None where none is large enough."""
        at = bisect_left(self.free, (size, -1))
        if at == len(self.free):
            return None
        whole, place = self.free[at]
        self._remove(place)
        got, rest = _cut(place, size, whole, self.least)
        if rest:
            self.add(*rest)
        return got

    def _remove(self, place: int) -> int:
        size = self.starts.pop(place)
        del self.ends[place + size]
        del self.free[bisect_left(self.free, (size, place))]
        return size


def reserved(events: Iterable[tuple[int, int]]) -> int:
    """Bytes of all segments after a sequence of blocks: by number, with the size, negative where it is given back."""
    pools = {True: _Pool(_LEAST_SMALL), False: _Pool(_LEAST_LARGE)}
    taken: dict[int, tuple[bool, int, int]] = {}
    total = 0
    for number, size in events:
        if size < 0:
            small, place, whole = taken.pop(number)
            pools[small].add(place, whole)
        elif size:
            small = size <= SMALL
            got = pools[small].take(size)
            if got is None:
                segment = _segment(size)
                got, rest = _cut(2 * total + 1, size, segment, pools[small].least)  # segments never touch
                if rest:
                    pools[small].add(*rest)
                total += segment
            taken[number] = small, *got
    return total


def _cut(place: int, size: int, whole: int, least: int) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """A block of a size out of a whole, and what is left where that is of use: place and size of each."""
    if whole - size < least:
        return (place, whole), None
    return (place, size), (place + size, whole - size)


def _segment(size: int) -> int:
    """The size of the segment that is taken for a request."""
    if size <= SMALL:
        return SMALL_SEGMENT
    if size < MIDDLE:
        return MIDDLE_SEGMENT
    return -(-size // LARGE_STEP) * LARGE_STEP
