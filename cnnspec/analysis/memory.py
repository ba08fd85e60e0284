"""Memory of a forward pass, and of a training step: bytes that are live while each layer runs.

Rules (of PyTorch's eager execution): a value lives from the layer that makes it to the last one that reads it; a view
shares its input's storage; ReLU, ReLU6 and ADD overwrite their first input where that is safe; what a layer needs
beside its values lives while it runs: the indices of max pooling, say, or a copy of an input whose elements do not lie
in a row. Weights, buffers and the caller's inputs live throughout. `analysis.training` says what training adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cnnspec.analysis.allocator import reserved
from cnnspec.analysis.ledger import ACTIVATIONS, BUFFERS, FORWARD, INPUTS, PARAMETERS, Ledger, Moment
from cnnspec.analysis.storage import held, storages
from cnnspec.analysis.structure import runs_at_inference
from cnnspec.graph.network import Graph, Node
from cnnspec.layers.base import product
from cnnspec.layers.facts import NO_SCRATCH, VIEW, Scratch
from cnnspec.record import Record

#: Bytes of one element.
DTYPES = {"float64": 8, "float32": 4, "tf32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
#: CUDA's allocator gives blocks of a multiple of 512 bytes (`kMinBlockSize` in c10/cuda/CUDACachingAllocator.cpp).
CUDA_BLOCK = 512


class Setting(Record):
    """What memory is told for: images in a batch, type of the elements, kind of device (`cpu` or `cuda`)."""

    batch: int = 1
    dtype: str = "float32"
    device: str = "cpu"

    @property
    def element(self) -> int:
        """Bytes of one element."""
        return DTYPES[self.dtype]

    @property
    def is_cuda(self) -> bool:
        """Whether blocks are those of CUDA's allocator."""
        return self.device == "cuda"


class Saved(Record):
    """A block that is kept for the backward pass."""

    #: The layer that makes it, and those that need it.
    node: int
    needed_by: tuple[int, ...]
    #: `value`, or what it is beside one: `indices`, `mask`, `statistics`, `copy`.
    kind: str
    bytes: int


class Memory(Record):
    """What is live over a pass. Bytes, for the whole batch."""

    setting: Setting
    #: The most at once; the phase and the layer during which it is, and what it consists of.
    peak: int
    phase: str
    node: int | None
    split: Mapping[str, int]
    #: Live before anything runs: weights, buffers, inputs, the optimiser's state.
    resident: int
    timeline: tuple[Moment, ...]
    #: What is kept for the backward pass, of a value once; the caller's inputs are not among it.
    saved: tuple[Saved, ...] = ()
    #: What CUDA's allocator takes of the device for it; None on another device.
    reserved: int | None = None


def inference(graph: Graph, setting: Setting, runs: frozenset[int] | None = None) -> Memory:
    """A forward pass in evaluation; `runs` are the layers that run then, where the caller knows them."""
    ledger = Ledger(CUDA_BLOCK if setting.is_cuda else 1)
    settle(ledger, graph, setting)
    walk = Walk(graph, runs_at_inference(graph) if runs is None else runs, ledger, setting)
    resident = ledger.live
    for node in graph.nodes:
        if node.index in walk.runs:
            walk.layer(node, node.op.scratch)
            walk.leave(node)
    return told(ledger, setting, resident)


def told(ledger: Ledger, setting: Setting, resident: int, saved: tuple[Saved, ...] = ()) -> Memory:
    """What a ledger holds at the end, as a record."""
    moment = ledger.moments[ledger.peak_moment] if ledger.peak_moment < len(ledger.moments) else None
    phase, node = (moment.phase, moment.node) if moment else (FORWARD, None)
    taken = reserved(ledger.events) if setting.is_cuda else None
    return Memory(setting, ledger.peak, phase, node, ledger.used(), resident, tuple(ledger.moments), saved, taken)


def settle(ledger: Ledger, graph: Graph, setting: Setting) -> None:
    """Take the blocks of the weights and the buffers; the inputs' are the walk's."""
    element = setting.element
    if not setting.is_cuda:  # nothing is rounded: one block for all is as good, and faster
        ledger.take(PARAMETERS, sum(node.op.param_count for node in graph.nodes) * element)
        ledger.take(BUFFERS, sum(node.op.buffer_bytes(element) for node in graph.nodes if node.op.buffers))
        return
    for node in graph.nodes:
        for param in node.op.params:
            ledger.take(PARAMETERS, product(param.shape) * element)
        for buffer in node.op.buffers:
            ledger.take(BUFFERS, product(buffer.shape) * (buffer.bytes_each or element))


class Walk:
    """A forward pass, layer by layer: each value holds the block in which it lies until its last reader has run."""

    def __init__(self, graph: Graph, runs: frozenset[int], ledger: Ledger, setting: Setting, *,
                 training: bool = False) -> None:
        self.ledger, self.setting = ledger, setting
        self.places = storages(graph, training=training)
        self.written = self.places.written
        size = setting.batch * setting.element
        #: The block of each value.
        self.blocks = {index: ledger.take(INPUTS, graph.nodes[index].op.elements * size)
                       for index in graph.inputs.values()}
        #: The layers that run.
        self.runs = runs - self.blocks.keys()
        self._ends = _ends(graph, self.runs)

    def layer(self, node: Node, scratch: Scratch) -> None:
        """Take the block of a layer's value, and use what it needs beside that."""
        setting, ledger, index = self.setting, self.ledger, node.index
        root = self.places.root[index]
        size = node.op.elements * setting.batch * setting.element
        block = ledger.take(ACTIVATIONS, size) if root == index else ledger.hold(self.blocks[node.inputs[0]])
        self.blocks[index] = block
        copied = self.places.layouts.copied(node, setting.batch) if node.op.storage != VIEW else 0
        if copied or scratch is not NO_SCRATCH:
            ledger.use(scratch_blocks(scratch, setting, size, copied))

    def leave(self, node: Node) -> None:
        """Drop the values that nothing reads behind this layer."""
        for value in self._ends.get(node.index, ()):
            self.ledger.drop(self.blocks[value])
        self.ledger.close(FORWARD, node.index)


def scratch_blocks(scratch: Scratch, setting: Setting, output: int = 0, copied: int = 0) -> Iterable[int]:
    """The sizes of what lives only while a layer runs, beside an output of so many bytes."""
    element, batch = setting.element, setting.batch
    return (
        (scratch.elements + copied) * batch * element,
        scratch.bytes * batch,
        scratch.shared * element,
        max(scratch.before * element - output, 0),  # in the place of the output
    )


def _ends(graph: Graph, runs: frozenset[int]) -> dict[int, list[int]]:
    """By layer, the values that end with it: those of which it is the last reader, or its own that nobody reads."""
    last: dict[int, int] = {}
    for index in sorted(runs):
        last[index] = index
        for value in graph.nodes[index].inputs:
            last[value] = index
    outside = held(graph)
    ends: dict[int, list[int]] = {}
    for value, reader in last.items():
        if value not in outside:
            ends.setdefault(reader, []).append(value)
    return ends
