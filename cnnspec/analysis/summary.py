"""What a network is and costs: one record per layer, and the totals."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.analysis.field import Axes, Field, ReceptiveField, fields, report
from cnnspec.analysis.memories import INFERENCE, Memories
from cnnspec.analysis.memory import DTYPES, Memory, Setting, inference
from cnnspec.analysis.structure import longest_path, reaching, runs_at_inference
from cnnspec.graph.network import Graph, Node
from cnnspec.graph.paths import paths
from cnnspec.layers.base import Shape
from cnnspec.layers.op import Op
from cnnspec.record import Record


class LayerSummary(Record):
    """One layer. Shapes are without the batch; MACs and FLOPs are for one image, bytes for the whole batch."""

    node: Node
    path: str
    #: Learned elements; those of them that are trainable; elements kept without learning.
    params: int
    trainable_params: int
    buffers: int
    #: Multiply-accumulates of convolutions and linear layers; FLOPs = 2·MACs + the rest. 0 where it does not run.
    macs: int
    flops: int
    #: Bytes of the output, of the parameters, and of all that is read and written.
    activation_bytes: int
    weight_bytes: int
    traffic_bytes: int
    field: Field
    #: Whether it runs outside training.
    runs: bool
    #: Images that the bytes are for.
    batch: int

    def __repr__(self) -> str:
        return f"LayerSummary({self.path!r}, {self.node.op!r})"

    @property
    def index(self) -> int:
        return self.node.index

    @property
    def op(self) -> str:
        """The layer's keyword."""
        return self.node.op.layer.keyword

    @property
    def args(self) -> dict[str, object]:
        """All arguments, defaults included."""
        return self.node.op.layer.arguments()

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        return self.node.op.inputs

    @property
    def output_shape(self) -> Shape:
        return self.node.op.output

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """None where the layer sees the whole input."""
        return report(self.field.axes)

    @property
    def ungated_field(self) -> ReceptiveField | None:
        """The receptive field without the gates on the way."""
        return report(self.field.ungated)

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte moved; None where nothing is moved."""
        return self.flops * self.batch / self.traffic_bytes if self.traffic_bytes else None


class Totals(Record):
    """The whole network; units as in `LayerSummary`."""

    params: int
    trainable_params: int
    buffers: int
    macs: int
    flops: int
    activation_bytes: int
    weight_bytes: int
    buffer_bytes: int
    traffic_bytes: int
    inference_peak_bytes: int
    #: Path of the layer during which the peak falls.
    inference_peak_at: str
    #: Of the last value before the main output that does not yet see everything, gates left out.
    receptive_field: ReceptiveField | None
    #: Convolutions and linear layers, in all and on the longest path.
    weight_layers: int
    weight_layers_on_path: int
    #: Layers on the longest path.
    depth: int


class Summary(Record):
    """A network's analysis for a batch, an element type, and an optimiser."""

    name: str
    graph: Graph
    batch: int
    dtype: str
    layers: tuple[LayerSummary, ...]
    totals: Totals
    #: Remarks on single figures, such as fields whose centres do not line up.
    notes: tuple[str, ...]
    memories: Memories
    #: What training is told for; one of `analysis.training.OPTIMIZERS`.
    optimizer: str = "momentum"

    def __repr__(self) -> str:
        return f"Summary({self.name!r}, batch={self.batch}, dtype={self.dtype!r}, {len(self.layers)} layers)"

    @property
    def inputs(self) -> Mapping[str, Shape]:
        return {name: self.graph.nodes[index].shape for name, index in self.graph.inputs.items()}

    @property
    def output(self) -> Shape:
        """The shape of the main output."""
        return self.graph.nodes[self.graph.output].shape

    @property
    def outputs(self) -> Mapping[str, Shape]:
        """The shapes of the further outputs, by name."""
        return {output.name: self.graph.nodes[output.node].shape for output in self.graph.outputs}

    @property
    def can_train(self) -> bool:
        """Whether its elements have gradients, and its outputs depend on weights that training changes."""
        return not self.memories.untrained

    def memory(self, mode: str = INFERENCE, optimizer: str | None = None, device: str = "cpu") -> Memory:
        """What is live over a pass, to the byte: the peak, what it consists of, the timeline, what is saved.

        `mode` is `inference` or `training`, `device` `cpu` or `cuda`, as whose allocator blocks are rounded;
        `optimizer` takes the place of the summary's own. Raises `ValueError` for others, and for the training of a
        network that cannot be trained.
        """
        return self.memories.of(mode, optimizer or self.optimizer, device)

    def live(self, mode: str = INFERENCE) -> Mapping[int, int]:
        """By index of a layer that runs, the most bytes that are live meanwhile; forward and backward in training."""
        return self.memories.live(mode, self.optimizer)

    @property
    def saved(self) -> Mapping[int, int]:
        """By index of a layer, the bytes that it makes and that are kept for the backward pass; empty without one."""
        return self.memories.kept().made if self.can_train else {}


def summarize(graph: Graph, batch: int = 1, dtype: str = "float32", optimizer: str = "momentum") -> Summary:
    """Analyse a graph; raises `ValueError` for a `dtype` that is none of `DTYPES` or a batch below 1."""
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")
    if batch < 1:
        raise ValueError(f"the batch must be at least 1, not {batch}")
    element = DTYPES[dtype]
    runs = runs_at_inference(graph)
    figures: dict[tuple[Op, bool], tuple[int, int, int, int, int, int, int, int]] = {}
    layers = []
    for node, path, field in zip(graph.nodes, paths(graph), fields(graph), strict=True):
        key = node.op, node.index in runs
        known = figures.get(key)
        if known is None:
            known = figures[key] = _figures(node.op, key[1], batch, element)
        layers.append(LayerSummary(node, path, *known, field, key[1], batch))
    notes = tuple(f"at {layer.path} several paths meet whose receptive fields have different centres"
                  for layer in layers if layer.field.skewed)
    rows = tuple(layers)
    totals = _totals(graph, rows, runs, batch, dtype)
    return Summary(graph.name, graph, batch, dtype, rows, totals, notes, Memories(graph, batch, dtype), optimizer)


def _figures(op: Op, runs: bool, batch: int, element: int) -> tuple[int, int, int, int, int, int, int, int]:
    """The numbers of a `LayerSummary`, from `params` to `traffic_bytes`."""
    images, weights = op.moved if runs else (0, 0)
    macs, flops = (op.work.macs, 2 * op.work.macs + op.work.other) if runs else (0, 0)
    return (
        op.param_count, op.trainable_count, op.buffer_count, macs, flops,
        op.elements * batch * element, op.param_count * element, (images * batch + weights) * element,
    )


def _totals(graph: Graph, layers: tuple[LayerSummary, ...], runs: frozenset[int], batch: int, dtype: str) -> Totals:
    weight_bytes = sum(layer.weight_bytes for layer in layers)
    buffer_bytes = sum(layer.node.op.buffer_bytes(DTYPES[dtype]) for layer in layers if layer.buffers)
    peak = inference(graph, Setting(batch, dtype), runs)
    depth, on_path = longest_path(graph)
    return Totals(
        params=sum(layer.params for layer in layers),
        trainable_params=sum(layer.trainable_params for layer in layers),
        buffers=sum(layer.buffers for layer in layers),
        macs=sum(layer.macs for layer in layers),
        flops=sum(layer.flops for layer in layers),
        activation_bytes=sum(layer.activation_bytes for layer in layers if layer.node.inputs),
        weight_bytes=weight_bytes,
        buffer_bytes=buffer_bytes,
        traffic_bytes=sum(layer.traffic_bytes for layer in layers),
        inference_peak_bytes=peak.peak,
        inference_peak_at=layers[graph.output if peak.node is None else peak.node].path,
        receptive_field=report(_last_local(graph, layers)),
        weight_layers=sum(layer.node.op.layer.weighted for layer in layers),
        weight_layers_on_path=on_path,
        depth=depth,
    )


def _last_local(graph: Graph, layers: tuple[LayerSummary, ...]) -> Axes:
    """The field of the last value on the way to the main output that is still local."""
    for index in sorted(reaching(graph, [graph.output]), reverse=True):
        if layers[index].field.ungated:
            return layers[index].field.ungated
    return None
