"""What shares a row: neighbours that are alike, and layers with the ones behind them that only pass values on."""

from __future__ import annotations

from cnnspec.analysis.summary import LayerSummary
from cnnspec.analysis.tree import Fold, Leaf, Part, Run, Unit, leaves
from cnnspec.layers.facts import VIEW
from cnnspec.layers.op import Op


def fold(parts: list[Part], *, loose: bool = False) -> list[Part]:
    """The parts with neighbours that are alike in one; see `alike`."""
    groups: list[list[Part]] = []
    for part in parts:
        before = groups[-1][-1] if groups else None
        if isinstance(part, Unit) and isinstance(before, Unit) and alike(before, part, loose=loose):
            groups[-1].append(part)
        else:
            groups.append([part])
    return [group[0] if len(group) == 1 else _folded(group) for group in groups]


def _folded(units: list[Part]) -> Fold:
    return Fold(units[0].start, units[-1].stop, tuple(unit for unit in units if isinstance(unit, Unit)))


def alike(a: Unit, b: Unit, *, loose: bool = False) -> bool:
    """Whether two units come from one step of the spec and have the same layers with the same connections.

    Layers are the same with equal arguments, on inputs of equal rank, where they leave equal spatial extents (channels
    may grow: the first of several convolutions often takes fewer). A `loose` comparison also takes layers with
    other arguments, if these change neither shapes nor costs: a dilation, a drop rate.
    """
    if a.scope.kind != b.scope.kind or a.scope.syntax is not b.scope.syntax or a.length != b.length:
        return False
    return all(_same(x, y, a.start, b.start, loose) for x, y in zip(leaves(a), leaves(b), strict=True))


def _same(a: LayerSummary, b: LayerSummary, a_start: int, b_start: int, loose: bool) -> bool:
    x, y = a.node.op, b.node.op
    if a.runs != b.runs or (x is not y and not _similar(x, y, loose)):
        return False
    return [max(i - a_start, -1) for i in a.node.inputs] == [max(i - b_start, -1) for i in b.node.inputs]


def _similar(x: Op, y: Op, loose: bool) -> bool:
    if x.layer.keyword != y.layer.keyword or x.output[1:] != y.output[1:]:
        return False
    if [len(shape) for shape in x.inputs] != [len(shape) for shape in y.inputs]:
        return False
    return x.layer == y.layer or (loose and (x.output, x.param_count, x.work) == (y.output, y.param_count, y.work))


def join(parts: list[Part]) -> list[Part]:
    """The parts with steps that belong together in one run.

    A layer or call takes the layers behind it that only pass values on (normalisation, activation, dropout, views),
    and where a chain begins, those in front of it.
    """
    found: list[Part] = []
    run: list[Part] = []
    headed = False  # whether the run has a layer that does more than pass on
    for part in parts:
        passing = isinstance(part, Leaf) and passes_on(part.layer)
        if run and not (_follows(part, run[-1]) and (passing or not headed)):
            found.append(_run(run))
            run, headed = [], False
        if _is_step(part):
            run.append(part)
            headed = headed or not passing
        else:
            found.append(part)
    return [*found, _run(run)] if run else found


def _follows(part: Part, before: Part) -> bool:
    """Whether a part is a layer that reads what the one before it leaves, and nothing else."""
    return isinstance(part, Leaf) and part.layer.node.inputs == (before.stop - 1,)


def _is_step(part: Part) -> bool:
    """Whether a part stands in a chain as one step; inputs stand by themselves."""
    return bool(part.layer.node.inputs) if isinstance(part, Leaf) else isinstance(part, Unit) and part.is_step


def _run(parts: list[Part]) -> Part:
    return parts[0] if len(parts) == 1 else Run(parts[0].start, parts[-1].stop, tuple(parts))


def passes_on(layer: LayerSummary) -> bool:
    """Whether a layer keeps the shape and mixes no positions, or only views its input."""
    op = layer.node.op
    if not op.inputs or op.layer.weighted or op.layer.merges:
        return False
    return op.storage == VIEW or (op.output == op.inputs[0] and (op.reach is None or op.is_pointwise))
