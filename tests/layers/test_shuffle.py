"""SHUFFLE, PIXELSHUFFLE and PIXELUNSHUFFLE: facts by hand, every refusal, and torch on random arguments."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.facts import POINT, Reach, Work
from cnnspec.layers.op import apply
from cnnspec.layers.shuffle import PixelShuffle, PixelUnshuffle, Shuffle
from tests.layers.harness import Refusal, consistent, inputs, make, refusal
from tests.layers.oracle import agree, agree_or_refuse, needs_torch, row_reads, within_reach

HALF = Reach(Fraction(1, 2), Fraction(-1, 2), 0)

# layer, argument, input; output, reach along each axis, the row of a table
FACTS = [
    (Shuffle, 2, (116, 28, 28), (116, 28, 28), POINT, "SHUFFLE"),
    (Shuffle, 3, (9, 5), (9, 5), POINT, "SHUFFLE"),
    (PixelShuffle, 2, (64, 7, 9), (16, 14, 18), HALF, "PIXELSHUFFLE 2"),
    (PixelShuffle, 3, (27, 1, 4), (3, 3, 12), Reach(Fraction(1, 3), Fraction(-2, 3), 0), "PIXELSHUFFLE 3"),
    (PixelShuffle, 1, (5, 3, 3), (5, 3, 3), POINT, "PIXELSHUFFLE 1"),
    (PixelUnshuffle, 2, (3, 14, 18), (12, 7, 9), Reach(2, 0, 1), "PIXELUNSHUFFLE 2"),
    (PixelUnshuffle, 4, (1, 4, 8), (16, 1, 2), Reach(4, 0, 3), "PIXELUNSHUFFLE 4"),
]


@pytest.mark.parametrize(("layer", "argument", "x", "y", "reach", "row"), FACTS)
def test_facts(layer: type[Layer], argument: int, x: Shape, y: Shape, reach: Reach, row: str) -> None:
    op = apply(make(layer, argument), (x,))
    assert (op.output, op.work, op.params, op.buffers) == (y, Work(0, 0), (), ())
    assert op.reach == (reach,) * (len(x) - 1)
    assert op.layer.storage(y, x) == "fresh"
    assert op.brief == row
    consistent(op)


REFUSALS = [
    (Shuffle, (), None, Refusal(
        "missing-argument", None, "SHUFFLE needs `groups`: groups of channels that are interleaved",
        "write `SHUFFLE(groups=…)`", None)),
    (Shuffle, (3,), (64, 7, 7), Refusal(
        "groups", "groups", "groups = 3 does not divide the 64 channels of 64x7x7", "`groups=2` divides them",
        (64, 7, 7))),
    (PixelShuffle, (2,), (30, 8, 8), Refusal(
        "not-divisible", "r", "PIXELSHUFFLE(2) makes one channel of 4, which does not divide the 30 channels of 30x8x8",
        "`CONV(32, 1)` before it", (8, 16, 16))),
    (PixelShuffle, (2,), (64, 8), Refusal(
        "wrong-rank", None, "PIXELSHUFFLE works on two spatial axes; 64x8 has 1", "", None)),
    (PixelShuffle, (2,), (64,), Refusal(
        "flat-input", None, "PIXELSHUFFLE needs spatial axes, but a flat vector of 64 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(64, 1, 1)`", None)),
    (PixelShuffle, (0,), None, Refusal(
        "bad-argument", "r", "`r` must be a whole number of at least 1, not 0", "", None)),
    (PixelUnshuffle, (2,), (3, 8, 31), Refusal(
        "not-divisible", "r", "PIXELUNSHUFFLE(2) takes blocks of 2 positions, which do not divide W = 31 of 3x8x31",
        "`RESIZE(8x32)` before it, or `PAD` what is missing", (12, 4, 16))),
    (PixelUnshuffle, (2,), (3, 8, 8, 8), Refusal(
        "wrong-rank", None, "PIXELUNSHUFFLE works on two spatial axes; 3x8x8x8 has 3", "", None)),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), REFUSALS)
def test_refusals(layer: type[Layer], arguments: Any, x: Shape | None, expected: Refusal) -> None:
    assert refusal(layer, arguments, x) == expected


@needs_torch
@given(st.integers(1, 4), inputs(), st.sampled_from([Shuffle, PixelUnshuffle]))
def test_random_shuffles(number: int, x: Shape, layer: type[Layer]) -> None:
    if layer is PixelUnshuffle:
        x = (*x, 4)[:3]  # torch takes one axis for a batch without channels
    agree_or_refuse(make(layer, number), x)


@needs_torch
@given(st.integers(1, 3), st.integers(1, 12), st.integers(1, 5), st.integers(1, 5))
def test_random_pixel_shuffles(r: int, channels: int, height: int, width: int) -> None:
    agree_or_refuse(make(PixelShuffle, r), (channels, height, width))


@needs_torch
@pytest.mark.parametrize("r", [1, 2, 3])
def test_reach_against_torch(r: int) -> None:
    for layer, x in ((make(PixelShuffle, r), (r * r, 5, 1)), (make(PixelUnshuffle, r), (1, 5 * r, r))):
        agree(layer, x)
        within_reach(apply(layer, (x,)).reach, row_reads(layer, x))
