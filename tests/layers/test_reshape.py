"""SLICE, PAD, CROP, FLATTEN and RESHAPE: facts by hand, every refusal, and torch on random arguments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.layers.base import Layer, Shape, product
from cnnspec.layers.facts import POINT, Reach, Work
from cnnspec.layers.op import apply
from cnnspec.layers.reshape import Crop, Flatten, Pad, Reshape, Slice
from tests.layers.harness import Refusal, consistent, inputs, make, per_axis, per_side, refusal
from tests.layers.oracle import agree, agree_or_refuse, needs_torch, row_reads, within_reach

# layer, arguments, input; output, storage, the row of a table
FACTS = [
    (Slice, (0, 32), (64, 7, 7), (32, 7, 7), "view", "SLICE 0:32"),
    (Slice, (63, 64), (64, 9), (1, 9), "view", "SLICE 63:64"),
    (Slice, (2, 5), (10,), (3,), "view", "SLICE 2:5"),
    (Pad, (1,), (3, 8, 8), (3, 10, 10), "fresh", "PAD 1"),
    (Pad, ((0, 1, 2, 3), "replicate"), (3, 8, 8), (3, 9, 13), "fresh", "PAD (0, 1, 2, 3) replicate"),
    (Pad, ((2, 0),), (3, 8, 8), (3, 12, 8), "fresh", "PAD (2, 0)"),
    (Pad, (((0, 1), (2, 3)),), (3, 8, 8), (3, 9, 13), "fresh", "PAD ((0, 1), (2, 3))"),
    (Pad, ((512, 0),), (1, 16_000), (1, 16_512), "fresh", "PAD (512, 0)"),
    (Pad, ("reflect", 7), (3, 8), (3, 22), "fresh", "PAD 7 reflect"),
    (Pad, (8, "circular"), (3, 8), (3, 24), "fresh", "PAD 8 circular"),
    (Crop, (56,), (512, 64, 64), (512, 56, 56), "view", "CROP 56×56"),
    (Crop, ((1, 3),), (2, 4, 4), (2, 1, 3), "view", "CROP 1×3"),
    (Crop, ({"cut": 2},), (2, 8, 9), (2, 4, 5), "view", "CROP −2"),
    (Crop, ({"cut": (1, 0)},), (2, 8), (2, 7), "view", "CROP −(1, 0)"),
    (Flatten, (), (512, 7, 7), (25_088,), "view", "FLATTEN"),
    (Flatten, (), (10,), (10,), "view", "FLATTEN"),
    (Reshape, (512, 7, 7), (25_088,), (512, 7, 7), "view", "RESHAPE 512×7×7"),
    (Reshape, ((2, 32, 7, 7),), (64, 7, 7), (2, 32, 7, 7), "view", "RESHAPE 2×32×7×7"),
    (Reshape, (49,), (1, 7, 7), (49,), "view", "RESHAPE 49"),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "y", "storage", "row"), FACTS)
def test_facts(layer: type[Layer], arguments: Any, x: Shape, y: Shape, storage: str, row: str) -> None:
    op = apply(make(layer, *arguments), (x,))
    assert (op.output, op.work, op.params, op.buffers) == (y, Work(0, 0), (), ())
    assert op.layer.storage(y, x) == storage
    assert op.brief == row
    consistent(op)


@pytest.mark.parametrize(("layer", "arguments", "x", "reach"), [
    (Slice, (0, 1), (2, 5, 5), (POINT, POINT)),
    (Pad, ((1, 2, 3, 4),), (2, 5, 5), (Reach(1, -1, -1), Reach(1, -3, -3))),
    (Crop, (3,), (2, 5, 6), (Reach(1, 1, 1), Reach(1, 1, 1))),  # of three surplus rows, one goes before
    (Crop, ({"cut": (0, 1, 3, 0)},), (2, 5, 5), (Reach(1, 0, 0), Reach(1, 3, 3))),
    (Flatten, (), (2, 5, 5), None),
    (Flatten, (), (50,), ()),
    (Reshape, (2, 5, 5), (2, 5, 5), (POINT, POINT)),
    (Reshape, (5, 5, 2), (2, 5, 5), None),
])
def test_reach(layer: type[Layer], arguments: Any, x: Shape, reach: tuple[Reach, ...] | None) -> None:
    assert apply(make(layer, *arguments), (x,)).reach == reach


HINT = "`CROP(28)` keeps the middle, `CROP(cut=2)` cuts two rows off every side"
FLAT = "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(64, 1, 1)`"

REFUSALS = [
    (Slice, (0, 65), (64, 7, 7), Refusal(
        "out-of-range", "stop", "SLICE takes the channels 0 to 65, but 64x7x7 has 64", "`SLICE(0, 64)`", (64, 7, 7))),
    (Slice, (70, 80), (64,), Refusal(
        "out-of-range", "stop", "SLICE takes the channels 70 to 80, but 64 has 64", "`SLICE(63, 64)`", (10,))),
    (Slice, (8, 8), None, Refusal(
        "bad-argument", "stop", "SLICE(8, 8) keeps no channel: `stop` must be above `start`", "", None)),
    (Slice, (-1, 8), None, Refusal(
        "bad-argument", "start", "`start` must be a whole number of at least 0, not -1", "", None)),
    (Slice, (3,), None, Refusal(
        "missing-argument", None, "SLICE needs `stop`: channel before which it ends", "write `SLICE(stop=…)`", None)),
    (Pad, (4, "reflect"), (3, 8, 4), Refusal(
        "bad-argument", "pad", "to add 4 rows, `reflect` needs an extent of at least 5, but W of 3x8x4 is 4",
        "`mode=zeros` or `mode=replicate` add any number", (3, 16, 12))),
    (Pad, ((0, 9), "circular"), (3, 8), Refusal(
        "bad-argument", "pad", "to add 9 rows, `circular` needs an extent of at least 9, but L of 3x8 is 8",
        "`mode=zeros` or `mode=replicate` add any number", (3, 17))),
    (Pad, ((1, 2, 3),), (3, 8, 8), Refusal(
        "bad-argument", "pad", "`pad=(1, 2, 3)` of PAD fits neither 2 axes nor 4 sides", "", None)),
    (Pad, (1, "reflekt"), None, Refusal(
        "bad-argument", "mode", "`mode` must be zeros, reflect, replicate or circular, not reflekt",
        "did you mean `reflect`?", None)),
    (Pad, (), None, Refusal(
        "missing-argument", None, "PAD needs `pad`: rows added around the input", "write `PAD(pad=…)`", None)),
    (Pad, (1,), (64,), Refusal(
        "flat-input", None, "PAD needs spatial axes, but a flat vector of 64 enters", FLAT, (64,))),
    (Crop, (), None, Refusal("missing-argument", None, "CROP needs `size` or `cut`", HINT, None)),
    (Crop, (28, {"cut": 1}), None, Refusal("bad-argument", "cut", "CROP takes `size` or `cut`, not both", HINT, None)),
    (Crop, (9,), (3, 9, 8), Refusal(
        "out-of-range", "size", "CROP keeps 9 rows, but W of 3x9x8 is 8", "`PAD` adds rows", (3, 9, 9))),
    (Crop, ((9, 9),), (3, 9), Refusal(
        "bad-argument", "size", "`size` of CROP has 2 numbers, but its input 3x9 has 1 spatial axis", "", None)),
    (Crop, ({"cut": (4, 4)},), (3, 8), Refusal(
        "size-zero", "cut", "CROP cuts 4 + 4 rows, but L of 3x8 is 8: nothing remains", "", None)),
    (Crop, (1,), (64,), Refusal(
        "flat-input", None, "CROP needs spatial axes, but a flat vector of 64 enters", FLAT, (64,))),
    (Reshape, (256, 2), (64, 2, 2), Refusal(
        "shape-mismatch", "extents", "RESHAPE keeps all elements: 64x2x2 has 256, 256x2 has 512", "`RESHAPE(128x2)`",
        (256, 2))),
    (Reshape, (2, 7), (64, 2, 2), Refusal(
        "shape-mismatch", "extents", "RESHAPE keeps all elements: 64x2x2 has 256, 2x7 has 14", "", (2, 7))),
    (Reshape, (256, -1), None, Refusal(
        "bad-argument", "extents", "`extents` must be a shape such as `3x224x224`, its extents at least 1, "
        "not (256, -1)", "", None)),
    (Reshape, (2, 2, 2, 2, 2), None, Refusal(
        "bad-argument", "extents", "a shape has at most four extents, channels and three axes; 2x2x2x2x2 has 5", "",
        None)),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), REFUSALS)
def test_refusals(layer: type[Layer], arguments: Any, x: Shape | None, expected: Refusal) -> None:
    assert refusal(layer, arguments, x) == expected


@needs_torch
@pytest.mark.parametrize(("layer", "arguments", "x"), [row[:3] for row in FACTS])
def test_facts_against_torch(layer: type[Layer], arguments: Any, x: Shape) -> None:
    agree(make(layer, *arguments), x)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Layer, Shape]:
    """A layer with random arguments, and an input of one to three axes."""
    x = draw(inputs(most=6))
    layer = draw(st.sampled_from([Slice, Pad, Crop, Flatten, Reshape]))
    if layer is Slice:
        start = draw(st.integers(0, 6))
        return make(layer, start, start + draw(st.integers(1, 4))), x
    if layer is Pad:
        mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
        return make(layer, draw(per_side(4, x)), mode), x
    if layer is Crop:
        given_as = draw(st.sampled_from(["size", "cut"]))
        return make(layer, {given_as: draw(per_axis(1, 7, x) if given_as == "size" else per_side(2, x))}), x
    if layer is Reshape:
        elements = product(x)
        first = draw(st.sampled_from([n for n in range(1, elements + 1) if elements % n == 0]))
        return make(layer, first, draw(st.sampled_from([elements // first, elements // first, 7]))), x
    return make(layer), x


@needs_torch
@settings(max_examples=250)
@given(cases())
def test_random_arguments(case: tuple[Layer, Shape]) -> None:
    agree_or_refuse(*case)


@needs_torch
@pytest.mark.parametrize(("layer", "arguments"), [
    (Pad, ((2, 1),)), (Pad, (3,)), (Crop, (4,)), (Crop, ({"cut": (3, 1)},)), (Reshape, (1, 9)),
])
def test_reach_against_torch(layer: type[Layer], arguments: Any) -> None:
    made = make(layer, *arguments)
    within_reach(apply(made, ((1, 9),)).reach, row_reads(made, (1, 9)))
