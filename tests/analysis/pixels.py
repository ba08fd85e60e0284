"""An oracle for receptive fields: exact sets of input pixels, one output at a time, without edges.

It knows what each layer reads from the layer's definition alone: of every output position along one axis, the positions
of the input that have a part in it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import floor
from typing import Any

from cnnspec.analysis.summary import LayerSummary, Summary


class Pixels:
    """What the values of a network see along one axis, gates left out."""

    def __init__(self, summary: Summary, axis: int) -> None:
        self.layers = summary.layers
        self.axis = axis
        self.seen = cache(self._seen)

    def _seen(self, index: int, output: int) -> frozenset[int]:
        """The input pixels that have a part in one output of a layer."""
        layer = self.layers[index]
        if not layer.node.inputs:
            return frozenset((output,))
        positions = read(layer, self.axis, output)
        return frozenset().union(*(self.seen(i, p) for i in carried(layer) for p in positions))

    def window(self, index: int, output: int) -> tuple[int, int] | None:
        """The first and the last of those pixels; None where there is none."""
        seen = self.seen(index, output)
        return (min(seen), max(seen)) if seen else None


def carried(layer: LayerSummary) -> list[int]:
    """The layers whose values it takes, without those that only scale the others."""
    pairs = zip(layer.node.inputs, layer.input_shapes, strict=True)
    return [i for i, shape in pairs if layer.op != "MUL" or shape == layer.output_shape]


def read(layer: LayerSummary, axis: int, output: int) -> list[int]:
    """The positions of a layer's input that one position of its output is made of."""
    args, rank = layer.args, len(layer.output_shape) - 1

    def of(name: str) -> Any:
        value = args[name]
        return value[axis] if isinstance(value, tuple) else value

    if layer.op in {"CONV", "DWCONV", "POOL"}:
        before = _before(args["pad"], axis, rank, of("kernel"), of("dilation"))
        return [output * of("stride") - before + tap * of("dilation") for tap in range(of("kernel"))]
    if layer.op == "UPCONV":
        before, taps = _before(args["pad"], axis, rank, of("kernel"), 1), range(of("kernel"))
        near = range(output // of("stride") - 8, output // of("stride") + 9)
        return [i for i in near if any(i * of("stride") - before + tap == output for tap in taps)]
    if layer.op == "UPSAMPLE":
        return [floor(output / Fraction(of("scale")))]
    if layer.op == "PIXELSHUFFLE":
        return [output // args["r"]]
    if layer.op == "PIXELUNSHUFFLE":
        return [output * args["r"] + tap for tap in range(args["r"])]
    if layer.op in {"PAD", "CROP"}:
        rows = _before(args["pad" if layer.op == "PAD" else "cut"], axis, rank, 1, 1)
        return [output - rows if layer.op == "PAD" else output + rows]
    assert layer.op in {"ADD", "MAX", "CONCAT", "MUL", "RELU", "BN"}, f"the oracle does not know {layer.op}"
    return [output]


def _before(pad: Any, axis: int, rank: int, kernel: int, dilation: int) -> int:
    """Rows that are padded in front."""
    total = dilation * (kernel - 1)
    if pad == "same":
        return total // 2
    if pad == "causal":
        return total if axis == 0 else total // 2
    if pad == "valid":
        return 0
    if isinstance(pad, tuple):
        if isinstance(pad[axis], tuple):
            return int(pad[axis][0])
        return int(pad[2 * axis] if len(pad) == 2 * rank else pad[axis])
    return int(pad)
