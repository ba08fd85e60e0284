"""A layer on given input shapes: its local facts, each computed at most once however often it occurs."""

from __future__ import annotations

from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Buffer, Layer, Param, Reach, Shape, Work, product


class Op:
    """One computation: `layer` applied to values of the shapes `inputs`; interned by `apply`."""

    __slots__ = ("_buffer_count", "_buffers", "_param_count", "_params", "_reach", "_work", "elements", "inputs", "layer", "output")

    def __init__(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> None:
        self.layer = layer
        self.inputs = inputs
        self.output = output
        #: Elements of the output, for one image.
        self.elements = product(output)
        self._param_count = self._buffer_count = -1
        self._params: tuple[Param, ...] | None = None
        self._buffers: tuple[Buffer, ...] | None = None
        self._work: Work | None = None
        self._reach: tuple[Reach, ...] | Op | None = self  # None is an answer, hence the op as "not yet"

    def __repr__(self) -> str:
        return f"Op({self.layer!r}, {self.inputs}, {self.output})"

    @property
    def params(self) -> tuple[Param, ...]:
        if self._params is None:
            self._params = self.layer.params(*self.inputs)
        return self._params

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        if self._buffers is None:
            self._buffers = self.layer.buffers(*self.inputs)
        return self._buffers

    @property
    def work(self) -> Work:
        """Multiply-accumulates and other operations for one image."""
        if self._work is None:
            self._work = self.layer.work(self.output, *self.inputs)
        return self._work

    @property
    def reach(self) -> tuple[Reach, ...] | None:
        """Which inputs an output reads, per spatial axis; None: all."""
        if isinstance(self._reach, Op):
            self._reach = self.layer.reach(self.output, *self.inputs)
        return self._reach

    @property
    def param_count(self) -> int:
        """Learned elements, trainable or not."""
        if self._param_count < 0:
            self._param_count = sum(product(param.shape) for param in self.params)
        return self._param_count

    @property
    def buffer_count(self) -> int:
        """Elements that the layer keeps but does not learn."""
        if self._buffer_count < 0:
            self._buffer_count = sum(product(buffer.shape) for buffer in self.buffers)
        return self._buffer_count


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
