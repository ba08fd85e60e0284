"""Expressions and numbers: their values, and how operators bind."""

import ast as python
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.grammar import ast, parse_expression, parse_target
from cnnspec.source import Source


def read(text: str) -> ast.Expr:
    found, diagnostics = parse_expression(Source("<set>", text))
    assert not diagnostics, diagnostics
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64), ("4_096", 4096), ("15.5G", 15_500_000_000), ("3K", 3000), ("800M", 800_000_000), ("0.3K", 300),
        ("1.2345K", 1234.5), ("1.00005K", 1000.05), ("123456789012345.6789K", 123456789012345678.9),
        ("0.1G", 100_000_000), ("1_5.5K", 15500), (".5", 0.5), ("2.", 2.0), ("1e-5", 1e-5), ("1E+3", 1000.0),
        ("1e3", 1000.0), ("1.5e2", 150.0), ("007", 7), ("0", 0), ("0.0", 0.0), ("3.K", 3000), ("9007199254740993K",
        9_007_199_254_740_993_000),
    ],
)  # fmt: skip
def test_numbers_are_exact(text: str, value: float) -> None:
    number = read(text)
    assert isinstance(number, ast.Number)
    assert number.value == value
    assert type(number.value) is type(value)
    assert number.span.text == text


@pytest.mark.parametrize(("text", "extents"), [("3x224x224", (3, 224, 224)), ("1x7", (1, 7)), ("1_0x2", (10, 2))])
def test_shapes(text: str, extents: tuple[int, ...]) -> None:
    assert read(text).extents == extents


@pytest.mark.parametrize(
    "text", ["3Kx", "2x2x", "0x10", "3x0", "3xx4", "1__0", "1_", "1.2.3", "1e", "3k", "2n", "1KK", "1e5K", "5G3"]
)
def test_what_is_no_number(text: str) -> None:
    found, diagnostics = parse_expression(Source("<set>", text))
    assert found is None
    assert [one.code for one in diagnostics] in (["bad-number"], ["zero-extent"])


@pytest.mark.parametrize("text", ["", "1 +", "1 2", "f(", "INPUT -> FC", "a = 1", "let a = 1", "(1,", "[1, 2]", "1)"])
def test_a_lone_expression_is_read_to_its_end(text: str) -> None:
    found, diagnostics = parse_expression(Source("<set>", text))
    assert found is None
    assert len(diagnostics) == 1


def test_a_target_is_a_call() -> None:
    call, diagnostics = parse_target(Source("<target>", "resnet(bottleneck, (3, 4, 6, 3), classes=10)"))
    assert not diagnostics
    assert call.callee.id == "resnet"
    assert [argument.name for argument in call.args] == [None, None, "classes"]
    name, _ = parse_target(Source("<target>", "resnet50"))
    assert name.args is None


@pytest.mark.parametrize("text", ["", "3", "resnet(", "resnet -> FC", "ADD{ a | b }", "resnet(3) 4", "@x", "[a]"])
def test_what_is_no_target(text: str) -> None:
    found, diagnostics = parse_target(Source("<target>", text))
    assert found is None
    assert len(diagnostics) == 1


OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "<", "<=", "==", "!=", ">", ">=", "in", "not in", "and", "or", "if"]


def texts() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(["1", "2.5", "a", "b", "f(a, 2)", "t[0]", "t[a:b]", "t[:]", "(1,)", "()", "(a, b)", "x.y"])

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        binary = st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda parts: f"{parts[0]} if {parts[2]} else a" if parts[1] == "if" else " ".join(parts)
        )
        return st.one_of(
            binary,
            inner.map("-{}".format),
            inner.map("not {}".format),
            inner.map("({})".format),
            inner.map("f({})".format),
        )

    return st.recursive(atoms, larger, max_leaves=12)


@given(texts())
def test_operators_bind_as_in_python(text: str) -> None:
    """The same text, read by Python: the same tree, or refused by both."""
    found, diagnostics = parse_expression(Source("<set>", text))
    try:
        theirs = python.parse(text, mode="eval")
    except SyntaxError:
        assert diagnostics
        return
    assert found is not None
    assert python.dump(python.parse(explicit(found), mode="eval")) == python.dump(theirs)


def explicit(node: ast.Syntax | None) -> str:
    """The expression in Python, with parentheses around everything that it consists of."""
    return "" if node is None else _EXPLICIT[type(node)](node)


def _each(found: tuple[ast.Syntax, ...], between: str = ", ") -> str:
    return between.join(map(explicit, found))


def _compared(node: ast.Compare) -> str:
    rest = [f" {sign} {explicit(operand)}" for sign, operand in zip(node.ops, node.operands[1:], strict=True)]
    return f"({explicit(node.operands[0])}{''.join(rest)})"


_EXPLICIT: dict[type[ast.Syntax], Callable[[Any], str]] = {
    ast.Number: lambda node: repr(node.value),
    ast.Name: lambda node: node.id,
    ast.TupleExpr: lambda node: f"({_each(node.items)},)" if node.items else "()",
    ast.Unary: lambda node: f"({node.op} {explicit(node.operand)})",
    ast.Binary: lambda node: f"({explicit(node.left)} {node.op} {explicit(node.right)})",
    ast.Compare: _compared,
    ast.Logic: lambda node: f"({_each(node.operands, f' {node.op} ')})",
    ast.Conditional: lambda node: f"({explicit(node.then)} if {explicit(node.test)} else {explicit(node.other)})",
    ast.Call: lambda node: f"{explicit(node.callee)}({_each(tuple(one.value for one in node.args))})",
    ast.Index: lambda node: f"{explicit(node.value)}[{_each(node.items)}]",
    ast.Slice: lambda node: f"{explicit(node.start)}:{explicit(node.stop)}",
    ast.Attribute: lambda node: f"{explicit(node.value)}.{node.name}",
}
