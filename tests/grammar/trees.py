"""Random syntax trees, of everything that a text can say."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

from cnnspec.grammar import ast
from cnnspec.source import Source, Span

NOWHERE = Span(Source("nowhere", ""), 0, 0)
T = TypeVar("T")

LOWER = ("f", "g", "conv_bn", "c", "n", "x", "i2", "_t")
FREE = ("N", "M", "K2")
LAYERS = ("CONV", "BN", "ID", "C", "H")


class Trees:
    """Makes trees that grow no deeper than `depth`."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def pick(self, *makers: Callable[[int], T]) -> Callable[[int], T]:
        return self.random.choice(makers)

    def several(self, make: Callable[[int], T], depth: int, least: int = 0, most: int = 3) -> tuple[T, ...]:
        return tuple(make(depth) for _ in range(self.random.randint(least, most)))

    def maybe(self, make: Callable[[int], T], depth: int) -> T | None:
        return make(depth) if self.random.random() < 0.5 else None

    # ---- expressions

    def expression(self, depth: int) -> ast.Expr:
        if depth <= 0:
            return self.atom(0)
        return self.pick(self.atom, self.operation, self.operation, self.bracket, self.value)(depth - 1)

    def atom(self, _: int) -> ast.Expr:
        choose = self.random.choice
        return choose(
            (
                ast.Name(NOWHERE, choose(LOWER + FREE + LAYERS)),
                ast.Number(NOWHERE, choose((0, 7, 10**20, 0.5, 2.0, 1e-7, 1e22))),
                ast.ShapeLiteral(NOWHERE, tuple(self.random.randint(1, 300) for _ in range(self.random.randint(2, 4)))),
                ast.Text(NOWHERE, choose(("", "a b", '"', "'", "#", "→ ü", "\\"))),
                ast.Flag(NOWHERE, choose((True, False))),
            )
        )

    def operation(self, depth: int) -> ast.Expr:
        make, choose = self.expression, self.random.choice
        match self.random.randrange(5):
            case 0:
                return ast.Unary(NOWHERE, choose(("-", "+", "not")), make(depth))
            case 1:
                return ast.Binary(NOWHERE, choose("+ - * / // % **".split()), make(depth), make(depth))
            case 2:
                return ast.Logic(NOWHERE, choose(("and", "or")), self.several(make, depth, 2))
            case 3:
                return ast.Conditional(NOWHERE, make(depth), make(depth), make(depth))
        operands = self.several(make, depth, 2)
        signs = ("<", "<=", ">", ">=", "==", "!=", "in", "not in")
        return ast.Compare(NOWHERE, operands, tuple(choose(signs) for _ in operands[1:]))

    def bracket(self, depth: int) -> ast.Expr:
        match self.random.randrange(4):
            case 0:
                return ast.TupleExpr(NOWHERE, self.several(self.expression, depth))
            case 1:
                return ast.Call(NOWHERE, self.expression(depth), self.arguments(depth))
            case 2:
                items = self.several(self.pick(self.expression, self.slice), depth, 1, 2)
                return ast.Index(NOWHERE, self.expression(depth), items)
        return ast.Attribute(NOWHERE, self.expression(depth), self.random.choice(LOWER), NOWHERE)

    def slice(self, depth: int) -> ast.Slice:
        make = self.expression
        return ast.Slice(NOWHERE, self.maybe(make, depth), self.maybe(make, depth), self.maybe(make, depth))

    def arguments(self, depth: int) -> tuple[ast.Argument, ...]:
        names = [None] * self.random.randrange(3) + [self.random.choice(LOWER)] * self.random.randrange(3)
        return tuple(ast.Argument(NOWHERE, name, name and NOWHERE, self.expression(depth)) for name in names)

    def value(self, depth: int) -> ast.Expr:
        return self.pick(self.group, self.merge, self.reference)(depth)

    # ---- steps; an index after a step is plain, so that it cannot be taken for a group

    def plain(self, _: int) -> ast.Expr:
        name, number = ast.Name(NOWHERE, self.random.choice(LOWER)), ast.Number(NOWHERE, self.random.randrange(9))
        return self.random.choice((name, number, ast.Binary(NOWHERE, "-", name, number)))

    def items(self, depth: int) -> tuple[ast.Expr, ...]:
        return self.several(self.plain, depth, 1, 2)

    def element(self, depth: int) -> ast.Index:
        return ast.Index(NOWHERE, ast.Name(NOWHERE, self.random.choice(LOWER)), self.items(depth))

    def callee(self, depth: int) -> ast.Name | ast.Index:
        name = ast.Name(NOWHERE, self.random.choice(LOWER + LAYERS))
        return name if self.random.random() < 0.8 else self.element(depth)

    def chain(self, depth: int) -> ast.Chain:
        return ast.Chain(NOWHERE, self.several(self.step, depth, 1))

    def apply(self, depth: int) -> ast.Apply:
        return ast.Apply(NOWHERE, self.callee(depth), self.maybe(self.arguments, depth - 1))

    def group(self, depth: int) -> ast.Group:
        return ast.Group(NOWHERE, self.chain(depth))

    def merge(self, depth: int) -> ast.Merge:
        branches = self.several(self.branch, depth, 1)
        return ast.Merge(NOWHERE, self.callee(depth), self.maybe(self.arguments, depth - 1), branches)

    def branch(self, depth: int) -> ast.Branch:
        if depth > 0 and self.random.random() < 0.3:
            target, iterable = self.target(2), self.expression(depth - 1)
            return ast.BranchLoop(NOWHERE, target, iterable, self.branch(depth - 1))
        if depth > 0 and self.random.random() < 0.3:
            return ast.BranchIf(NOWHERE, self.expression(depth - 1), self.branch(depth - 1))
        return self.chain(depth)

    def reference(self, depth: int) -> ast.Reference:
        names = tuple(self.random.choice(LOWER) for _ in range(self.random.randint(1, 2)))
        return ast.Reference(NOWHERE, names, self.maybe(self.items, depth) or ())

    def step(self, depth: int) -> ast.Step:
        if depth <= 0:
            return self.apply(0)
        return self.pick(self.apply, self.group, self.merge, self.reference, self.postfixed, self.postfixed)(depth - 1)

    def postfixed(self, depth: int) -> ast.Step:
        inner, name = self.step(depth), self.random.choice(LOWER)
        match self.random.randrange(6):
            case 0:
                return ast.Repeat(NOWHERE, inner, self.expression(depth))
            case 1:
                return ast.Loop(NOWHERE, inner, self.target(2), self.expression(depth))
            case 2:
                return ast.Choice(NOWHERE, inner, self.expression(depth), self.maybe(self.step, depth))
            case 3:
                if isinstance(inner, ast.Apply) and isinstance(inner.callee, ast.Name):
                    return ast.Optional(NOWHERE, inner, inner.callee.id.lower(), None)
                return ast.Optional(NOWHERE, inner, name, NOWHERE)
            case 4:
                return ast.Named(NOWHERE, inner, name, NOWHERE, self.maybe(self.items, depth) or ())
        return ast.Ascribed(NOWHERE, inner, self.expression(depth))

    def target(self, depth: int) -> ast.Target:
        if depth and self.random.random() < 0.4:
            return ast.TargetTuple(NOWHERE, self.several(self.target, depth - 1, 1))
        return ast.TargetName(NOWHERE, self.random.choice(LOWER + FREE))

    # ---- files

    def binding(self, depth: int) -> ast.Binding:
        return ast.Binding(NOWHERE, self.random.choice(LOWER + FREE), NOWHERE, self.expression(depth))

    def parameter(self, depth: int) -> ast.Parameter:
        return ast.Parameter(NOWHERE, self.random.choice(LOWER), NOWHERE, self.maybe(self.expression, depth))

    def statement(self, depth: int) -> ast.Statement:
        match self.random.randrange(6):
            case 0:
                return ast.Use(NOWHERE, ast.Text(NOWHERE, "blocks.cnn"))
            case 1:
                return ast.Let(NOWHERE, self.binding(depth))
            case 2:
                return ast.Expect(NOWHERE, self.expression(depth))
        chains, where = self.several(self.chain, depth, 1, 2), self.several(self.binding, depth, 0, 2)
        kind = self.random.choice((ast.Block, ast.Net))
        body = ast.Body(NOWHERE, chains, where)
        return kind(NOWHERE, self.random.choice(LOWER), NOWHERE, self.several(self.parameter, 1), body)

    def file(self, depth: int) -> ast.File:
        return ast.File(NOWHERE, NOWHERE.source, self.several(self.statement, depth), None, ())
