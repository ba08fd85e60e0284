"""What one network has and the other has not: layers, calls, branches, turns of loops and repeats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnspec.analysis import labels
from cnnspec.analysis.alignment import Gap
from cnnspec.analysis.alignment_items import CALL, LAYER, PATH, ROUND, Item
from cnnspec.analysis.difference_causes import STEP, of_call
from cnnspec.analysis.difference_findings import ADDED, ALTERED, REMOVED, REPEATED, REPLACED, Alteration, Finding
from cnnspec.analysis.difference_places import Place, both, place
from cnnspec.analysis.summary import Summary
from cnnspec.analysis.tree import Leaf, Part
from cnnspec.grammar import ast
from cnnspec.graph.network import LOOP, TURN, Scope
from cnnspec.source import Span


def in_gaps(a: Summary, b: Summary, gaps: Iterable[Gap]) -> list[Finding]:
    """A finding for each gap."""
    return [_finding(a, b, gap) for gap in gaps]


def _finding(a: Summary, b: Summary, gap: Gap) -> Finding:
    finding = _repeated(gap) if gap.rounds is not None else _replaced(gap) if gap.removed and gap.added else _one(gap)
    gone, come = (tuple(index for item in side for index in range(item.start, item.stop))
                  for side in (gap.removed, gap.added))
    did = [sum(getattr(b.layers[j], figure) for j in come) - sum(getattr(a.layers[i], figure) for i in gone)
           for figure in ("params", "macs")]
    counted: Finding = finding.replace(before_layers=gone, after_layers=come, params=did[0], macs=did[1],
                                        exits=((gone[-1], come[-1]),) if gone and come else ())
    return counted


def _one(gap: Gap) -> Finding:
    """Neighbours that were added, or removed."""
    items = gap.added or gap.removed
    said, at, around = label(items), span(items[0]), _around(items[0])
    kind = ADDED if gap.added else REMOVED
    joins = [item for item in items if _joins(item)]  # a skip is one edit, whatever projects it in some of the calls
    key: tuple[object, ...] = (tuple(map(_identity, joins or items)), around if items[0].kind == ROUND else ())
    texts = ("", said) if gap.added else (said, "")
    return Finding(kind, (kind, *key), items[0], around, *texts, None if gap.added else at, at if gap.added else None,
                   (), ())


def _replaced(gap: Gap) -> Finding:
    """Neighbours in the place of others; or calls of another block, wherever that was chosen."""
    (x, *more), (y, *others) = gap.removed, gap.added
    key: object = (REPLACED, tuple(map(_identity, gap.removed)), tuple(map(_identity, gap.added)))
    texts, ends = (label(gap.removed), label(gap.added)), (span(x), span(y))
    if not more and not others and x.kind == y.kind == CALL and x.scope is not None and y.scope is not None:
        a, b = of_call(x.scope, y.scope)
        if a.kind != STEP or b.kind != STEP:  # both are what one name stands for
            around = both(*(place(one.home.parent if one.home is not None else None) for one in (a, b)))
            key = (a.kind, a.span, b.span, a.name, a.turn, b.turn)
            return Finding(ALTERED, key, b.home, around, a.owner, b.owner, a.span, b.span, (), (),
                           alterations=(Alteration(a.name, a.shown, b.shown, a.written, b.written),))
    return Finding(REPLACED, key, y, both(_around(x), _around(y)), *texts, *ends, (), ())


def _repeated(gap: Gap) -> Finding:
    """A repeat with another number of turns."""
    assert gap.rounds is not None  # the caller has looked
    a, b = gap.rounds
    said = f"[{label((gap.added or gap.removed)[-1].parts)}]"
    around, counts = both(_around(a), _around(b)), (str(len(a.parts)), str(len(b.parts)))
    key = (REPEATED, span(a), span(b), counts, () if _recounted(a, b) else around)
    return Finding(REPEATED, key, b, around, said, said, span(a), span(b),
                   (), (), alterations=(Alteration("turns", *counts, *counts),))


def _recounted(a: Item, b: Item) -> bool:
    """Whether a repeat has another count since it was written so, and not since a value is another in some places."""
    steps = [item.scope.syntax for item in (a, b) if item.scope is not None]
    counts = [step.count for step in steps if isinstance(step, ast.Repeat)]
    return len(counts) == 2 and not ast.same(*counts)


def label(items: Sequence[Item]) -> str:
    """Neighbours in words, alike ones folded; a branch without layers as what it passes on."""
    if len(items) == 1 and items[0].kind == PATH:
        return f"branch {label(items[0].parts) if items[0].parts else 'ID'}"
    if items[0].kind == ROUND and items[0].unit is not None and items[0].unit.scope.values:
        turns = [" ".join(labels.text(labels.turn_label(item.unit.scope)).split()) for item in items if item.unit]
        return f"{len(turns)} turns, {turns[0]} … {turns[-1]}" if len(turns) > 1 else f"turn {turns[0]}"
    return " → ".join(_run(run) for run in _runs(items))


def _runs(items: Iterable[Item]) -> list[list[Item]]:
    """The items in stretches: layers that join, whose branches are elsewhere, by themselves."""
    runs: list[list[Item]] = []
    for item in items:
        if runs and not _joins(item) and not _joins(runs[-1][-1]):
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs


def _run(items: Sequence[Item]) -> str:
    if _joins(items[0]):
        return f"{items[0].name}{{…}}"
    return labels.text(labels.chain(tuple(part for item in items if (part := _part(item)) is not None)))


def _joins(item: Item) -> bool:
    return item.layer is not None and item.layer.node.op.layer.merges


def _part(item: Item) -> Part | None:
    return item.unit if item.layer is None else Leaf(item.start, item.stop, item.layer)


def span(item: Item) -> Span | None:
    """The step that an item was written as."""
    if item.layer is not None:
        return item.layer.node.span
    scope = item.scope
    if scope is None:
        return None
    return scope.call.span if item.kind == CALL and scope.call is not None else scope.syntax.span


def _identity(item: Item) -> object:
    """Equal for items that are one step, in however many calls and turns; the turns of a loop are told apart."""
    turn = item.scope.turn if item.kind == ROUND and item.scope is not None and item.scope.values else 0
    return item.kind, span(item), turn


def _around(item: Item) -> Place:
    """What stands around an item, itself left out."""
    scope: Scope | None = item.scope
    if scope is not None and item.kind != LAYER:
        scope = scope.parent
        if item.kind == ROUND and scope is not None and scope.kind in {LOOP, TURN}:
            scope = scope.parent
    return place(scope)
