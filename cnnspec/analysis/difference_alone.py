"""What one change does alone: the network as it was with nothing else changed, analysed as any other.

The network is put together from both: its own layers without those that the change removes, those that it adds, and
what reads them as it does afterwards. Where a layer of neither stands between, its value passes through.
"""

from __future__ import annotations

from cnnspec.analysis.difference import Change, Difference
from cnnspec.analysis.difference_findings import CONNECTED, INPUT, OUTPUT
from cnnspec.analysis.difference_layers import made
from cnnspec.analysis.structure import reaching
from cnnspec.analysis.summary import Summary, summarize
from cnnspec.graph.network import Graph, Node
from cnnspec.layers.arguments import LayerError
from cnnspec.layers.op import Op, apply
from cnnspec.record import Record

#: Sides: the network before, the network after.
_BEFORE, _AFTER = 0, 1
#: A layer by its side and index.
_Ref = tuple[int, int]


class _Nowhere(Exception):
    """The change cannot stand alone."""


def alone(difference: Difference, change: Change) -> Summary | None:
    """The network before with this change alone; None where shapes or connections do not allow it."""
    if len(difference.changes) == 1:
        return difference.after
    if change.kind in {CONNECTED, INPUT, OUTPUT} or not (change.before_layers or change.after_layers):
        return None
    try:
        graph = _Mixture(difference, change).graph()
    except (LayerError, _Nowhere):
        return None
    before = difference.before
    return summarize(graph, before.batch, before.dtype, before.optimizer)


class _Made(Record):
    """A layer of the mixture, with what it reads."""

    ref: _Ref
    inputs: tuple[_Ref, ...]


class _Mixture:
    """Two networks of which one change is taken from the later one."""

    def __init__(self, difference: Difference, change: Change) -> None:
        self.graphs = difference.before.graph, difference.after.graph
        self.later = dict(difference.pairs)
        self.earlier = {j: i for i, j in difference.pairs}
        self.removed = {i for i in change.before_layers if i not in self.later}
        self.added = {j for j in change.after_layers if j not in self.earlier}
        self.exits = dict(change.exits)
        self.altered: dict[int, tuple[int, set[str]]] = {}
        for one in change.altered:
            self.altered.setdefault(one.before, (one.after, set()))[1].update(one.names)

    def graph(self) -> Graph:
        """The mixture as a graph; raises `LayerError` where shapes do not fit, `_Nowhere` for values out of order."""
        nodes: list[Node] = []
        places: dict[_Ref, int] = {}
        for made_of in self._layers():
            if any(ref not in places for ref in made_of.inputs):
                raise _Nowhere
            inputs = tuple(places[ref] for ref in made_of.inputs)
            own = self.graphs[made_of.ref[0]].nodes[made_of.ref[1]]
            op = self._op(made_of.ref, tuple(nodes[index].shape for index in inputs))
            places[made_of.ref] = len(nodes)
            nodes.append(Node(len(nodes), op, inputs, own.scope, own.span, own.name))
        whole = self.graphs[_BEFORE]
        ends = [self._source((_BEFORE, index)) for index in (whole.output, *(end.node for end in whole.outputs))]
        if any(ref not in places for ref in ends):
            raise _Nowhere
        inputs_by_name = {name: places[_BEFORE, index] for name, index in whole.inputs.items()
                          if (_BEFORE, index) in places}
        output, *further = (places[ref] for ref in ends)
        outputs = tuple(end.replace(node=node) for end, node in zip(whole.outputs, further, strict=True))
        made_so = Graph(whole.name, tuple(nodes), inputs_by_name, self._end(output, places), outputs, (), whole.span)
        if len(reaching(made_so, [made_so.output, *further])) < len(nodes):
            raise _Nowhere
        return made_so

    def _end(self, output: int, places: dict[_Ref, int]) -> int:
        """The main output, which may be a layer that the change adds behind it."""
        later = self.graphs[_AFTER].output
        return places[_AFTER, later] if later in self.added else output

    def _layers(self) -> list[_Made]:
        """The layers in order: an added one behind what stands before it afterwards."""
        order = [(node.index, -1, _Made((_BEFORE, node.index), self._inputs(node)))
                 for node in self.graphs[_BEFORE].nodes if node.index not in self.removed]
        behind = -1
        for node in self.graphs[_AFTER].nodes:
            behind = self.earlier.get(node.index, behind)
            if node.index in self.added:
                inputs = tuple(self._source((_AFTER, index)) for index in node.inputs)
                order.append((behind, node.index, _Made((_AFTER, node.index), inputs)))
        return [one for _, _, one in sorted(order, key=lambda each: each[:2])]

    def _inputs(self, node: Node) -> tuple[_Ref, ...]:
        """What a layer reads: as afterwards where the change stands right before it, else as it did."""
        before = [(_BEFORE, index) for index in node.inputs]
        if node.index in self.later:
            after = [(_AFTER, index) for index in self.graphs[_AFTER].nodes[self.later[node.index]].inputs]
            sources = tuple(map(self._source, after))
            if any(side == _AFTER for side, _ in sources) or any(index in self.removed for _, index in before):
                return sources
        return tuple(map(self._source, before))

    def _source(self, ref: _Ref) -> _Ref:
        """The layer of the mixture whose value is read where `ref` is: itself, or what passes through to it."""
        side, index = ref
        while True:
            if side == _AFTER and index in self.earlier:
                side, index = _BEFORE, self.earlier[index]
            if index not in self.removed if side == _BEFORE else index in self.added:
                return side, index
            if side == _BEFORE and index in self.exits:
                side, index = _AFTER, self.exits[index]
                continue
            inputs = self.graphs[side].nodes[index].inputs
            if not inputs:
                raise _Nowhere
            index = inputs[0]

    def _op(self, ref: _Ref, shapes: tuple[tuple[int, ...], ...]) -> Op:
        side, index = ref
        own = self.graphs[side].nodes[index].op
        later, names = self.altered.get(index, (None, set())) if side == _BEFORE else (None, set())
        if later is not None:
            new = self.graphs[_AFTER].nodes[later].op
            if not own.inputs or not names:
                return new if not own.inputs else apply(new.layer, shapes)
            values = {name: (new if name in names else own).layer.arguments()[name] for name in own.layer.arguments()}
            return apply(made(own.layer, values), shapes)
        return own if not own.inputs or own.inputs == shapes else apply(own.layer, shapes)
