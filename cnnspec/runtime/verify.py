"""The analysis held against PyTorch: shapes, weights, MACs, FLOPs, receptive field and memory of the module itself.

Nothing is computed where PyTorch can tell without: tensors are fake (`FakeTensorMode`, or `meta` for fvcore), so that a
network of any size takes neither time nor memory. Only gradients need real numbers, and one channel for each value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import fx
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from cnnspec.analysis.summary import Summary
from cnnspec.analysis.verification import Check, Difference, Verification
from cnnspec.layers.base import Shape
from cnnspec.net import Net
from cnnspec.runtime.build import LAYER, build
from cnnspec.runtime.counting import fvcore_flops
from cnnspec.runtime.live import LiveStorages
from cnnspec.runtime.names import attribute
from cnnspec.runtime.receptive import receptive_fields
from cnnspec.runtime.weight_files import load_file
from cnnspec.runtime.weights import fit

#: Images at once: two, since batch norm refuses a single value per channel in training.
_IMAGES = 2


class Recorder(fx.Interpreter):
    """Runs a module layer by layer; keeps the shape that leaves each, and the MACs that PyTorch counts for it."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[int, Shape] = {}
        self.macs: dict[int, int] = {}

    def run_node(self, n: fx.Node) -> Any:
        with FlopCounterMode(display=False) as counter:
            value = super().run_node(n)
        if LAYER in n.meta:
            self.shapes[n.meta[LAYER]] = tuple(value.shape[1:])
            self.macs[n.meta[LAYER]] = counter.get_total_flops() // (2 * _IMAGES)
        return value


def verify(net: Net, weights: str | None = None) -> Verification:
    """Every check of a network; with the path of a state dict, whether it fits (else raises `SpecError`)."""
    fitted = [] if weights is None else [loaded(net, weights)]
    summary = net.summary()
    with FakeTensorMode(), torch.device("cpu"):
        module = build(net.graph)
        training, evaluation = record(module, summary), record(module.eval(), summary)
        checks = [shapes(summary, training), *tensors(summary, module), macs(summary, evaluation)]
        peak = inference_peak(summary, module)
    return Verification(net.name, net.source, (*checks, fvcore_flops(net), receptive_fields(net), peak, *fitted))


def loaded(net: Net, path: str) -> Check:
    """The tensors of the network, and those that a file has for it."""
    with torch.device("meta"):
        module = build(net.graph)
    return Check("weights", len(module.state_dict()), len(fit(net.graph, module, load_file(path))))


def inputs(summary: Summary, images: int) -> list[torch.Tensor]:
    """A batch of zeros for each input."""
    return [torch.zeros(images, *shape) for shape in summary.inputs.values()]


def record(module: fx.GraphModule, summary: Summary) -> Recorder:
    """One run of the layers, in the mode that the module is in."""
    recorder = Recorder(module)
    with torch.no_grad():
        recorder.run(*inputs(summary, _IMAGES))
    return recorder


def compared(figure: str, predicted: object, measured: object, rows: list[tuple[str, Any, Any]]) -> Check:
    """A check of a total and of rows: path, prediction, measurement."""
    different = tuple(Difference(path, ours, theirs) for path, ours, theirs in rows if ours != theirs)
    return Check(figure, predicted, measured, rows=len(rows), different=different)


def shapes(summary: Summary, recorder: Recorder) -> Check:
    """The shape that leaves each layer, in training, where all of them run; the main output's in total."""
    rows = [(layer.path, layer.output_shape, recorder.shapes.get(layer.index)) for layer in summary.layers]
    return compared("output shapes", summary.output, recorder.shapes[summary.graph.output], rows)


def tensors(summary: Summary, module: fx.GraphModule) -> Iterator[Check]:
    """Every parameter and buffer by name and shape, and the elements in total."""
    params = {name: tuple(tensor.shape) for name, tensor in module.named_parameters()}
    buffers = {name: (tuple(tensor.shape), tensor.element_size()) for name, tensor in module.named_buffers()}
    told = {f"{attribute(layer.path)}.{param.name}": (layer.path, param.shape)
            for layer in summary.layers for param in layer.node.op.params}
    kept = {f"{attribute(layer.path)}.{buffer.name}": (layer.path, (buffer.shape, buffer.bytes_each or 4))
            for layer in summary.layers for buffer in layer.node.op.buffers}
    for figure, predicted, ours, theirs in (("parameters", summary.totals.params, told, params),
                                            ("buffers", summary.totals.buffers, kept, buffers)):
        rows: list[tuple[str, Any, Any]] = [(path, claim, theirs.pop(name, None))
                                            for name, (path, claim) in ours.items()]
        rows += [(name, None, shape) for name, shape in theirs.items()]
        found = module.parameters() if figure == "parameters" else module.buffers()
        yield compared(figure, predicted, sum(tensor.numel() for tensor in found), rows)


def macs(summary: Summary, recorder: Recorder) -> Check:
    """Multiply-accumulates of each layer that runs in evaluation, by `torch.utils.flop_counter`."""
    rows = [(layer.path, layer.macs, recorder.macs[layer.index]) for layer in summary.layers if layer.runs]
    return compared("MACs", summary.totals.macs, sum(recorder.macs.values()), rows)


def inference_peak(summary: Summary, module: fx.GraphModule) -> Check:
    """The most bytes that are live between two operators, for one image in evaluation."""
    values = inputs(summary, summary.batch)
    with torch.no_grad(), LiveStorages([*module.parameters(), *module.buffers(), *values]) as live:
        module(*values)
    return Check("inference peak", summary.totals.inference_peak_bytes, live.peak)
