"""Expressions evaluate to values: a small pure subset of Python's, over names, extents and option words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnspec.diagnostics import Label
from cnnspec.grammar import ast
from cnnspec.graph.blame import blamed, culprit
from cnnspec.graph.budget import Budget
from cnnspec.graph.environment import Environment
from cnnspec.graph.extents import EXTENT_NAMES, Entering, extent
from cnnspec.graph.functions import FUNCTIONS
from cnnspec.graph.operators import Unfit, arithmetic, bounded, compare, is_number
from cnnspec.graph.problem import Problem, Quiet
from cnnspec.graph.rows import check_even, check_range
from cnnspec.graph.unknown import unknown_name, with_words
from cnnspec.graph.values import Bound, ChainValue, Given, Identity, LayerValue, describe
from cnnspec.graph.values import Callable as Step
from cnnspec.layers import find, option_words
from cnnspec.layers.arguments import Symbol
from cnnspec.source import Span

#: Reads a net's figure in `expect`: the net, the figure's name, its arguments, the place.
Figures = Callable[[object, ast.Attribute, Mapping[str, object]], object]

Words = Mapping[str, str] | frozenset[str]
NO_WORDS: Words = frozenset()


class Evaluator:
    """Evaluates expressions for one elaboration.

    `entering` is the shape of the value that enters the step (`NOTHING` where none does, None where an earlier
    mistake left it unknown); `words` are the option words of the layer whose argument it is.
    """

    def __init__(self, budget: Budget, figures: Figures | None = None, figure_words: Words = NO_WORDS) -> None:
        self.budget = budget
        self.figures = figures
        #: Option words in the arguments of a figure: `net.inference_peak(dtype=float16)`.
        self.figure_words = figure_words

    def value(self, expr: ast.Expr, env: Environment, entering: Entering, words: Words = NO_WORDS) -> Any:
        """The value of `expr`; raises `Problem` for a mistake and `Quiet` where it depends on an earlier one."""
        try:
            return _RULES[type(expr)](self, expr, env, entering, words)
        except Unfit as unfit:
            wrong = culprit(expr, unfit.code, env) if unfit.code in ("bad-operand", "division-by-zero") else expr
            origin, labels = blamed(wrong, env, expr.span)
            raise Problem(unfit.code, unfit.message, origin if labels else expr.span, labels=labels,
                          help=unfit.help) from None

    # ------------------------------------------------------------------------------------- atoms and names

    def number(self, expr: ast.Number, env: Environment, entering: Entering, words: Words) -> object:
        return bounded(expr.value, self.budget.limits)

    def literal(self, expr: Any, env: Environment, entering: Entering, words: Words) -> object:
        return expr.value

    def shape(self, expr: ast.ShapeLiteral, env: Environment, entering: Entering, words: Words) -> object:
        return expr.extents

    def name(self, expr: ast.Name, env: Environment, entering: Entering, words: Words) -> object:
        name = expr.id
        if name in words:
            return Symbol(name)
        holder = env.holder(name)
        if holder is not None:
            value = holder.names[name]
            if value is None:
                raise Quiet
            return value
        if name in EXTENT_NAMES:
            return extent(expr, entering)
        if name in env.module.names:
            return env.module.value(name, self)
        return self.elsewhere(expr, env, words)

    def elsewhere(self, expr: ast.Name, env: Environment, words: Words) -> object:
        """A name that nothing in the file binds: a layer, `ID`, an option word; else a mistake."""
        name = expr.id
        if name == "ID":
            return Identity()
        layer = find(name) if name.isupper() or not name.islower() else None
        if layer is not None:
            return LayerValue(layer)
        if name in option_words():
            return Symbol(name)
        raise unknown_name(expr, env, words=words)

    def reference(self, expr: ast.Reference, env: Environment, entering: Entering, words: Words) -> object:
        """`@b` as an argument."""
        from cnnspec.graph.references import single

        return single(self, expr, env, entering)

    def missing(self, expr: ast.Missing, env: Environment, entering: Entering, words: Words) -> object:
        """What could not be read: said by the parser."""
        raise Quiet

    def chain(self, expr: ast.Step, env: Environment, entering: Entering, words: Words) -> object:
        return ChainValue(expr, env)

    # --------------------------------------------------------------------------------------- combinations

    def items(self, expr: ast.TupleExpr, env: Environment, entering: Entering, words: Words) -> object:
        return self.budget.checked(tuple(self.value(item, env, entering, words) for item in expr.items), expr.span)

    def unary(self, expr: ast.Unary, env: Environment, entering: Entering, words: Words) -> object:
        operand = self.value(expr.operand, env, entering, words)
        if expr.op == "not":
            return not self.truth(operand, expr.operand, env)
        if not is_number(operand):
            raise Unfit("bad-operand", f"`{expr.op}` needs a number, not {describe(operand)}")
        return -operand if expr.op == "-" else operand

    def binary(self, expr: ast.Binary, env: Environment, entering: Entering, words: Words) -> object:
        left = self.value(expr.left, env, entering, words)
        right = self.value(expr.right, env, entering, words)
        result = arithmetic(expr.op, left, right, self.budget.limits)
        return self.budget.checked(result, expr.span) if isinstance(result, tuple) else result

    def compare(self, expr: ast.Compare, env: Environment, entering: Entering, words: Words) -> object:
        left = self.value(expr.operands[0], env, entering, words)
        for sign, operand in zip(expr.ops, expr.operands[1:], strict=True):
            right = self.value(operand, env, entering, words)
            if not compare(sign, left, right):
                return False
            left = right
        return True

    def logic(self, expr: ast.Logic, env: Environment, entering: Entering, words: Words) -> object:
        for operand in expr.operands:
            if self.truth(self.value(operand, env, entering, words), operand, env) == (expr.op == "or"):
                return expr.op == "or"
        return expr.op == "and"

    def conditional(self, expr: ast.Conditional, env: Environment, entering: Entering, words: Words) -> object:
        test = self.truth(self.value(expr.test, env, entering), expr.test, env)
        return self.value(expr.then if test else expr.other, env, entering, words)

    def index(self, expr: ast.Index, env: Environment, entering: Entering, words: Words) -> object:
        return self.taken(self.value(expr.value, env, entering), expr.items, expr, env, entering)

    def taken(self, value: object, items: tuple[ast.Expr, ...], expr: ast.Index, env: Environment,
              entering: Entering) -> object:
        """What indices take of a value; those behind a slice take it of each element: `t[:, 0]` is a column."""
        if not items:
            return value
        item, rest = items[0], items[1:]
        if not isinstance(value, tuple):
            raise Unfit("bad-operand", f"only a tuple has an index, not {describe(value)}")
        if isinstance(item, ast.Slice):
            row = self.budget.checked(self.sliced(value, item, env, entering), expr.span)
            return tuple(self.taken(element, rest, expr, env, entering) for element in row)
        index = self.whole(item, env, entering)
        if not -len(value) <= index < len(value):
            raise Problem("index-out-of-range", f"index {index} is out of range: the tuple has {len(value)} "
                          f"element{'s' if len(value) != 1 else ''}", item.span)
        return self.taken(value[index], rest, expr, env, entering)

    def sliced(self, row: tuple[object, ...], item: ast.Slice, env: Environment, entering: Entering) -> tuple[object,
               ...]:
        bounds = [None if part is None else self.whole(part, env, entering)
                  for part in (item.start, item.stop, item.step)]
        if bounds[2] == 0:
            raise Problem("division-by-zero", "the step of a slice is zero", item.span)
        return row[slice(*bounds)]

    def attribute(self, expr: ast.Attribute, env: Environment, entering: Entering, words: Words) -> object:
        if self.figures is None:
            raise Problem("bad-operand", f"`.{expr.name}` reads a figure of a net, in `expect` only", expr.name_span)
        return self.figures(self.value(expr.value, env, entering), expr, {})

    def call(self, expr: ast.Call, env: Environment, entering: Entering, words: Words) -> object:
        """A function of the language, a net's figure with arguments, or a layer or block with arguments bound."""
        callee = expr.callee
        if isinstance(callee, ast.Attribute) and self.figures is not None:
            return self.figures(self.value(callee.value, env, entering), callee, self.named(expr, env, entering))
        if isinstance(callee, ast.Name) and callee.id in FUNCTIONS and env.holder(callee.id) is None:
            if callee.id not in env.module.names or env.module.formula is not None:  # a formula called like its file
                return self.function(expr, callee.id, env, entering)
        target = self.value(callee, env, entering)
        if not isinstance(target, Step):
            raise Problem("not-callable", f"{describe(target)} takes no arguments", callee.span)
        return Bound(target, self.given(expr.args, target, env, entering), expr) if expr.args else target

    def named(self, expr: ast.Call, env: Environment, entering: Entering) -> dict[str, object]:
        """The arguments of a figure, which are given by name."""
        values: dict[str, object] = {}
        for argument in expr.args:
            if argument.name is None:
                raise Problem("unknown-argument", "a figure takes its arguments by name", argument.span,
                              help=f"`{expr.callee.span.text}(batch={argument.span.text})`")
            if argument.name in values:
                raise Problem("doubled-argument", f"the figure gets `{argument.name}` twice", argument.span)
            values[argument.name] = self.value(argument.value, env, entering, self.figure_words)
        return values

    def given(self, args: tuple[ast.Argument, ...], target: object, env: Environment,
              entering: Entering) -> tuple[Given, ...]:
        """The arguments of a call of `target`, evaluated in the order written."""
        words = layer_words(target)
        return tuple([Given(a.name, self.argument(a, env, entering, words), a, env) for a in args])

    def argument(self, argument: ast.Argument, env: Environment, entering: Entering, words: Words) -> object:
        try:
            return self.value(argument.value, env, entering, words)
        except Problem as problem:
            owners = words if isinstance(words, Mapping) else {}
            raise with_words(problem, argument, [w for w, owner in owners.items() if owner == argument.name]) from None

    def function(self, expr: ast.Call, name: str, env: Environment, entering: Entering) -> object:
        compute, usage = FUNCTIONS[name]
        positional = [self.value(a.value, env, entering) for a in expr.args if a.name is None]
        named = {a.name: self.value(a.value, env, entering) for a in expr.args if a.name is not None}
        if name == "range":
            check_range(positional, self.budget.limits)
        if name == "zip":
            check_even(expr, positional, env)
        try:
            result = compute(*positional, **named)
        except (TypeError, ValueError, ArithmeticError):
            given = ", ".join([*map(describe, positional), *(f"{k} = {describe(v)}" for k, v in named.items())])
            origin, labels = self.misfit(expr, positional, env)
            raise Problem("bad-argument", f"`{name}` cannot take {given or 'no arguments'}", origin, labels=labels,
                          help=f"it is called as `{usage}`") from None
        if isinstance(result, tuple):
            return self.budget.checked(result, expr.span)
        return bounded(result, self.budget.limits)

    def misfit(self, expr: ast.Call, values: list[object], env: Environment) -> tuple[Span, tuple[Label, ...]]:
        """Where the one argument of another kind than the others was written, if that is elsewhere; else the call."""
        pairs = list(zip(expr.args, values, strict=False))
        odd = [argument.value for argument, value in pairs if not isinstance(value, int | float | tuple)]
        odd = odd or [argument.value for argument, value in pairs if not isinstance(value, tuple)]
        origin, labels = blamed(odd[0], env, expr.span) if len(odd) == 1 else (expr.span, ())
        return (origin, labels) if labels else (expr.span, ())

    # ------------------------------------------------------------------------------------ of a known kind

    def whole(self, expr: ast.Expr, env: Environment, entering: Entering) -> int:
        """A whole number."""
        value = self.value(expr, env, entering)
        if not isinstance(value, int) or isinstance(value, bool):
            origin, labels = blamed(expr, env)
            raise Problem("bad-operand", f"a whole number is needed here, not {describe(value)}", origin, labels=labels)
        return value

    def truth(self, value: object, expr: ast.Expr, env: Environment) -> bool:
        """A condition: on/off or a comparison; numbers and tuples as in Python."""
        if isinstance(value, bool | int | float | tuple):
            return bool(value)
        origin, labels = blamed(expr, env)
        raise Problem("bad-operand", f"a condition is needed here, not {describe(value)}", origin, labels=labels)

    def row(self, expr: ast.Expr, env: Environment, entering: Entering) -> tuple[object, ...]:
        """Something to loop over."""
        value = self.value(expr, env, entering)
        if not isinstance(value, tuple):
            fix = f"`range({value})`" if isinstance(value, int) else ""
            origin, labels = blamed(expr, env)
            raise Problem("bad-operand", f"a loop needs a tuple or a range, not {describe(value)}", origin,
                          labels=labels, help=f"did you mean {fix}?" if fix else "")
        return value


def layer_words(target: object) -> Words:
    """The option words of a layer, through bound arguments; none for blocks and nets."""
    while isinstance(target, Bound):
        target = target.callee
    return target.layer.words if isinstance(target, LayerValue) else NO_WORDS


_RULES: dict[type, Callable[..., Any]] = {
    ast.Number: Evaluator.number, ast.Text: Evaluator.literal, ast.Flag: Evaluator.literal,
    ast.ShapeLiteral: Evaluator.shape, ast.Name: Evaluator.name, ast.TupleExpr: Evaluator.items,
    ast.Unary: Evaluator.unary, ast.Binary: Evaluator.binary, ast.Compare: Evaluator.compare,
    ast.Logic: Evaluator.logic, ast.Conditional: Evaluator.conditional, ast.Index: Evaluator.index,
    ast.Attribute: Evaluator.attribute, ast.Call: Evaluator.call, ast.Reference: Evaluator.reference,
    ast.Group: Evaluator.chain, ast.Merge: Evaluator.chain, ast.Missing: Evaluator.missing,
}

