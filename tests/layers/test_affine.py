"""SCALE and BIAS: one number per channel."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec.layers.affine import Bias, Scale
from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.facts import POINT, Buffer, Param, Work
from cnnspec.layers.op import apply
from tests.layers.harness import Refusal, consistent, make, refusal
from tests.layers.oracle import agree, needs_torch

# layer, arguments; parameters, buffers, for four channels
FACTS = [
    (Scale, (), (Param("weight", (4,)),), ()),
    (Scale, (1e-6,), (Param("weight", (4,)),), ()),
    (Scale, (20, {"train": False}), (), ()),
    (Bias, (), (Param("bias", (4,)),), ()),
    (Bias, ({"train": False},), (), (Buffer("bias", (4,)),)),
]


@pytest.mark.parametrize(("layer", "arguments", "params", "buffers"), FACTS)
@pytest.mark.parametrize("x", [(4,), (4, 9), (4, 5, 3), (4, 2, 2, 2)])
def test_facts(layer: type[Layer], arguments: Any, params: tuple[Param, ...], buffers: tuple[Buffer, ...],
               x: Shape) -> None:
    op = apply(make(layer, *arguments), (x,))
    assert (op.output, op.params, op.buffers, op.work) == (x, params, buffers, Work(0, op.elements))
    assert op.reach == (POINT,) * (len(x) - 1)
    assert op.layer.storage(x, x) == "fresh"
    assert not op.layer.weighted
    consistent(op)


def test_init_of_a_scale_is_a_number_and_of_a_bias_a_word() -> None:
    assert make(Scale, 0.5).arguments() == {"init": 0.5, "train": True}
    assert make(Scale).arguments() == {"init": 1, "train": True}
    assert make(Bias, "zeros").arguments() == {"train": True, "init": "zeros"}


@pytest.mark.parametrize(("layer", "arguments", "expected"), [
    (Scale, ("ones",), Refusal("bad-argument", "init", "`init` must be a number, not ones", "", None)),
    (Scale, (float("inf"),), Refusal("bad-argument", "init", "`init` must be a number, not inf", "", None)),
    (Bias, (1,), Refusal("unknown-argument", 0, "BIAS takes no positional arguments, not 1", "", None)),
])
def test_refusals(layer: type[Layer], arguments: Any, expected: Refusal) -> None:
    assert refusal(layer, arguments, None) == expected


@needs_torch
@pytest.mark.parametrize(("layer", "arguments"), [row[:2] for row in FACTS])
def test_against_torch(layer: type[Layer], arguments: Any) -> None:
    agree(make(layer, *arguments), (4, 3, 3))
    agree(make(layer, *arguments), (4,))
