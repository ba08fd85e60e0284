"""The syntax tree of a spec. Nodes are immutable, know their span, and are compared by identity."""

from __future__ import annotations

from cnnspec.record import Record
from cnnspec.source import Source, Span


class Syntax(Record):
    """A piece of a spec's text. Equality is identity, so that a node can key a cache; see `same`."""

    span: Span

    __eq__ = object.__eq__
    __hash__ = object.__hash__


def same(a: object, b: object) -> bool:
    """Whether two trees say the same, wherever they stand (a group of one step equals the step)."""
    a, b = _bare(a), _bare(b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Syntax) and type(a) is type(b):
        return all(same(getattr(a, f), getattr(b, f)) for f in a._fields if f not in _PLACES)
    return type(a) is type(b) and a == b


_PLACES = frozenset(("span", "name_span", "source", "comments"))


def _bare(node: object) -> object:
    while isinstance(node, Group) and len(node.chain.steps) == 1:
        node = node.chain.steps[0]
    return node


# ------------------------------------------------------------------------------------------- expressions


class Expr(Syntax):
    """Something that has a value."""


class Number(Expr):
    """`64`, `4_096`, `15.5G`, `1e-5`.

    An int where the value is whole and written without `.` or exponent, or with a suffix that makes it whole, else a
    float.
    """

    value: int | float


class ShapeLiteral(Expr):
    """`3x224x224`."""

    extents: tuple[int, ...]


class Text(Expr):
    """`"blocks.cnn"`, in either quote."""

    value: str


class Flag(Expr):
    """`on` or `off`."""

    value: bool


class Name(Expr):
    """`c`: a parameter, a loop's variable, a function, a block, a layer, or a layer's word."""

    id: str


class TupleExpr(Expr):
    """`(a, b)`, `(a,)`, `()`."""

    items: tuple[Expr, ...]


class Unary(Expr):
    """`-x`, `+x`, `not x`."""

    op: str
    operand: Expr


class Binary(Expr):
    """`+ - * / // % **`."""

    op: str
    left: Expr
    right: Expr


class Compare(Expr):
    """`a < b <= c`: `ops[i]` stands between `operands[i]` and `operands[i + 1]`; `in` and `not in` among them."""

    operands: tuple[Expr, ...]
    ops: tuple[str, ...]


class Logic(Expr):
    """`a and b and c`, `a or b`."""

    op: str
    operands: tuple[Expr, ...]


class Conditional(Expr):
    """`then if test else other`."""

    then: Expr
    test: Expr
    other: Expr


class Slice(Expr):
    """`start:stop:step` between brackets, each part optional."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


class Index(Expr):
    """`t[0]`, `t[:-1]`, `x[n, i]`."""

    value: Expr
    items: tuple[Expr, ...]


class Attribute(Expr):
    """`vgg16.params`, in `expect`."""

    value: Expr
    name: str
    name_span: Span


class Argument(Syntax):
    """One argument of a call; `name` is None for a positional one."""

    name: str | None
    name_span: Span | None
    value: Expr


class Call(Expr):
    """`f(x, k=1)` in an expression: a function, or a block or layer with arguments bound."""

    callee: Expr
    args: tuple[Argument, ...]


# ------------------------------------------------------------------------------------------------- steps


class Step(Expr):
    """One step of a chain. Groups, merges and references are values too, hence expressions."""


class Missing(Step):
    """Where the parser, after an error, takes a step to be missing; its shape is unknown."""


class Chain(Syntax):
    """`a -> b -> c`."""

    steps: tuple[Step, ...]


class Apply(Step):
    """`CONV(64, 3)`, `bottleneck(256, s=2)`, `ID`, `units[0](c)`. `args` is None without parentheses."""

    callee: Name | Index
    args: tuple[Argument, ...] | None


class Group(Step):
    """`[ chain ]`."""

    chain: Chain


class BranchLoop(Syntax):
    """`for i in range(32): branch`, inside a merge."""

    target: Target
    iterable: Expr
    branch: Branch


class BranchIf(Syntax):
    """`if s == 1: branch`, inside a merge: a branch that may be absent."""

    test: Expr
    branch: Branch


Branch = Chain | BranchLoop | BranchIf


class Merge(Step):
    """`ADD{ a | b }`, `m(broadcast=on){ a | b }`. `args` is None without parentheses."""

    callee: Name | Index
    args: tuple[Argument, ...] | None
    branches: tuple[Branch, ...]


class Reference(Step):
    """`@e`, `@e[i]`, `@e[:]`, `@r.name[0]`: a named value. `names` are the dotted parts."""

    names: tuple[str, ...]
    items: tuple[Expr, ...]


class Repeat(Step):
    """`step*count`."""

    step: Step
    count: Expr


class Loop(Step):
    """`step for target in iterable`."""

    step: Step
    target: Target
    iterable: Expr


class Choice(Step):
    """`step if test else other`; without `else`, `other` is None: the identity."""

    step: Step
    test: Expr
    other: Step | None


class Optional(Step):
    """`step?` or `step?name`; `name` is what stands after `?`, else the callee's name in lowercase."""

    step: Step
    name: str
    name_span: Span | None


class Named(Step):
    """`step as name`, `step as e[i]`, `step as x[n, i]`."""

    step: Step
    name: str
    name_span: Span
    items: tuple[Expr, ...]


class Ascribed(Step):
    """`step : 64x112x112`."""

    step: Step
    shape: Expr


# ------------------------------------------------------------------------------------------------- files


class TargetName(Syntax):
    """A loop's variable."""

    id: str


class TargetTuple(Syntax):
    """`i, (c, n)`: what a loop takes apart."""

    items: tuple[Target, ...]


Target = TargetName | TargetTuple


class Binding(Syntax):
    """`name = value`, of a `let` or a `where`."""

    name: str
    name_span: Span
    value: Expr


class Parameter(Syntax):
    """A parameter of a block or net; `default` is None where it must be given."""

    name: str
    name_span: Span
    default: Expr | None


class Body(Syntax):
    """`chain ; chain where a = 1, b = a`."""

    chains: tuple[Chain, ...]
    where: tuple[Binding, ...]


class Statement(Syntax):
    """What stands at the top level of a file."""


class Use(Statement):
    """`use "blocks.cnn"`."""

    path: Text


class Let(Statement):
    """`let name = value`."""

    binding: Binding


class Definition(Statement):
    """What blocks and nets have in common."""

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    body: Body


class Block(Definition):
    """`block name(parameters) = body`."""


class Net(Definition):
    """`net name(parameters) = body`."""


class Expect(Statement):
    """`expect vgg16.params == 138_357_544`."""

    test: Expr


class Comment(Syntax):
    """`# …` up to the line's end; `own_line` where nothing stands before it on its line."""

    text: str
    own_line: bool


class File(Syntax):
    """A whole file: statements, or `let`s and one bare chain (`formula`), a net named after the file."""

    source: Source
    statements: tuple[Statement, ...]
    formula: Chain | None
    comments: tuple[Comment, ...]
