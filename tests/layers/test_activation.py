"""Activations: operations, storage and parameters by hand, every refusal, and torch on inputs of any rank."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec.layers import find
from cnnspec.layers.activation import Activation, HardTanh, LeakyReLU, LogSoftmax, PReLU, Softmax, Softplus
from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.facts import POINT, Buffer, Param, Work
from cnnspec.layers.op import apply
from tests.layers.harness import Refusal, consistent, make, refusal
from tests.layers.oracle import agree, needs_torch

# keyword, arguments; operations per element, storage
FACTS = [
    ("RELU", (), 1, "in place"),
    ("RELU6", (), 2, "in place"),
    ("LEAKYRELU", (0.2,), 2, "fresh"),
    ("PRELU", (), 2, "fresh"),
    ("ELU", (1.5,), 4, "fresh"),
    ("SELU", (), 5, "fresh"),
    ("SIGMOID", (), 3, "fresh"),
    ("TANH", (), 1, "fresh"),
    ("GELU", (), 5, "fresh"),
    ("GELU", ("tanh",), 9, "fresh"),
    ("SILU", (), 3, "fresh"),
    ("HARDSIGMOID", (), 4, "fresh"),
    ("HARDSWISH", (), 5, "fresh"),
    ("HARDTANH", (), 2, "fresh"),
    ("HARDTANH", (0, 20), 2, "fresh"),
    ("MISH", (), 5, "fresh"),
    ("SOFTPLUS", (2,), 5, "fresh"),
    ("SOFTMAX", (), 5, "fresh"),
    ("LOGSOFTMAX", (), 5, "fresh"),
]
SHAPES = [(10,), (4, 9), (4, 5, 3), (4, 2, 2, 2)]


def layer_of(keyword: str, arguments: Any) -> Layer:
    found = find(keyword)
    assert found is not None
    return make(found, *arguments)


@pytest.mark.parametrize(("keyword", "arguments", "ops", "storage"), FACTS)
@pytest.mark.parametrize("x", SHAPES)
def test_facts(keyword: str, arguments: Any, ops: int, storage: str, x: Shape) -> None:
    op = apply(layer_of(keyword, arguments), (x,))
    assert (op.output, op.work) == (x, Work(0, ops * op.elements))
    assert op.reach == (POINT,) * (len(x) - 1)
    assert op.layer.storage(x, x) == storage
    assert not op.layer.weighted
    assert op.buffers == ()
    assert keyword == "PRELU" or op.params == ()
    consistent(op)


def test_every_activation_has_a_row() -> None:
    families = [Activation, *Activation.__subclasses__()]
    keywords = {cls.keyword for family in families for cls in family.__subclasses__() if "keyword" in vars(cls)}
    assert keywords == {row[0] for row in FACTS}


@pytest.mark.parametrize(("arguments", "params", "buffers"), [
    ({}, (Param("weight", (1,)),), ()),
    ({"per_channel": True}, (Param("weight", (64,)),), ()),
    ({"per_channel": True, "train": False}, (), (Buffer("weight", (64,)),)),
])
def test_slopes_of_prelu(arguments: dict[str, object], params: tuple[Param, ...], buffers: tuple[Buffer, ...]) -> None:
    op = apply(make(PReLU, arguments), ((64, 7, 7),))
    assert (op.params, op.buffers) == (params, buffers)
    consistent(op)


@pytest.mark.parametrize("layer", [Softmax, LogSoftmax])
def test_sums_over_space_reach_everywhere(layer: type[Layer]) -> None:
    op = apply(make(layer, "space"), ((17, 64, 48),))
    assert (op.output, op.reach) == ((17, 64, 48), None)


REFUSALS = [
    (LeakyReLU, ("steep",), None, Refusal("bad-argument", "slope", "`slope` must be a number, not steep", "", None)),
    (HardTanh, (1, 1), None, Refusal(
        "bad-argument", "low", "`low` of HARDTANH must be below `high`: 1 and 1", "", None)),
    (Softplus, (0,), None, Refusal("bad-argument", "beta", "`beta` of SOFTPLUS must be above 0", "", None)),
    (Softplus, (-1,), None, Refusal(
        "bad-argument", "beta", "`beta` must be a number of at least 0, not -1", "", None)),
    (Softmax, ({"axis": "chanels"},), None, Refusal(
        "bad-argument", "axis", "`axis` must be channels or space, not chanels", "did you mean `channels`?", None)),
    (Softmax, ("space",), (1000,), Refusal(
        "flat-input", None, "SOFTMAX needs spatial axes, but a flat vector of 1,000 enters",
        "move it before the step that flattens (FC, FLATTEN), or bring axes back with `RESHAPE(1000, 1, 1)`", (1000,))),
    (PReLU, (64,), None, Refusal(
        "bad-argument", "per_channel", "`per_channel` must be `on` or `off`, not 64", "", None)),
]


@pytest.mark.parametrize(("layer", "arguments", "x", "expected"), REFUSALS)
def test_refusals(layer: type[Layer], arguments: Any, x: Shape | None, expected: Refusal) -> None:
    assert refusal(layer, arguments, x) == expected


@needs_torch
@pytest.mark.parametrize(("keyword", "arguments"), [row[:2] for row in FACTS])
@pytest.mark.parametrize("x", SHAPES)
def test_against_torch(keyword: str, arguments: Any, x: Shape) -> None:
    agree(layer_of(keyword, arguments), x)


@needs_torch
@pytest.mark.parametrize("layer", [Softmax, LogSoftmax])
@pytest.mark.parametrize("x", SHAPES[1:])
def test_sums_over_space_against_torch(layer: type[Layer], x: Shape) -> None:
    agree(make(layer, "space"), x)


@needs_torch
@pytest.mark.parametrize("x", SHAPES)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("train", [False, True])
def test_prelu_against_torch(x: Shape, per_channel: bool, train: bool) -> None:
    agree(make(PReLU, {"per_channel": per_channel, "train": train}), x)
