"""FC: facts by hand, refusals, and torch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.layers.base import Shape, product
from cnnspec.layers.facts import Work
from cnnspec.layers.linear import FullyConnected
from cnnspec.layers.op import apply
from tests.layers.harness import Refusal, consistent, inputs, make, refusal
from tests.layers.oracle import agree, needs_torch

# arguments, input; parameters, buffer elements, work
FACTS = [
    ((), (2048, 1, 1), 2_049_000, 0, Work(2_048_000, 1_000)),
    ((4096,), (512, 7, 7), 102_764_544, 0, Work(102_760_448, 4_096)),
    ((4096,), (4096,), 16_781_312, 0, Work(16_777_216, 4_096)),
    ((10, {"bias": False}), (3, 5), 150, 0, Work(150, 0)),
    ((10, {"train": False}), (2, 3, 3, 3), 0, 550, Work(540, 10)),
]


@pytest.mark.parametrize(("arguments", "x", "params", "buffers", "work"), FACTS)
def test_facts(arguments: Any, x: Shape, params: int, buffers: int, work: Work) -> None:
    op = apply(make(FullyConnected, *arguments), (x,))
    assert op.output == (op.layer.arguments()["out"],)
    assert sum(product(p.shape) for p in op.params) == params
    assert sum(product(b.shape) for b in op.buffers) == buffers
    assert op.work == work
    assert op.reach is None
    assert op.layer.weighted
    assert op.layer.storage(op.output, x) == "fresh"
    consistent(op)


def test_formulas_flatten_what_enters() -> None:
    formulas = make(FullyConnected, 4096).formulas((4096,), (512, 7, 7))
    assert [(f.term.symbols, f.term.numbers) for f in formulas] == [
        ("C_out·(C_in·H·W + 1)", "4096·(512·7·7 + 1)"), ("C_out·C_in·H·W", "4096·512·7·7")]


@pytest.mark.parametrize(("arguments", "expected"), [
    ((0,), Refusal("bad-argument", "out", "`out` must be a whole number of at least 1, not 0", "", None)),
    ((2.5,), Refusal("bad-argument", "out", "`out` must be a whole number of at least 1, not 2.5", "", None)),
    (({"init": "kaming"},), Refusal(
        "bad-argument", "init", "`init` must be default, kaiming, xavier, normal, truncated, zeros or ones, not kaming",
        "did you mean `kaiming`?", None)),
    ((10, {"units": 3}), Refusal("unknown-argument", "units", "FC has no argument `units`", "", None)),
    ((10, True, False), Refusal("unknown-argument", 2, "FC takes at most 2 positional arguments, not 3", "", None)),
])
def test_refusals(arguments: Any, expected: Refusal) -> None:
    assert refusal(FullyConnected, arguments, None) == expected


@needs_torch
@settings(max_examples=60)
@given(inputs(), st.fixed_dictionaries({"out": st.integers(1, 9), "bias": st.booleans(), "train": st.booleans()}),
       st.booleans())
def test_against_torch(x: Shape, arguments: dict[str, object], flat: bool) -> None:
    agree(make(FullyConnected, arguments), x[:1] if flat else x)


@needs_torch
@pytest.mark.parametrize(("arguments", "x"), [row[:2] for row in FACTS])
def test_facts_against_torch(arguments: Any, x: Shape) -> None:
    agree(make(FullyConnected, *arguments), x, "meta")
