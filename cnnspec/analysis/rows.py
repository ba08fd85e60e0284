"""The rows of an outline with their figures: sums over stretches of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from cnnspec.analysis import labels
from cnnspec.analysis.field import Field
from cnnspec.analysis.labels import Label
from cnnspec.analysis.summary import LayerSummary
from cnnspec.analysis.tree import Fold, Part, leaves
from cnnspec.layers.base import Shape
from cnnspec.record import Record

#: Figures of a layer that rows add up.
_SUMMED = ("params", "buffers", "macs", "flops", "activation_bytes", "weight_bytes", "traffic_bytes", "runs")


class Plan(Record):
    """A row before its figures: a part of the tree, and the plans below it."""

    part: Part
    label: Label | None
    #: Where else the same layers stand: offsets from the part's, its own (0) last.
    shifts: tuple[int, ...]
    below: tuple[Plan, ...] = ()


class Row(Record):
    """A row: some layers, or (with `children`) a heading above the rows of these layers.

    Figures are sums over the layers, to which inputs add nothing; bytes are for the whole batch.
    """

    label: Label
    #: How many neighbours that are alike it stands for.
    count: int
    #: Indices of its layers, in stretches of equal length where it stands for several.
    layers: tuple[range, ...]
    children: tuple[Row, ...]
    #: Shape and receptive field of the last layer.
    output: Shape
    field: Field
    params: int
    buffers: int
    macs: int
    flops: int
    activation_bytes: int
    weight_bytes: int
    traffic_bytes: int
    #: Whether any of it runs outside training.
    runs: bool
    #: How many extents of `output`, from the first, are defaults of the catalogue.
    default_extents: int

    @property
    def indices(self) -> Iterator[int]:
        return (index for stretch in self.layers for index in stretch)

    @property
    def last(self) -> int:
        return self.layers[-1][-1]


class Figures:
    """Sums over stretches of layers, from sums over the layers up to each."""

    def __init__(self, layers: Sequence[LayerSummary]) -> None:
        self.layers = layers
        self.sums = {field: [0, *accumulate(_figure(layer, field) for layer in layers)] for field in _SUMMED}

    def row(self, plan: Plan) -> Row:
        """A plan as a row."""
        part = plan.part
        stretches = tuple(range(part.start + shift, part.stop + shift) for shift in plan.shifts)
        last = self.layers[part.stop - 1]

        def total(field: str) -> int:
            return sum(self.sums[field][r.stop] - self.sums[field][r.start] for r in stretches)

        return Row(
            label=plan.label if plan.label is not None else labels.label(part),
            count=len(part.units) if isinstance(part, Fold) else 1,
            layers=stretches, children=tuple(map(self.row, plan.below)),
            output=last.output_shape, field=last.field,
            params=total("params"), buffers=total("buffers"), macs=total("macs"), flops=total("flops"),
            activation_bytes=total("activation_bytes"), weight_bytes=total("weight_bytes"),
            traffic_bytes=total("traffic_bytes"), runs=total("runs") > 0, default_extents=_default_extents(part),
        )


def _figure(layer: LayerSummary, field: str) -> int:
    """A layer's part of a total; an input, which is the caller's, has none."""
    return int(getattr(layer, field)) if layer.node.inputs or field == "runs" else 0


def _default_extents(part: Part) -> int:
    """Extents that are the catalogue's defaults: channels that nobody chose, an input's whole shape."""
    for layer in reversed(leaves(part)):
        chosen = layer.node.op.layer
        if "out" in chosen.args:
            return 0 if "out" in chosen.given else 1
        if not layer.node.inputs:
            return 0 if chosen.given else len(layer.output_shape)
    return 0
