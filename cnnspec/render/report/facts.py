"""What a report says at its head and foot of a network: where it is from, how large it is, what is counted."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cnnspec.analysis.memories import TRAINING
from cnnspec.analysis.prediction import Prediction
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.layout import Line
from cnnspec.render.memory import OPTIMIZER_TITLES
from cnnspec.render.report.page import Figure
from cnnspec.render.snippet import visible
from cnnspec.render.times import basis, verdict
from cnnspec.render.totals import conventions, remarks


def lead(summary: Summary) -> tuple[str, ...]:
    """Where it is written, and what it is analysed for."""
    inputs = ", ".join(f"{visible(name)} {units.shape(shape)}" for name, shape in summary.inputs.items())
    return place(summary), inputs, f"batch {summary.batch:,}", units.dtype(summary.dtype)


def place(summary: Summary) -> str:
    """File and line."""
    span = summary.graph.span
    return visible(f"{portable(span.source.name)}:{span.line}")


def portable(name: str) -> str:
    """A file's name; of one that is named from the root, the last part, so that no machine's folders show."""
    return os.path.basename(name) if os.path.isabs(name) else name


def figures(summary: Summary) -> Iterator[Figure]:
    """The totals, each with what belongs to it."""
    whole = summary.totals
    fixed = whole.params - whole.trainable_params
    trained = f", {units.count(fixed)} of them fixed" if fixed else ""
    buffers = f"and buffers of {units.size(whole.buffer_bytes)}" if whole.buffers else units.dtype(summary.dtype)
    yield Figure("parameters", units.scaled(whole.params), units.count(whole.params) + trained)
    yield Figure("weights", units.size(whole.weight_bytes), buffers)
    yield Figure("MACs", units.scaled(whole.macs), units.count(whole.macs))
    yield Figure("FLOPs", units.scaled(whole.flops), f"{_intensity(summary)} FLOP/B")
    yield Figure("depth", units.count(whole.depth), f"{whole.weight_layers_on_path} weighted of {whole.weight_layers}")
    seen = whole.receptive_field
    if seen is not None:
        gated = any(layer.field.axes is None and layer.field.ungated for layer in summary.layers)
        yield Figure("receptive field", units.axes(seen.size),
                     f"stride {units.axes(seen.stride)}{', ungated' if gated else ''}")
    yield Figure("inference peak", units.size(whole.inference_peak_bytes), f"at {visible(whole.inference_peak_at)}")
    if summary.can_train:
        told = summary.memory(TRAINING)
        yield Figure("training peak", units.size(told.peak),
                     OPTIMIZER_TITLES[summary.optimizer])


def _intensity(summary: Summary) -> str:
    whole = summary.totals
    return f"{whole.flops * summary.batch / whole.traffic_bytes:,.1f}" if whole.traffic_bytes else "0"


def said(summary: Summary, *, overridden: bool = False) -> Iterator[str]:
    """What is counted, and remarks; a sentence each."""
    yield from map(_text, conventions(summary, None, None))
    yield from map(_text, remarks(summary, None, overridden=overridden))


def told(prediction: Prediction) -> Iterator[str]:
    """What a prediction says of the whole, and rests on."""
    yield from map(_text, verdict(prediction))
    yield from basis(prediction)


def _text(line: Line) -> str:
    return visible(" ".join("".join(part.text for part in line).split()))
