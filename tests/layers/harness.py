"""How tests make layers, catch refusals, draw random inputs and check a layer's arithmetic against its facts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

from cnnspec.layers.arguments import LayerError, Symbol
from cnnspec.layers.base import Layer, Shape, product
from cnnspec.layers.formula import Formula
from cnnspec.layers.op import Op, apply
from cnnspec.layers.window import axis_names


class Refusal(NamedTuple):
    """A layer's error, and the shape that it goes on with."""

    code: str
    argument: str | int | None
    message: str
    help: str
    meant: Shape | None


def refusal(layer: type[Layer], arguments: Sequence[object], x: Shape | None) -> Refusal:
    """How a layer refuses its arguments or, these being fine, its input. A last dictionary names arguments."""
    try:
        made = make(layer, *arguments)
    except LayerError as error:
        return Refusal(error.code, error.argument, error.message, error.help, None)
    assert x is not None, f"{made!r} takes these arguments"
    with pytest.raises(LayerError) as caught:
        apply(made, (x,))
    return Refusal(caught.value.code, caught.value.argument, caught.value.message, caught.value.help, made.meant(x))


def make(layer: type[Layer], *arguments: Any) -> Layer:
    """A layer as a spec binds it: positional values (words become option words), then a dictionary of named ones."""
    named = arguments[-1] if arguments and isinstance(arguments[-1], dict) else {}
    positional = [Symbol(a) if isinstance(a, str) else a for a in arguments if not isinstance(a, dict)]
    return layer.bind(positional, {k: Symbol(v) if isinstance(v, str) else v for k, v in named.items()})


def consistent(op: Op) -> None:
    """Assert that the formulas give the extents, parameters and MACs that the rules give."""
    formulas = op.layer.formulas(op.output, *op.inputs)
    extents = {formula.about: formula.term.value for formula in formulas if formula.quantity == Formula.EXTENT}
    leaving = dict(zip("C" + axis_names(op.output), op.output, strict=True))
    assert extents.items() <= leaving.items(), f"{op!r}"
    assert extents.keys() - "C" in (set(), leaving.keys() - "C"), f"{op!r}"
    expected = {Formula.PARAMS: sum(product(p.shape) for p in op.params), Formula.MACS: op.work.macs}
    stated = {formula.quantity: formula.term.value for formula in formulas if formula.quantity != Formula.EXTENT}
    assert {**dict.fromkeys(expected, 0), **stated} == expected, f"{op!r}"
    for formula in formulas:
        assert numerically(formula.term.numbers) == formula.term.value, formula.term.numbers


def numerically(text: str) -> int:
    """The value of a formula as it is printed: an arithmetic of its own, so that brackets and signs are checked."""
    python = {"·": "*", "−": "-", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")"}
    code = "".join(python.get(sign, sign) for sign in text)
    code = "".join(f"F('{part}')" if part[:1].isdigit() else part for part in _split_numbers(code))
    value = eval(code, {"F": Fraction, "floor": floor, "ceil": ceil})  # noqa: S307  # the text of a Term
    assert value == int(value), text
    return int(value)


def _split_numbers(code: str) -> list[str]:
    parts = [""]
    for sign in code:
        if (sign.isdigit() or sign == ".") != parts[-1][:1].isdigit():
            parts.append("")
        parts[-1] += sign
    return parts


@st.composite
def inputs(draw: st.DrawFn, most: int = 9, least: int = 1) -> Shape:
    """A few channels, one to three axes."""
    rank = draw(st.integers(1, 3))
    return (draw(st.integers(1, 6)), *(draw(st.integers(least, most)) for _ in range(rank)))


def per_axis(low: int, high: int, x: Shape) -> st.SearchStrategy[Any]:
    """One number, or one per axis."""
    number = st.integers(low, high)
    return number | st.tuples(*[number] * (len(x) - 1))


def per_side(high: int, x: Shape) -> st.SearchStrategy[Any]:
    """Padding in each of the ways to write it in numbers."""
    number, rank = st.integers(0, high), len(x) - 1
    return per_axis(0, high, x) | st.tuples(*[number] * 2 * rank) | st.tuples(*[st.tuples(number, number)] * rank)
