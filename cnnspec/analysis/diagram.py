"""What a drawing of a network shows: boxes within frames and forks, and the values that pass from box to box.

A diagram follows the spec's own structure, as an outline does, and has neither places nor colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnnspec.analysis import labels
from cnnspec.analysis.folding import fold, join, passes_on
from cnnspec.analysis.outline import ALL, Detail
from cnnspec.analysis.rows import Figures, Plan, Row
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.analysis.tree import Fold, Leaf, Part, Run, Unit, branches, tree
from cnnspec.graph.network import MERGE, TURN
from cnnspec.layers.base import Shape
from cnnspec.record import Record

#: A default diagram opens as long as it has at most so many boxes.
MOST_BOXES = 80

#: What a box is that several kinds of layers share, none of them weighty.
BLOCK = "block"


class Box(Record):
    """Some layers, drawn as one; its figures, name and layers are those of a row."""

    #: Its place in `Diagram.boxes`, which are in order of execution.
    key: int
    row: Row
    #: One of `layers.base.FAMILIES`, or `BLOCK`.
    family: str


class Frame(Record):
    """A call, a turn of a loop, or neighbours that are alike, opened: what is inside stands `count` times."""

    label: labels.Label
    count: int
    elements: tuple[Element, ...]


class Branch(Record):
    """One way from where a fork begins to its merge; without elements, it passes on what the box `source` makes."""

    elements: tuple[Element, ...]
    #: Only where there are no elements.
    source: int | None = None


class Fork(Record):
    """A merge, opened: branches side by side, and the box in which they meet."""

    branches: tuple[Branch, ...]
    merge: Box


Element = Box | Frame | Fork


class Edge(Record):
    """A value that one box makes and a later one reads; boxes by their keys."""

    source: int
    target: int
    shape: Shape


class End(Record):
    """A value that leaves the network; the main output has no name."""

    name: str
    source: int
    shape: Shape


class Diagram(Record):
    """A network as nested elements, with the edges between their boxes."""

    name: str
    elements: tuple[Element, ...]
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    #: The main output first.
    ends: tuple[End, ...]
    #: Levels of calls, merges and folds that are open; `ALL` for every layer.
    depth: int


def diagram(summary: Summary, depth: int | None = None) -> Diagram:
    """A summary's diagram. `depth` is the number of levels of calls, merges and folds to open, or `ALL`.

    By default as many as leave at most `MOST_BOXES` boxes; where even none leaves more, turns that differ in no figure
    fold as well, and beyond that whole loops.
    """
    parts = tree(summary)
    if depth is not None:
        return _made(summary, parts, Detail(everything=depth == ALL), depth)
    closed = [_made(summary, parts, detail, 0) for detail in (Detail(), Detail(loose=True))]
    drawn = next((each for each in closed if len(each.boxes) <= MOST_BOXES), None)
    if drawn is None:
        return _made(summary, parts, Detail(loose=True, loops=False), 0)
    while True:
        opened = _made(summary, parts, Detail(), drawn.depth + 1)
        if not len(drawn.boxes) < len(opened.boxes) <= MOST_BOXES:
            return drawn
        drawn = opened


def _made(summary: Summary, parts: tuple[Part, ...], detail: Detail, depth: int) -> Diagram:
    maker = _Maker(summary, detail)
    elements = maker.chain(parts, depth if depth != ALL else len(summary.layers), (0,))
    homes = {index: box.key for box in maker.boxes for index in box.row.indices}
    return Diagram(summary.name, elements, tuple(maker.boxes), tuple(_edges(summary, homes)),
                   tuple(_ends(summary, homes)), depth)


class _Maker:
    """Makes the elements of one diagram, and numbers its boxes.

    `shifts` are as in `Plan`: where else the same layers stand, the first of their places first.
    """

    def __init__(self, summary: Summary, detail: Detail) -> None:
        self.layers = summary.layers
        self.figures = Figures(summary.layers)
        self.detail = detail
        self.boxes: list[Box] = []
        #: The box that each layer went to, as far as they are made.
        self.homes: dict[int, int] = {}

    def chain(self, parts: tuple[Part, ...], depth: int, shifts: tuple[int, ...]) -> tuple[Element, ...]:
        """The elements of a chain, with `depth` more levels to open."""
        return self._each(self.detail.parts(parts), depth, shifts)

    def _each(self, parts: Iterable[Part], depth: int, shifts: tuple[int, ...]) -> tuple[Element, ...]:
        return tuple(element for part in parts for element in self._elements(part, depth, shifts))

    def _box(self, part: Part, shifts: tuple[int, ...]) -> Box:
        row = self.figures.row(Plan(part, None, shifts))
        box = Box(len(self.boxes), row, family([self.layers[index] for index in range(part.start, part.stop)]))
        self.boxes.append(box)
        self.homes.update(dict.fromkeys(row.indices, box.key))
        return box

    def _elements(self, part: Part, depth: int, shifts: tuple[int, ...]) -> tuple[Element, ...]:
        if isinstance(part, Unit) and part.scope.kind == TURN:
            return _framed(labels.turn_label(part.scope), 1, self.chain(part.parts, depth, shifts))
        if isinstance(part, Leaf) or depth == 0 or not _opens(part, self.detail):
            return (self._box(part, shifts),)
        if isinstance(part, Run):
            head, *rest = part.parts
            return (*self._elements(head, depth, shifts), *self._each(join(rest), depth, shifts))
        if isinstance(part, Fold):
            last = part.units[-1]
            every = tuple(shift + unit.start - last.start for shift in shifts for unit in part.units)
            return (Frame(labels.label(part), len(part.units), self._unit(last, depth, every)),)
        return _named(part, self._unit(part, depth, shifts))

    def _unit(self, unit: Unit, depth: int, shifts: tuple[int, ...]) -> tuple[Element, ...]:
        """What is inside a unit that opens."""
        if unit.scope.kind == MERGE and unit.merge is not None:
            return (self._fork(unit, unit.merge, depth, shifts),)
        body = self.detail.parts(unit.parts)
        return self._each(body, depth if len(body) == 1 else depth - 1, shifts)

    def _fork(self, unit: Unit, merge: Leaf, depth: int, shifts: tuple[int, ...]) -> Fork:
        """A merge with its branches in the order of the spec, alike ones folded."""
        filled: list[Part] = [*branches(unit)]
        columns = filled if self.detail.everything else fold(filled, loose=self.detail.loose)
        made: list[Branch] = []
        # As the first of the fellows has it: the others read what the one before them makes.
        for index in self.layers[merge.start + shifts[0]].node.inputs:
            at = index - shifts[0]
            column = next((column for column in columns if column.start <= at < column.stop), None)
            if column is None:
                made.append(Branch((), self.homes[index]))
            elif at == _last_read(column, merge, self.layers, shifts[0]):
                made.append(Branch(self._column(column, depth - 1, shifts)))
        return Fork(tuple(made), self._box(merge, shifts))

    def _column(self, part: Part, depth: int, shifts: tuple[int, ...]) -> tuple[Element, ...]:
        """The elements of a branch, or of several alike."""
        if depth > 0 and isinstance(part, Unit):
            return self.chain(part.parts, depth, shifts)
        return self._elements(part, depth, shifts)


def _last_read(column: Part, merge: Leaf, layers: Sequence[LayerSummary], shift: int) -> int:
    """The last of a column's layers that its merge reads: branches that are folded come once."""
    read = [index - shift for index in layers[merge.start + shift].node.inputs]
    return max(index for index in read if column.start <= index < column.stop)


def _opens(part: Part, detail: Detail) -> bool:
    """Whether there is more inside a part than the one box that it is."""
    if isinstance(part, Leaf):
        return False
    if isinstance(part, Run):
        return isinstance(part.parts[0], Unit) and _opens(part.parts[0], detail)
    last = part.units[-1] if isinstance(part, Fold) else part
    if last.merge is not None:
        return True
    body = detail.parts(last.parts)
    return detail.everything or len(body) > 1 or _opens(body[0], detail)


def _framed(label: labels.Label, count: int, elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """Elements in a frame; a single one needs none."""
    return elements if len(elements) == 1 else (Frame(label, count, elements),)


def _named(unit: Unit, elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """What a call has opened into, in a frame with its name; a merge shows itself."""
    if unit.scope.kind == MERGE or (len(elements) == 1 and isinstance(elements[0], Box)):
        return elements
    return (Frame(labels.label(unit), 1, elements),)


def family(layers: Iterable[LayerSummary]) -> str:
    """What some layers are together: the family of all that weigh, else of all that change something, else `BLOCK`."""
    every = [*layers]
    for chosen in ([layer for layer in every if layer.node.op.layer.weighted],
                   [layer for layer in every if not passes_on(layer)], every):
        found = {layer.node.op.layer.family for layer in chosen}
        if found:
            merges = any(layer.node.op.layer.merges for layer in every)
            return next(iter(found)) if len(found) == 1 and (len(every) == 1 or not merges) else BLOCK
    return BLOCK


def _edges(summary: Summary, homes: dict[int, int]) -> Iterator[Edge]:
    """Between different boxes, once each. What comes back to an earlier box is a repetition, which its frame tells."""
    found: dict[tuple[int, int], Shape] = {}
    for layer in summary.layers:
        target = homes[layer.index]
        for index in layer.node.inputs:
            if homes[index] < target:
                found[homes[index], target] = summary.layers[index].output_shape
    return (Edge(source, target, shape) for (source, target), shape in found.items())


def _ends(summary: Summary, homes: dict[int, int]) -> Iterator[End]:
    yield End("", homes[summary.graph.output], summary.output)
    for output in summary.graph.outputs:
        yield End(output.name, homes[output.node], summary.outputs[output.name])
