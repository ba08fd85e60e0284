"""What is found to differ in one place, before findings of one edit become one change."""

from __future__ import annotations

from cnnspec.analysis.summary import LayerSummary
from cnnspec.record import Record
from cnnspec.source import Span

#: Kinds: layers or units that are new, gone, or in the place of others; arguments with other values; repeats with
#: another count; layers that read other values; outputs, and the names of inputs.
ADDED, REMOVED, REPLACED, ALTERED, REPEATED, CONNECTED, OUTPUT, INPUT = (
    "added", "removed", "replaced", "altered", "repeated", "connected", "output", "input",
)


class Alteration(Record):
    """A value that changed: what it is now and was, and the expressions that give it."""

    name: str
    before: str
    after: str
    before_written: str
    after_written: str


class Altered(Record):
    """A layer that has other arguments: its index before and after, and which; none where it is another layer."""

    before: int
    after: int
    names: tuple[str, ...]


class Finding(Record):
    """One place that differs. Findings with equal keys are one edit; figures are differences, after less before."""

    kind: str
    key: object
    #: Equal for findings that are the same place, such as the turn of a loop whose value many layers take.
    home: object
    place: tuple[str, ...]
    before: str
    after: str
    before_at: Span | None
    after_at: Span | None
    before_layers: tuple[int, ...]
    after_layers: tuple[int, ...]
    params: int = 0
    macs: int = 0
    alterations: tuple[Alteration, ...] = ()
    altered: tuple[Altered, ...] = ()
    #: Of what took the place of something else: the layers whose values leave the one and the other.
    exits: tuple[tuple[int, int], ...] = ()
    #: Of an output: how many layers run in inference since then, and how many no longer do.
    starts: int = 0
    stops: int = 0


class Rest(Record):
    """What the changes told of a layer and its counterpart leave of their difference, after less before."""

    before: int
    after: int
    #: Whether a change is told of it.
    told: bool
    #: Whether other shapes enter or leave it.
    reshaped: bool
    #: Whether it has other arguments.
    altered: bool
    params: int
    macs: int
    #: 1 for one that runs in inference now, -1 for one that no longer does, else 0.
    runs: int


def differing(x: LayerSummary, y: LayerSummary) -> list[str]:
    """The arguments of a layer that have other values."""
    return [name for name, value in x.args.items() if value != y.args[name]]
