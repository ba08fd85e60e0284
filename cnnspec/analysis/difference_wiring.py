"""Whether two graphs are the same; where counterparts read other values, and callers meet other names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cnnspec.analysis.difference_findings import CONNECTED, INPUT, OUTPUT, Alteration, Finding
from cnnspec.analysis.difference_places import place
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.graph.network import Node
from cnnspec.source import Span

#: Names of values that are listed for a layer that reads others now.
_MOST_READ = 3


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
            before, after = _clipped(*_read(a, b, x, y, wires.pairs))
            yield Finding(CONNECTED, (CONNECTED, x.node.span, y.node.span), y.node.scope, place(y.node.scope),
                          f"{x.op} reads {', '.join(before)}", f"{y.op} reads {', '.join(after)}",
                          x.node.span, y.node.span, (i,), (j,))


def _read(a: Summary, b: Summary, x: LayerSummary, y: LayerSummary,
          pairs: Mapping[int, int]) -> tuple[list[str], list[str]]:
    """The paths of what a layer and its counterpart read, from the block that they stand in.

    What both networks have goes by its name before, so that another order can be told from other names.
    """
    earlier = {j: i for i, j in pairs.items()}
    before = [_within(a.layers[index].path, x) for index in x.node.inputs]
    after: list[str] = []
    for index in y.node.inputs:
        known = index in earlier
        path = _within(a.layers[earlier[index]].path, x) if known else _within(b.layers[index].path, y)
        after.append(f"new {path}" if not known and path in before else path)
    return before, after


def _within(path: str, reader: LayerSummary) -> str:
    """A path without the blocks that the layer which reads it stands in, too."""
    block = reader.path.rpartition(".")[0]
    return path.removeprefix(f"{block}.") if block else path


def _clipped(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Two lists of names; of long ones, the first that are not the same in both."""
    if max(len(before), len(after)) <= _MOST_READ:
        return before, after
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    return _shown(before, start, end), _shown(after, start, end)


def _shown(names: list[str], start: int, end: int) -> list[str]:
    """The first of some names, without so many at either end."""
    own = names[start : len(names) - end]
    return [*["…"] * bool(start), *own[:_MOST_READ], *["…"] * bool(end or len(own) > _MOST_READ)]


def _alike(before: Sequence[str], after: Sequence[str]) -> int:
    """How many names from the first are the same in both."""
    return next((at for at, (x, y) in enumerate(zip(before, after, strict=False)) if x != y),
                min(len(before), len(after)))


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
        said = _said(a, name, old), _said(b, name, new)
        alterations: tuple[Alteration, ...] = ()
        if old is not None and new is not None and wires.same(old[0], new[0]):
            if old[1] == new[1]:
                continue
            said = (f"output {name}",) * 2
            alterations = (_trained(old[1], new[1]),)
        yield Finding(OUTPUT, (OUTPUT, name), name, (), *said, None if old is None else a.layers[old[0]].node.span,
                      None if new is None else b.layers[new[0]].node.span, (), (), alterations=alterations)


def _trained(before: bool, after: bool) -> Alteration:
    values = ["on" if train_only else "off" for train_only in (before, after)]
    return Alteration("train_only", *values, *values)


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
