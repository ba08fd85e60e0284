"""From a diagram to stems: what stands below what, what hangs beside, and which values take a way of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnnspec.analysis import labels
from cnnspec.analysis.diagram import Box, Diagram, Element, End, Fork, Frame
from cnnspec.render import units
from cnnspec.render.draw import words
from cnnspec.render.draw.stems import (
    LEFT,
    BoxNode,
    EndNode,
    ForkNode,
    FrameNode,
    Node,
    Skip,
    Stem,
    Tap,
)
from cnnspec.render.snippet import visible

#: Places in a line of a box, in a fork and elsewhere; lines of a box; places and lines of a frame's name.
MOST_FORKED, MOST_ALONE, MOST_LINES = 24, 32, 5
MOST_NAMED, MOST_NAME_LINES = 28, 2
#: Places of an output's name.
MOST_END = 40


class Plan:
    """A diagram's stems, with its boxes by key and the values that pass around boxes."""

    def __init__(self, root: Stem, boxes: dict[int, BoxNode], nested: dict[tuple[int, int], str],
                 skips: list[Skip]) -> None:
        self.root = root
        self.boxes = boxes
        #: The shapes of the values that pass as the stems have it, by source and target.
        self.nested = nested
        self.skips = skips


def plan(diagram: Diagram) -> Plan:
    """The stems of a diagram."""
    builder = _Builder(diagram)
    root = Stem()
    builder.fill(root, diagram.elements, None, forked=False)
    for end in diagram.ends:
        builder.hang(end)
    skips = [Skip(edge, builder.boxes[edge.source], builder.boxes[edge.target]) for edge in diagram.edges
             if (edge.source, edge.target) not in builder.nested]
    return Plan(root, builder.boxes, builder.nested, skips)


class _Builder:
    def __init__(self, diagram: Diagram) -> None:
        self.edges = {(edge.source, edge.target): units.shape(edge.shape) for edge in diagram.edges}
        self.reads: dict[int, list[int]] = {}
        self.read_by: dict[int, list[int]] = {}
        for source, target in self.edges:
            self.reads.setdefault(target, []).append(source)
            self.read_by.setdefault(source, []).append(target)
        self.live = _reaching(diagram.ends[0].source, self.reads)
        self.boxes: dict[int, BoxNode] = {}
        #: The edges that follow from what stands below what.
        self.nested: dict[tuple[int, int], str] = {}

    # Every method below takes the key of the box whose value enters, and returns that of the one whose value leaves.

    def fill(self, stem: Stem, elements: Sequence[Element], source: int | None, *, forked: bool) -> int | None:
        """Put elements on a stem; those that the main output does not depend on hang beside what they read."""
        exits: dict[int | None, int] = {source: 0}
        for group in self._groups(elements):
            if self._is_dead(group[0]):
                run = self._run(group, exits)
                if run is not None:
                    tap, at = run
                    stem.nodes.insert(at, tap)
                    tap.stem = stem
                    exits = {key: place + (place >= at) for key, place in exits.items()}
                    continue
            for element in group:
                source = self._put(stem, element, source, forked=forked)
                exits[source] = len(stem.nodes)
        return source

    def _put(self, stem: Stem, element: Element, source: int | None, *, forked: bool) -> int | None:
        if isinstance(element, Box):
            box = self._box(element, forked=forked)
            box.caption = self._joins(source, element.key)
            stem.add(box)
            return element.key
        known = len(self.nested)
        if isinstance(element, Frame):
            text = visible(labels.text(element.label))
            frame = FrameNode(words.listed(text, MOST_NAMED, MOST_NAME_LINES), text, element.count)
            stem.add(frame)
            left = self.fill(frame.inside, element.elements, source, forked=forked)
            frame.caption = self._carried(source, known)
            return left
        fork = self._fork(element, source, forked=forked)
        fork.caption = self._carried(source, known)
        stem.add(fork)
        fork.merge.stem = stem
        return element.merge.key

    def _fork(self, element: Fork, source: int | None, *, forked: bool) -> ForkNode:
        fork = ForkNode(self._box(element.merge, forked=forked))
        shown = [branch for branch in element.branches if branch.elements or branch.source == source]
        filled = [branch for branch in shown if branch.elements]
        first = next((at for at, branch in enumerate(element.branches) if branch.elements), 0)
        if any(not branch.elements for branch in element.branches[:first]):
            fork.merge.prefers = LEFT
        for branch in shown if len(filled) > 1 else filled:
            column = Stem(fork)
            left = self.fill(column, branch.elements, source, forked=forked or len(filled) > 1)
            column.caption = self._joins(left, element.merge.key)
            fork.columns.append(column)
        if not filled:
            fork.columns.append(Stem(fork))
        if len(filled) < 2 and len(shown) > len(filled):
            fork.pass_caption = self._joins(source, element.merge.key)
            fork.passes += [fork.merge.prefers] if filled else []
        return fork

    def _box(self, box: Box, *, forked: bool) -> BoxNode:
        text = visible(labels.text(box.row.label))
        node = BoxNode(box, words.broken(text, MOST_FORKED if forked else MOST_ALONE, MOST_LINES))
        self.boxes[box.key] = node
        return node

    def _joins(self, source: int | None, target: int) -> str:
        """Count an edge, if there is one, among those that need no way of their own; the shape on it."""
        if source is None or (source, target) not in self.edges:
            return ""
        self.nested[source, target] = self.edges[source, target]
        return self.nested[source, target]

    def _carried(self, source: int | None, known: int) -> str:
        """The shape on the first edge from a box among those that were counted after `known`."""
        return next((shape for (made, _), shape in [*self.nested.items()][known:] if made == source), "")

    # ------------------------------------------------------------------------------------ what hangs beside

    def _is_dead(self, element: Element) -> bool:
        return self.live.isdisjoint(keys(element))

    def _groups(self, elements: Sequence[Element]) -> Iterator[list[Element]]:
        """Elements one by one; dead ones with those that follow and read nothing else."""
        group: list[Element] = []
        known: set[int] = set()
        for element in elements:
            own = set(keys(element))
            from_here = group and self._is_dead(element) and self._is_dead(group[0])
            if group and not (from_here and self._outside(own) <= known):
                yield group
                group, known = [], set()
            group.append(element)
            known |= own
        if group:
            yield group

    def _outside(self, own: set[int]) -> set[int]:
        """The boxes that some boxes read, themselves left out."""
        return {source for key in own for source in self.reads.get(key, ())} - own

    def _run(self, group: list[Element], exits: dict[int | None, int]) -> tuple[Tap, int] | None:
        """Elements hung beside the one value that they read, and where; None where they read others, or are read."""
        own = {key for element in group for key in keys(element)}
        outside = self._outside(own)
        if len(outside) != 1 or not outside <= exits.keys() or any(
            not own.issuperset(self.read_by.get(key, ())) for key in own
        ):
            return None
        (source,) = outside
        before = dict(self.nested)
        tap = Tap()
        self._alive(tap.run, group, source)
        if any((source, key) not in self.nested for key in own if source in self.reads.get(key, ())):
            self.nested = before
            return None
        tap.caption = self._carried(source, len(before))
        return tap, exits[source]

    def _alive(self, run: Stem, group: list[Element], source: int) -> None:
        """Fill a run as if the main output depended on it."""
        live, self.live = self.live, {key for element in group for key in keys(element)}
        self.fill(run, group, source, forked=True)
        self.live = live

    # ------------------------------------------------------------------------------------------------ ends

    def hang(self, end: End) -> None:
        """Put an end below the box that makes it where nothing else follows, else beside."""
        box = self.boxes[end.source]
        node: Node = next((each for each in box.stem.nodes if isinstance(each, ForkNode) and each.merge is box), box)
        while node is node.stem.nodes[-1] and isinstance(node.stem.owner, FrameNode):
            node = node.stem.owner
        stem, at = node.stem, node.stem.nodes.index(node) + 1
        if all(isinstance(each, Tap) for each in stem.nodes[at:]) and not isinstance(stem.owner, ForkNode):
            stem.add(_end(end))
            stem.nodes[-1].caption = units.shape(end.shape)
            return
        tap = Tap()
        tap.caption = units.shape(end.shape)
        tap.run.add(_end(end))
        tap.stem = stem
        stem.nodes.insert(at, tap)


def _end(end: End) -> EndNode:
    return EndNode(end, words.shortened(visible(end.name), MOST_END))


def keys(element: Element) -> Iterator[int]:
    """The keys of the boxes in an element."""
    if isinstance(element, Box):
        yield element.key
    elif isinstance(element, Frame):
        yield from _all_keys(element.elements)
    else:
        for branch in element.branches:
            yield from _all_keys(branch.elements)
        yield element.merge.key


def _all_keys(elements: Iterable[Element]) -> Iterator[int]:
    return (key for element in elements for key in keys(element))


def _reaching(key: int, reads: dict[int, list[int]]) -> set[int]:
    """A box and all on whose values it depends."""
    found, stack = {key}, [key]
    while stack:
        for source in reads.get(stack.pop(), ()):
            if source not in found:
                found.add(source)
                stack.append(source)
    return found
