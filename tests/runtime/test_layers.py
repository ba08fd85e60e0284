"""Every layer's recipe against a torch module that is built without the layer's own rules: equal numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import cnnspec
from cnnspec.layers import LAYERS
from tests.layers.oracle import needs_torch, twin

if TYPE_CHECKING:
    from torch import nn

pytestmark = needs_torch

#: By input, the layers that are run on it.
LAYERS_ON = {
    "4x9": """
        CONV(6,3) | CONV(6,3,pad_mode=circular) | CONV(6,3,pad=causal) | CONV(4,3,groups=2,stride=2,dilation=2) |
        CONV(6,3,norm=weight) | CONV(6,3,norm=spectral) | CONV(6,3,norm=weight,train=off) |
        CONV(6,3,norm=spectral,train=off) | UPCONV(6,3,norm=spectral) | DWCONV(3,multiplier=2) | UPCONV(6,2) |
        UPCONV(6,3,pad=same) | UPCONV(6,4,stride=2,pad=(1,0),output_pad=1) | UPCONV(6,2,stride=3,pad=same) |
        FC(5) | FC(5,train=off) | POOL(2) | POOL(3,2,pad=(1,0)) | POOL(avg,3,2,pad=(1,0)) | POOL(l2,2) |
        POOL(l2,3,pad=1) | GAP | ADAPTIVEPOOL(3) | ADAPTIVEPOOL(3,max) | REDUCE(mean,channels) | REDUCE(max,space) |
        REDUCE(sum,space) | UPSAMPLE(2) | UPSAMPLE(1.5,linear) | RESIZE(7,linear,align_corners=on) | SHUFFLE(2) |
        SLICE(1,3) | PAD(2,reflect) | PAD((1,2)) | CROP(5) | FLATTEN | RESHAPE(6,6) | BN | BN(train=off) | LN |
        LN(over=all) | GN(2) | IN(affine=on) | LRN(3) | L2NORM | SOFTMAX(space) | LOGSOFTMAX(space) |
        PRELU(per_channel=on) | PRELU(train=off)""",
    "4x8x7": """
        CONV(6,3) | CONV(6,(3,5),stride=(2,1),pad=(1,2),pad_mode=reflect) |
        CONV(6,3,pad=((1,0),(2,1)),pad_mode=replicate) | CONV(4,3,groups=4) | DWCONV((1,3)) |
        UPCONV(6,(2,3),groups=2,bias=off) | POOL(3,2,1,ceil=on) | POOL(2,dilation=2) |
        POOL(avg,3,2,1,count_pad=off,ceil=on) | POOL(l2,(2,3)) | POOL(l2,3,pad=1) | POOL(3,2,pad=((1,0),(0,1))) |
        GAP | ADAPTIVEPOOL((3,2)) | ADAPTIVEPOOL(9,max) | RESIZE((5,9),cubic) | UPSAMPLE((2,3)) | SHUFFLE(2) |
        PIXELSHUFFLE(2) | CROP(cut=(1,2)) | PAD(2,circular) | BN(affine=off) | LN | LN(over=all) | GN(4) | IN | LRN |
        L2NORM | FC(3) | SOFTMAX(space) | CONV(6,3,train=off) | REDUCE(max,channels)""",
    "6x8x8": "PIXELUNSHUFFLE(2) | SHUFFLE(3)",
    "4x4x5x6": """
        CONV(6,3) | CONV(6,(1,3,3),stride=(1,2,2)) | CONV(4,3,pad=causal) | DWCONV(3) | UPCONV(6,2) |
        UPCONV(6,3,pad=(1,0,1)) | POOL(3,2,1) | POOL(avg,2) | POOL(l2,2) | GAP | ADAPTIVEPOOL(2,max) |
        UPSAMPLE(2,linear) | RESIZE(3) | SHUFFLE(2) | BN | LN | IN | GN(2) | LRN | PAD(1) | CROP(3) |
        SOFTMAX(space)""",
    "6": "FC(5) | BN | LN | GN(2) | L2NORM | RESHAPE(2,3) | SLICE(0,2) | FLATTEN | SCALE(2,train=off)",
}
#: On values of every rank.
ANYWHERE = """RELU RELU6 LEAKYRELU(0.2) PRELU ELU(0.5) SELU SIGMOID TANH GELU GELU(tanh) SILU HARDSIGMOID HARDSWISH
    HARDTANH(-0.5,0.3) MISH SOFTPLUS(2) SOFTMAX LOGSOFTMAX DROPOUT DROPPATH(0.2)"""
CASES = [(x, step.strip()) for x, steps in LAYERS_ON.items() for step in [*steps.split("|"), *ANYWHERE.split()]]

#: Layers whose numbers stand in tests of their own: merges, and what is no call.
ELSEWHERE = {"INPUT", "OUTPUT", "SCALE", "BIAS", "ADD", "CONCAT", "MUL", "SUB", "MAX", "MEAN", "STACK"}


def randomise(module: nn.Module) -> None:
    """Other weights and statistics than those a module begins with; positive, as variances are."""
    import torch

    torch.manual_seed(1)
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.1)


@pytest.mark.parametrize(("x", "step"), CASES)
def test_the_numbers_are_those_of_torch(x: str, step: str) -> None:
    import torch

    net = cnnspec.parse(f"INPUT({x}) -> {step}")
    op = net.graph.nodes[-1].op
    ours, theirs = net.to_torch().double().eval(), twin(op.layer, op.inputs[0]).double().eval()
    randomise(ours)
    for theirs_tensor, tensor in zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True):
        theirs_tensor.copy_(tensor)
    value = torch.randn(3, *op.inputs[0], dtype=torch.float64)
    torch.testing.assert_close(ours(value.clone()), theirs(value.clone()))


def test_every_layer_is_run() -> None:
    assert {step.partition("(")[0] for _, step in CASES} | ELSEWHERE == {layer.keyword for layer in LAYERS}


A, B, C = 4.0, 6.0, 2.0


@pytest.mark.parametrize(("merge", "expected"), [
    ("ADD{ %s }", A + B + C), ("MUL{ %s }", A * B * C), ("MAX{ %s }", B), ("MEAN{ %s }", (A + B + C) / 3),
])
@pytest.mark.parametrize("x", ["5", "5x3", "5x3x2", "5x2x3x2"])
def test_merges_of_three(merge: str, expected: float, x: str) -> None:
    branches = " | ".join(f"SCALE({factor},train=off)" for factor in (A, B, C))
    assert set(run(f"INPUT({x}) -> {merge % branches}").flatten().tolist()) == {expected}


def test_merges_of_two_and_of_one() -> None:
    assert set(run("INPUT(2x3) -> SUB{ SCALE(5,train=off) | ID }").flatten().tolist()) == {4.0}
    assert run("INPUT(2x3) -> CONCAT{ SCALE(5,train=off) | ID }").flatten().tolist() == [5.0] * 6 + [1.0] * 6
    assert run("INPUT(2x3) -> STACK{ SCALE(5,train=off) | ID }")[0, 0].tolist() == [[5.0] * 3, [1.0] * 3]
    for keyword in ("ADD", "MUL", "MAX", "MEAN"):
        assert set(run(f"INPUT(2x3) -> {keyword}{{ SCALE(5,train=off) }}").flatten().tolist()) == {5.0}


def test_branches_are_repeated_where_that_is_allowed() -> None:
    text = "INPUT(2x3x3) -> {}(broadcast=on){{ GAP | REDUCE(sum, channels) | ID }}"
    assert set(run(text.format("ADD")).flatten().tolist()) == {1.0 + 2.0 + 1.0}
    assert run(text.format("MEAN")).flatten().tolist() == pytest.approx([4 / 3] * 18)


def test_gains_and_offsets_start_as_the_spec_says() -> None:
    assert set(run("INPUT(2x3x3) -> SCALE(0.5)").flatten().tolist()) == {0.5}
    assert set(run("INPUT(2) -> BIAS").flatten().tolist()) == {1.0}


def run(text: str) -> Any:
    """What ones become."""
    import torch

    net = cnnspec.parse(text)
    (shape,) = net.summary().inputs.values()
    return net.to_torch().eval()(torch.ones(1, *shape)).detach()
