"""The state of one expansion, and how chains and bodies run through it; the forms of steps are `expand`'s."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, ClassVar

from cnnspec.diagnostics import Diagnostic
from cnnspec.grammar import ast
from cnnspec.graph.budget import Budget, limit_layers
from cnnspec.graph.calls import bind_layer, bind_value
from cnnspec.graph.environment import Environment, Mark, Origin
from cnnspec.graph.expressions import Evaluator
from cnnspec.graph.extents import NOTHING, Entering
from cnnspec.graph.names import loop_names
from cnnspec.graph.network import Node, Output
from cnnspec.graph.problem import Problem, Quiet, Stop
from cnnspec.graph.reports import Reports
from cnnspec.graph.trace import trace
from cnnspec.graph.values import UNKNOWN, Given, NetExpansion, Wire, argument_key
from cnnspec.layers.base import Layer, Shape
from cnnspec.layers.op import Op
from cnnspec.limits import Limits
from cnnspec.source import Span

if TYPE_CHECKING:
    from cnnspec.graph.replay import Expanded

#: Levels of steps within steps, through calls too.
DEEPEST = 256

#: By step, the shapes that enter and leave it, over all turns and calls.
Seen = dict[ast.Step, set[tuple[Entering, Entering]]]

#: Layers by class and arguments, for all expansions: sweeps see the same ones again and again.
_LAYERS: dict[tuple[object, ...], Layer] = {}
_MOST_LAYERS = 100_000

#: A form of step: the value that leaves it, for the value that enters (None where none does), the name that `as` gives
#: it, and whether it begins its chain.
Form = Callable[["Expansion", Any, Environment, Wire | None, str | None, bool], Wire | None]


class Expansion:
    """One net on its way to a graph. A wire is the value between two steps; None where none enters."""

    #: The function for each kind of step.
    forms: ClassVar[dict[type, Form]]

    def __init__(self, limits: Limits, input_shape: dict[str, Shape]) -> None:
        self.budget = Budget(limits)
        self.evaluator = Evaluator(self.budget)
        #: Extents beyond are refused, as numbers are.
        self.largest = 10**limits.digits
        self.nodes: list[Node] = []
        self.inputs: list[Node] = []
        self.outputs: list[Output] = []
        self.marks: list[tuple[str, Mark]] = []
        self.reports = Reports()
        #: Shapes that take the place of the spec's own inputs, by name; `""` for the only one.
        self.input_shape = input_shape
        #: Ascriptions not met, and which of them continue with the shape that was found instead.
        self.trust_found: frozenset[Span] = frozenset()
        self.unmet: list[Span] = []
        #: The net that the step just expanded was, for `as` to make its named values reachable.
        self.net: NetExpansion | None = None
        #: Layers by their step, where its arguments are literal.
        self.constant: dict[ast.Syntax, Layer] = {}
        #: The shapes that enter and leave every step of a chain; kept where somebody asks for them.
        self.seen: Seen | None = None
        #: What the calls of blocks have made, by all that it depends on.
        self.expanded: dict[Hashable | None, Expanded] = {}

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The mistakes so far."""
        return self.reports.kept

    def report(self, problem: Problem, env: Environment) -> None:
        """Keep a mistake, with the calls and turns that led to it, unless it follows from an earlier one."""
        if self.reports.hear(problem.diagnostic):
            where = trace(env.scope)
            notes = problem.diagnostic.notes + ((where,) if where else ())
            self.reports.keep(problem.diagnostic.replace(notes=notes))

    @property
    def ports(self) -> tuple[int, int, int]:
        """Inputs, outputs and mistakes so far: a call that adds none of them can be replayed."""
        return len(self.inputs), len(self.outputs), self.reports.count

    def take_net(self) -> NetExpansion | None:
        """The net that the last step was, once."""
        net, self.net = self.net, None
        return net

    def value(self, expr: ast.Expr, env: Environment, wire: Wire | None) -> Any:
        """The value of an expression in a step."""
        return self.evaluator.value(expr, env, entering(wire))

    def chain(self, chain: ast.Chain, env: Environment, wire: Wire | None) -> Wire | None:
        """The value that leaves the last step; each step takes what the one before leaves."""
        first = True
        for step in chain.steps:
            before = wire
            wire = self.step(step, env, wire, None, first)
            first = False
            if self.seen is not None:
                self.seen.setdefault(step, set()).add((entering(before), entering(wire)))
        return wire

    def body(self, body: ast.Body, env: Environment, wire: Wire | None) -> Wire | None:
        """`where`, then each chain from the value that entered; the last one's value is the body's."""
        later = [binding.name for binding in body.where]
        for binding in body.where:
            del later[0]
            env.origins[binding.name] = Origin(binding.value, env)
            try:
                bind_value(env, binding.name, binding.value, self.evaluator, entering(wire), later)
            except Problem as problem:
                self.report(problem, env)
                env.names[binding.name] = None
        left = wire
        for chain in body.chains:
            left = self.chain(chain, env, wire)
        return left

    def step(self, step: ast.Step, env: Environment, wire: Wire | None, name: str | None = None,
             first: bool = False) -> Wire | None:
        """The value that leaves a step; `UNKNOWN` after a mistake, which is reported here."""
        self.budget.depth += 1
        try:
            if self.budget.depth > DEEPEST:
                raise Stop(Diagnostic("limit-depth", f"calls and groups are more than {DEEPEST} deep here", step.span,
                                      notes=(trace(env.scope),)))
            return self.forms[type(step)](self, step, env, wire, name, first)
        except Problem as problem:
            self.report(hinted(problem, step), env)
            return UNKNOWN
        except Quiet:
            return UNKNOWN
        finally:
            self.budget.depth -= 1

    def bind(self, cls: type[Layer], given: tuple[Given, ...], step: ast.Apply | ast.Merge) -> Layer:
        """A layer with its arguments; the same one for the same arguments."""
        key = cls, argument_key(given)
        layer = _LAYERS.get(key)
        if layer is None:
            if len(_LAYERS) >= _MOST_LAYERS:
                _LAYERS.clear()  # only a cache: a long-lived process that sees ever new layers must not grow
            layer = _LAYERS[key] = bind_layer(cls, given, step)
        if isinstance(step.callee, ast.Name) and step.callee.id == cls.keyword:
            if isinstance(step, ast.Apply) and all(_is_literal(argument.value, cls) for argument in step.args or ()):
                self.constant[step] = layer
        return layer

    def add(self, op: Op, inputs: tuple[int, ...], env: Environment, step: ast.Step, name: str | None) -> Wire:
        """A new node of the graph; after a mistake, there is no graph to add it to, only a shape to go on with."""
        if min(inputs, default=0) < 0:
            return Wire(min(inputs), op.output)
        if max(op.output) > self.largest:
            raise Stop(Diagnostic("limit-digits", f"an extent here has more than {self.budget.limits.digits} digits",
                                  step.span, help="a larger limit: `--max-digits N`"))
        index = len(self.nodes)
        if index >= self.budget.limits.layers:
            raise Stop(limit_layers(index + 1, self.budget.limits, step.span))
        assert env.scope is not None  # steps expand inside a net
        self.nodes.append(Node(index, op, inputs, env.scope, step.span, name or op.layer.keyword.lower()))
        return Wire(index, op.output)


def hinted(problem: Problem, step: ast.Step) -> Problem:
    """A loop's name, read in what stands behind the loop: with how to bring that inside."""
    unknown, word = problem.diagnostic, _BEHIND.get(type(step))
    if word and unknown.code == "unknown-name" and unknown.span and unknown.span.text in loop_names(step):
        help = f"the `{word}` stands outside the loop; bracket the step: `[[…] {word} …] for … in …`"
        problem.diagnostic = unknown.replace(help=help)
    return problem


#: The postfix forms that read names, by their first token.
_BEHIND: dict[type, str] = {ast.Choice: "if", ast.Repeat: "*", ast.Named: "as", ast.Ascribed: ":"}


def entering(wire: Wire | None) -> Entering:
    """The shape whose extents `C`, `H`, … read."""
    return NOTHING if wire is None else wire.shape


def entered(step: ast.Step, wire: Wire | None) -> Wire:
    """The value that enters; raises `Problem` where a step needs one and none does."""
    if wire is None:
        raise Problem("no-input", "no value enters this step", step.span,
                      help="a net begins with `INPUT(3x224x224)`, or continues from a named value: `@name`")
    return wire


def _is_literal(expr: ast.Expr, cls: type[Layer]) -> bool:
    """Whether a layer's argument is the same wherever it is evaluated."""
    if isinstance(expr, ast.Name):
        return expr.id in cls.words
    return isinstance(expr, ast.Number | ast.Flag | ast.ShapeLiteral)
