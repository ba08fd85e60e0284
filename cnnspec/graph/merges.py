"""Merges: parallel branches from the same value, then one layer that joins them."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.diagnostics import Label
from cnnspec.grammar import ast
from cnnspec.graph.applying import called
from cnnspec.graph.calls import flatten, layer_problem
from cnnspec.graph.environment import Environment
from cnnspec.graph.expansion import Expansion, entering
from cnnspec.graph.network import BRANCH, MERGE, Scope
from cnnspec.graph.problem import Problem, Quiet
from cnnspec.graph.references import several, spreads
from cnnspec.graph.structure import turns
from cnnspec.graph.values import GUESSED, UNKNOWN, Given, LayerValue, Wire, describe
from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Layer, Shape, show
from cnnspec.layers.op import apply
from cnnspec.source import Span

#: Branches that a message labels with their shapes.
MOST_LABELS = 8


def expand_merge(x: Expansion, step: ast.Merge, env: Environment, wire: Wire | None, name: str | None,
                 first: bool) -> Wire:
    """Parallel branches from the same value, then one layer that joins them."""
    callee = called(x, step.callee, env, wire)
    given = x.evaluator.given(step.args, callee, env, entering(wire)) if step.args else ()
    callee, given = flatten(callee, given)
    if not isinstance(callee, LayerValue) or not callee.layer.merges:
        raise Problem("not-a-merge", f"{describe(callee)} joins no branches", step.callee.span,
                      help="a merge is ADD, CONCAT, MUL, SUB, MAX, MEAN or STACK")
    layer = x.bind(callee.layer, given, step)
    scope = Scope(env.scope, MERGE, step)
    branches: list[tuple[Wire, Span]] = []
    for branch in step.branches:
        for left, span in expand_branch(x, branch, env.inside(scope), wire, (len(branches), len(step.branches))):
            branches.append((left, span))
    if not branches:
        raise Problem("no-branches", f"{layer.keyword} is left without a branch", step.callee.span)
    if any(left.shape is None for left, _ in branches):
        return Wire(GUESSED, likely_shape(layer, branches))
    if len(branches) == 1:
        return branches[0][0]
    shapes = tuple(left.shape for left, _ in branches if left.shape is not None)
    try:
        op = apply(layer, shapes)
    except LayerError as error:
        if all(left.node != GUESSED for left, _ in branches):  # else the guess was wrong, not the merge
            x.report(merge_problem(error, step, layer, branches, given), env)
        return Wire(GUESSED, layer.meant(*shapes))
    return x.add(op, tuple(left.node for left, _ in branches), env, step, name)


def expand_branch(x: Expansion, branch: ast.Branch, env: Environment, wire: Wire | None,
           number: tuple[int, int]) -> Iterator[tuple[Wire, Span]]:
    """The values of a branch: one, one per turn or per named value, or none where its condition fails."""
    try:
        if isinstance(branch, ast.BranchIf):
            if x.evaluator.truth(x.value(branch.test, env, wire), branch.test, env):
                yield from expand_branch(x, branch.branch, env, wire, number)
        elif isinstance(branch, ast.BranchLoop):
            for inside in x.reports.once(turns(x, branch, branch.iterable, branch.target, env, env.scope, wire),
                                         branch.target):
                yield from expand_branch(x, branch.branch, inside, wire, number)
        else:
            inside = env.inside(Scope(env.scope, BRANCH, branch, None, {}, *number))
            for left in expand_chain(x, branch, inside, wire):
                yield left, branch.span
    except Problem as problem:
        x.report(problem, env)
        yield UNKNOWN, branch.span
    except Quiet:
        yield UNKNOWN, branch.span


def expand_chain(x: Expansion, chain: ast.Chain, env: Environment, wire: Wire | None) -> Iterator[Wire]:
    """A branch's value; for one that begins with `@e[:]`, a value per element."""
    start = chain.steps[0]
    if isinstance(start, ast.Reference) and spreads(start):
        rest = ast.Chain(chain.span, chain.steps[1:])
        for value in several(x.evaluator, start, env, entering(wire)):
            yield x.chain(rest, env, value) or UNKNOWN
    else:
        yield x.chain(chain, env, wire) or UNKNOWN


def merge_problem(error: LayerError, step: ast.Merge, layer: Layer, branches: list[tuple[Wire, Span]],
                  given: tuple[Given, ...]) -> Problem:
    """Branches that do not fit: each labelled with its shape."""
    if error.argument is not None:
        return layer_problem(error, type(layer), given, step)
    some = range(len(branches)) if len(branches) <= MOST_LABELS else (0, *error.inputs)[:MOST_LABELS]
    labels = [Label(branches[i][1], show(branches[i][0].shape or ())) for i in some]
    odd = branches[error.inputs[0]][1] if len(error.inputs) == 1 else step.callee.span
    if odd.line == step.callee.span.line:
        return Problem(error.code, error.message, step.callee.span, labels=tuple(labels), help=error.help)
    # on a line of its own, the branch that does not fit is the place to look at
    shape = next((label.text for label in labels if label.span == odd), "")
    others = (Label(step.callee.span), *(label for label in labels if label.span != odd))
    return Problem(error.code, error.message, odd, label=shape, labels=others, help=error.help)


def likely_shape(layer: Layer, branches: list[tuple[Wire, Span]]) -> Shape | None:
    """The shape that leaves a merge with an unknown branch: that of the others, where all must be equal."""
    known = [left.shape for left, _ in branches if left.shape is not None]
    return known[0] if known and layer.keyword not in ("CONCAT", "STACK") else None
