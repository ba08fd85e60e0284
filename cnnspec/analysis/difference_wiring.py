"""Whether two graphs are the same; where counterparts read other values, and callers meet other names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cnnspec.analysis.difference_findings import CONNECTED, INPUT, OUTPUT, Alteration, Finding
from cnnspec.analysis.difference_places import place
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.graph.network import Node
from cnnspec.source import Span


def equal(a: Summary, b: Summary) -> bool:
    """Whether both have the same layers with the same arguments, connections, shapes, inputs and outputs.

    How they are written, and what layers are called, makes no difference. What inputs and outputs are called does,
    since callers give and take values by these names.
    """
    return (len(a.layers) == len(b.layers) and all(map(_same, a.layers, b.layers))
            and a.graph.output == b.graph.output and [*a.graph.inputs.items()] == [*b.graph.inputs.items()]
            and _outputs(a) == _outputs(b))


def _same(x: LayerSummary, y: LayerSummary) -> bool:
    p, q = x.node.op, y.node.op
    same = p is q or (type(p.layer) is type(q.layer) and p.layer.values == q.layer.values and p.inputs == q.inputs)
    return same and x.node.inputs == y.node.inputs and x.runs == y.runs


def _outputs(summary: Summary) -> list[tuple[str, int, bool]]:
    return sorted((output.name, output.node, output.train_only) for output in summary.graph.outputs)


def in_wiring(a: Summary, b: Summary, pairs: Iterable[tuple[int, int]], *, told: bool) -> list[Finding]:
    """Counterparts that read other values, and outputs that are new, gone or elsewhere.

    Layers without counterparts are passed over: what reads a value through one of them reads the same value. Unless
    something else is `told`, connections are held against each other to the letter.
    """
    wires = _Wires(a.graph.nodes, b.graph.nodes, dict(pairs))
    found = [*_starts(a, b, wires), *_connections(a, b, wires, strict=False), *_ends(a, b, wires)]
    return found if found or told else [*_connections(a, b, wires, strict=True)]


class _Wires:
    """Which values are the same in both networks."""

    def __init__(self, a: Sequence[Node], b: Sequence[Node], pairs: Mapping[int, int]) -> None:
        self.nodes = a, b
        self.pairs = pairs
        self.sources = (_sources(a, {i: i for i in pairs}), _sources(b, {j: j for j in pairs.values()}))

    def same(self, i: int, j: int) -> bool:
        """Whether a value of the one network is, or comes through, a value of the other."""
        return any(self.pairs[source] in self.sources[1][j] for source in self.sources[0][i])


def _sources(nodes: Sequence[Node], known: Mapping[int, int]) -> list[frozenset[int]]:
    """By node, the nodes with counterparts that its value comes from: itself, or those that it reads."""
    found: list[frozenset[int]] = []
    for node in nodes:
        passed = frozenset((node.index,)) if node.index in known else \
            frozenset(source for index in node.inputs for source in found[index])
        found.append(passed)
    return found


def _connections(a: Summary, b: Summary, wires: _Wires, *, strict: bool) -> Iterator[Finding]:
    for i, j in wires.pairs.items():
        x, y = a.layers[i], b.layers[j]
        p, q = x.node.inputs, y.node.inputs
        if strict:
            differs = [wires.pairs.get(index, -1) for index in p] != list(q)
        elif len(p) == len(q):
            differs = not all(map(wires.same, p, q))
        else:
            differs = _spelled(x) != _spelled(y) and len(wires.pairs) == len(a.layers) == len(b.layers)
        if differs:
            before, after = (f"{layer.op} of {_read(summary, layer)}" for summary, layer in ((a, x), (b, y)))
            yield Finding(CONNECTED, (CONNECTED, x.node.span, y.node.span), y.node.scope, place(y.node.scope), before,
                          after, x.node.span, y.node.span, (i,), (j,))


def _read(summary: Summary, layer: LayerSummary) -> str:
    """The paths of what a layer reads; of many, how many they are."""
    paths = [summary.layers[index].path for index in layer.node.inputs]
    return ", ".join(paths) if len(paths) <= 3 else f"{len(paths)} values"


def _spelled(layer: LayerSummary) -> str:
    return "".join(layer.node.span.text.split())


def _starts(a: Summary, b: Summary, wires: _Wires) -> Iterator[Finding]:
    """Inputs that have other names."""
    later = {index: name for name, index in b.graph.inputs.items()}
    for name, i in a.graph.inputs.items():
        j = wires.pairs.get(i, -1)
        if later.get(j, name) != name:
            yield _renamed(INPUT, name, later[j], a.layers[i].node.span, b.layers[j].node.span)


def _renamed(kind: str, before: str, after: str, old: Span, new: Span) -> Finding:
    return Finding(kind, (kind, before, after), before, (), f"{kind} {before}", f"{kind} {after}", old, new, (), (),
                   alterations=(Alteration("name", before, after, before, after),))


def _ends(a: Summary, b: Summary, wires: _Wires) -> Iterator[Finding]:
    """Outputs by name, then those that have another; the main output, which has none, is `output`."""
    before, after = named_outputs(a), named_outputs(b)
    for name, other in _other_names(before, after, wires):
        yield _renamed(OUTPUT, name, other, a.layers[before.pop(name)[0]].node.span,
                       b.layers[after.pop(other)[0]].node.span)
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        spans = [None if end is None else whole.layers[end[0]].node.span for whole, end in ((a, old), (b, new))]
        same = old is not None and new is not None and wires.same(old[0], new[0])
        if same and old is not None and new is not None and old[1] != new[1]:
            said, values = f"output {name}", ["on" if end[1] else "off" for end in (old, new)]
            yield Finding(OUTPUT, (OUTPUT, name), name, (), said, said, *spans, (), (),
                          alterations=(Alteration("train_only", *values, *values),))
        elif not same:
            yield Finding(OUTPUT, (OUTPUT, name), name, (), _said(a, name, old), _said(b, name, new), *spans, (),
                          ())


def _other_names(before: Mapping[str, tuple[int, bool]], after: Mapping[str, tuple[int, bool]],
                 wires: _Wires) -> list[tuple[str, str]]:
    """Names that only one network has, by pairs that stand for the same value."""
    come = [name for name in after if name not in before]
    found: list[tuple[str, str]] = []
    for name, (node, train_only) in before.items():
        other = next((one for one in come if after[one][1] == train_only and wires.same(node, after[one][0])), None)
        if name not in after and other is not None:
            found.append((name, other))
            come.remove(other)
    return found


def named_outputs(summary: Summary) -> dict[str, tuple[int, bool]]:
    """By name, the layer of an output and whether it counts in training only; the main output's name is empty."""
    return {"": (summary.graph.output, False)} | {
        output.name: (output.node, output.train_only) for output in summary.graph.outputs}


def _said(summary: Summary, name: str, end: tuple[int, bool] | None) -> str:
    if end is None:
        return ""
    trained = ", in training only" if end[1] else ""
    return f"output {name or 'of the network'} at {summary.layers[end[0]].path}{trained}"
