"""UPSAMPLE and RESIZE: facts by hand, every refusal, and torch for extents and for what each output reads."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.facts import POINT, Reach, Work
from cnnspec.layers.op import apply
from cnnspec.layers.resize import Resize, Upsample, sampling_reach
from tests.layers.harness import Refusal, consistent, inputs, make, per_axis, refusal
from tests.layers.oracle import agree, agree_or_refuse, needs_torch, row_reads, within_reach

CORNERS = {"align_corners": True}

# layer, arguments, input; output, operations, the row of a table
FACTS = [
    (Upsample, (2,), (64, 7, 8), (64, 14, 16), 0, "UPSAMPLE ×2"),
    (Upsample, (2, "linear"), (64, 7, 8), (64, 14, 16), 100_352, "UPSAMPLE ×2 linear"),
    (Upsample, (2, "linear"), (4, 10), (4, 20), 240, "UPSAMPLE ×2 linear"),
    (Upsample, (2, "linear"), (2, 3, 3, 3), (2, 6, 6, 6), 6_480, "UPSAMPLE ×2 linear"),
    (Upsample, (2, "cubic"), (1, 3, 3), (1, 6, 6), 1_116, "UPSAMPLE ×2 cubic"),
    (Upsample, (1.5,), (3, 7, 8), (3, 10, 12), 0, "UPSAMPLE ×1.5"),
    (Upsample, ((1, 4),), (3, 7, 8), (3, 7, 32), 0, "UPSAMPLE ×1×4"),
    (Upsample, (0.5,), (3, 7, 8), (3, 3, 4), 0, "UPSAMPLE ×0.5"),
    (Upsample, (1.14,), (3, 50), (3, 56), 0, "UPSAMPLE ×1.14"),  # 50·1.14 is 56.999… as a double
    (Resize, (56,), (64, 7, 8), (64, 56, 56), 0, "RESIZE 56×56"),
    (Resize, (56,), (64, 7), (64, 56), 0, "RESIZE 56"),
    (Resize, ((5, 9), "linear"), (64, 7, 8), (64, 5, 9), 20_160, "RESIZE 5×9 linear"),
    (Resize, ({"like": (3, 31, 30)},), (64, 7, 8), (64, 31, 30), 0, "RESIZE 31×30"),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "y", "ops", "row"), FACTS)
def test_facts(layer: type[Layer], arguments: Any, x: Shape, y: Shape, ops: int, row: str) -> None:
    op = apply(make(layer, *arguments), (x,))
    assert (op.output, op.work, op.params, op.buffers) == (y, Work(0, ops), (), ())
    assert op.layer.storage(y, x) == "fresh"
    assert op.brief == row
    if arguments != (1.14,):  # whose product, exact as it is printed, would be 57
        consistent(op)


def reach(stride: str, low: str, high: str) -> Reach:
    return Reach(Fraction(stride), Fraction(low), Fraction(high))


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), [
    (Upsample, (2,), (1, 5), reach("1/2", "-1/2", "0")),
    (Upsample, (3,), (1, 5), reach("1/3", "-2/3", "0")),
    (Upsample, (0.5,), (1, 8), reach("2", "0", "0")),
    (Upsample, (2, "linear"), (1, 5), reach("1/2", "-1", "1/2")),
    (Upsample, (3, "linear"), (1, 5), reach("1/3", "-1", "1/3")),
    (Upsample, (1, "linear"), (1, 5), POINT),
    (Upsample, (0.5, "linear"), (1, 8), reach("2", "0", "1")),
    (Upsample, (2, "linear", CORNERS), (1, 5), reach("4/9", "-8/9", "8/9")),
    (Resize, (7,), (1, 7), POINT),
    (Resize, (3,), (1, 7), reach("7/3", "-2/3", "0")),
    (Resize, (5, "linear", CORNERS), (1, 9), reach("2", "0", "0")),
    (Resize, (1, "linear", CORNERS), (1, 9), reach("0", "0", "0")),
])
def test_reach(layer: type[Layer], arguments: Any, x: Shape, expected: Reach) -> None:
    assert apply(make(layer, *arguments), (x,)).reach == (expected,)


HINT = "`RESIZE(56)`, or `RESIZE(like=@x)` for the extents of a named value"

REFUSALS = [
    (Upsample, (), None, Refusal(
        "missing-argument", None, "UPSAMPLE needs `scale`: output rows for each input row", "write `UPSAMPLE(scale=…)`",
        None)),
    (Upsample, (0,), None, Refusal(
        "bad-argument", "scale", "`scale` must be a number above 0, at most 1,000,000, "
        "or one per axis such as `(1, 2)`, not 0", "",
        None)),
    (Upsample, (True,), None, Refusal(
        "bad-argument", "scale", "`scale` must be a number above 0, at most 1,000,000, "
        "or one per axis such as `(1, 2)`, not on", "",
        None)),
    (Upsample, (2, "bilinear"), None, Refusal(  # a word that it does not own goes to the next argument in order
        "bad-argument", "mode", "`mode` must be nearest, linear or cubic, not bilinear", "did you mean `linear`?",
        None)),
    (Upsample, (2, CORNERS), None, Refusal(
        "bad-argument", "align_corners", "`align_corners` has no meaning for `nearest`, which does not interpolate",
        "`mode=linear`, or leave `align_corners` out", None)),
    (Upsample, (2, "cubic"), (3, 8), Refusal(
        "bad-argument", "mode", "`cubic` works on two spatial axes; 3x8 has 1", "`mode=linear`", (3, 16))),
    (Upsample, (0.1,), (3, 20, 8), Refusal(
        "size-zero", "scale", "UPSAMPLE by 0.1 leaves nothing of W = 8 of 3x20x8", "`RESIZE(1)` leaves one row", None)),
    (Upsample, ((2, 2),), (3, 8), Refusal(
        "bad-argument", "scale", "`scale` of UPSAMPLE has 2 numbers, but its input 3x8 has 1 spatial axis", "", None)),
    (Upsample, (2,), (64,), Refusal(
        "flat-input", None, "UPSAMPLE needs spatial axes, but a flat vector of 64 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(64, 1, 1)`", None)),
    (Resize, (), None, Refusal("missing-argument", None, "RESIZE needs `size` or `like`", HINT, None)),
    (Resize, (7, {"like": (3, 4)}), None, Refusal(
        "bad-argument", "like", "RESIZE takes `size` or `like`, not both", HINT, None)),
    (Resize, ({"like": 7},), None, Refusal(
        "bad-argument", "like", "`like` must be a named value such as `@x`, not 7", "", None)),
    (Resize, ({"like": (3, 7)},), (64, 9, 9), Refusal(
        "bad-argument", "like", "RESIZE takes 64x9x9 to the extents of 3x7, which has another number of axes", "",
        None)),
    (Resize, ((7, 7),), (64, 9), Refusal(
        "bad-argument", "size", "`size` of RESIZE has 2 numbers, but its input 64x9 has 1 spatial axis", "", None)),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), REFUSALS)
def test_refusals(layer: type[Layer], arguments: Any, x: Shape | None, expected: Refusal) -> None:
    assert refusal(layer, arguments, x) == expected


def rows_read(mode: str, place: Fraction) -> list[int]:
    """The rows whose weights are not zero where an output lies at `place`, as `sampling_reach` documents them."""
    row = floor(place)
    if mode == "nearest" or place == row:
        return [row]
    return [row, row + 1] if mode == "linear" else [row - 1, row, row + 1, row + 2]


@settings(max_examples=300)
@given(st.sampled_from(["nearest", "linear", "cubic"]), st.fractions(0, 5, max_denominator=12),
       st.fractions(-2, 2, max_denominator=9))
def test_reach_is_the_tight_hull_of_what_the_formula_reads(mode: str, step: Fraction, offset: Fraction) -> None:
    reads = [(o, row) for o in range(2 * step.denominator) for row in rows_read(mode, step * o + offset)]
    offsets = [row - step * o for o, row in reads]
    assert sampling_reach(mode, step, offset) == Reach(step, min(offsets), max(offsets))


@needs_torch
@pytest.mark.parametrize(("mode", "corners"), [
    ("nearest", False), ("linear", False), ("linear", True), ("cubic", False), ("cubic", True),
])
@pytest.mark.parametrize(("layer", "number"), [
    *((Upsample, scale) for scale in (1, 2, 3, 4, 5, 1.5, 2.5, 0.5, 0.75)),
    *((Resize, size) for size in (1, 4, 6, 11, 12, 18, 24, 36)),
])
def test_reach_against_torch(layer: type[Layer], number: float, mode: str, corners: bool) -> None:
    """Twelve rows; a second axis keeps its one row, since torch has cubic interpolation on two axes alone."""
    made = make(layer, (number, 1), mode, {"align_corners": corners})
    agree(made, (1, 12, 1))
    (along, _), seen = apply(made, ((1, 12, 1),)).reach or (), row_reads(made, (1, 12, 1))
    for o, rows in seen.items():
        assert along.stride * o + along.low <= min(rows)
        assert max(rows) <= along.stride * o + along.high
    if (mode, corners) != ("cubic", True):  # whose farthest reads would lie beyond the ends of twelve rows
        within_reach((along,), seen)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Layer, Shape]:
    """A layer with random arguments, and an input of one to three axes."""
    x = draw(inputs())
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    named = {"mode": mode, "align_corners": mode != "nearest" and draw(st.booleans())}
    if draw(st.booleans()):
        number = st.integers(1, 4) | st.sampled_from([0.25, 0.5, 0.75, 1.25, 1.5, 2.75])
        return make(Upsample, {"scale": draw(number | st.tuples(*[number] * (len(x) - 1))), **named}), x
    if draw(st.booleans()):
        return make(Resize, {"size": draw(per_axis(1, 12, x)), **named}), x
    like = (1, *(draw(st.integers(1, 12)) for _ in x[1:]))
    return make(Resize, {"like": like, **named}), x


@needs_torch
@settings(max_examples=300)
@given(cases())
def test_random_arguments(case: tuple[Layer, Shape]) -> None:
    agree_or_refuse(*case)
