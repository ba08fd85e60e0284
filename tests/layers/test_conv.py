"""CONV, DWCONV and UPCONV: facts by hand, every refusal, and torch on random arguments."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.layers.base import Layer, Shape, product
from cnnspec.layers.conv import Conv, DepthwiseConv
from cnnspec.layers.facts import Reach, Work
from cnnspec.layers.op import apply
from cnnspec.layers.upconv import UpConv
from tests.layers.harness import Refusal, consistent, inputs, make, per_axis, per_side, refusal
from tests.layers.oracle import agree, agree_or_refuse, needs_torch, reads, within_reach

# layer, arguments, input; output, parameters, buffer elements, multiply-accumulates and the rest
FACTS = [
    (Conv, (96, 11, {"stride": 4, "pad": 0}), (3, 227, 227), (96, 55, 55), 34_944, 0, Work(105_415_200, 290_400)),
    (Conv, (), (3, 224, 224), (64, 224, 224), 1_792, 0, Work(86_704_128, 3_211_264)),
    (Conv, (64, 7, 2, {"bias": False}), (3, 224, 224), (64, 112, 112), 9_408, 0, Work(118_013_952, 0)),
    (Conv, (128, 3, {"groups": 32}), (128, 56, 56), (128, 56, 56), 4_736, 0, Work(14_450_688, 401_408)),
    (Conv, (64, 2, {"dilation": 512, "pad": "causal"}), (64, 16_000), (64, 16_000), 8_256, 0,
     Work(131_072_000, 1_024_000)),
    (Conv, (8, 3, {"stride": (1, 2, 2)}), (1, 16, 64, 64), (8, 16, 32, 32), 224, 0, Work(3_538_944, 131_072)),
    (Conv, (192, (1, 7)), (128, 17, 17), (192, 17, 17), 172_224, 0, Work(49_717_248, 55_488)),
    (Conv, (4, 3, 2, {"pad": ((0, 1), (0, 1))}), (3, 224, 224), (4, 112, 112), 112, 0, Work(1_354_752, 50_176)),
    (Conv, (5, 3, {"norm": "weight"}), (2, 4, 4), (5, 4, 4), 100, 0, Work(1_440, 350)),
    (Conv, (5, 3, {"norm": "spectral"}), (2, 4, 4), (5, 4, 4), 95, 23, Work(1_440, 350)),
    (Conv, (5, 3, {"train": False}), (2, 4, 4), (5, 4, 4), 0, 95, Work(1_440, 80)),
    (DepthwiseConv, (), (32, 112, 112), (32, 112, 112), 320, 0, Work(3_612_672, 401_408)),
    (DepthwiseConv, (5, 2, {"multiplier": 2, "bias": False}), (8, 10, 10), (16, 5, 5), 400, 0, Work(10_000, 0)),
    (UpConv, (32, 4, 2, 1, {"bias": False}), (64, 28, 28), (32, 56, 56), 32_768, 0, Work(25_690_112, 0)),
    (UpConv, (512,), (1024, 32, 32), (512, 64, 64), 2_097_664, 0, Work(2_147_483_648, 2_097_152)),
    (UpConv, (4, 3, 2, 1, {"output_pad": 1}), (8, 5), (4, 10), 100, 0, Work(480, 40)),
    (UpConv, (6, 4, {"groups": 2, "norm": "weight"}), (4, 3, 3), (6, 8, 8), 202, 0, Work(1_728, 960)),
    (UpConv, (6, 4, {"groups": 2, "norm": "spectral"}), (4, 3, 3), (6, 8, 8), 198, 67, Work(1_728, 960)),
    (UpConv, (4, 5, 3, "same"), (2, 7), (4, 21), 44, 0, Work(280, 84)),
    (UpConv, (4, 1, 3, "same"), (2, 7), (4, 21), 12, 0, Work(56, 84)),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "y", "params", "buffers", "work"), FACTS)
def test_facts(layer: type[Layer], arguments: Any, x: Shape, y: Shape, params: int, buffers: int, work: Work) -> None:
    op = apply(make(layer, *arguments), (x,))
    kept = (sum(product(p.shape) for p in op.params), sum(product(b.shape) for b in op.buffers))
    assert (op.output, kept, op.work) == (y, (params, buffers), work)
    assert op.layer.storage(y, x) == "fresh"
    assert op.layer.weighted
    consistent(op)


# layer, arguments, input; code, argument, message, help, the shape that is gone on with
REFUSALS = [
    (Conv, (0,), None, Refusal("bad-argument", "out", "`out` must be a whole number of at least 1, not 0", "", None)),
    (Conv, (64, {"pad": "saem"}), None, Refusal(
        "bad-argument", "pad", "`pad` must be `same`, `valid`, `causal`, a whole number of at least 0, one per axis "
        "or one per side, not saem", "did you mean `same`?", None)),
    (Conv, (64, {"norm": "batch"}), None, Refusal(
        "bad-argument", "norm", "`norm` must be none, weight or spectral, not batch", "", None)),
    (Conv, (64, {"bias": 0}), None, Refusal("bad-argument", "bias", "`bias` must be `on` or `off`, not 0", "", None)),
    (Conv, (), (256,), Refusal(
        "flat-input", None, "CONV needs spatial axes, but a flat vector of 256 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(256, 1, 1)`", None)),
    (Conv, (64, 3, {"groups": 3}), (64, 8, 8), Refusal(
        "groups", "groups", "groups = 3 does not divide the 64 input channels (64 in, 64 out)",
        "`groups=2` divides both", (64, 8, 8))),
    (Conv, (10, 3, {"groups": 4, "stride": 2}), (64, 8, 8), Refusal(
        "groups", "groups", "groups = 4 does not divide the 10 output channels (64 in, 10 out)",
        "`groups=2` divides both", (10, 4, 4))),
    (Conv, (7, 3, {"groups": 10**12}), (7, 8, 8), Refusal(
        "groups", "groups", "groups = 1000000000000 does not divide the 7 input channels (7 in, 7 out)",
        "`groups=7` divides both", (7, 8, 8))),
    (Conv, (64, 2), (3, 8, 9), Refusal(
        "odd-padding", "kernel", "`pad=same` cannot be centred: dilation·(kernel − 1) = 1·(2 − 1) = 1 is odd",
        "use an odd kernel, `pad=valid`, or put the odd row behind: `pad=((0, 1), (0, 1))`", (64, 8, 9))),
    (Conv, (64, 4, 2, {"dilation": 3}), (3, 9), Refusal(
        "odd-padding", "kernel", "`pad=same` cannot be centred: dilation·(kernel − 1) = 3·(4 − 1) = 9 is odd",
        "use an odd kernel, `pad=valid`, or put the odd row behind: `pad=(4, 5)`", (64, 5))),
    (Conv, (64, (2, 4), {"pad": "causal"}), (3, 9, 9), Refusal(
        "odd-padding", "kernel", "`pad=causal` cannot be centred: dilation·(kernel − 1) = 1·(4 − 1) = 3 is odd",
        "use an odd kernel, `pad=valid`, or put the odd row behind: `pad=((1, 0), (1, 2))`", None)),
    (Conv, (64, 11, {"pad": "valid"}), (3, 10, 12), Refusal(
        "kernel-too-large", "kernel", "the kernel, 11 wide, is larger than its input: 10 of 3x10x12", "", None)),
    (Conv, (64, 5, {"pad": 1, "dilation": 2}), (3, 6, 6), Refusal(
        "kernel-too-large", "kernel",
        "the kernel, 5 wide (dilation 2: 9 rows), is larger than its input: 6 + 1 + 1 of padding of 3x6x6", "", None)),
    (Conv, (64, (1, 7)), (3, 16_000), Refusal(
        "bad-argument", "kernel", "`kernel` of CONV has 2 numbers, but its input 3x16000 has 1 spatial axis", "",
        (64, 16_000))),
    (Conv, (64, 3, {"pad": (1, 1, 1)}), (3, 8, 8), Refusal(
        "bad-argument", "pad", "`pad=(1, 1, 1)` of CONV fits neither 2 axes nor 4 sides", "", None)),
    (Conv, (64, 3, {"pad": (1, 1, 1)}), (3, 8), Refusal(
        "bad-argument", "pad", "`pad=(1, 1, 1)` of CONV fits neither 1 axis nor 2 sides", "", None)),
    (Conv, (64, 9, {"pad_mode": "reflect"}), (3, 8, 4), Refusal(
        "bad-argument", "pad_mode", "`pad_mode=reflect` fills 4 rows a side from the rows of 3x8x4, which are too few",
        "`pad_mode=zeros`", (64, 8, 4))),
    (Conv, (64, 11, {"pad_mode": "circular"}), (3, 8, 4), Refusal(
        "bad-argument", "pad_mode", "`pad_mode=circular` fills 5 rows a side from the rows of 3x8x4, which are too few",
        "`pad_mode=zeros`", (64, 8, 4))),
    (DepthwiseConv, (3,), (8,), Refusal(
        "flat-input", None, "DWCONV needs spatial axes, but a flat vector of 8 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(8, 1, 1)`", None)),
    (DepthwiseConv, (3, {"pad": "causal"}), (8,), Refusal(
        "flat-input", None, "DWCONV needs spatial axes, but a flat vector of 8 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(8, 1, 1)`", None)),
    (UpConv, (), None, Refusal("missing-argument", None, "UPCONV needs `out`: output channels", "write `UPCONV(out=…)`",
                               None)),
    (UpConv, (4,), (8,), Refusal(
        "flat-input", None, "UPCONV needs spatial axes, but a flat vector of 8 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(8, 1, 1)`", None)),
    (UpConv, (4, {"groups": 3}), (9, 5), Refusal(
        "groups", "groups", "groups = 3 does not divide the 4 output channels (9 in, 4 out)", "`groups=1` divides both",
        (4, 10))),
    (UpConv, (4, 3, 2, {"output_pad": 2}), (8, 5), Refusal(
        "bad-argument", "output_pad", "`output_pad` = 2 must be smaller than the stride (2) or the dilation (1)", "",
        (4, 13))),
    (UpConv, (4, 3, 2, 4), (8, 3, 3), Refusal(
        "size-zero", "pad", "UPCONV cuts more than it makes: 8x3x3 would become 4x-1x-1", "", None)),
    (UpConv, (4, {"output_pad": (1, 0)}), (8, 3), Refusal(
        "bad-argument", "output_pad", "`output_pad` of UPCONV has 2 numbers, but its input 8x3 has 1 spatial axis", "",
        None)),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), REFUSALS)
def test_refusals(layer: type[Layer], arguments: Any, x: Shape | None, expected: Refusal) -> None:
    assert refusal(layer, arguments, x) == expected


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), [
    (Conv, (8, 7, 2), (3, 30, 30), (Reach(2, -3, 3), Reach(2, -3, 3))),
    (Conv, (8, 2, {"dilation": 4, "pad": "causal"}), (3, 30), (Reach(1, -4, 0),)),
    (Conv, (8, (1, 3), {"pad": (0, 0, 0, 2), "stride": (1, 2)}), (3, 30, 30), (Reach(1, 0, 0), Reach(2, 0, 2))),
    (UpConv, (8,), (3, 5), (Reach(Fraction(1, 2), Fraction(-1, 2), 0),)),
    (UpConv, (8, 4, 2, 1), (3, 5), (Reach(Fraction(1, 2), -1, Fraction(1, 2)),)),
    (UpConv, (8, 3, 1, 1), (3, 5), (Reach(1, -1, 1),)),
])
def test_reach(layer: type[Layer], arguments: Any, x: Shape, expected: tuple[Reach, ...]) -> None:
    assert apply(make(layer, *arguments), (x,)).reach == expected


@pytest.mark.parametrize(("layer", "arguments", "expected"), [
    (Conv, (), "CONV 3×3"),
    (Conv, (64, (1, 7), 2), "CONV 1×7 /2"),
    (Conv, (64, 3, {"stride": (1, 2), "dilation": 2}), "CONV 3×3 /1×2 d2"),
    (DepthwiseConv, (5, 2), "DWCONV 5×5 /2"),
    (UpConv, (64,), "UPCONV 2×2 /2"),
])
def test_brief(layer: type[Layer], arguments: Any, expected: str) -> None:
    assert make(layer, *arguments).brief() == expected


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), [
    (Conv, (96, 11, {"stride": 4, "pad": 0}), (3, 227, 227), [
        "(H − K_H + 2·P_H)/S_H + 1 = (227 − 11 + 2·0)/4 + 1 = 55",
        "(W − K_W + 2·P_W)/S_W + 1 = (227 − 11 + 2·0)/4 + 1 = 55",
        "C_out·(C_in·K_H·K_W + 1) = 96·(3·11·11 + 1) = 34944",
        "C_out·H_out·W_out·C_in·K_H·K_W = 96·55·55·3·11·11 = 105415200"]),
    (Conv, (8, 3, 2, {"groups": 2, "dilation": 2, "bias": False, "pad": (2, 0)}), (4, 10), [
        "⌊(L − ((K_L − 1)·d_L + 1) + P_before + P_after)/S_L⌋ + 1 = ⌊(10 − ((3 − 1)·2 + 1) + 2 + 0)/2⌋ + 1 = 4",
        "C_out·C_in/groups·K_L = 8·4/2·3 = 48", "C_out·L_out·C_in/groups·K_L = 8·4·4/2·3 = 192"]),
    (UpConv, (4, 3, 2, 1, {"output_pad": 1}), (8, 5), [
        "(L − 1)·S_L + K_L − 2·P_L + output_pad = (5 − 1)·2 + 3 − 2·1 + 1 = 10",
        "C_in·C_out·K_L + C_out = 8·4·3 + 4 = 100", "L·C_in·C_out·K_L = 5·8·4·3 = 480"]),
])
def test_formulas(layer: type[Layer], arguments: Any, x: Shape, expected: list[str]) -> None:
    op = apply(make(layer, *arguments), (x,))
    lines = [f"{f.term.symbols} = {f.term.numbers} = {f.term.value}" for f in op.layer.formulas(op.output, x)]
    assert lines == expected


@needs_torch
@pytest.mark.parametrize(("layer", "arguments", "x"), [row[:3] for row in FACTS])
def test_facts_against_torch(layer: type[Layer], arguments: Any, x: Shape) -> None:
    device = "cpu" if make(layer, *arguments).arguments().get("norm") == "spectral" else "meta"
    agree(make(layer, *arguments), x, device)


COMMON = {"bias": st.booleans(), "train": st.booleans()}


@needs_torch
@settings(max_examples=300)
@given(st.data())
def test_random_convolutions(data: st.DataObject) -> None:
    x = data.draw(inputs())
    named = {"kernel": per_axis(1, 4, x), "stride": per_axis(1, 3, x), "dilation": per_axis(1, 3, x),
             "pad": per_side(3, x) | st.just("valid"),
             "pad_mode": st.sampled_from(["zeros", "reflect", "replicate", "circular"]), **COMMON}
    if data.draw(st.booleans()):
        layer = make(Conv, data.draw(st.fixed_dictionaries(
            {"out": st.integers(1, 6), "groups": st.integers(1, 3), **named})))
    else:
        layer = make(DepthwiseConv, data.draw(st.fixed_dictionaries({"multiplier": st.integers(1, 3), **named})))
    agree_or_refuse(layer, x)


@needs_torch
@settings(max_examples=100)
@given(st.data())
def test_random_same_and_causal_convolutions(data: st.DataObject) -> None:
    x = data.draw(inputs())
    rank = len(x) - 1
    odd = st.sampled_from([1, 3, 5])
    causal = data.draw(st.booleans())
    layer = make(Conv, 4, data.draw(st.fixed_dictionaries({
        "kernel": st.tuples(st.integers(1, 4) if causal else odd, *[odd] * (rank - 1)), "stride": per_axis(1, 3, x),
        "dilation": per_axis(1, 3, x), "pad": st.just("causal" if causal else "same"), **COMMON})))
    agree(layer, x)
    if not causal and isinstance(stride := layer.arguments()["stride"], int):
        assert apply(layer, (x,)).output[1:] == tuple(-(-extent // stride) for extent in x[1:])


@needs_torch
@settings(max_examples=300)
@given(st.data())
def test_random_transposed_convolutions(data: st.DataObject) -> None:
    x = data.draw(inputs(most=6))
    layer = make(UpConv, data.draw(st.fixed_dictionaries({
        "out": st.integers(1, 6), "kernel": per_axis(1, 4, x), "stride": per_axis(1, 3, x),
        "dilation": per_axis(1, 3, x), "pad": per_side(3, x) | st.sampled_from(["valid", "same"]),
        "output_pad": per_axis(0, 2, x), "groups": st.integers(1, 3), **COMMON})))
    agree_or_refuse(layer, x)


@needs_torch
@settings(max_examples=60)
@given(st.data())
def test_reach_of_random_layers(data: st.DataObject) -> None:
    """No output reads beyond its reach, and some output reads to each end of it."""
    kernel, dilation = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    pads = st.tuples(st.integers(0, 3), st.integers(0, 3))
    layer = make(data.draw(st.sampled_from([Conv, UpConv])), {
        "out": 1, "kernel": kernel, "dilation": dilation, "stride": data.draw(st.integers(1, 4)),
        "pad": data.draw(pads), "bias": False})
    seen = reads(layer, 40)
    within_reach(apply(layer, ((1, 40),)).reach, seen)
