"""INPUT and OUTPUT: values as they are."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec.layers.arguments import LayerError, Symbol
from cnnspec.layers.base import Shape
from cnnspec.layers.facts import POINT, Work
from cnnspec.layers.io import Input, Output
from cnnspec.layers.op import apply
from tests.layers.harness import Refusal, make, refusal


@pytest.mark.parametrize(("arguments", "shape"), [
    ((), (3, 224, 224)),
    (((1, 32, 32),), (1, 32, 32)),
    ((3, 64, 64), (3, 64, 64)),
    (({"shape": (80, 16_000)},), (80, 16_000)),
    ((10,), (10,)),
    (({"shape": 10},), (10,)),
    (((1, 16, 64, 64),), (1, 16, 64, 64)),
])
def test_an_input_makes_its_shape_of_nothing(arguments: Any, shape: Shape) -> None:
    layer = make(Input, *arguments)
    assert layer.arguments() == {"shape": shape}
    assert layer.shape() == shape
    assert (layer.params(), layer.buffers(), layer.work(shape)) == ((), (), Work(0, 0))
    assert layer.reach(shape) == (POINT,) * (len(shape) - 1)
    assert (layer.storage(shape), layer.brief()) == ("fresh", "INPUT")


@pytest.mark.parametrize(("arguments", "expected"), [
    ((1, 2, 3, 4, 5), Refusal(
        "bad-argument", "shape", "an input has at most four extents, channels and three axes; 1x2x3x4x5 has 5", "",
        None)),
    ((3, 0, 224), Refusal(
        "bad-argument", "shape", "`shape` must be a shape such as `3x224x224`, its extents at least 1, "
        "not (3, 0, 224)", "", None)),
    ((3, (224, 224)), Refusal(
        "bad-argument", "shape", "`shape` must be a shape such as `3x224x224`, its extents at least 1, "
        "not (3, (224, 224))", "", None)),
    (({"size": 224},), Refusal("unknown-argument", "size", "INPUT has no argument `size`", "", None)),
])
def test_refusals(arguments: Any, expected: Refusal) -> None:
    assert refusal(Input, arguments, None) == expected


@pytest.mark.parametrize("x", [(1000,), (64, 9), (64, 7, 7), (8, 4, 4, 4)])
def test_an_output_passes_its_input_on(x: Shape) -> None:
    op = apply(Output.bind([Symbol("aux")], {"train_only": True}), (x,))
    assert (op.output, op.params, op.buffers, op.work) == (x, (), (), Work(0, 0))
    assert op.reach == (POINT,) * (len(x) - 1)
    assert op.layer.storage(x, x) == "view"
    assert op.layer.arguments() == {"name": "aux", "train_only": True}


@pytest.mark.parametrize("name", ["", 7, (1, 2)])
def test_an_output_is_named_by_a_word(name: object) -> None:
    with pytest.raises(LayerError, match="`name` must be a word, not "):
        Output.bind([name], {})
