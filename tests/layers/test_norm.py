"""BN, LN, GN, IN, LRN and L2NORM: facts by hand, every refusal, and torch on random inputs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.facts import POINT, Buffer, Param, Work
from cnnspec.layers.norm import BatchNorm, GroupNorm, InstanceNorm, L2Norm, LayerNorm, LocalResponseNorm
from cnnspec.layers.op import apply
from tests.layers.harness import Refusal, consistent, inputs, make, refusal
from tests.layers.oracle import agree, agree_or_refuse, needs_torch


def pair(*shape: int, kind: type[Param | Buffer] = Param) -> tuple[Any, ...]:
    """A scale and a shift."""
    return kind("weight", shape), kind("bias", shape)


RUNNING = (Buffer("running_mean", (64,)), Buffer("running_var", (64,)))
COUNTER = Buffer("num_batches_tracked", (), bytes_each=8)

# layer, arguments, input; parameters, buffers, operations per element
FACTS = [
    (BatchNorm, (), (64, 56, 56), pair(64), (*RUNNING, COUNTER), 2),
    (BatchNorm, (1e-3, 0.01), (64,), pair(64), (*RUNNING, COUNTER), 2),
    (BatchNorm, ({"affine": False},), (64, 100), (), (*RUNNING, COUNTER), 2),
    (BatchNorm, ({"train": False},), (64, 4, 4, 4), (), (*pair(64, kind=Buffer), *RUNNING), 2),
    (BatchNorm, ({"train": False, "affine": False},), (64, 4, 4), (), RUNNING, 2),
    (LayerNorm, (), (96, 56, 56), pair(96), (), 7),
    (LayerNorm, (), (96,), pair(96), (), 7),
    (LayerNorm, ("all",), (4, 5, 6), pair(4, 5, 6), (), 7),
    (LayerNorm, ("all", {"train": False}), (4, 9), (), pair(4, 9, kind=Buffer), 7),
    (LayerNorm, ({"affine": False},), (4, 5, 6), (), (), 5),
    (GroupNorm, (32,), (64, 28, 28), pair(64), (), 7),
    (GroupNorm, (4, {"affine": False}), (64,), (), (), 5),
    (InstanceNorm, (), (64, 28, 28), (), (), 5),
    (InstanceNorm, ({"affine": True},), (64, 28), pair(64), (), 7),
    (LocalResponseNorm, (), (96, 55, 55), (), (), 10),
    (LocalResponseNorm, (3, 1e-3, 0.5, 2), (96, 55), (), (), 8),
    (L2Norm, (), (512, 38, 38), (), (), 3),
    (L2Norm, (), (512,), (), (), 3),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "params", "buffers", "operations"), FACTS)
def test_facts(layer: type[Layer], arguments: Any, x: Shape, params: tuple[Param, ...], buffers: tuple[Buffer, ...],
               operations: int) -> None:
    op = apply(make(layer, *arguments), (x,))
    assert (op.output, op.params, op.buffers) == (x, params, buffers)
    assert op.work == Work(0, operations * op.elements)
    assert op.reach == (POINT,) * (len(x) - 1)
    assert op.layer.storage(x, x) == "fresh"
    assert not op.layer.weighted
    consistent(op)


def test_formulas_count_scale_and_shift() -> None:
    def lines(layer: Layer, x: Shape) -> list[str]:
        return [f"{f.quantity}: {f.term.symbols} = {f.term.numbers}" for f in layer.formulas(x, x)]

    assert lines(make(BatchNorm), (64, 7, 7)) == ["parameters: 2·C = 2·64"]
    assert lines(make(LayerNorm, "all"), (64, 7, 8)) == ["parameters: 2·C·H·W = 2·64·7·8"]
    assert lines(make(BatchNorm, {"train": False}), (64, 7, 7)) == []
    assert lines(make(InstanceNorm), (64, 7, 7)) == []


REFUSALS = [
    (BatchNorm, ({"momentum": 2},), None, Refusal(
        "bad-argument", "momentum", "`momentum` must be a number from 0 to 1, not 2", "", None)),
    (BatchNorm, (-1e-5,), None, Refusal("bad-argument", "eps", "`eps` must be a number of at least 0, not -1e-05", "",
                                        None)),
    (LayerNorm, ({"over": "channel"},), None, Refusal(
        "bad-argument", "over", "`over` must be channels or all, not channel", "did you mean `channels`?", None)),
    (GroupNorm, (), None, Refusal("missing-argument", None, "GN needs `groups`: groups of channels that share a mean",
                                  "write `GN(groups=…)`", None)),
    (GroupNorm, (32,), (48, 7, 7), Refusal(
        "groups", "groups", "groups = 32 does not divide the 48 channels of 48x7x7", "`groups=24` divides them",
        (48, 7, 7))),
    (GroupNorm, (10**15,), (48,), Refusal(
        "groups", "groups", "groups = 1000000000000000 does not divide the 48 channels of 48",
        "`groups=48` divides them", (48,))),
    (GroupNorm, (48,), (48, 1, 1), Refusal(
        "single-element", None, "GN takes its mean over a group of channels, but in 48x1x1 that is one element: "
        "nothing would remain", "`LN` takes it over the channels", (48, 1, 1))),
    (InstanceNorm, (), (48, 1), Refusal(
        "single-element", None, "IN takes its mean over the positions of a channel, but in 48x1 that is one element: "
        "nothing would remain", "`LN` takes it over the channels", (48, 1))),
    (InstanceNorm, (), (48,), Refusal(
        "flat-input", None, "IN needs spatial axes, but a flat vector of 48 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(48, 1, 1)`", (48,))),
    (LocalResponseNorm, (), (4096,), Refusal(
        "flat-input", None, "LRN needs spatial axes, but a flat vector of 4,096 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(4096, 1, 1)`", (4096,))),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), REFUSALS)
def test_refusals(layer: type[Layer], arguments: Any, x: Shape | None, expected: Refusal) -> None:
    assert refusal(layer, arguments, x) == expected


@needs_torch
@pytest.mark.parametrize(("layer", "arguments", "x"), [row[:3] for row in FACTS])
def test_facts_against_torch(layer: type[Layer], arguments: Any, x: Shape) -> None:
    agree(make(layer, *arguments), x, "meta")


COMMON = {"affine": st.booleans(), "train": st.booleans()}
RANDOM = st.one_of(
    st.builds(lambda named: make(BatchNorm, named), st.fixed_dictionaries(COMMON)),
    st.builds(lambda named: make(LayerNorm, named),
              st.fixed_dictionaries({"over": st.sampled_from(["channels", "all"]), **COMMON})),
    st.builds(lambda named: make(InstanceNorm, named), st.fixed_dictionaries(COMMON)),
    st.builds(lambda size: make(LocalResponseNorm, size), st.integers(1, 7)),
    st.builds(lambda: make(L2Norm)),
)


@needs_torch
@settings(max_examples=150)
@given(RANDOM, inputs())
def test_random_norms(layer: Layer, x: Shape) -> None:
    agree_or_refuse(layer, x)


@needs_torch
@settings(max_examples=60)
@given(st.integers(1, 4), st.fixed_dictionaries(COMMON), inputs(), st.booleans())
def test_random_group_norms(groups: int, named: dict[str, object], x: Shape, flat: bool) -> None:
    x = x[:1] if flat else x
    layer = make(GroupNorm, groups, named)
    if x[0] % groups == 0 and x[0] // groups * max(x[1:], default=1) == 1:
        return  # refused here; torch takes it in a batch of two
    agree_or_refuse(layer, x)
