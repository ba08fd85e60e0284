"""What a picture of volumes shows: values of one shape in a row as one stack, chains of stacks, and links between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cnnspec.analysis.diagram import Box, Diagram, Edge
from cnnspec.layers.base import Shape
from cnnspec.record import Record


class Stack(Record):
    """Boxes that follow each other and leave values of one shape; drawn as one volume, with a slice for each box.

    Only what the last one leaves is read elsewhere.
    """

    key: int
    boxes: tuple[Box, ...]
    #: Names of further outputs that leave from here.
    ends: tuple[str, ...]
    #: Whether it reads what the stack before it in its chain leaves.
    follows: bool

    @property
    def output(self) -> Shape:
        return self.boxes[-1].row.output


class Link(Record):
    """Values that pass from one stack to another past the order of a chain; stacks by key."""

    source: int
    target: int
    shape: Shape
    count: int


class Scene(Record):
    """Chains of stacks, the one that makes the main output first, and the links between any of them."""

    chains: tuple[tuple[Stack, ...], ...]
    links: tuple[Link, ...]


def scene(diagram: Diagram) -> Scene:
    """The stacks of a diagram, in order of execution: on the way to the main output, then what only ends elsewhere."""
    edges = {(edge.source, edge.target): edge for edge in diagram.edges}
    main = _reaching(diagram)
    others = [box.key for box in diagram.boxes if box.key not in main]
    names: dict[int, list[str]] = {}
    for end in diagram.ends[1:]:
        names.setdefault(end.source, []).append(end.name)
    chains: list[tuple[Stack, ...]] = []
    for keys in (sorted(main), *_components(others, edges)):
        made = tuple(_stacks(diagram, keys, edges, names, sum(map(len, chains))))
        chains.append(made)
    return Scene(tuple(chains), tuple(_links(chains, edges.values())))


def _reaching(diagram: Diagram) -> set[int]:
    """The boxes that the main output depends on."""
    found = {diagram.ends[0].source}
    for edge in sorted(diagram.edges, key=lambda edge: edge.source, reverse=True):
        if edge.target in found:
            found.add(edge.source)
    return found


def _components(keys: list[int], edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The keys, those in one list that edges among them connect."""
    home = {key: [key] for key in keys}
    for source, target in edges:
        if source in home and target in home and home[source] is not home[target]:
            joined = sorted(home[source] + home[target])
            home.update(dict.fromkeys(joined, joined))
    return [component for key, component in home.items() if component[0] == key]


def _stacks(diagram: Diagram, keys: list[int], edges: dict[tuple[int, int], Edge], names: dict[int, list[str]],
            first: int) -> Iterator[Stack]:
    """A chain's boxes in stacks, numbered from `first`."""
    groups: list[list[int]] = []
    readers = _readers(diagram)
    for key in keys:
        if groups and _joins(diagram, groups[-1][-1], key, readers):
            groups[-1].append(key)
        else:
            groups.append([key])
    for at, group in enumerate(groups):
        ends = tuple(name for key in group for name in names.get(key, ()))
        follows = at > 0 and (groups[at - 1][-1], group[0]) in edges
        yield Stack(first + at, tuple(diagram.boxes[key] for key in group), ends, follows)


def _readers(diagram: Diagram) -> dict[int, set[int]]:
    """What reads each box: others by key, and -1 for a caller."""
    found: dict[int, set[int]] = {end.source: {-1} for end in diagram.ends}
    for edge in diagram.edges:
        found.setdefault(edge.source, set()).add(edge.target)
    return found


def _joins(diagram: Diagram, last: int, key: int, readers: dict[int, set[int]]) -> bool:
    """Whether a box alone reads the last one of a group, and leaves the same shape; inputs stand alone."""
    before, box = diagram.boxes[last], diagram.boxes[key]
    return before.family != "input" and before.row.output == box.row.output and readers.get(last) == {key}


def _links(chains: list[tuple[Stack, ...]], edges: Iterable[Edge]) -> Iterator[Link]:
    """The edges between stacks that are not from the end of one to the beginning of the next."""
    homes = {box.key: stack for chain in chains for stack in chain for box in stack.boxes}
    counts: dict[tuple[int, int], tuple[Edge, int]] = {}
    for edge in edges:
        source, target = homes[edge.source], homes[edge.target]
        ordered = target.key == source.key + 1 and target.follows
        straight = ordered and edge.source == source.boxes[-1].key and edge.target == target.boxes[0].key
        if source is not target and not straight:
            _, before = counts.get((source.key, target.key), (edge, 0))
            counts[source.key, target.key] = edge, before + 1
    return (Link(source, target, edge.shape, count) for (source, target), (edge, count) in counts.items())
