"""Which layer of a state dict belongs to which layer of a network: by order, kind and shape."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cnnspec.layers.base import Shape
from cnnspec.record import Record

#: The role of a tensor whose name says nothing: `layer_scale`.
ANY = ""
#: Ways to go on with that are kept at each layer; more than a few only where branches are alike.
WAYS = 256


class Layer(Record):
    """The tensors of one layer, in a state dict or in a network."""

    name: str
    #: Keys and shapes of the tensors by what they are to the layer: `weight`, `bias`, `running_mean`.
    keys: Mapping[str, str]
    shapes: Mapping[str, Shape]

    def pairs(self, source: Layer) -> Iterator[tuple[str, str]]:
        """The roles here, and each one's in a layer of a state dict that has as many."""
        return zip(self.shapes, source.shapes if ANY in source.shapes else self.shapes, strict=True)


class Module(Record):
    """A module of a state dict: layers by their index, and modules."""

    #: Layers that it holds itself beside parts of its own: they are listed first, and used at any place among them.
    own: tuple[int, ...]
    #: Its parts in the order of their use, as far as it is known: each row has an order, the rows among them have none.
    rows: tuple[tuple[int | Module, ...], ...]
    #: All layers inside, as a bit set.
    layers: int


class Match(Record):
    """How far a state dict goes into a network."""

    #: Indices of layers that belong together: of the state dict, of the network.
    pairs: tuple[tuple[int, int], ...]
    #: The layer of the state dict that fits nowhere, if there is one.
    stuck: int | None
    #: The layer of the network that was expected, if any is left.
    expected: int | None

    @property
    def complete(self) -> bool:
        """Whether every layer has its counterpart, on both sides."""
        return self.stuck is None and self.expected is None


def fits(source: Layer, target: Layer) -> bool:
    """Whether a layer of a state dict can be this one: the same tensors, of the same shapes."""
    alike = len(target.shapes) == 1 if ANY in source.shapes else source.shapes.keys() == target.shapes.keys()
    return alike and all(same(source.shapes[theirs], target.shapes[ours], theirs)
                         for ours, theirs in target.pairs(source))


def same(source: Shape, target: Shape, role: str = "weight") -> bool:
    """Whether two shapes hold the same numbers in the same places.

    A linear layer's `(O, I)` is a 1×1 convolution's `(O, I, 1, 1)`; a gain's `(C, 1, 1)` is `(C,)`.
    """
    if role == ANY and len(target) == 1:
        return target in {source, tuple(extent for extent in source if extent > 1)}
    return source == target or (min(len(source), len(target)) >= 2 and _matrix(source) == _matrix(target))


def _matrix(shape: Shape) -> Shape:
    """A shape without the 1s at its end, down to a matrix."""
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


class Way(Record):
    """A way to have placed some layers of a state dict, the latest one and what went before."""

    #: The layers that are placed, as bit sets: of the state dict, of the network.
    used: int = 0
    taken: int = 0
    #: Layers of the network that are free, and read only what is taken.
    ready: tuple[int, ...] = ()
    #: How often a layer does not read the one before it, or is not of the same module.
    breaks: int = 0
    #: The latest pair.
    source: int = -1
    target: int = -1
    before: Way | None = None

    @property
    def key(self) -> tuple[int, ...]:
        """Equal where all that may follow is."""
        return self.used, self.taken, self.source, self.target

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """All pairs, the first one first."""
        found, way = [], self
        while way.before is not None:
            found.append((way.source, way.target))
            way = way.before
        return tuple(reversed(found))


class Matching:
    """A search for the way to place a state dict's layers in a network, all promising ways abreast.

    A module of the state dict is finished before the next is begun, its parts in order; only what it holds itself
    beside its parts may come anywhere among them (ConvNeXt's layer scale is listed before its block). In the network a
    layer comes after those that it reads. So branches may come in any order (ResNet lists a shortcut last, RegNet
    first), or one inside the other (an auxiliary head). Of all ways to place everything, the one is taken that least
    often leaves a chain of layers, or a module of the state dict, for another; of several such, the first in the
    network's order: two branches that are alike are told apart by their order alone.
    """

    def __init__(self, sources: Sequence[Layer], root: Module, targets: Sequence[Layer], needs: Sequence[int]) -> None:
        """`root` holds the layers of the state dict; `needs` has for each of the network those that it reads."""
        self.sources, self.root, self.targets, self.needs = sources, root, targets, needs
        self.readers: list[list[int]] = [[] for _ in targets]
        for target, needed in enumerate(needs):
            for index in _bits(needed):
                self.readers[index].append(target)
        #: For each layer of the state dict the modules around it, the innermost first.
        self.around: dict[int, tuple[Module, ...]] = {-1: (root,)}
        self._enter(root, (root,))

    def _enter(self, module: Module, around: tuple[Module, ...]) -> None:
        self.around.update(dict.fromkeys(module.own, around))
        for part in (part for row in module.rows for part in row):
            if isinstance(part, Module):
                self._enter(part, (part, *around))
            else:
                self.around[part] = around

    def match(self) -> Match:
        """The best way, or how far the best one goes."""
        ways = [Way(ready=tuple(target for target, needed in enumerate(self.needs) if not needed))]
        for _ in self.sources:
            further = _promising(step for way in ways for step in self.steps(way))
            if not further:
                break
            ways = further
        best = min(ways, key=lambda way: way.breaks)
        expected = self.expected(best)
        return Match(best.pairs(), self.stuck(best, expected), expected)

    def steps(self, way: Way) -> Iterator[Way]:
        """The ways on by one more layer, in the order of the state dict, then of the network."""
        for source in self.next_sources(way):
            for target in way.ready:
                if fits(self.sources[source], self.targets[target]):
                    yield self.step(way, source, target)

    def step(self, way: Way, source: int, target: int) -> Way:
        """The way on by this pair."""
        taken = way.taken | 1 << target
        freed = (reader for reader in self.readers[target] if not self.needs[reader] & ~taken)
        ready = tuple(sorted((*(other for other in way.ready if other != target), *freed)))
        breaks = way.breaks + (not self.follows(way, target)) + (self.around[source] != self.around[way.source])
        return Way(way.used | 1 << source, taken, ready, breaks, source, target, way)

    def follows(self, way: Way, target: int) -> bool:
        """Whether a layer of the network reads the latest one; the first one follows in any case."""
        return way.target < 0 or bool(self.needs[target] >> way.target & 1)

    def next_sources(self, way: Way) -> Iterator[int]:
        """The layers of the state dict that may come next."""
        finished = True
        for module in self.around[way.source]:
            if finished:
                yield from _heads(module, way.used)
                finished = not module.layers & ~way.used
            yield from (own for own in module.own if not way.used >> own & 1)

    def expected(self, way: Way) -> int | None:
        """The layer of the network that comes next: one that reads the latest, else the first."""
        return next((target for target in way.ready if self.follows(way, target)), next(iter(way.ready), None))

    def stuck(self, way: Way, expected: int | None) -> int | None:
        """The layer of the state dict that should come next: one of the kind that is expected, else the first."""
        following = list(self.next_sources(way))
        alike = (index for index in following
                 if expected is not None and self.sources[index].shapes.keys() == self.targets[expected].shapes.keys())
        return next(alike, next(iter(following), None))


def _heads(module: Module, used: int) -> Iterator[int]:
    """The layers with which the unfinished part of a module may go on, but for those it holds itself."""
    for row in module.rows:
        at = bisect_left(row, True, key=lambda part: bool(layers_of(part) & ~used))
        if at == len(row):
            continue
        part = row[at]
        if isinstance(part, Module):
            yield from _heads(part, used)
            yield from (own for own in part.own if not used >> own & 1)
        else:
            yield part


def layers_of(part: int | Module) -> int:
    """The layers of a part, as a bit set."""
    return part.layers if isinstance(part, Module) else 1 << part


def _promising(ways: Iterable[Way]) -> list[Way]:
    """The best of those ways that are the same from here on, in their order; of too many, those of fewest breaks."""
    best: dict[tuple[int, ...], Way] = {}
    for way in ways:
        known = best.get(way.key)
        if known is None or way.breaks < known.breaks:
            best.pop(way.key, None)
            best[way.key] = way
    if len(best) <= WAYS:
        return list(best.values())
    limit = sorted(way.breaks for way in best.values())[WAYS - 1]
    return [way for way in best.values() if way.breaks <= limit][:WAYS]


def _bits(mask: int) -> Iterator[int]:
    """The elements of a bit set."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
