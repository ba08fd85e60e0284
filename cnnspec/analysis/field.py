"""Receptive fields: which input pixels a value sees, along each spatial axis, over the whole graph."""

from __future__ import annotations

from cnnspec.analysis.axis import Axis, Number, joined, size, through
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.graph.network import Graph, Node
from cnnspec.layers.facts import POINT, Reach
from cnnspec.record import Record

#: Bits of a number of 100 digits: what grows beyond is refused, as specs' own numbers are.
_MOST_BITS = 333

#: A field per axis; None where a value sees the whole input.
Axes = tuple[Axis, ...] | None


class Field(Record):
    """What one value sees."""

    axes: Axes
    #: The same, leaving out the gates (squeeze-and-excitation) on the way.
    ungated: Axes
    #: Whether several paths meet here whose windows have different centres.
    skewed: bool = False


class ReceptiveField(Record):
    """A field as it is reported: one number per axis.

    No window is wider than `size` pixels. That of output `o` begins at pixel `ceil(start + o·stride)` of the input, or
    behind it for some outputs where upsampling follows a stride; a negative start lies in the padding.
    """

    size: tuple[int, ...]
    stride: tuple[Number, ...]
    start: tuple[Number, ...]


def report(axes: Axes) -> ReceptiveField | None:
    """Size, stride and start per axis; None for a value that sees everything or has no axes."""
    if not axes:
        return None
    strides, starts = tuple(whole(axis.stride) for axis in axes), tuple(whole(axis.low) for axis in axes)
    return ReceptiveField(tuple(map(size, axes)), strides, starts)


def whole(number: Number) -> Number:
    """An int where the number is whole."""
    return number.numerator if number.denominator == 1 else number


def fields(graph: Graph) -> list[Field]:
    """The field of every node, in the graph's order."""
    found: list[Field] = []
    for node in graph.nodes:
        if not node.inputs:
            points = (POINT,) * (len(node.shape) - 1)
            found.append(Field(points, points))
        elif len(node.inputs) == 1:
            found.append(_through(node, found[node.inputs[0]]))
        else:
            found.append(_merged(node, [found[i] for i in node.inputs]))
        if any(int(axis.stride).bit_length() > _MOST_BITS for axis in found[-1].axes or ()):
            raise SpecError([Diagnostic("limit-digits", "the receptive field has more than 100 digits here", node.span,
                                        help="strides that multiply so far leave nothing to see; repeat less often")])
    return found


def _through(node: Node, entering: Field) -> Field:
    if node.op.is_pointwise and len(node.shape) == len(node.op.inputs[0]):
        return Field(entering.axes, entering.ungated) if entering.skewed else entering
    reach = node.op.reach
    axes = compose(entering.axes, reach)
    return Field(axes, axes if entering.ungated is entering.axes else compose(entering.ungated, reach))


def compose(axes: Axes, reach: tuple[Reach, ...] | None) -> Axes:
    """The field after a layer with this reach."""
    if axes is None or reach is None or len(axes) != len(reach):
        return None
    return tuple(map(through, axes, reach))


def _merged(node: Node, entering: list[Field]) -> Field:
    """The union over the paths; for the ungated field, over those that are no gates."""
    gates = node.op.layer.gates(*node.op.inputs)
    carried = [field.ungated for index, field in enumerate(entering) if index not in gates]
    axes, skewed = _union([field.axes for field in entering], node)
    if not gates and all(field.ungated is field.axes for field in entering):
        return Field(axes, axes, skewed)
    ungated, ungated_skewed = _union(carried, node)
    return Field(axes, ungated, skewed or ungated_skewed)


def _union(paths: list[Axes], node: Node) -> tuple[Axes, bool]:
    reach = node.op.reach
    local = [axes for axes in paths if axes is not None]
    if reach is not None:  # STACK adds axes, in front
        local = [(POINT,) * (len(reach) - len(axes)) + axes for axes in local]
    if reach is None or len(local) < len(paths) or not local:
        return None, False
    if any(len(axes) != len(reach) for axes in local):
        return None, False
    first = local[0]
    if all(axes == first for axes in local[1:]):
        return compose(first, reach), False
    union = tuple(joined([axes[i] for axes in local], node.shape[i + 1]) for i in range(len(first)))
    skewed = any(len({axes[i].low + axes[i].high for axes in local}) > 1 for i in range(len(first)))
    return compose(union, reach), skewed
