"""The tree of a network as what an alignment compares: items with a number that equal structures share."""

from __future__ import annotations

from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.analysis.tree import Leaf, Part, Unit, branches, tree
from cnnspec.graph.network import LOOP, MERGE, REPEAT, TURN, Scope
from cnnspec.record import Record

#: Kinds of items. Repeats and loops are rounds of turns; a merge's parts are its branches and the layer that joins.
LAYER, CALL, ROUNDS, ROUND, JOINED, PATH = "layer", "call", "rounds", "round", "merge", "branch"

#: What it costs to add or remove a layer, by its family: the more it says of the network, the rather it is matched.
_WEIGHTS = {"input": 12, "convolution": 8, "linear": 8, "merge": 6, "pooling": 5, "resampling": 5, "normalisation": 4,
            "shape": 3, "activation": 3, "regularisation": 2}
_OTHER_WEIGHT = 4


class Item(Record):
    """A layer, or what one scope has made, from layer `start` to before layer `stop`."""

    kind: str
    #: A layer's keyword, or the name of the block or net that is called.
    name: str
    start: int
    stop: int
    parts: tuple[Item, ...]
    #: What it costs to add or remove it.
    weight: int
    #: Equal for items with the same layers in the same structure, whatever enters them and whatever blocks are called.
    key: int
    layer: LayerSummary | None = None
    #: None for a layer, and for a branch that only passes a value on.
    unit: Unit | None = None

    @property
    def scope(self) -> Scope | None:
        """The innermost scope that it makes or stands in; None for a branch without layers."""
        if self.unit is not None:
            return self.unit.scope
        return self.layer.node.scope if self.layer is not None else None

    @property
    def is_empty(self) -> bool:
        """Whether it has no layers: a branch that is `ID`."""
        return self.start == self.stop


class Items:
    """Makes items; those of several networks that one maker has made can be compared by their keys."""

    def __init__(self) -> None:
        self._keys: dict[tuple[object, ...], int] = {}

    def of(self, summary: Summary) -> tuple[Item, ...]:
        """The chain that a network is."""
        return self._chain(tree(summary))

    def _chain(self, parts: tuple[Part, ...]) -> tuple[Item, ...]:
        found: list[Item] = []
        for part in parts:
            if isinstance(part, Leaf):
                found.append(self._leaf(part))
            elif isinstance(part, Unit):
                found += self._unit(part)
        return tuple(found)

    def _leaf(self, leaf: Leaf) -> Item:
        layer = leaf.layer.node.op.layer
        weight = _WEIGHTS.get(layer.family, _OTHER_WEIGHT)
        key = self._key(LAYER, layer.keyword, layer.values)
        return Item(LAYER, layer.keyword, leaf.start, leaf.stop, (), weight, key, leaf.layer)

    def _unit(self, unit: Unit) -> tuple[Item, ...]:
        kind = unit.scope.kind
        if kind == MERGE and unit.merge is None:  # left with one branch, it is that branch
            return tuple(item for branch in branches(unit) for item in self._chain(branch.parts))
        if kind == MERGE:
            return (self._merge(unit),)
        named = getattr(unit.scope.syntax, "name", "")
        kind = ROUNDS if kind in {REPEAT, LOOP} else ROUND if kind == TURN else CALL
        return (self._made(kind, named if kind == CALL else "", unit, self._chain(unit.parts)),)

    def _merge(self, unit: Unit) -> Item:
        """The branches with layers, as many without as there are values from before the merge, and what joins them."""
        assert unit.merge is not None  # else there is nothing to join
        filled = [self._made(PATH, "", branch, self._chain(branch.parts)) for branch in branches(unit)]
        passed = sum(index < unit.start for index in unit.merge.layer.node.inputs)
        empty = Item(PATH, "", unit.start, unit.start, (), 1, self._key(PATH))
        return self._made(JOINED, "", unit, (*filled, *[empty] * passed, self._leaf(unit.merge)))

    def _made(self, kind: str, name: str, unit: Unit, parts: tuple[Item, ...]) -> Item:
        weight = sum(part.weight for part in parts) + 1
        key = self._key(kind, *(part.key for part in parts))
        return Item(kind, name, unit.start, unit.stop, parts, weight, key, None, unit)

    def _key(self, *structure: object) -> int:
        return self._keys.setdefault(structure, len(self._keys))
