"""Which layers of one network are those of another: an alignment along the structure of both.

Chains are aligned by dynamic programming, the least costly edit of one into the other, and what is compared are calls,
repeats, merges and layers, each with the cost of aligning its own parts. Equal structures cost nothing and are met
once; the cost of each other pair is kept, so that 48 turns that are alike are compared once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cnnspec.analysis.alignment_chains import Chain, Step, chain_steps
from cnnspec.analysis.alignment_items import CALL, JOINED, LAYER, ROUND, ROUNDS, Item, Items
from cnnspec.analysis.alignment_units import is_repeat, opened, recounted, unrolled
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record

#: Python's own limit while items within items are aligned; expansion allows 256 levels of calls and groups.
_RECURSION = 20_000
#: How often units are opened in search of layers that were elsewhere before: inlined, unrolled, a branch left alone.
_MOST_OPENED = 400
#: Units are opened where what stands against them is at least so large a part of them.
_COMPARABLE = 4
#: A call of another block is the same block under another name where aligning the parts costs less than this part.
_ANOTHER = 8
#: What it costs that the turns of two loops have other values: the first is rather the first than one that is liker.
_OTHER_TURN = 6
#: The most that it costs to match layers of one kind, however much their arguments differ.
_MOST_ALTERED = 3


class Gap(Record):
    """Neighbours of one network that have no counterpart, and those of the other in the same place."""

    removed: tuple[Item, ...]
    added: tuple[Item, ...]
    #: Where the items are turns of a repeat: the repeat in both networks.
    rounds: tuple[Item, Item] | None = None


class Alignment(Record):
    """What has a counterpart, and what has none."""

    #: Indices of layers, in the order of the first network.
    pairs: tuple[tuple[int, int], ...]
    gaps: tuple[Gap, ...]


def align(a: Summary, b: Summary) -> Alignment:
    """The layers of two networks with their counterparts."""
    with _deep():
        items = Items()
        chains = items.of(a), items.of(b)
        aligner = _Aligner()
        aligner.follow(*chains)
        return Alignment(tuple(sorted(aligner.pairs)), tuple(aligner.gaps))


class _Aligner:
    """Costs by pairs of keys, and the alignment as it is followed."""

    def __init__(self) -> None:
        self.opened = 0
        self.pairs: list[tuple[int, int]] = []
        self.gaps: list[Gap] = []
        self._costs: dict[tuple[int, int], int | None] = {}
        self._chains: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[int, list[Step]]] = {}

    # ------------------------------------------------------------------------------------------- costs

    def cost(self, a: Item, b: Item) -> int | None:
        """What it costs to make one item of the other; None where they are nothing to each other."""
        if a.key == b.key:
            return 0
        if a.kind != b.kind:
            return None
        known = (a.key, b.key)
        if known not in self._costs:
            self._costs[known] = self._cost(a, b)
        found = self._costs[known]
        return found if found is None or a.kind != ROUND or _values(a) == _values(b) else found + _OTHER_TURN

    def _cost(self, a: Item, b: Item) -> int | None:
        if a.kind == LAYER:
            return _layer_cost(a, b)
        cost, most = self.inside(a, b), a.weight + b.weight - 1
        if a.kind == CALL:
            return min(cost, most * 3 // 4)  # calls in the same place are rather replaced than removed and added
        return min(cost, most) if a.kind == ROUND else cost if cost <= most else None

    def inside(self, a: Item, b: Item) -> int:
        """The cost of aligning the parts of two units."""
        return self.branches(a, b)[0] if a.kind == JOINED else self.chain(a.parts, b.parts)[0]

    def chain(self, a: Chain, b: Chain) -> tuple[int, list[Step]]:
        """The cost of aligning two chains, and the steps that take it."""
        known = tuple(item.key for item in a), tuple(item.key for item in b)
        if known not in self._chains:
            _, steps = chain_steps(a, b, self.cost)
            costs = [self._step_cost(a, b, step) for step in steps]
            for at, step in enumerate(steps):
                saved, unit = self._opening([a[i] for i in step.a], [b[j] for j in step.b])
                if saved > 0 and not step.paired:
                    costs[at], steps[at] = costs[at] - saved, step.replace(opened=unit)
            self._chains[known] = self._unrolling(a, b, steps, costs)
        return self._chains[known]

    def _step_cost(self, a: Chain, b: Chain, step: Step) -> int:
        paired = self.cost(a[step.a.start], b[step.b.start]) if step.paired else None
        return sum(item.weight for item in (*a[step.a.start : step.a.stop], *b[step.b.start : step.b.stop])) \
            if paired is None else paired

    def _unrolling(self, a: Chain, b: Chain, steps: list[Step], costs: list[int]) -> tuple[int, list[Step]]:
        """The cost of all steps, repeats unrolled where that saves most of it: a turn was written out."""
        found, total = [*steps], sum(costs)
        for stretch in reversed([*recounted(a, b, steps)]):
            if self.opened >= _MOST_OPENED:
                break
            self.opened += 1
            first, last = steps[stretch[0]], steps[stretch[-1]]
            whole = Step(range(first.a.start, last.a.stop), range(first.b.start, last.b.stop), paired=False,
                         unrolled=True)
            saved = sum(costs[at] for at in stretch) - self.chain(*_unrolled(a, b, whole))[0]
            if saved * 2 > sum(costs[at] for at in stretch):
                found[stretch.start : stretch.stop] = [whole]
                total -= saved
        return total, found

    def _opening(self, *sides: list[Item]) -> tuple[int, tuple[int, int] | None]:
        """Which unit of a gap to open, since its parts have counterparts on the other side, and what that saves."""
        weights = [sum(item.weight for item in side) for side in sides]
        units = [(item.weight, (side, at)) for side in (0, 1) for at, item in enumerate(sides[side])
                 if item.kind in {CALL, ROUNDS, JOINED}]
        if not units or min(weights) * _COMPARABLE < max(weights) or self.opened >= _MOST_OPENED:
            return 0, None
        self.opened += 1
        _, largest = max(units)
        return sum(weights) - self.chain(*opened(largest, *sides))[0], largest

    def branches(self, a: Item, b: Item) -> tuple[int, list[tuple[Item, Item]]]:
        """The cost of aligning two merges, and the branches that are counterparts: the likest first."""
        found = sorted((cost, abs(i - j), i, j) for i, x in enumerate(a.parts[:-1])
                       for j, y in enumerate(b.parts[:-1]) if (cost := self.cost(x, y)) is not None)
        left, right = dict(enumerate(a.parts[:-1])), dict(enumerate(b.parts[:-1]))
        join = self.cost(a.parts[-1], b.parts[-1])
        total = join if join is not None else a.parts[-1].weight + b.parts[-1].weight
        pairs: list[tuple[Item, Item]] = []
        for cost, _, i, j in found:
            if i in left and j in right:
                pairs.append((left.pop(i), right.pop(j)))
                total += cost
        return total + sum(item.weight for item in (*left.values(), *right.values())), pairs

    # --------------------------------------------------------------------------------------- following

    def follow(self, a: Chain, b: Chain) -> None:
        """Note the pairs and gaps of two chains."""
        for step in self.chain(a, b)[1]:
            removed, added = a[step.a.start : step.a.stop], b[step.b.start : step.b.stop]
            if step.paired:
                self._follow_pair(removed[0], added[0])
            elif step.opened is not None:
                self.follow(*opened(step.opened, removed, added))
            elif step.unrolled:
                self.follow(unrolled(removed), unrolled(added))
            else:
                self.gaps.append(Gap(removed, added))

    def _follow_pair(self, a: Item, b: Item) -> None:
        if a.key == b.key:  # the same layers in the same order
            self.pairs += zip(range(a.start, a.stop), range(b.start, b.stop), strict=True)
        elif a.kind == LAYER:
            self.pairs.append((a.start, b.start))
        elif a.kind == CALL and a.name != b.name and self.inside(a, b) * _ANOTHER > a.weight + b.weight:
            self.gaps.append(Gap((a,), (b,)))
        elif a.kind == JOINED:
            self._follow_merge(a, b)
        elif is_repeat(a) and is_repeat(b):
            self._follow_repeat(a, b)
        else:
            self.follow(a.parts, b.parts)

    def _follow_merge(self, a: Item, b: Item) -> None:
        """Branches without a counterpart are gaps, one by one; what joins them is a pair, or else a gap."""
        pairs = self.branches(a, b)[1]
        for x, y in pairs:
            self._follow_pair(x, y)
        self.gaps += [Gap((item,), ()) for item in a.parts[:-1] if all(item is not x for x, _ in pairs)]
        self.gaps += [Gap((), (item,)) for item in b.parts[:-1] if all(item is not y for _, y in pairs)]
        self._follow_pair(a.parts[-1], b.parts[-1])

    def _follow_repeat(self, a: Item, b: Item) -> None:
        """Turns without a counterpart are one gap of the repeat."""
        before = len(self.gaps)
        self.follow(a.parts, b.parts)
        found = self.gaps[before:]
        of_turns = [any(item.kind == ROUND for item in (*gap.removed, *gap.added)) for gap in found]
        if len(a.parts) != len(b.parts) and any(of_turns):
            turns = [gap for gap, is_turn in zip(found, of_turns, strict=True) if is_turn]
            self.gaps[before:] = [gap for gap, is_turn in zip(found, of_turns, strict=True) if not is_turn]
            self.gaps.append(Gap(tuple(item for gap in turns for item in gap.removed),
                                 tuple(item for gap in turns for item in gap.added), (a, b)))


def _layer_cost(a: Item, b: Item) -> int | None:
    """Little for another argument; more for another layer that does the same kind of thing, as RELU and SILU do."""
    assert a.layer is not None  # both are layers
    assert b.layer is not None
    x, y = a.layer.node.op.layer, b.layer.node.op.layer
    if x.keyword == y.keyword:
        return min(sum(v != w for v, w in zip(x.values, y.values, strict=True)), _MOST_ALTERED)
    return max(a.weight, b.weight) if x.family == y.family else None


def _unrolled(a: Chain, b: Chain, step: Step) -> tuple[Chain, Chain]:
    return unrolled(a[step.a.start : step.a.stop]), unrolled(b[step.b.start : step.b.stop])


def _values(item: Item) -> object:
    return item.scope.values if item.scope is not None else None


@contextmanager
def _deep() -> Iterator[None]:
    """Room for items within items; pure Python calls take no C stack."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
