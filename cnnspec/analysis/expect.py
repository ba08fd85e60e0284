"""`expect`: what to say where it does not hold, with the values on both sides."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TypeGuard

from cnnspec.analysis.figures import figure
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.nets import Nets
from cnnspec.analysis.training import OPTIMIZERS
from cnnspec.diagnostics import Diagnostic
from cnnspec.grammar import ast
from cnnspec.graph.budget import Budget
from cnnspec.graph.environment import Environment, Frame
from cnnspec.graph.expressions import Evaluator
from cnnspec.graph.extents import NOTHING
from cnnspec.graph.operators import compare
from cnnspec.graph.problem import Problem, Quiet, Stop
from cnnspec.graph.program import Module
from cnnspec.graph.values import written
from cnnspec.layers.base import Shape, show
from cnnspec.source import Span


def check_expectations(module: Module, expectations: Iterable[ast.Expect], nets: Nets) -> list[Diagnostic]:
    """What is wrong with some `expect`s of a file; one that depends on a net with mistakes says nothing."""
    environment = Environment(module, Frame())
    evaluator = Evaluator(Budget(nets.limits), partial(figure, nets), frozenset((*DTYPES, *OPTIMIZERS)))
    found = []
    for expectation in expectations:
        try:
            mistake = _Unmet(evaluator, environment).explain(expectation.test)
        except (Problem, Stop) as problem:
            mistake = problem.diagnostic
        except Quiet:
            mistake = None
        if mistake is not None:
            found.append(mistake)
    return found


_NEGATED = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least", "in": "one of"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_LITERALS = (ast.Number, ast.ShapeLiteral, ast.Text, ast.Flag, ast.TupleExpr, ast.Unary)


class _Unmet:
    """Explains why a condition is false, with the values on both sides."""

    def __init__(self, evaluator: Evaluator, environment: Environment) -> None:
        self.evaluator = evaluator
        self.environment = environment

    def value(self, expr: ast.Expr) -> object:
        return self.evaluator.value(expr, self.environment, NOTHING)

    def explain(self, test: ast.Expr) -> Diagnostic | None:
        """The mistake of a condition that is false; None for one that holds."""
        if isinstance(test, ast.Compare):
            return self.comparison(test)
        if isinstance(test, ast.Logic):
            return self.logic(test)
        holds = self.value(test)
        if not isinstance(holds, bool):
            raise Problem("bad-operand", f"an expectation is a comparison, not {_shown(holds)}", test.span,
                          help=f"`expect {_text(test)} == {_shown(holds, '_')}`")
        if holds:
            return None
        if isinstance(test, ast.Unary):
            return _unmet(f"`{_text(test.operand)}` holds", test.span)
        return _unmet(f"`{_text(test)}` does not hold", test.span)

    def comparison(self, test: ast.Compare) -> Diagnostic | None:
        """The first of `a < b <= c` that is false."""
        self.value(test)  # raises what is wrong with it as a whole
        for sign, left, right in zip(test.ops, test.operands, test.operands[1:], strict=False):
            values = self.value(left), self.value(right)
            if not compare(sign, *values):
                return self.unequal(sign, (left, right), values)
        return None

    def unequal(self, sign: str, sides: tuple[ast.Expr, ast.Expr], values: tuple[object, object]) -> Diagnostic:
        place = sides[0].span.to(sides[1].span)
        if isinstance(sides[0], _LITERALS) and not isinstance(sides[1], _LITERALS) and sign in _MIRRORED:
            sign, sides, values = _MIRRORED[sign], sides[::-1], values[::-1]
        subject = f"{_text(sides[0])} is {_shown(values[0])}"
        other = written(values[1]) if sign in {"in", "not in"} else _side(sides[1], values[1])
        if sign == "==":
            return _unmet(f"{subject}, not {other}", place, _correction(sides[1], values[0]))
        if sign in _NEGATED:
            return _unmet(f"{subject}, not {_NEGATED[sign]} {other}", place)
        return _unmet(f"{subject}, which it must not be" if sign == "!=" else f"{subject}, which is in {other}", place)

    def logic(self, test: ast.Logic) -> Diagnostic | None:
        """Of `a and b` the first that is false, of `a or b` all."""
        if self.value(test):
            return None
        if test.op == "and":
            return next(filter(None, map(self.explain, test.operands)), None)
        mistakes = [mistake for mistake in map(self.explain, test.operands) if mistake]
        return _unmet("; ".join(mistake.message for mistake in mistakes), test.span)


def _unmet(message: str, span: Span, help: str = "") -> Diagnostic:
    return Diagnostic("expect", message, span, help=help)


def _correction(literal: ast.Expr, value: object) -> str:
    """What to write instead of a number that is out of date."""
    return f"if the net is as it should be, write `{_shown(value, '_')}`" if isinstance(literal, _LITERALS) else ""


def _text(expr: ast.Expr) -> str:
    return " ".join(expr.span.text.split())


def _side(expr: ast.Expr, value: object) -> str:
    """The right side: a number as it is, else with the text that it comes from."""
    return _shown(value) if isinstance(expr, _LITERALS) else f"{_shown(value)} ({_text(expr)})"


def _shown(value: object, apart: str = ",") -> str:
    """A value: thousands apart, shapes as specs write them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:{apart}}"
    return show(value) if _is_shape(value) else written(value)


def _is_shape(value: object) -> TypeGuard[Shape]:
    return isinstance(value, tuple) and len(value) > 1 and all(type(n) is int and n > 0 for n in value)
