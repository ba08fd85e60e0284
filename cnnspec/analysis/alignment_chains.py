"""The least costly way from one chain of items to another, by dynamic programming within bounds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

from cnnspec.analysis.alignment_items import Item
from cnnspec.record import Record

Chain = tuple[Item, ...]
#: What it costs to make one item of another; None where they are nothing to each other.
Cost = Callable[[Item, Item], int | None]

#: Pairs of items that are compared for two chains; of longer ones, only those near the diagonal.
_MOST_CELLS = 250_000
#: More than any alignment costs.
_NEVER = 1 << 60


class Step(Record):
    """A stretch of both chains: one item of each that are counterparts, or a gap."""

    a: range
    b: range
    paired: bool
    #: Of a gap, the unit to replace by its parts before it is aligned: whose chain's (0 or 1), and which.
    opened: tuple[int, int] | None = None
    #: Of a gap, whether all repeats in it are to be replaced by what is in their turns.
    unrolled: bool = False


def chain_steps(a: Chain, b: Chain, cost: Cost) -> tuple[int, list[Step]]:
    """The cost of an alignment, and its steps in order. Equal items at both ends are counterparts."""
    before = _common(a, b)
    after = _common(a[before:][::-1], b[before:][::-1])
    middle_a, middle_b = range(before, len(a) - after), range(before, len(b) - after)
    total, inside = _between(a, b, middle_a, middle_b, cost)
    ends = [(i, j) for i, j in zip(range(middle_a.stop, len(a)), range(middle_b.stop, len(b)), strict=True)]
    pairs = [*((i, i) for i in range(before)), *inside, *ends]
    return total, _steps(_slid(_slid(pairs, a, 0), b, 1), len(a), len(b))


def _slid(pairs: list[tuple[int, int]], chain: Chain, side: int) -> list[tuple[int, int]]:
    """The pairs with gaps of one side moved along items that repeat, until they begin with what weighs most.

    What was removed of `CONV BN RELU CONV BN RELU` is then `CONV BN RELU`, and not `BN RELU CONV`.
    """
    found = [*pairs]
    for at in range(len(found) + 1):
        low = found[at - 1][side] + 1 if at else 0
        high = found[at][side] if at < len(found) else len(chain)
        other = (found[at][1 - side] if at < len(found) else None, found[at - 1][1 - side] + 1 if at else 0)
        if high == low or other[0] != other[1]:
            continue  # no gap, or one of both sides
        shift = _shift(chain, low, high, len(found) - at)
        for moved in range(at, at + shift):
            x, y = found[moved]
            found[moved] = (x - high + low, y) if side == 0 else (x, y - high + low)
    return found


def _shift(chain: Chain, low: int, high: int, most: int) -> int:
    """By how many items to move a gap back along equal ones, so that the weightiest of a period comes first."""
    shifts = [0]
    while shifts[-1] < min(most, high - low) and chain[low + shifts[-1]].key == chain[high + shifts[-1]].key:
        shifts.append(shifts[-1] + 1)
    return max(shifts, key=lambda shift: (chain[low + shift].weight, -shift))


def _common(a: Chain, b: Chain) -> int:
    """How many items from the first are equal."""
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x.key != y.key), min(len(a), len(b)))


def _steps(pairs: list[tuple[int, int]], length_a: int, length_b: int) -> list[Step]:
    """Pairs of items, in order, with the gaps between them."""
    found: list[Step] = []
    i = j = 0
    for x, y in [*pairs, (length_a, length_b)]:
        if x > i or y > j:
            found.append(Step(range(i, x), range(j, y), paired=False))
        if x < length_a:
            found.append(Step(range(x, x + 1), range(y, y + 1), paired=True))
        i, j = x + 1, y + 1
    return found


def _between(a: Chain, b: Chain, rows: range, columns: range, cost: Cost) -> tuple[int, list[tuple[int, int]]]:
    """The least cost for two stretches, and the pairs of it. Where several cost as little, pairs come early."""
    removing = [0, *accumulate(a[i].weight for i in rows)]
    adding = [0, *accumulate(b[j].weight for j in columns)]
    if not rows or not columns:
        return removing[-1] + adding[-1], []
    if _is_uniform(a, rows) and _is_uniform(b, columns):  # such as the turns of two repeats
        one = cost(a[rows[0]], b[columns[0]])
        if one is not None:
            both = min(len(rows), len(columns))
            left = removing[-1] - removing[both] + adding[-1] - adding[both]
            return one * both + left, list(zip(rows, columns, strict=False))
    height, width = len(rows), len(columns)
    band = max(_MOST_CELLS // height, abs(height - width) // height + 2)
    pairing: dict[tuple[int, int], int] = {}
    table: list[tuple[int, list[int]]] = [(0, adding)]
    for i in range(1, height + 1):
        middle = i * width // height
        low, high = max(middle - band, 0), min(middle + band, width)
        offset, above = table[-1]
        line: list[int] = []
        for j in range(low, high + 1):
            best = _at(offset, above, j) + removing[i] - removing[i - 1]
            if j > low:
                best = min(best, line[-1] + adding[j] - adding[j - 1])
            if j > 0:
                change = cost(a[rows[i - 1]], b[columns[j - 1]])
                if change is not None:
                    pairing[i, j] = change
                    best = min(best, _at(offset, above, j - 1) + change)
            line.append(best)
        table.append((low, line))
    return table[-1][1][-1], _back(table, pairing, rows, columns, removing, adding)


def _is_uniform(chain: Chain, stretch: range) -> bool:
    return all(chain[index].key == chain[stretch.start].key for index in stretch)


def _at(offset: int, line: list[int], j: int) -> int:
    return line[j - offset] if offset <= j < offset + len(line) else _NEVER


def _back(table: list[tuple[int, list[int]]], pairing: dict[tuple[int, int], int], rows: range, columns: range,
          removing: list[int], adding: list[int]) -> list[tuple[int, int]]:
    """The pairs of the cheapest way, followed from its end, where items are left over rather than paired."""
    pairs: list[tuple[int, int]] = []
    i, j = len(rows), len(columns)
    while i and j:
        here = _at(*table[i], j)
        if here == _at(*table[i - 1], j) + removing[i] - removing[i - 1]:
            i -= 1
        elif here == _at(*table[i], j - 1) + adding[j] - adding[j - 1]:
            j -= 1
        else:
            pairs.append((rows[i - 1], columns[j - 1]))
            i, j = i - 1, j - 1
    return pairs[::-1]
