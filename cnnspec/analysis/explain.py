"""The arithmetic of a layer with its numbers put in: extents, parameters, work, receptive field, bytes."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.axis import size
from cnnspec.analysis.backward import Need, needs
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.layers.arguments import shown
from cnnspec.layers.base import Layer, Shape, product, show
from cnnspec.layers.facts import Reach
from cnnspec.layers.formula import Formula, Term, sym, times
from cnnspec.layers.window import axis_names
from cnnspec.record import Record

#: What a formula is about, beside those of `Formula`.
BUFFERS, FLOPS, FIELD, STRIDE, START = "buffers", "FLOPs", "field", "stride", "start"
OUTPUT_BYTES, WEIGHT_BYTES = "output bytes", "weight bytes"


class Comparison(Record):
    """What a layer would be if each of its outputs saw every input."""

    inputs: int
    outputs: int
    params: int


class Explanation(Record):
    """One layer, explained."""

    layer: LayerSummary
    #: The layer with the values of its arguments: `CONV(96, 11, stride=4, pad=0)`.
    call: str
    #: In the order in which they are read; extents that do not change have none.
    formulas: tuple[Formula, ...]
    #: How its floating-point operations are counted, in words.
    flops_rule: str
    #: Of a convolution: the fully connected layer in its place.
    fully_connected: Comparison | None
    #: Of a fully connected layer on a map: the convolution that computes the same.
    convolution: str
    #: What is kept for its backward pass; None where there is none.
    kept: tuple[Need, ...] | None


def explain(summary: Summary, layer: LayerSummary) -> Explanation:
    """Explain one layer of a summary, for its batch and element type."""
    op = layer.node.op
    formulas = [*op.layer.formulas(op.output, *op.inputs), *_buffers(layer), *_flops(layer)]
    formulas += [*_field(summary, layer), *_bytes(summary, layer)]
    return Explanation(layer, call(op.layer), tuple(formulas), _flops_rule(op.layer), _fully_connected(layer),
                       _convolution(layer), needs(summary, layer))


def call(layer: Layer) -> str:
    """A layer as a spec calls it, with the values of the arguments that were given; the kernel and what stands before
    it by position, the others by name.
    """
    arguments: list[str] = []
    for index, (name, value) in enumerate(layer.arguments().items()):
        if name in layer.given:
            text = show(value) if layer.args[name].variadic and isinstance(value, tuple) else shown(value)
            bare = index == len(arguments) and (index == 0 or name == "kernel") and not layer.args[name].named_only
            arguments.append(text if bare else f"{name}={text}")
    return f"{layer.keyword}({', '.join(arguments)})" if arguments else layer.keyword


def _buffers(layer: LayerSummary) -> Iterator[Formula]:
    terms = [sym(buffer.name, product(buffer.shape)) for buffer in layer.node.op.buffers]
    if terms:
        total: Term = terms[0]
        for more in terms[1:]:
            total = total + more
        yield Formula(BUFFERS, total)


def _flops(layer: LayerSummary) -> Iterator[Formula]:
    work = layer.node.op.work
    if layer.runs and work.macs and work.other:
        yield Formula(FLOPS, 2 * sym("MACs", work.macs) + sym("the rest", work.other))
    elif layer.runs and work.macs:
        yield Formula(FLOPS, 2 * sym("MACs", work.macs))
    elif layer.flops:
        yield Formula(FLOPS, sym("operations", layer.flops))


def _field(summary: Summary, layer: LayerSummary) -> Iterator[Formula]:
    """The recurrences of size, stride and start, of a layer with a window on one local value."""
    node, reach = layer.node, layer.node.op.reach
    if len(node.inputs) != 1 or reach is None or node.op.is_pointwise:
        return
    before = summary.layers[node.inputs[0]].field.axes
    if before is None or layer.field.axes is None or len(before) != len(reach):
        return
    for axis, seen, window in zip(axis_names(node.op.inputs[0]), before, reach, strict=True):
        if isinstance(seen, Reach) and all(isinstance(n, int) for n in (*_numbers(seen), *_numbers(window))):
            yield from _recurrences(axis, seen, window)


def _numbers(reach: Reach) -> tuple[object, ...]:
    return reach.stride, reach.low, reach.high


def _recurrences(axis: str, seen: Reach, window: Reach) -> Iterator[Formula]:
    """Araujo, Norris and Sim (Distill 2019), equations 1 to 4; the kernel with its dilation, in whole numbers."""
    kernel, start = sym(f"K_{axis}", int(window.high - window.low + 1)), sym("start before", int(seen.low))
    step = sym("stride before", int(seen.stride))
    yield Formula(FIELD, sym("field before", size(seen)) + (kernel - 1) * step, axis)
    yield Formula(STRIDE, step * sym(f"S_{axis}", int(window.stride)), axis)
    if window.low > 0:  # it begins behind rows that are cut off
        yield Formula(START, start + sym("cut", int(window.low)) * step, axis)
    else:
        yield Formula(START, start - sym(f"P_{axis}", int(-window.low)) * step, axis)


def _bytes(summary: Summary, layer: LayerSummary) -> Iterator[Formula]:
    element = sym("bytes", DTYPES[summary.dtype])
    extents: Shape = layer.output_shape
    names = ("C_out", *(f"{axis}_out" for axis in axis_names(extents)))
    images = [sym("batch", summary.batch)] if summary.batch > 1 else []
    yield Formula(OUTPUT_BYTES, times([*images, *map(sym, names, extents), element]))
    if layer.params:
        yield Formula(WEIGHT_BYTES, sym("parameters", layer.params) * element)


def _flops_rule(layer: Layer) -> str:
    """The rule that a layer's documentation states, on one line."""
    text = " ".join((type(layer).__doc__ or "").split())
    return text.partition("FLOPs: ")[2].partition(" Example:")[0].rstrip(".")


def _fully_connected(layer: LayerSummary) -> Comparison | None:
    op = layer.node.op
    if not op.layer.weighted or op.reach is None or not layer.params:
        return None
    inputs, outputs = product(op.inputs[0]), op.elements
    return Comparison(inputs, outputs, outputs * (inputs + (1 if getattr(op.layer, "bias", False) else 0)))


def _convolution(layer: LayerSummary) -> str:
    """A fully connected layer is a convolution with a kernel as large as its input."""
    op = layer.node.op
    if not op.layer.weighted or op.reach is not None or len(op.inputs[0]) < 2:
        return ""
    extents = op.inputs[0][1:]
    kernel = str(extents[0]) if len(set(extents)) == 1 else show(extents)
    return f"CONV({op.output[0]}, {kernel}, pad=valid)"
