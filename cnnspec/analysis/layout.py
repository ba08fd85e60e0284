"""How values lie in memory, by their strides as PyTorch hands them on, and what is copied because of that.

Most values lie in rows: image after image, channel after channel, row after row, without gaps. CROP and SLICE leave
views with gaps, and LN over channels leaves pictures with the channels last, an order that the layers behind it keep.
"""

from __future__ import annotations

from itertools import pairwise

from cnnspec.graph.network import Node
from cnnspec.layers.base import Shape, product
from cnnspec.layers.facts import AS_ALL, AS_FIRST, BATCH, CHANNELS_LAST, ROWS, VIEW
from cnnspec.layers.op import Op

#: Elements from one index to the next along each axis: images, channels, spatial axes.
Strides = tuple[int, ...]
#: Axes of a picture, and those of a batch of them, channels last.
_PICTURE = 3
_LAST = (0, 2, 3, 1)


def rows(x: Shape) -> Strides:
    """Strides of a value without gaps whose axes follow each other."""
    strides = [1]
    for extent in reversed(x):
        strides.append(strides[-1] * extent)
    return tuple(reversed(strides))


def channels_last(x: Shape) -> Strides:
    """Strides of a picture `(C, H, W)` without gaps, all channels of a position beside each other."""
    channels, height, width = x
    return (channels * height * width, 1, width * channels, channels)


def is_channels_last(x: Shape, strides: Strides) -> bool:
    """Whether PyTorch takes a value for channels last: `is_channels_last_strides_2d` in `c10/core/MemoryFormat.h`.

    Gaps do not matter, nor does how many images there are. Only pictures have such an order.
    """
    if len(x) != _PICTURE:
        return False
    _, channel, row, column = strides
    return column >= channel * x[0] and row >= column * x[2] and row * x[1] != channel  # a single element is in rows


def step(extents: Shape, strides: Strides) -> int | None:
    """Elements from one to the next where all axes can become one as a view; None where they cannot."""
    axes = [(extent, stride) for extent, stride in zip(extents, strides, strict=True) if extent > 1]
    if any(outer != inner * extent for (_, outer), (extent, inner) in pairwise(axes)):
        return None
    return axes[-1][1] if axes else 1


def is_row(op: Op, x: Shape, strides: Strides, batch: int) -> bool:
    """Whether an input lies as a layer reads it, so that nothing is copied."""
    if op.reads_row is None:
        return True
    extents = (batch, *x)
    if op.reads_row != BATCH:
        return step(extents[op.reads_row:], strides[op.reads_row:]) is not None
    axes = _LAST if op.order != ROWS and is_channels_last(x, strides) else range(len(extents))
    return step(tuple(extents[axis] for axis in axes), tuple(strides[axis] for axis in axes)) == 1


def leaving(op: Op, entering: list[Strides]) -> Strides:
    """The strides of what leaves a layer, by those of what enters."""
    y = op.output
    if op.storage == VIEW:
        if op.reads_row is None:
            return entering[0]
        between = step(op.inputs[0], entering[0][1:])
        return rows(y) if between is None else (entering[0][0], *(between * stride for stride in rows(y)[1:]))
    last = [is_channels_last(x, strides) for x, strides in zip(op.inputs, entering, strict=True)]
    first = op.inputs.index(y) if y in op.inputs else 0  # a smaller branch is repeated along the order of the others
    keeps = {ROWS: False, CHANNELS_LAST: True, AS_FIRST: last[first], AS_ALL: all(last)}[op.order]
    return channels_last(y) if keeps and len(y) == _PICTURE else rows(y)


class Layouts:
    """The strides of the values that do not lie in rows, followed from node to node; for any number of images."""

    def __init__(self) -> None:
        self._strides: dict[int, Strides] = {}  # by node
        #: What leaves a layer where all that enters it lies in rows; None for rows.
        self._usual: dict[Op, Strides | None] = {}

    def follow(self, node: Node, *, overwriting: bool = False) -> None:
        """Take in the next node; one that writes over its first input leaves it where it lies."""
        if not self._strides and node.op.storage != VIEW and node.op.order != CHANNELS_LAST:
            return  # all lies in rows, as in most networks
        if overwriting:
            strides = self._strides.get(node.inputs[0])
        elif not self._strides.keys().isdisjoint(node.inputs):
            strides = _unless_rows(node.op, self._entering(node))
        else:
            if node.op not in self._usual:
                self._usual[node.op] = _unless_rows(node.op, self._entering(node))
            strides = self._usual[node.op]
        if strides is not None:
            self._strides[node.index] = strides

    def copied(self, node: Node, batch: int = 1) -> int:
        """Elements for one image of the inputs that a layer copies, since they do not lie as it reads them."""
        op = node.op
        if op.reads_row is None or self._strides.keys().isdisjoint(node.inputs):
            return 0
        return sum(product(x) for x, strides in zip(op.inputs, self._entering(node), strict=True)
                   if not is_row(op, x, strides, batch))

    def strides(self, index: int, shape: Shape) -> Strides:
        """The strides of a node's value, which has this shape."""
        return self._strides.get(index) or rows(shape)

    def is_channels_last(self, node: Node) -> bool:
        """Whether a layer's first input lies so."""
        first = node.inputs[0]
        return first in self._strides and is_channels_last(node.op.inputs[0], self._strides[first])

    def _entering(self, node: Node) -> list[Strides]:
        return [self.strides(index, x) for index, x in zip(node.inputs, node.op.inputs, strict=True)]


def _unless_rows(op: Op, entering: list[Strides]) -> Strides | None:
    strides = leaving(op, entering) if entering else None
    return None if strides == rows(op.output) else strides
