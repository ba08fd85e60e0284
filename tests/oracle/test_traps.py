"""What other tools count wrongly, held against PyTorch: each figure by hand, and the whole network verified."""

from __future__ import annotations

import pytest

import cnnspec
from tests.layers.oracle import needs_torch

#: The trap, a network that falls into it, its parameters and MACs by hand.
TRAPS = [
    ("a transposed convolution with groups", "INPUT(8x5x6) -> UPCONV(12, 3, stride=2, groups=4)",
     8 * 3 * 9 + 12, 5 * 6 * 8 * 3 * 9),
    ("a transposed convolution with padding and dilation",
     "INPUT(4x7x7) -> UPCONV(6, 3, stride=3, pad=1, output_pad=2, dilation=2)", 4 * 6 * 9 + 6, 7 * 7 * 4 * 6 * 9),
    ("`pad=same` of an odd kernel", "INPUT(3x9x7) -> CONV(5, 5)", 3 * 5 * 25 + 5, 9 * 7 * 3 * 5 * 25),
    ("`pad=same`, an extent for each axis", "INPUT(3x9x7) -> CONV(5, (1, 7))", 3 * 5 * 7 + 5, 9 * 7 * 3 * 5 * 7),
    ("`pad=same`, dilated", "INPUT(3x9x9) -> CONV(5, 3, dilation=3)", 3 * 5 * 9 + 5, 9 * 9 * 3 * 5 * 9),
    ("`pad=same`, an even kernel that dilation makes odd", "INPUT(3x9x9) -> CONV(5, 2, dilation=2)",
     3 * 5 * 4 + 5, 9 * 9 * 3 * 5 * 4),
    ("dilation", "INPUT(3x20) -> CONV(5, 3, dilation=4, pad=valid)", 3 * 5 * 3 + 5, 12 * 3 * 5 * 3),
    ("a window that only `ceil` keeps", "INPUT(3x5x5) -> POOL(2, stride=2, ceil=on) -> CONV(4, 1)",
     3 * 4 + 4, 3 * 3 * 3 * 4),
    ("a `ceil` window that would start in the padding behind",
     "INPUT(3x3x3) -> POOL(2, stride=2, pad=1, ceil=on) -> CONV(4, 1)", 3 * 4 + 4, 2 * 2 * 3 * 4),
    ("a depthwise convolution with a multiplier", "INPUT(6x8x8) -> DWCONV(3, multiplier=4)",
     24 * 9 + 24, 8 * 8 * 24 * 9),
    ("fixed weights", "INPUT(3x8x8) -> CONV(4, 3, train=off) -> BN(train=off)", 0, 8 * 8 * 3 * 4 * 9),
    ("a frozen batch norm beside one that learns", "INPUT(3x8x8) -> BN(train=off) -> BN", 6, 0),
    ("an asymmetric kernel", "INPUT(3x8x8) -> CONV(4, (5, 1), stride=(2, 1))", 3 * 4 * 5 + 4, 4 * 8 * 3 * 4 * 5),
    ("padding that differs on both sides", "INPUT(3x8x8) -> CONV(4, 4, pad=(1, 2, 2, 1))",
     3 * 4 * 16 + 4, 8 * 8 * 3 * 4 * 16),
    ("one dimension", "INPUT(3x50) -> CONV(4, 9, stride=2, pad=causal)", 3 * 4 * 9 + 4, 25 * 3 * 4 * 9),
    ("three dimensions", "INPUT(3x4x6x8) -> CONV(4, (1, 3, 3), stride=(1, 2, 2))",
     3 * 4 * 9 + 4, 4 * 3 * 4 * 3 * 4 * 9),
    ("a gate that is repeated over the positions",
     "INPUT(8x6x6) -> MUL{ ID | GAP -> CONV(2, 1) -> RELU -> CONV(8, 1) -> SIGMOID }",
     8 * 2 + 2 + 2 * 8 + 8, 2 * 8 * 2),
    ("a sum over repeated extents", "INPUT(8x6x6) -> ADD(broadcast=on){ ID | GAP -> CONV(8, 1) }", 8 * 8 + 8, 8 * 8),
    ("a batch norm without scale and shift", "INPUT(3x8x8) -> BN(affine=off) -> CONV(2, 1, bias=off)", 6, 8 * 8 * 6),
    ("a linear layer on a picture", "INPUT(3x4x5) -> FC(7)", 60 * 7 + 7, 60 * 7),
    ("a layer that is used in two places of the graph", "INPUT(3x8x8) -> CONV(3) as a -> RELU -> ADD{ ID | @a | @a }",
     3 * 3 * 9 + 3, 8 * 8 * 3 * 3 * 9),
    ("a weight norm", "INPUT(3x8x8) -> CONV(4, 3, norm=weight)", 3 * 4 * 9 + 4 + 4, 8 * 8 * 3 * 4 * 9),
]


@pytest.mark.parametrize(("text", "params", "macs"), [pytest.param(*row[1:], id=row[0]) for row in TRAPS])
def test_the_figures_are_those_by_hand(text: str, params: int, macs: int) -> None:
    totals = cnnspec.parse(text).summary().totals
    assert (totals.params, totals.macs) == (params, macs)


@needs_torch
@pytest.mark.parametrize("text", [pytest.param(row[1], id=row[0]) for row in TRAPS])
def test_pytorch_says_the_same(text: str) -> None:
    from cnnspec.runtime.verify import verify

    assert [check for check in verify(cnnspec.parse(text)).checks if not check.ok] == []


@pytest.mark.parametrize("text", [
    "INPUT(3x8x8) -> CONV(4, 2)", "INPUT(3x8x8) -> CONV(4, (3, 4))", "INPUT(3x8x8) -> CONV(4, 4, dilation=3)",
])
def test_same_padding_that_cannot_be_centred_is_refused(text: str) -> None:
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.parse(text)
    assert [found.code for found in caught.value.diagnostics] == ["odd-padding"]
