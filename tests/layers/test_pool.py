"""POOL, GAP, ADAPTIVEPOOL and REDUCE: facts by hand, every refusal, and torch on random arguments."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.facts import POINT, Reach, Work
from cnnspec.layers.op import apply
from cnnspec.layers.pool import AdaptivePool, GlobalAveragePool, Pool, Reduce
from tests.layers.harness import Refusal, consistent, inputs, make, per_axis, refusal
from tests.layers.oracle import agree, agree_or_refuse, needs_torch, reads, within_reach

# layer, arguments, input; output, operations, reach, bytes of scratch
FACTS: list[tuple[type[Layer], Any, Shape, Shape, int, tuple[Reach, ...] | None, int]] = [
    (Pool, (), (64, 224, 224), (64, 112, 112), 2_408_448, (Reach(2, 0, 1),) * 2, 6_422_528),
    (Pool, (3, {"stride": 2, "pad": 1}), (64, 112, 112), (64, 56, 56), 1_605_632, (Reach(2, -1, 1),) * 2, 1_605_632),
    (Pool, (3, 2, {"ceil": True}), (64, 112, 112), (64, 56, 56), 1_605_632, (Reach(2, 0, 2),) * 2, 1_605_632),
    (Pool, (3, 2), (64, 112, 112), (64, 55, 55), 1_548_800, (Reach(2, 0, 2),) * 2, 1_548_800),
    (Pool, ("avg", 2), (128, 56, 56), (128, 28, 28), 401_408, (Reach(2, 0, 1),) * 2, 0),
    (Pool, (2, "l2"), (6, 28, 28), (6, 14, 14), 9_408, (Reach(2, 0, 1),) * 2, 0),
    (Pool, ((1, 3), (1, 2)), (4, 5, 7), (4, 5, 3), 120, (Reach(1, 0, 0), Reach(2, 0, 2)), 480),
    (Pool, ((2, 3),), (4, 6, 6), (4, 3, 2), 120, (Reach(2, 0, 1), Reach(3, 0, 2)), 192),
    (Pool, (3, 1, {"dilation": 2, "pad": 1}), (4, 8), (4, 6), 48, (Reach(1, -1, 3),), 192),
    (Pool, (2, {"stride": 2, "pad": (0, 1)}), (4, 7), (4, 4), 16, (Reach(2, 0, 1),), 128),
    (Pool, (2, {"ceil": True}), (4, 1, 1), (4, 1, 1), 12, (Reach(2, 0, 1),) * 2, 32),
    (Pool, (2,), (8, 4, 6, 8), (8, 2, 3, 4), 1_344, (Reach(2, 0, 1),) * 3, 1_536),
    (GlobalAveragePool, (), (2048, 7, 7), (2048, 1, 1), 100_352, None, 0),
    (GlobalAveragePool, (), (64, 100), (64, 1), 6_400, None, 0),
    (AdaptivePool, (7,), (512, 7, 7), (512, 7, 7), 25_088, (POINT, POINT), 0),
    (AdaptivePool, (6,), (256, 12, 12), (256, 6, 6), 36_864, (Reach(2, 0, 1),) * 2, 0),
    (AdaptivePool, (6, "max"), (256, 12, 12), (256, 6, 6), 27_648, (Reach(2, 0, 1),) * 2, 73_728),
    (AdaptivePool, (7,), (2, 10), (2, 7), 32, (Reach(Fraction(10, 7), Fraction(-6, 7), Fraction(9, 7)),), 0),
    (AdaptivePool, (4,), (2, 2), (2, 4), 8, (Reach(Fraction(1, 2), Fraction(-1, 2), 0),), 0),
    (AdaptivePool, ((1, 5),), (2, 6, 5), (2, 1, 5), 60, (Reach(6, 0, 5), POINT), 0),
    (AdaptivePool, (1,), (2, 6, 5), (2, 1, 1), 60, None, 0),
    (Reduce, (), (64, 7, 7), (1, 7, 7), 3_136, (POINT, POINT), 0),
    (Reduce, ("max",), (64, 7, 7), (1, 7, 7), 3_087, (POINT, POINT), 0),
    (Reduce, ("sum", "space"), (64, 7, 7), (64,), 3_072, None, 0),
    (Reduce, ("space",), (64, 9), (64,), 576, None, 0),
    (Reduce, (), (64,), (1,), 64, (), 0),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "y", "operations", "reach", "scratch"), FACTS)
def test_facts(layer: type[Layer], arguments: Any, x: Shape, y: Shape, operations: int,
               reach: tuple[Reach, ...] | None, scratch: int) -> None:
    op = apply(make(layer, *arguments), (x,))
    assert (op.output, op.work, op.reach) == (y, Work(0, operations), reach)
    assert (op.params, op.buffers, op.layer.storage(y, x), op.scratch.bytes) == ((), (), "fresh", scratch)
    assert not op.layer.weighted
    consistent(op)


REFUSALS = [
    (Pool, (0,), None, Refusal(
        "bad-argument", "kernel", "`kernel` must be a whole number of at least 1, or one per axis such as `1x7`, not 0",
        "", None)),
    (Pool, (2, {"kind": "mean"}), None, Refusal(
        "bad-argument", "kind", "`kind` must be max, avg or l2, not mean", "", None)),
    (Pool, (2, {"kind": "Max"}), None, Refusal(
        "bad-argument", "kind", "`kind` must be max, avg or l2, not Max", "did you mean `max`?", None)),
    (Pool, ("max", "avg"), None, Refusal("doubled-argument", 1, "POOL gets `kind` twice", "", None)),
    (Pool, (2, {"pad": "same"}), None, Refusal(
        "bad-argument", "pad", "`pad` must be a whole number of at least 0, one per axis or one per side, not same", "",
        None)),
    (Pool, ("avg", 3, {"dilation": 2}), None, Refusal(
        "bad-argument", "dilation", "only max pooling can be dilated: `dilation=2` does not go with `avg`",
        "use `kind=max`, or leave `dilation` out", None)),
    (Pool, ("l2", 3, {"dilation": (1, 2)}), None, Refusal(
        "bad-argument", "dilation", "only max pooling can be dilated: `dilation=(1, 2)` does not go with `l2`",
        "use `kind=max`, or leave `dilation` out", None)),
    (Pool, (3, {"stride": 2, "pad": 2}), (64, 9, 9), Refusal(
        "bad-argument", "pad", "`pad` of POOL must be at most half the kernel, 1 for a kernel of 3, not 2", "`pad=1`",
        (64, 6, 6))),
    (Pool, (3, {"pad": (0, 0, 0, 2), "dilation": 2}), (64, 9, 9), Refusal(
        "bad-argument", "pad", "`pad` of POOL must be at most half the kernel, 1 for a kernel of 3, not 2", "`pad=1`",
        (64, 2, 3))),
    (Pool, (2, {"pad": (1, 1, 1)}), (64, 9, 9), Refusal(
        "bad-argument", "pad", "`pad=(1, 1, 1)` of POOL fits neither 2 axes nor 4 sides", "", None)),
    (Pool, ((2, 2),), (64, 9), Refusal(
        "bad-argument", "kernel", "`kernel` of POOL has 2 numbers, but its input 64x9 has 1 spatial axis", "", None)),
    (Pool, (), (512, 1, 1), Refusal(
        "size-zero", "kernel", "the window, 2 wide, is larger than its input: 1 of 512x1x1",
        "`ceil=on` keeps the window that the input fills in part", None)),
    (Pool, (7, 1, {"pad": 1}), (512, 8, 3), Refusal(
        "size-zero", "kernel", "the window, 7 wide, is larger than its input: 3 + 1 + 1 of padding of 512x8x3",
        "`GAP` takes any extent; or pool less often before", None)),
    (Pool, (3, 2, {"ceil": True, "dilation": 3}), (512, 4), Refusal(
        "size-zero", "kernel", "the window, 3 wide (dilation 3: 7 rows), is larger than its input: 4 of 512x4",
        "`GAP` takes any extent; or pool less often before", None)),
    (Pool, ("avg", 3, {"pad": 1, "stride": 1}), (8, 4, 4, 2), Refusal(
        "kernel-too-large", "kernel", "in three dimensions, PyTorch averages only over inputs at least as wide as the "
        "kernel, 3, not 2 of 8x4x4x2", "", (8, 4, 4, 2))),
    *((layer, arguments, (256,), Refusal(
        "flat-input", None, f"{layer.keyword} needs spatial axes, but a flat vector of 256 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(256, 1, 1)`", meant))
      for layer, arguments, meant in [
          (Pool, (), None), (GlobalAveragePool, (), (256,)), (AdaptivePool, (7,), None), (Reduce, ("space",), (256,))]),
    (AdaptivePool, (), None, Refusal(
        "missing-argument", None, "ADAPTIVEPOOL needs `size`: output extent", "write `ADAPTIVEPOOL(size=…)`", None)),
    (AdaptivePool, ((7, 7),), (64, 9), Refusal(
        "bad-argument", "size", "`size` of ADAPTIVEPOOL has 2 numbers, but its input 64x9 has 1 spatial axis", "",
        None)),
    (GlobalAveragePool, (1,), None, Refusal(
        "unknown-argument", 0, "GAP takes no positional arguments, not 1", "", None)),
    (Reduce, ("mean", "batch"), None, Refusal(
        "bad-argument", "over", "`over` must be channels or space, not batch", "", None)),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), REFUSALS)
def test_refusals(layer: type[Layer], arguments: Any, x: Shape | None, expected: Refusal) -> None:
    assert refusal(layer, arguments, x) == expected


@pytest.mark.parametrize(("layer", "arguments", "expected"), [
    (Pool, (), "POOL max 2×2"),
    (Pool, (3, {"stride": 2, "pad": 1}), "POOL max 3×3 /2"),
    (Pool, (3, 1), "POOL max 3×3 /1"),
    (Pool, ("avg", (1, 7)), "POOL avg 1×7"),
    (Pool, (3, {"dilation": 2}), "POOL max 3×3 d2"),
    (GlobalAveragePool, (), "GAP"),
    (AdaptivePool, (7, "max"), "ADAPTIVEPOOL max 7×7"),
    (Reduce, ("max", "space"), "REDUCE max space"),
])
def test_brief(layer: type[Layer], arguments: Any, expected: str) -> None:
    assert make(layer, *arguments).brief() == expected


@pytest.mark.parametrize(("arguments", "x", "expected"), [
    ((3, 2), (8, 56), "⌊(L − K_L + 2·P_L)/S_L⌋ + 1 = ⌊(56 − 3 + 2·0)/2⌋ + 1"),
    ((3, 2, {"ceil": True}), (8, 56), "⌈(L − K_L + 2·P_L)/S_L⌉ + 1 = ⌈(56 − 3 + 2·0)/2⌉ + 1"),
    ((2, 3, {"ceil": True, "pad": 1}), (8, 5), "⌊(L − K_L + 2·P_L)/S_L⌋ + 1 = ⌊(5 − 2 + 2·1)/3⌋ + 1"),
])
def test_formulas(arguments: Any, x: Shape, expected: str) -> None:
    layer = make(Pool, *arguments)
    (formula,) = layer.formulas(layer.shape(x), x)
    assert f"{formula.term.symbols} = {formula.term.numbers}" == expected
    consistent(apply(layer, (x,)))


@needs_torch
@pytest.mark.parametrize(("layer", "arguments", "x"), [row[:3] for row in FACTS])
def test_facts_against_torch(layer: type[Layer], arguments: Any, x: Shape) -> None:
    agree(make(layer, *arguments), x)


@st.composite
def pools(draw: st.DrawFn, x: Shape) -> Layer:
    """A pool as torch can make it: equal padding on both sides, and none for l2 in ceil mode."""
    kind = draw(st.sampled_from(["max", "avg", "l2"]))
    named = {"kernel": per_axis(1, 4, x), "ceil": st.booleans(), "count_pad": st.booleans()}
    if draw(st.booleans()):
        named["stride"] = per_axis(1, 4, x)
    if kind == "max":
        named["dilation"] = per_axis(1, 3, x)
    if kind != "l2":
        named["pad"] = per_axis(0, 2, x)
    return make(Pool, {"kind": kind, **draw(st.fixed_dictionaries(named))})


@needs_torch
@settings(max_examples=400)
@given(st.data())
def test_random_pools(data: st.DataObject) -> None:
    x = data.draw(inputs())
    agree_or_refuse(data.draw(pools(x)), x)


@needs_torch
@settings(max_examples=100)
@given(st.data())
def test_random_uneven_padding(data: st.DataObject) -> None:
    """Padding by side is padding before a pool without any, where the windows are not rounded up."""
    x = data.draw(inputs(least=4))
    side = st.tuples(st.integers(0, 1), st.integers(0, 1))
    layer = make(Pool, {"kernel": data.draw(per_axis(2, 4, x)), "stride": data.draw(per_axis(1, 3, x)),
                        "kind": data.draw(st.sampled_from(["max", "avg", "l2"])),
                        "pad": data.draw(st.tuples(*[side] * (len(x) - 1)))})
    agree_or_refuse(layer, x)


@needs_torch
@settings(max_examples=100)
@given(st.data())
def test_random_adaptive_pools(data: st.DataObject) -> None:
    x = data.draw(inputs())
    agree(make(AdaptivePool, data.draw(per_axis(1, 9, x)), data.draw(st.sampled_from(["avg", "max"]))), x)


@needs_torch
@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(2, 40), st.sampled_from(["avg", "max"]))
def test_reach_and_work_of_adaptive_pools(extent: int, size: int, kind: str) -> None:
    layer = make(AdaptivePool, size, kind)
    op = apply(layer, ((1, extent),))
    seen = reads(layer, extent)
    within_reach(op.reach, seen)
    taps = sum(map(len, seen.values()))
    assert op.work.other == (taps if kind == "avg" else taps - size)


@needs_torch
@settings(max_examples=100)
@given(st.data())
def test_reach_of_random_pools(data: st.DataObject) -> None:
    """Also with windows that end beyond the input."""
    kernel, kind = data.draw(st.integers(1, 5)), data.draw(st.sampled_from(["max", "avg", "l2"]))
    layer = make(Pool, kernel, {
        "kind": kind, "stride": data.draw(st.integers(1, 4)), "ceil": data.draw(st.booleans()),
        "pad": data.draw(st.integers(0, kernel // 2)) if kind != "l2" else 0,
        "dilation": data.draw(st.integers(1, 3)) if kind == "max" else 1})
    within_reach(apply(layer, ((1, 40),)).reach, reads(layer, 40))
