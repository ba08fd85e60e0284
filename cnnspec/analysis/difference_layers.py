"""What differs between layers that are counterparts: arguments that were changed, and what only follows from others.

A layer's difference is split exactly: each changed argument is put in, one after the other, on the shapes that entered
before, and what remains to the layer as it is now follows from other shapes.
"""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.analysis.difference_causes import ARGUMENT, LET, STEP, Binding, Cause, follows, of_argument, of_step
from cnnspec.analysis.difference_findings import ALTERED, REPLACED, Alteration, Altered, Finding, Rest, differing
from cnnspec.analysis.difference_places import both, place
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.layers.arguments import LayerError, shown
from cnnspec.layers.base import Layer
from cnnspec.layers.op import Op, apply
from cnnspec.layers.window import across
from cnnspec.record import Record


class _Edit(Record):
    """The arguments of one layer that one place in the text has changed; none where the layer itself was replaced."""

    causes: tuple[Cause, ...]
    names: tuple[str, ...]


def in_layers(a: Summary, b: Summary, pairs: Iterable[tuple[int, int]]) -> tuple[list[Finding], list[Rest]]:
    """The findings in all pairs of counterparts, and what these leave of the pairs that differ."""
    findings: list[Finding] = []
    rests: list[Rest] = []
    for i, j in pairs:
        x, y = a.layers[i], b.layers[j]
        if x.node.op is y.node.op and x.runs == y.runs:
            continue
        found = _findings(x, y)
        findings += found
        rests.append(Rest(
            i, j, bool(found), (x.input_shapes, x.output_shape) != (y.input_shapes, y.output_shape),
            x.op == y.op and bool(differing(x, y)),
            y.params - x.params - sum(one.params for one in found), y.macs - x.macs - sum(one.macs for one in found),
            y.runs - x.runs))
    return findings, rests


def _findings(x: LayerSummary, y: LayerSummary) -> list[Finding]:
    edits = _edits(x, y)
    ops = _on_the_way(x, y, [edit.names for edit in edits])
    found: list[Finding] = []
    for at, edit in enumerate(edits):
        did = _figures(x, ops[at], ops[at + 1])
        # where several places made one value, the first has the figures
        found += (_finding(x, y, cause, edit.names, did if cause is edit.causes[0] else (0, 0))
                  for cause in edit.causes)
    return found


def _edits(x: LayerSummary, y: LayerSummary) -> list[_Edit]:
    """What was changed in a layer, by the places where it was written."""
    if x.op != y.op:
        return [_Edit((of_step(x, y),), ())]
    edits: dict[object, _Edit] = {}
    names = differing(x, y)
    for name in names:
        leading = follows(y, follows(x, name))
        causes = of_argument(x, y, leading if leading in names else name)
        if causes:
            known = edits.get(_key(causes[0]))
            edits[_key(causes[0])] = _Edit(tuple(causes), (*(known.names if known else ()), name))
    return [*edits.values()]


def _on_the_way(x: LayerSummary, y: LayerSummary, edits: list[tuple[str, ...]]) -> list[Op]:
    """A layer as it was, then with each of the edits put in, all on the shapes that entered before.

    Where the shapes do not allow one of them, the first edit makes it what it is now.
    """
    ops, values = [x.node.op], x.args
    try:
        for names in edits:
            values = values | {name: y.args[name] for name in names}
            layer = y.node.op.layer if not names else made(x.node.op.layer, values)
            ops.append(apply(layer, x.input_shapes))
    except LayerError:
        return [x.node.op, *[y.node.op] * len(edits)]
    return ops


def made(layer: Layer, values: dict[str, object]) -> Layer:
    """A layer with other values; arguments of which one rules out the other have none."""
    return type(layer)({name: value for name, value in values.items() if value is not None})


def _figures(x: LayerSummary, before: Op, after: Op) -> tuple[int, int]:
    """Parameters and MACs that one op has more than the other."""
    macs = after.work.macs - before.work.macs if x.runs else 0
    return after.param_count - before.param_count, macs


def _key(cause: Cause) -> object:
    a, b = cause
    return a.kind, a.span, b.span, a.name, a.turn, b.turn


def _finding(x: LayerSummary, y: LayerSummary, cause: Cause, names: tuple[str, ...], did: tuple[int, int]) -> Finding:
    a, b = cause
    kind, before, after = ALTERED, _owner(a), _owner(b)
    if a.kind == ARGUMENT:
        alterations = tuple(_alteration(x, y, name, cause) for name in names)
        before, after = x.node.op.brief, y.node.op.brief
    elif a.kind == STEP and b.kind == STEP:
        kind, before, after, alterations = REPLACED, x.node.op.brief, y.node.op.brief, ()
    else:
        alterations = (Alteration(a.name, a.shown, b.shown, a.written, b.written),)
    scopes = [one.home.parent if one.home is not None and one.kind not in {ARGUMENT, STEP} else one.home
              for one in cause]
    return Finding(kind, _key(cause), b.home, both(*map(place, scopes)), before, after, a.span, b.span, (x.index,),
                   (y.index,), *did, alterations, (Altered(x.index, y.index, names),))


def _owner(binding: Binding) -> str:
    return "let" if binding.kind == LET else " ".join(binding.owner.split())


def _alteration(x: LayerSummary, y: LayerSummary, name: str, cause: Cause) -> Alteration:
    texts = [_value(layer, name) for layer in (x, y)]
    return Alteration(name, *texts, *(one.written if one.name == name else text
                                      for one, text in zip(cause, texts, strict=True)))


def _value(layer: LayerSummary, name: str) -> str:
    """An argument's value: extents with `×`, a kernel with a number for each axis."""
    value = layer.args[name]
    if name == "kernel":
        return across(value, len(layer.input_shapes[0]) - 1)
    if isinstance(value, tuple) and value and all(type(extent) is int for extent in value):
        return "×".join(map(str, value))
    return shown(value) if value is not None else "none"
