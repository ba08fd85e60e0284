"""Merges: facts by hand, every refusal with its remedy, and torch on random branches."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.facts import POINT, Reach, Work
from cnnspec.layers.fitting import broadcast_shape, listed
from cnnspec.layers.merge import Add, Concat, Elementwise, Max, Mean, Merge, Mul, Stack, Strict, Sub
from cnnspec.layers.op import apply
from tests.layers.harness import consistent, make
from tests.layers.oracle import needs_torch

ON = {"broadcast": True}
MAP, GATE, LINE = (64, 8, 8), (64, 1, 1), (64, 1, 8)

# layer, arguments, branches; output, operations, storage
FACTS = [
    (Add, (), [MAP, MAP], MAP, 4_096, "in place"),
    (Add, (), [MAP, MAP, MAP], MAP, 8_192, "in place"),
    (Add, (), [(1000,), (1000,)], (1000,), 1_000, "in place"),
    (Add, (), [MAP], MAP, 0, "in place"),
    (Add, (ON,), [MAP, GATE], MAP, 4_096, "in place"),
    (Add, (ON,), [GATE, MAP], MAP, 4_096, "fresh"),
    (Add, (ON,), [(64, 8, 1), LINE], MAP, 4_096, "fresh"),
    (Sub, (), [MAP, MAP], MAP, 4_096, "fresh"),
    (Sub, (ON,), [MAP, (1, 8, 8)], MAP, 4_096, "fresh"),
    (Max, (), [MAP, MAP, MAP], MAP, 8_192, "fresh"),
    (Mean, (), [MAP, MAP, MAP], MAP, 12_288, "fresh"),
    (Mul, (), [MAP, MAP], MAP, 4_096, "fresh"),
    (Mul, (), [MAP, GATE], MAP, 4_096, "fresh"),
    (Mul, (), [MAP, GATE, (1, 8, 8)], MAP, 8_192, "fresh"),
    (Concat, (), [MAP, (32, 8, 8), (1, 8, 8)], (97, 8, 8), 0, "fresh"),
    (Concat, (), [(10,), (20,)], (30,), 0, "fresh"),
    (Concat, (), [(3, 4, 5, 6), (3, 4, 5, 6)], (6, 4, 5, 6), 0, "fresh"),
    (Concat, (), [MAP], MAP, 0, "fresh"),
]


@pytest.mark.parametrize(("layer", "arguments", "xs", "y", "ops", "storage"), FACTS)
def test_facts(layer: type[Layer], arguments: Any, xs: list[Shape], y: Shape, ops: int, storage: str) -> None:
    op = apply(make(layer, *arguments), tuple(xs))
    assert (op.output, op.work, op.params, op.buffers) == (y, Work(0, ops), (), ())
    assert op.reach == (POINT,) * (len(y) - 1)
    assert op.layer.storage(y, *xs) == storage
    assert op.layer.merges
    consistent(op)


@pytest.mark.parametrize(("xs", "y"), [
    ([(64,)] * 3, (64, 3)), ([(64, 9)] * 2, (64, 2, 9)), ([(64, 9, 8)] * 5, (64, 5, 9, 8)),
    ([(64, 9, 8)], (64, 1, 9, 8)),
])
def test_stack_adds_an_axis_along_which_an_output_reads_its_own_branch(xs: list[Shape], y: Shape) -> None:
    op = apply(make(Stack), tuple(xs))
    assert (op.output, op.work) == (y, Work(0, 0))
    assert op.reach == (Reach(0, 0, 0), *(POINT,) * (len(y) - 2))
    assert op.layer.storage(y, *xs) == "fresh"


@pytest.mark.parametrize(("xs", "gates"), [
    ([MAP, GATE], (1,)), ([GATE, MAP], (0,)), ([MAP, GATE, (1, 8, 8)], (1, 2)), ([MAP, MAP], ()),
    ([(64, 8, 1), LINE], ()), ([MAP], ()),
])
def test_gates_are_the_repeated_branches_of_a_product(xs: list[Shape], gates: tuple[int, ...]) -> None:
    assert make(Mul).gates(*xs) == gates


def test_a_repeated_branch_of_a_sum_is_no_gate() -> None:
    assert make(Add, ON).gates(MAP, GATE) == ()


def test_the_channels_of_a_few_branches_are_spelled_out() -> None:
    (channels,) = make(Concat).formulas((97, 8, 8), MAP, (32, 8, 8), (1, 8, 8))
    assert (channels.about, channels.term.symbols, channels.term.numbers) == ("C", "C_1 + C_2 + C_3", "64 + 32 + 1")
    assert make(Concat).formulas((576, 8, 8), *[MAP] * 9) == ()


class Misfit(NamedTuple):
    """How a merge refuses its branches, which of them are at fault, and the shape that it goes on with."""

    message: str
    help: str
    inputs: tuple[int, ...]
    meant: Shape | None
    code: str = "shape-mismatch"


REFUSALS = [
    (Add, (), [(128, 28, 28), (64, 56, 56)], Misfit(
        "the branches of ADD have different shapes: 128x28x28 and 64x56x56",
        "project the branch of 64x56x56: `CONV(128, 1, stride=2)`", (1,), (128, 28, 28))),
    (Add, (), [(64, 56, 56), (128, 28, 28)], Misfit(
        "the branches of ADD have different shapes: 64x56x56 and 128x28x28",
        "project the branch of 64x56x56: `CONV(128, 1, stride=2)`", (0,), (128, 28, 28))),
    (Add, (), [(64, 28, 28), (256, 28, 28)], Misfit(
        "the branches of ADD have different shapes: 64x28x28 and 256x28x28",
        "project the branch of 64x28x28: `CONV(256, 1)`", (0,), (256, 28, 28))),
    (Add, (), [(64, 55, 112), (64, 28, 112)], Misfit(
        "the branches of ADD have different shapes: 64x55x112 and 64x28x112",
        "project the branch of 64x55x112: `CONV(64, 1, stride=2x1)`", (0,), (64, 28, 112))),
    (Add, (), [(10,), (20,)], Misfit(
        "the branches of ADD have different shapes: 10 and 20", "project the branch of 10: `FC(20)`", (0,), (20,))),
    (Add, (), [MAP, GATE], Misfit(
        "the branches of ADD have different shapes: 64x8x8 and 64x1x1",
        "`ADD(broadcast=on){…}` repeats extents of 1", (1,), MAP)),
    (Add, (), [(64, 31, 31), (64, 30, 30)], Misfit(
        "the branches of ADD have different shapes: 64x31x31 and 64x30x30",
        "`CROP(30)` in the branch of 64x31x31", (1,), (64, 31, 31))),
    (Add, (), [(64, 7, 7), (64, 70, 70)], Misfit(
        "the branches of ADD have different shapes: 64x7x7 and 64x70x70",
        "`UPSAMPLE(10)` in the branch of 64x7x7, or `POOL(10)` in that of 64x70x70", (0,), (64, 70, 70))),
    (Add, (), [(64, 9, 4), (64, 4, 9)], Misfit(
        "the branches of ADD have different shapes: 64x9x4 and 64x4x9", "", (1,), (64, 9, 4))),
    (Add, (), [MAP, (64,)], Misfit(
        "the branches of ADD have different shapes: 64x8x8 and 64", "give the branch of 64 axes: `RESHAPE(64, 1, 1)`",
        (1,), MAP)),
    (Add, (), [MAP, (64, 8)], Misfit("the branches of ADD have different shapes: 64x8x8 and 64x8", "", (1,), MAP)),
    (Add, (), [MAP, (1, 9, 9), MAP, (2, 9, 9), (3, 9, 9), (4, 9, 9), (64, 9, 9)], Misfit(
        "the branches of ADD have different shapes: 64x8x8, 1x9x9, 2x9x9 and 3 more", "",
        (0, 1, 2, 3, 4, 5), (64, 9, 9))),
    (Add, (ON,), [MAP, (32, 1, 1)], Misfit(
        "the branches of ADD must have equal extents, or 1: 64x8x8 and 32x1x1",
        "give the branch of 32x1x1 64 channels: `CONV(64, 1)`", (1,), MAP)),
    (Mul, (), [MAP, (16, 1, 1)], Misfit(
        "the branches of MUL must have equal extents, or 1: 64x8x8 and 16x1x1",
        "give the branch of 16x1x1 64 channels: `CONV(64, 1)`", (1,), MAP)),
    (Mul, (), [MAP, (64,)], Misfit(
        "the branches of MUL must have equal extents, or 1: 64x8x8 and 64",
        "give the branch of 64 axes: `RESHAPE(64, 1, 1)`", (1,), MAP)),
    (Max, (), [MAP, (64, 16, 16)], Misfit(
        "the branches of MAX have different shapes: 64x8x8 and 64x16x16",
        "project the branch of 64x16x16: `CONV(64, 1, stride=2)`", (1,), MAP)),
    (Mean, (), [MAP, GATE, MAP], Misfit(
        "the branches of MEAN have different shapes: 64x8x8 and 64x1x1",
        "`MEAN(broadcast=on){…}` repeats extents of 1", (1,), MAP)),
    (Sub, (), [MAP, MAP, MAP], Misfit(
        "SUB takes two branches, not 3", "`SUB{ a | ADD{ b | c } }` subtracts several", (2,), MAP, "bad-inputs")),
    (Sub, (), [MAP, (64, 7, 8)], Misfit(
        "the branches of SUB have different shapes: 64x8x8 and 64x7x8", "`CROP(7x8)` in the branch of 64x8x8", (1,),
        MAP)),
    (Concat, (), [(512, 31, 31), (512, 30, 30)], Misfit(
        "CONCAT needs equal extents, its branches have 31 and 30 along H", "`CROP(30)` in the branch of 512x31x31",
        (1,), (1024, 31, 31))),
    (Concat, (), [(8, 4, 14, 28), (8, 4, 14, 14), (8, 4, 14, 14)], Misfit(
        "CONCAT needs equal extents, its branches have 28 and 14 along W", "`CROP(4x14x14)` in the branch of 8x4x14x28",
        (0,), (24, 4, 14, 28))),
    (Concat, (), [(256, 14, 14), (512, 28, 28)], Misfit(
        "CONCAT needs equal extents, its branches have 14 and 28 along H",
        "`UPSAMPLE(2)` in the branch of 256x14x14, or `POOL(2)` in that of 512x28x28", (1,), (768, 14, 14))),
    (Concat, (), [(8, 3), (8, 4), (8, 5)], Misfit(
        "CONCAT needs equal extents, its branches have 3, 4 and 5 along L", "", (1, 2), (24, 3))),
    (Concat, (), [MAP, (1000,)], Misfit(
        "CONCAT needs branches of one rank: 64x8x8 and 1000", "`FLATTEN` in the others makes all of them vectors", (1,),
        None)),
    (Concat, (), [MAP, MAP, (64, 8)], Misfit(
        "CONCAT needs branches of one rank: 64x8x8 and 64x8", "", (2,), None)),
    (Stack, (), [MAP, (64, 16, 16)], Misfit(
        "the branches of STACK have different shapes: 64x8x8 and 64x16x16",
        "project the branch of 64x16x16: `CONV(64, 1, stride=2)`", (1,), (64, 2, 8, 8))),
    (Stack, (), [(8, 4, 4, 4)] * 2, Misfit(
        "STACK adds a spatial axis, but 8x4x4x4 has three already",
        "`CONCAT` joins the branches along their channels", (), None, "bad-inputs")),
]


@pytest.mark.parametrize(("layer", "arguments", "xs", "expected"), REFUSALS)
def test_refusals(layer: type[Layer], arguments: Any, xs: list[Shape], expected: Misfit) -> None:
    made = make(layer, *arguments)
    with pytest.raises(LayerError) as caught:
        apply(made, tuple(xs))
    error = caught.value
    assert Misfit(error.message, error.help, error.inputs, made.meant(*xs), error.code) == expected
    assert error.argument is None  # so that each branch is labelled with its shape


def test_many_branches_are_listed_once_each() -> None:
    assert listed(["a", "b", "a"]) == "a and b"
    assert listed(["a"]) == "a"
    assert listed(list("abcdef")) == "a, b, c and 3 more"



@st.composite
def branches(draw: st.DrawFn) -> list[Shape]:
    """A few branches of mostly one rank, mostly equal, with extents of 1 among them."""
    rank = draw(st.integers(1, 4))
    base = draw(st.tuples(*[st.integers(1, 3)] * rank))
    other = draw(st.tuples(*[st.sampled_from((1, extent, extent + 1)) for extent in base]))
    return draw(st.lists(st.sampled_from([base, base, other, base[:-1] or base]), min_size=1, max_size=4))


def joined(layer: Any, xs: list[Shape]) -> Shape:
    """The shape that torch makes of the branches, on the meta device; raises what torch raises."""
    import torch

    values = [torch.empty((2, *x), device="meta") for x in xs]
    if isinstance(layer, Concat):
        return tuple(torch.cat(values, dim=1).shape[1:])
    if isinstance(layer, Stack):
        return tuple(torch.stack(values, dim=2).shape[1:])
    function = {"ADD": torch.add, "SUB": torch.sub, "MUL": torch.mul, "MAX": torch.maximum, "MEAN": torch.add}
    result = values[0]
    for value in values[1:]:
        result = function[layer.keyword](result, value)
    return tuple(result.shape[1:])


MERGES = [Add, Concat, Max, Mean, Mul, Stack, Sub]


@needs_torch
@pytest.mark.parametrize("layer", [make(cls) for cls in MERGES] + [make(cls, ON) for cls in (Add, Max, Mean, Sub)])
@settings(max_examples=60)
@given(branches())
def test_random_branches(layer: Layer, xs: list[Shape]) -> None:
    try:
        op = apply(layer, tuple(xs))
    except LayerError:
        layer.meant(*xs)  # must not raise
        if not stricter_than_torch(layer, xs):
            with pytest.raises(RuntimeError):
                joined(layer, xs)
        return
    assert op.output == joined(layer, xs)
    consistent(op)


def stricter_than_torch(layer: Layer, xs: list[Shape]) -> bool:
    """Where torch repeats extents unasked, and what the layers do not do at all."""
    ranks = {len(x) for x in xs}
    unasked = len(ranks) > 1 or (isinstance(layer, Strict) and not layer.broadcast and len(set(xs)) > 1)
    return unasked or (isinstance(layer, Sub) and len(xs) > 2) or (isinstance(layer, Stack) and max(ranks) > 3)


@given(branches())
def test_broadcasting_is_symmetric_and_repeats_only_ones(xs: list[Shape]) -> None:
    y = broadcast_shape(xs)
    assert y == broadcast_shape(xs[::-1])
    assert y is None or all(extent in (1, widest) for x in xs for extent, widest in zip(x, y, strict=True))


def test_every_merge_is_tested() -> None:
    families: list[type] = [Merge, Elementwise, Strict]
    assert {cls for family in families for cls in family.__subclasses__()} - set(families) == set(MERGES)
