"""A layer on given input shapes: its local facts, each computed at most once however often it occurs."""

from __future__ import annotations

from functools import cached_property

from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Layer, Shape, product
from cnnspec.layers.facts import POINT, VIEW, Buffer, Param, Reach, Saved, Scratch, Training, Work
from cnnspec.layers.recipe import Recipe
from cnnspec.layers.routine import Routine


class Op:
    """A layer applied to values of the shapes `inputs`; interned by `apply`. Figures are for one image."""

    def __init__(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> None:
        self.layer = layer
        self.inputs = inputs
        self.output = output
        #: Elements of the output.
        self.elements = product(output)

    def __repr__(self) -> str:
        return f"Op({self.layer!r}, {self.inputs}, {self.output})"

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """What it learns."""
        return self.layer.params(*self.inputs)

    @cached_property
    def buffers(self) -> tuple[Buffer, ...]:
        """What it keeps without learning."""
        return self.layer.buffers(*self.inputs)

    @cached_property
    def work(self) -> Work:
        """Multiply-accumulates and other operations."""
        return self.layer.work(self.output, *self.inputs)

    @cached_property
    def reach(self) -> tuple[Reach, ...] | None:
        """Which inputs an output reads, per spatial axis; None: all."""
        return self.layer.reach(self.output, *self.inputs)

    @cached_property
    def is_pointwise(self) -> bool:
        """Whether each output reads the input at its place alone."""
        return self.reach is not None and all(reach == POINT for reach in self.reach)

    @cached_property
    def brief(self) -> str:
        """How a table row names it: `CONV 3×3 /2`."""
        return self.layer.brief(len(self.inputs[0] if self.inputs else self.output) - 1)

    @cached_property
    def unused_rows(self) -> tuple[int, ...]:
        """Per spatial axis, the rows at the input's end that no window reads; empty where there are no windows."""
        return self.layer.unused_rows(self.output, *self.inputs)

    @cached_property
    def storage(self) -> str:
        """`FRESH`, `VIEW` or `IN_PLACE`."""
        return self.layer.storage(self.output, *self.inputs)

    @cached_property
    def order(self) -> str:
        """`ROWS`, `CHANNELS_LAST`, `AS_FIRST` or `AS_ALL`."""
        return self.layer.order(self.output, *self.inputs)

    @cached_property
    def reads_row(self) -> int | None:
        """What it reads as one row: `BATCH`, `IMAGE`, `CHANNEL` or nothing."""
        return self.layer.reads_row(self.output, *self.inputs)

    @cached_property
    def scratch(self) -> Scratch:
        """What lives only while it runs."""
        return self.layer.scratch(self.output, *self.inputs)

    @cached_property
    def saved(self) -> Saved:
        """What autograd keeps in training."""
        return self.layer.saved(self.output, *self.inputs)

    @cached_property
    def training(self) -> Training:
        """What training does otherwise than evaluation."""
        return self.layer.training(self.output, *self.inputs)

    @cached_property
    def routine(self) -> Routine:
        """What kind of computation it is."""
        return self.layer.routine(self.output, *self.inputs)

    @cached_property
    def recipe(self) -> Recipe:
        """How PyTorch computes it."""
        return self.layer.recipe(self.output, *self.inputs)

    @cached_property
    def param_count(self) -> int:
        """Learned elements, trainable or not."""
        return sum(product(param.shape) for param in self.params)

    @cached_property
    def trainable_count(self) -> int:
        """Learned elements that are trainable."""
        return sum(product(param.shape) for param in self.params if param.trainable)

    @cached_property
    def buffer_count(self) -> int:
        """Elements that it keeps without learning."""
        return sum(product(buffer.shape) for buffer in self.buffers)

    @cached_property
    def moved(self) -> tuple[int, int]:
        """Elements read and written per image, and per batch (weights and buffers); none for a view."""
        if not self.inputs or self.storage == VIEW:
            return 0, 0
        return sum(map(product, self.inputs)) + self.elements, self.param_count + self.buffer_count

    def buffer_bytes(self, element: int) -> int:
        """Bytes of the buffers, `element` for each number that has the network's dtype."""
        return sum(product(buffer.shape) * (buffer.bytes_each or element) for buffer in self.buffers)


_OPS: dict[tuple[Layer, tuple[Shape, ...]], Op] = {}
_MOST_OPS = 100_000


def apply(layer: Layer, inputs: tuple[Shape, ...]) -> Op:
    """The op of a layer on these inputs, the same object each time; raises `LayerError` where they do not fit."""
    op = _OPS.get((layer, inputs))
    if op is None:
        if not layer.merges and len(inputs) != 1:
            raise LayerError("bad-inputs", f"{layer.keyword} takes one value, not {len(inputs)}")
        if len(_OPS) >= _MOST_OPS:
            _OPS.clear()  # only a cache: a long-lived process that sees ever new layers must not grow
        op = _OPS[layer, inputs] = Op(layer, inputs, layer.shape(*inputs))
    return op
