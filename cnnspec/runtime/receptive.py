"""The receptive field held against gradients: which input pixels an output's gradient reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import ceil, floor, prod

from torch import Tensor
from torch.autograd import grad

from cnnspec.analysis.axis import Axis, Number, Phases
from cnnspec.analysis.summary import LayerSummary, Summary, summarize
from cnnspec.analysis.verification import Check, Difference
from cnnspec.graph.network import Graph
from cnnspec.net import Net
from cnnspec.runtime.batches import FILL, free_memory
from cnnspec.runtime.room import GIB
from cnnspec.runtime.thin import thin

FIGURE = "receptive field"
#: Layers whose gradients are taken, evenly spread, beside the last of each stride.
_MOST_LAYERS = 24
#: Neighbouring outputs of each, so that the stride is seen, and what upsampling makes of it.
_OUTPUTS = 3
#: What an interpolation's weight of 0 may be for rounding, as a part of the largest gradient.
_ROUNDING = 1e-12

#: Pixels of an input that is made larger to hold the whole field.
_MOST_PIXELS = 1_000_000

#: First and last pixel along each axis.
Box = tuple[tuple[int, int], ...]


def receptive_fields(net: Net) -> Check:
    """The field of the value that the totals report, and of layers on the way to it; gates are left out.

    The measured pixels must lie in the predicted window; and be all of it where the window is exact (stride and ends
    are whole numbers, while what an interpolation reads is enclosed by a line) and no border hides a part.
    """
    summary = net.summary()
    shown = _text(summary)
    if len({shape[1:] for shape in summary.inputs.values()}) > 1:
        return Check(FIGURE, shown, None, skipped="inputs of different extents have no pixels in common")
    summary = enlarged(net, summary)
    layers = chosen(summary)
    lacking = too_large(summary, max((layer.index for layer in layers), default=-1))
    if lacking:
        return Check(FIGURE, shown, None, skipped=lacking)
    values, inputs = thin(summary, max((layer.index for layer in layers), default=-1))
    different = tuple(found for layer in layers for found in _differences(summary.graph, layer, values, inputs))
    return Check(FIGURE, shown, "other pixels" if different else shown, rows=len(layers), different=different)


def too_large(summary: Summary, last: int) -> str:
    """Why gradients cannot be taken, as far as memory goes; empty where they can.

    One channel of every value up to a layer, in double precision, and the gradients of two.
    """
    sizes = [8 * prod(layer.output_shape[1:]) for layer in summary.layers[: last + 1]]
    need, free = sum(sizes) + 2 * max(sizes, default=0), free_memory()
    if need <= FILL * free:
        return ""
    return f"out of memory: gradients need {need / GIB:,.1f} GiB, and {free / GIB:,.1f} GiB are free"


def enlarged(net: Net, own: Summary) -> Summary:
    """The network on an input that holds the whole field, so that no border hides an end of it.

    The network on its own input where the field fits already, is too large, or depends on the input's extents.
    """
    seen = own.totals.receptive_field
    (channels, *extents), *others = own.inputs.values()
    if seen is None or others or len(seen.size) != len(extents):  # STACK adds an axis
        return own
    if any(stride.denominator > 1 or stride < 1 for stride in seen.stride):
        return own
    wanted = [max(extent, extent + -(-(size + 2 * _OUTPUTS * int(stride) - extent) // int(stride)) * int(stride))
              for extent, size, stride in zip(extents, seen.size, seen.stride, strict=True)]
    if wanted == extents or prod(wanted) > _MOST_PIXELS:
        return own
    graph = net.target.elaborate({"": (channels, *wanted)}).graph
    if graph is None:
        return own
    larger = summarize(graph)
    same = [layer.field.ungated for layer in larger.layers] == [layer.field.ungated for layer in own.layers]
    return larger if same else own


def chosen(summary: Summary) -> list[LayerSummary]:
    """The layers to look at: of those that change the field, the last of each stride, and some between."""
    axes = {len(shape) for shape in summary.inputs.values()}
    changing = [layer for layer in summary.layers if layer.runs and layer.field.ungated and layer.node.inputs
                and not layer.node.op.is_pointwise and len(layer.output_shape) in axes]
    last = {tuple(axis.stride for axis in layer.field.ungated or ()): layer for layer in changing}
    step = max(1, -(-len(changing) // _MOST_LAYERS))
    wanted = {layer.index for layer in (*last.values(), *changing[::-step])}
    return [layer for layer in changing if layer.index in wanted]


def _differences(graph: Graph, layer: LayerSummary, values: Mapping[int, Tensor],
                 inputs: list[Tensor]) -> Iterator[Difference]:
    """The outputs in the middle of a value that read other pixels than was predicted."""
    axes, value = layer.field.ungated or (), values[layer.index]
    for shift in range(_OUTPUTS):
        place = tuple(min(extent // 2 + shift, extent - 1) for extent in value.shape[2:])
        predicted = tuple(map(window, axes, place))
        measured = support(value[(0, 0, *place)], inputs, predicted)
        free = _free(graph, layer.index, place)
        if measured is not None and not all(map(_agrees, axes, predicted, measured, free)):
            yield Difference(f"{layer.path} at {'×'.join(map(str, place))}", _span(predicted), _span(measured))


def window(axis: Axis, output: int) -> tuple[int, int]:
    """The first and last pixel that an output sees along an axis; beyond the input lies padding."""
    if isinstance(axis, Phases):
        return axis.window(output, output)
    return ceil(axis.stride * output + axis.low), floor(axis.stride * output + axis.high)


def support(output: Tensor, inputs: list[Tensor], predicted: Box) -> Box | None:
    """The pixels that an output's gradient reaches, along each axis; None where it sees padding alone.

    What is reached outside the predicted window, but by rounding alone, is left out.
    """
    reached = sum(part.abs()[0, 0] for part in grad(output, inputs, retain_graph=True, materialize_grads=True))
    assert isinstance(reached, Tensor)
    box = _box(reached, 0)
    if box is not None and any(low < first or high > last
                               for (low, high), (first, last) in zip(box, predicted, strict=True)):
        return _box(reached, _ROUNDING * reached.max().item())
    return box


def _box(reached: Tensor, threshold: float) -> Box | None:
    places = (reached > threshold).nonzero()
    if not len(places):
        return None
    lows, highs = places.min(0).values.tolist(), places.max(0).values.tolist()
    return tuple(zip(lows, highs, strict=True))


def _agrees(axis: Axis, predicted: tuple[int, int], measured: tuple[int, int], free: bool) -> bool:
    """Whether what is reached lies in the window, and is all of it where the window is exact and no border hinders."""
    exact = isinstance(axis, Phases) or all(number.denominator == 1 for number in (axis.stride, axis.low, axis.high))
    if exact and free:
        return predicted == measured
    return predicted[0] <= measured[0] and measured[1] <= predicted[1]


def _free(graph: Graph, index: int, place: tuple[int, ...]) -> list[bool]:
    """For each axis, whether no window on the way from an output to the input leaves a value, to read its padding."""
    free = [True] * len(place)
    wanted: dict[int, list[tuple[Number, Number]]] = {index: [(at, at) for at in place]}
    for node in reversed(graph.nodes[: index + 1]):
        spans = wanted.get(node.index)
        if spans is None:
            continue
        free = [ok and low >= 0 and high < extent
                for ok, (low, high), extent in zip(free, spans, node.shape[1:], strict=True)]
        reach = node.op.reach or ()
        read: list[tuple[Number, Number]] = [
            (ceil(r.stride * low + r.low), floor(r.stride * high + r.high))
            for r, (low, high) in zip(reach, spans, strict=True)]
        for position, source in enumerate(node.inputs):
            if position not in node.op.layer.gates(*node.op.inputs):
                known = wanted.setdefault(source, read)
                wanted[source] = [(min(a, c), max(b, d)) for (a, b), (c, d) in zip(known, read, strict=True)]
    return free


def _span(box: Box) -> str:
    return " × ".join(f"{low}…{high}" for low, high in box)


def _text(summary: Summary) -> str:
    """The total's field, `212 from 32·o − 90`: its size, and where that of output `o` begins."""
    seen = summary.totals.receptive_field
    if seen is None:
        return "all"
    begins = [f"{stride}·o {'−' if start < 0 else '+'} {abs(start)}" if start else f"{stride}·o"
              for stride, start in zip(seen.stride, seen.start, strict=True)]
    return f"{_once(map(str, seen.size), '×')} from {_once(begins, ' × ')}"


def _once(texts: Iterable[str], sign: str) -> str:
    """A text for each axis, or one where all are the same."""
    found = [*texts]
    return found[0] if len(set(found)) == 1 else sign.join(found)
