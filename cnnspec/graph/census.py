"""How many layers and turns a net makes at least, counted in closed form before anything is expanded.

`[…]*n` multiplies, loops add up their turns, a block counts once for the same arguments. What depends on the value
that enters counts as its smallest case, so the result is a lower bound; expansion counts along for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnspec.grammar import ast
from cnnspec.graph.budget import Budget
from cnnspec.graph.calls import bind_parameters, bind_value, flatten
from cnnspec.graph.environment import Environment, Frame
from cnnspec.graph.expressions import Evaluator
from cnnspec.graph.problem import Problem, Quiet, Stop
from cnnspec.graph.structure import destructure
from cnnspec.graph.values import Bound, ChainValue, Defined, LayerValue, argument_key
from cnnspec.layers import find
from cnnspec.limits import Limits
from cnnspec.source import Span

#: Layers and turns.
Count = tuple[int, int]

NONE: Count = (0, 0)

#: Steps that the count itself may look at; beyond, what is counted so far is the bound.
MOST_STEPS = 20_000
#: Levels of steps; expansion refuses what is deeper.
MOST_DEEP = 256


class Census:
    """Counts one net. What cannot be told without shapes counts nothing."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.evaluator = Evaluator(Budget(limits))
        #: The innermost step that alone exceeds a limit, and what it makes.
        self.culprit: tuple[Span, Count] | None = None
        self.steps = 0
        self.depth = 0
        self._known: dict[tuple[object, ...], Count] = {}

    def chain(self, chain: ast.Chain, env: Environment) -> Count:
        return total(self.step(step, env) for step in chain.steps)

    def step(self, step: ast.Syntax, env: Environment) -> Count:
        """A lower bound of what a step expands to."""
        self.steps += 1
        if self.steps > MOST_STEPS or self.depth > MOST_DEEP:
            return NONE
        self.depth += 1
        try:
            count = _FORMS[type(step)](self, step, env)
            if self.culprit is None and (count[0] > self.limits.layers or count[1] > self.limits.turns):
                self.culprit = step.span, count
            return count
        except (Problem, Quiet, Stop):
            return NONE  # a mistake is expansion's to report, an unknown extent the smallest case
        finally:
            self.depth -= 1

    def value(self, expr: ast.Expr, env: Environment) -> Any:
        return self.evaluator.value(expr, env, None)

    def apply(self, step: ast.Apply, env: Environment) -> Count:
        callee = step.callee
        if isinstance(callee, ast.Name) and callee.id.isupper() and env.holder(callee.id) is None:
            return (0, 0) if callee.id in ("ID", "OUTPUT") or find(callee.id) is None else (1, 0)
        target = self.value(callee, env)
        given = self.evaluator.given(step.args, target, env, None) if step.args else ()
        target, given = flatten(target, given) if isinstance(target, Bound) else (target, given)
        if isinstance(target, LayerValue):
            return (1, 0)
        if isinstance(target, ChainValue):
            return self.step(target.step, target.environment)
        if not isinstance(target, Defined):
            return NONE
        key = target, argument_key(given)
        if key not in self._known:
            self._known[key] = NONE  # a recursion counts nothing, and is refused elsewhere
            inner = Environment(target.module, Frame())
            signature = target.module.signature(target.definition)
            bind_parameters(signature, given, target.definition.name, step.span, inner, self.evaluator, None)
            self._known[key] = self.body(target.definition.body, inner)
        layers, turns = self._known[key]
        return layers, turns + 1

    def body(self, body: ast.Body, env: Environment) -> Count:
        for binding in body.where:
            bind_value(env, binding.name, binding.value, self.evaluator, None)
        return total(self.chain(chain, env) for chain in body.chains)

    def repeat(self, step: ast.Repeat, env: Environment) -> Count:
        count = max(0, self.evaluator.whole(step.count, env, None))
        layers, turns = self.step(step.step, env) if count else NONE
        return layers * count, turns * count + count

    def loop(self, step: ast.Loop | ast.BranchLoop, env: Environment) -> Count:
        """The sum over the turns; turns that bind equal values count alike."""
        body = step.step if isinstance(step, ast.Loop) else step.branch
        layers = turns = 0
        for element in self.evaluator.row(step.iterable, env, None):
            names: dict[str, object] = {}
            destructure(step.target, element, names)
            more = self.step(body, Environment(env.module, env.frame, None, env, names))
            layers, turns = layers + more[0], turns + more[1] + 1
        return layers, turns

    def choice(self, step: ast.Choice, env: Environment) -> Count:
        if self.evaluator.truth(self.value(step.test, env), step.test, env):
            return self.step(step.step, env)
        return self.step(step.other, env) if step.other is not None else NONE

    def optional(self, step: ast.Optional, env: Environment) -> Count:
        on = self.value(ast.Name(step.span, step.name), env)
        return self.step(step.step, env) if on else NONE

    def inner(self, step: ast.Named | ast.Ascribed, env: Environment) -> Count:
        return self.step(step.step, env)

    def group(self, step: ast.Group, env: Environment) -> Count:
        return self.chain(step.chain, env)

    def merge(self, step: ast.Merge, env: Environment) -> Count:
        return total(self.step(branch, env) for branch in step.branches)

    def branch_if(self, branch: ast.BranchIf, env: Environment) -> Count:
        if self.evaluator.truth(self.value(branch.test, env), branch.test, env):
            return self.step(branch.branch, env)
        return NONE

    def nothing(self, step: ast.Syntax, env: Environment) -> Count:
        return NONE


def total(counts: Any) -> Count:
    """The sum of some counts."""
    layers = turns = 0
    for more in counts:
        layers, turns = layers + more[0], turns + more[1]
    return layers, turns


_FORMS: dict[type, Callable[..., Count]] = {
    ast.Apply: Census.apply, ast.Group: Census.group, ast.Repeat: Census.repeat, ast.Loop: Census.loop,
    ast.Choice: Census.choice, ast.Optional: Census.optional, ast.Named: Census.inner, ast.Ascribed: Census.inner,
    ast.Merge: Census.merge, ast.Chain: Census.chain, ast.BranchLoop: Census.loop, ast.BranchIf: Census.branch_if,
    ast.Reference: Census.nothing, ast.Missing: Census.nothing,
}
