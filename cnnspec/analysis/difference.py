"""What changed between two networks: each edit once, where it was made, with what it did by itself, and what follows.

Layers are matched along the structure of both networks (`alignment`). What has no counterpart was added or removed;
where counterparts differ in an argument, the argument is traced back to where it was written (`difference_causes`), and
layers for which that is one place share one change. What only has other shapes, because something before it changed, is
no change: it is summed as what follows, so that all figures add up to the difference of the totals.
"""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.analysis.alignment import align
from cnnspec.analysis.alignment_items import Items
from cnnspec.analysis.difference_findings import REPEATED, Alteration, Altered, Finding
from cnnspec.analysis.difference_follows import Follows, follows, in_inference
from cnnspec.analysis.difference_gaps import in_gaps
from cnnspec.analysis.difference_layers import in_layers
from cnnspec.analysis.difference_places import common
from cnnspec.analysis.difference_wiring import equal, in_wiring
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.source import Span

#: Kinds of changes beside those of findings: a layer or unit that stands elsewhere.
MOVED = "moved"
#: What several changes that are one have together.
_ADDED = ("count", "params", "macs", "before_layers", "after_layers", "altered", "exits", "starts", "stops")
#: Behind every layer: where changes of outputs are told.
_LAST = 1 << 60


class Change(Record):
    """One edit. Figures are differences, after less before."""

    #: One of those in `difference_findings`, or `MOVED`.
    kind: str
    #: Around it, from the outermost: turns of loops, blocks, names. What several places have in common.
    place: tuple[str, ...]
    #: What was there and what is there, in words; one of them is empty for what was added or removed.
    before: str
    after: str
    alterations: tuple[Alteration, ...]
    #: How many places it changes: one for each call of the block that it stands in.
    count: int
    #: Where it stands in either text; None where it does not.
    before_at: Span | None
    after_at: Span | None
    #: Learned elements, and multiply-accumulates for one image.
    params: int
    macs: int
    #: Indices of the layers that it changes, removes or adds, in either network.
    before_layers: tuple[int, ...]
    after_layers: tuple[int, ...]
    #: Those that are in both.
    altered: tuple[Altered, ...]
    #: Of what took the place of something else: the layers whose values leave the one and the other.
    exits: tuple[tuple[int, int], ...]
    #: Of an output: how many layers run in inference since then, and how many no longer do.
    starts: int
    stops: int


class Difference(Record):
    """Two networks, what changed, and what follows from it."""

    before: Summary
    after: Summary
    #: Whether both have the same layers with the same arguments, connections, shapes, inputs and outputs.
    equal: bool
    #: In the order of the later text.
    changes: tuple[Change, ...]
    follows: Follows
    #: Indices of the layers that are counterparts.
    pairs: tuple[tuple[int, int], ...]

    @property
    def renamed(self) -> list[tuple[str, str]]:
        """Paths of counterparts that have weights and other names: what a state dict is not loaded by."""
        layers = [(self.before.layers[i], self.after.layers[j]) for i, j in self.pairs]
        return [(x.path, y.path) for x, y in layers if x.path != y.path and (y.params or y.buffers)]

    @property
    def matched(self) -> float:
        """The share of the layers of both that have a counterpart, from 0 to 1; other turns of a repeat have theirs."""
        turns = [one for one in self.changes if one.kind == REPEATED]
        repeated = sum(len(one.before_layers) + len(one.after_layers) for one in turns)
        whole = len(self.before.layers) + len(self.after.layers)
        return (2 * len(self.pairs) + repeated) / whole

    @property
    def rewritten(self) -> bool:
        """Of equal networks, whether one has other blocks, repeats, or names of layers."""
        items = Items()
        keys = [[item.key for item in items.of(summary)] for summary in (self.before, self.after)]
        paths = [[layer.path for layer in summary.layers] for summary in (self.before, self.after)]
        return self.equal and any(x != y for x, y in (keys, paths))


def difference(before: Summary, after: Summary) -> Difference:
    """What changed from one network to another."""
    if equal(before, after):
        pairs = tuple((index, index) for index in range(len(before.layers)))
        return Difference(before, after, True, (), Follows(), pairs)
    alignment = align(before, after)
    layers, rests = in_layers(before, after, alignment.pairs)
    gaps = in_gaps(before, after, alignment.gaps)
    found = _moved(_changes([*layers, *gaps]))
    wiring = in_wiring(before, after, alignment.pairs, told=bool(found))
    wiring, rests = in_inference(before, after, wiring, rests)
    changes = _joined(sorted([*found, *_changes(wiring)], key=_order))
    return Difference(before, after, False, tuple(changes), follows(rests, wiring), alignment.pairs)


def _joined(changes: Iterable[Change]) -> list[Change]:
    """Changes that say the same, of the same lines, as one: the first's, with the places and figures of all."""
    found: dict[object, Change] = {}
    for change in changes:
        values = tuple((one.name, one.before, one.after) for one in change.alterations)
        said = (change.kind, change.place, change.before, change.after, values,
                *(None if at is None else (at.source.name, at.line) for at in (change.before_at, change.after_at)))
        first = found.get(said)
        found[said] = change if first is None else first.replace(**{
            name: getattr(first, name) + getattr(change, name) for name in _ADDED})
    return [*found.values()]


def _order(change: Change) -> tuple[int, int, int]:
    """By the first layer that it touches in the later network; what is gone, where it was."""
    layers, gone = (change.after_layers, 0) if change.after_layers else (change.before_layers, 1)
    span = change.after_at or change.before_at
    return (min(layers, default=_LAST), gone, span.start if span else 0)


def _changes(findings: Iterable[Finding]) -> list[Change]:
    """Findings of one edit as one change."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.key, []).append(finding)
    return [_change(group) for group in groups.values()]


def _change(group: list[Finding]) -> Change:
    first = group[0]
    return Change(
        first.kind, common([finding.place for finding in group]),
        _one([finding.before for finding in group]), _one([finding.after for finding in group]),
        tuple(_alteration([finding.alterations[at] for finding in group]) for at in range(len(first.alterations))),
        len({finding.home for finding in group}), first.before_at, first.after_at,
        sum(finding.params for finding in group), sum(finding.macs for finding in group),
        tuple(sorted({index for finding in group for index in finding.before_layers})),
        tuple(sorted({index for finding in group for index in finding.after_layers})),
        tuple(one for finding in group for one in finding.altered),
        tuple(one for finding in group for one in finding.exits),
        sum(finding.starts for finding in group), sum(finding.stops for finding in group),
    )


def _one(texts: list[str]) -> str:
    """What several texts say; where they differ, what they begin with, or else end with, or else the first."""
    if len(set(texts)) == 1:
        return texts[0]
    words = [text.split(" ") for text in texts]
    begin = words[0][: _common(words)]
    end = [] if begin else words[0][len(words[0]) - _common([each[::-1] for each in words]) :]
    return " ".join([*begin, "…", *end]) if begin or end else f"{texts[0]} and others"


def _common(rows: list[list[str]]) -> int:
    """How many words from the first are the same in all rows."""
    return next((at for at, each in enumerate(zip(*rows, strict=False)) if len(set(each)) > 1), min(map(len, rows)))


def _alteration(several: list[Alteration]) -> Alteration:
    """An alteration by its values, or by its expressions where the values are not the same everywhere."""
    first = several[0]
    if all((one.before, one.after) == (first.before, first.after) for one in several):
        return first
    return Alteration(first.name, first.before_written, first.after_written, first.before_written, first.after_written)


def _moved(changes: list[Change]) -> list[Change]:
    """What was removed in one place and added in another as one change."""
    found = [*changes]
    for gone in changes:
        come = next((one for one in found if one.kind == "added" and gone.kind == "removed"
                     and (one.after, one.count) == (gone.before, gone.count)
                     and len(one.after_layers) == len(gone.before_layers)), None)
        if come is not None:
            found.remove(gone)
            found[found.index(come)] = come.replace(
                kind=MOVED, before=gone.before, before_at=gone.before_at, before_layers=gone.before_layers,
                params=gone.params + come.params, macs=gone.macs + come.macs)
    return found
