"""Networks in stages of one resolution each, so that those of different networks stand side by side.

A layer's resolution is its stride: how many input pixels lie between neighbouring outputs, along the axis on which that
is most. It aligns networks whose inputs differ, where extents do not: 55 positions of 224 belong to 56 of 224 and to 57
of 227. Strides are taken to the nearest power of two; each stage also shows the extents that it has in each network.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import log2

from cnnspec.analysis.axis import Number
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.graph.network import Graph, Node
from cnnspec.layers.base import Shape
from cnnspec.record import Record


class Part(Record):
    """One network's layers in a stage. Parameters and MACs are for one image, bytes for the whole batch."""

    #: All of its layers; convolutions and linear layers among them.
    layers: int
    weight_layers: int
    #: The fewest and the most channels that leave a layer; those of gates are left out.
    channels: tuple[int, int]
    #: The spatial extents that leave its layers, each once, in order of execution; empty shapes for vectors.
    extents: tuple[Shape, ...]
    params: int
    macs: int
    #: Of the layers' outputs; the network's inputs are no layers.
    activation_bytes: int


class Stage(Record):
    """A resolution, and what each network has there."""

    #: The stride as a power of two: 3 for every eighth pixel, -1 for twice as many as the input has. None for what has
    #: one position alone: vectors, and maps of 1×1.
    octave: int | None
    #: None for a network that has no layer there.
    parts: tuple[Part | None, ...]

    @property
    def stride(self) -> Number | None:
        """Input pixels between neighbouring positions; None for the flat stage."""
        return None if self.octave is None else 2**self.octave if self.octave >= 0 else Fraction(1, 2**-self.octave)

    def picked(self, order: Sequence[int]) -> Stage:
        """The parts of these places, in this order."""
        return Stage(self.octave, tuple(self.parts[index] for index in order))


def stages(summaries: Sequence[Summary]) -> tuple[Stage, ...]:
    """All stages that some network has, from the finest to the coarsest; the flat one comes last."""
    found = [parts(summary) for summary in summaries]
    octaves = {octave for one in found for octave in one}
    ordered = sorted(octave for octave in octaves if octave is not None)
    return tuple(Stage(octave, tuple(one.get(octave) for one in found))
                 for octave in (*ordered, *([None] if None in octaves else [])))


def parts(summary: Summary) -> dict[int | None, Part]:
    """One network's layers by stage; each layer is in one, and the inputs, which are no layers, in none."""
    own, homes = octaves(summary.graph)
    grouped: dict[int | None, list[LayerSummary]] = {}
    for layer in summary.layers:
        if layer.node.inputs:
            grouped.setdefault(homes[layer.index], []).append(layer)
    return {octave: _part([*layers], [layer.output_shape for layer in layers if own[layer.index] == octave])
            for octave, layers in grouped.items()}


def _part(layers: list[LayerSummary], shapes: list[Shape]) -> Part:
    """`shapes` are those of the layers that have the stage's resolution themselves."""
    channels = [shape[0] for shape in shapes or [layer.output_shape for layer in layers]]
    return Part(
        len(layers), sum(layer.node.op.layer.weighted for layer in layers), (min(channels), max(channels)),
        tuple(dict.fromkeys(shape[1:] for shape in shapes)), sum(layer.params for layer in layers),
        sum(layer.macs for layer in layers), sum(layer.activation_bytes for layer in layers),
    )


# ---------------------------------------------------------------------------------------------- strides

#: Per axis, input pixels from one position to the next; None where a value has one position, which sees everything.
Strides = tuple[Number, ...] | None


def octaves(graph: Graph) -> tuple[list[int | None], list[int | None]]:
    """Of each node, the octave of its own value, and that of the stage in which it counts.

    They differ for gates and other branches that look at the whole picture beside a path that keeps its resolution:
    these count where their value meets that path, not among the classifier's layers.
    """
    found = strides(graph)
    own = [_octave(node, found[node.index]) for node in graph.nodes]
    local: list[bool] = []
    for node in graph.nodes:
        local.append(found[node.index] is not None
                     and (not node.inputs or any(local[index] for index in node.inputs)))
    homes = [*own]
    beside: dict[int, int] = {}
    for node in reversed(graph.nodes):
        meets = own[node.index] if local[node.index] else beside.get(node.index)
        if homes[node.index] is None and not local[node.index]:
            homes[node.index] = meets
        if meets is not None:
            beside.update((index, meets) for index in node.inputs if not local[index])
    return own, homes


def _octave(node: Node, stride: Strides) -> int | None:
    if stride is None or set(node.shape[1:]) <= {1}:
        return None
    return round(log2(max(stride)))


def strides(graph: Graph) -> list[Strides]:
    """The strides of every node's value, in the graph's order."""
    whole = max(max(graph.nodes[index].shape[1:], default=1) for index in graph.inputs.values())
    found: list[Strides] = []
    for node in graph.nodes:
        if not node.inputs:
            found.append((1,) * (len(node.shape) - 1) or None)
        else:
            before = next((index for index in node.inputs if found[index] is not None), None)
            found.append(_alone(node, whole) if before is None else
                         _behind(node, found[before] or (), graph.nodes[before].shape[1:], whole))
    return found


def _behind(node: Node, entering: tuple[Number, ...], extents: Shape, whole: int) -> Strides:
    """The strides behind a layer: as its windows move, else as the extents shrink."""
    reach, leaving = node.op.reach, node.shape[1:]
    if reach is not None and len(reach) == len(entering) == len(leaving):
        if node.op.is_pointwise:
            return entering
        return tuple(stride * step.stride for stride, step in zip(entering, reach, strict=True))
    if len(leaving) != len(entering) or set(leaving) <= {1}:
        return _alone(node, whole)
    return tuple(stride * Fraction(before, after)
                 for stride, before, after in zip(entering, extents, leaving, strict=True))


def _alone(node: Node, whole: int) -> Strides:
    """The strides of a value that no local path leads to, a vector made a map, say: by its extents alone."""
    leaving = node.shape[1:]
    return None if set(leaving) <= {1} else (Fraction(whole, max(leaving)),) * len(leaving)
