"""DROPOUT and DROPPATH: nothing happens in evaluation."""

from __future__ import annotations

import pytest

from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.dropout import Dropout, DropPath
from cnnspec.layers.facts import POINT, Work
from cnnspec.layers.op import apply
from tests.layers.harness import Refusal, consistent, make, refusal
from tests.layers.oracle import agree, needs_torch


@pytest.mark.parametrize("layer", [Dropout, DropPath])
@pytest.mark.parametrize("x", [(4096,), (8, 100), (64, 7, 7), (4, 3, 3, 3)])
def test_passes_its_input_on(layer: type[Layer], x: Shape) -> None:
    op = apply(make(layer, 0.2), (x,))
    assert (op.output, op.params, op.buffers, op.work) == (x, (), (), Work(0, 0))
    assert op.reach == (POINT,) * (len(x) - 1)
    assert op.layer.storage(x, x) == "view"
    assert not op.layer.weighted
    consistent(op)


def test_default_is_a_half() -> None:
    assert make(Dropout).arguments() == {"p": 0.5}


@pytest.mark.parametrize(("layer", "arguments", "expected"), [
    (Dropout, (1.5,), Refusal("bad-argument", "p", "`p` must be a number from 0 to 1, not 1.5", "", None)),
    (Dropout, (True,), Refusal("bad-argument", "p", "`p` must be a number from 0 to 1, not on", "", None)),
    (DropPath, (-0.1,), Refusal("bad-argument", "p", "`p` must be a number from 0 to 1, not -0.1", "", None)),
    (DropPath, (), Refusal("missing-argument", None, "DROPPATH needs `p`: probability that the branch is dropped",
                           "write `DROPPATH(p=…)`", None)),
    (DropPath, (float("nan"),), Refusal("bad-argument", "p", "`p` must be a number from 0 to 1, not nan", "", None)),
])
def test_refusals(layer: type[Layer], arguments: tuple[object, ...], expected: Refusal) -> None:
    assert refusal(layer, arguments, None) == expected


@needs_torch
@pytest.mark.parametrize("layer", [Dropout, DropPath])
def test_against_torch(layer: type[Layer]) -> None:
    agree(make(layer, 0), (3, 4, 5))
    agree(make(layer, 1), (3,))
