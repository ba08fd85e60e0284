"""Steps that give structure: groups, repetition, loops, conditions, names, ascriptions."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.diagnostics import Label
from cnnspec.grammar import ast
from cnnspec.graph.blame import blamed, element_of
from cnnspec.graph.environment import Environment, Mark, Turn
from cnnspec.graph.expansion import Expansion, entered, entering
from cnnspec.graph.network import GROUP, LOOP, REPEAT, TURN, Scope
from cnnspec.graph.problem import Problem, Quiet
from cnnspec.graph.references import name_value, single
from cnnspec.graph.values import ASCRIBED, GUESSED, UNKNOWN, Wire, describe
from cnnspec.layers.base import show


def expand_group(x: Expansion, step: ast.Group, env: Environment, wire: Wire | None, name: str | None,
                 first: bool) -> Wire | None:
    """`[ chain ]`: a chain of its own, and a level of structure."""
    scope = Scope(env.scope, GROUP, step, name)
    return x.chain(step.chain, env.inside(scope), wire)


def expand_repeat(x: Expansion, step: ast.Repeat, env: Environment, wire: Wire | None, name: str | None,
                  first: bool) -> Wire | None:
    """`step*count`: the step again and again; 0 times is the identity."""
    count = x.evaluator.whole(step.count, env, entering(wire))
    if count < 0:
        origin, labels = blamed(step.count, env)
        raise Problem("bad-operand", f"a count must be at least 0, not {count}", origin, labels=labels)
    x.budget.turn(step.span, count)
    outer = Scope(env.scope, REPEAT, step, name)
    for turn in x.reports.once(range(count)):
        inside = env.inside(Scope(outer, TURN, step, None, {}, turn, count))
        wire = expand_turn(x, step.step, inside, wire, first and turn == 0)
    return wire


def expand_loop(x: Expansion, step: ast.Loop, env: Environment, wire: Wire | None, name: str | None,
                first: bool) -> Wire | None:
    """`step for target in iterable`: the step once per element."""
    outer = Scope(env.scope, LOOP, step, name)
    for inside in x.reports.once(turns(x, step, step.iterable, step.target, env, outer, wire), step.target):
        wire = expand_turn(x, step.step, inside, wire, first)
        first = False
    return wire


def turns(x: Expansion, syntax: ast.Loop | ast.BranchLoop, iterable: ast.Expr, target: ast.Target, env: Environment,
          outer: Scope | None, wire: Wire | None) -> Iterator[Environment]:
    """One environment per element of a loop's iterable."""
    row = x.evaluator.row(iterable, env, entering(wire))
    x.budget.turn(syntax.span, len(row))
    check_elements(x, row, target, iterable, env)
    for index, element in enumerate(row):
        names: dict[str, object] = {}
        destructure(target, element, names)
        scope = Scope(outer, TURN, syntax, None, names, index, len(row))
        yield env.inside(scope, names, Turn(target, iterable, index))


def expand_turn(x: Expansion, step: ast.Step, env: Environment, wire: Wire | None, first: bool) -> Wire | None:
    """One turn: a group's chain stands in the turn itself, without a level of its own."""
    if type(step) is ast.Group:
        return x.chain(step.chain, env, wire)
    return x.step(step, env, wire, None, first)


def check_elements(x: Expansion, row: tuple[object, ...], target: ast.Target, iterable: ast.Expr,
                   env: Environment) -> None:
    """Report the elements that do not have the parts that a loop binds, each where it was written; raises `Quiet` then.

    Where none has, the loop's names are at fault: raises `Problem`.
    """
    misfits: list[tuple[int, Problem]] = []
    for index, element in enumerate(row):
        try:
            destructure(target, element, {})
        except Problem as misfit:
            misfits.append((index, misfit))
    if misfits and len(misfits) == len(row):
        raise misfits[0][1]
    for index, problem in misfits:
        origin = element_of(iterable, index, env)
        if origin is not None:
            label = Label(target.span, "bound here")
            problem.diagnostic = problem.diagnostic.replace(span=origin, labels=(label,))
        x.report(problem, env)
    if misfits:
        raise Quiet


def destructure(target: ast.Target, value: object, names: dict[str, object]) -> None:
    """Bind a loop's names to an element; raises `Problem` where it has another number of parts."""
    if isinstance(target, ast.TargetName):
        names[target.id] = value
        return
    if not isinstance(value, tuple) or len(value) != len(target.items):
        parts = f"{len(value)} parts" if isinstance(value, tuple) else "no parts"
        raise Problem("bad-operand", f"{len(target.items)} names are to be bound, but the element, {describe(value)}, "
                      f"has {parts}", target.span)
    for item, part in zip(target.items, value, strict=True):
        destructure(item, part, names)


def expand_choice(x: Expansion, step: ast.Choice, env: Environment, wire: Wire | None, name: str | None,
                  first: bool) -> Wire | None:
    """`step if test else other`; without `else`, the identity."""
    if x.evaluator.truth(x.value(step.test, env, wire), step.test, env):
        return x.step(step.step, env, wire, name, first)
    if step.other is None:
        return entered(step, wire)
    return x.step(step.other, env, wire, name, first)


def expand_optional(x: Expansion, step: ast.Optional, env: Environment, wire: Wire | None, name: str | None,
                    first: bool) -> Wire | None:
    """`step?`: the step, or the identity where its switch is off."""
    switch = ast.Name(step.name_span or step.span, step.name)
    if x.evaluator.truth(x.value(switch, env, wire), switch, env):
        return x.step(step.step, env, wire, name, first)
    return entered(step, wire)


def expand_named(x: Expansion, step: ast.Named, env: Environment, wire: Wire | None, name: str | None,
                 first: bool) -> Wire | None:
    """`step as name`: the value that leaves gets a name, and what expands inside a component of its paths."""
    index = tuple(x.evaluator.whole(item, env, entering(wire)) for item in step.items)
    label = step.name + (f"[{', '.join(map(str, index))}]" if index else "")
    x.take_net()
    left = x.step(step.step, env, wire, label, first)
    value = x.take_net() or left or UNKNOWN
    mark = Mark(value, step.name_span, plain=is_plain(step.step))
    name_value(env.frame, step.name, index, mark)
    x.marks.append((label, mark))
    return left


def is_plain(step: ast.Step) -> bool:
    """Whether a step is one layer or merge, which `as` names for nothing but to be read."""
    while isinstance(step, ast.Ascribed | ast.Optional | ast.Choice):
        step = step.step
    if isinstance(step, ast.Apply):
        return isinstance(step.callee, ast.Name) and step.callee.id.isupper() and step.callee.id != "INPUT"
    return isinstance(step, ast.Merge)


def expand_ascribed(x: Expansion, step: ast.Ascribed, env: Environment, wire: Wire | None, name: str | None,
                    first: bool) -> Wire | None:
    """`step : shape`: checks the shape that leaves the step."""
    left = x.step(step.step, env, wire, name, first)
    wanted = x.value(step.shape, env, wire)
    shape = (wanted,) if isinstance(wanted, int) and not isinstance(wanted, bool) else wanted
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and not isinstance(n, bool) for n in shape):
        raise Problem("bad-operand", f"an ascription is a shape, not {describe(wanted)}", step.shape.span)
    if left is None or left.shape == shape or x.input_shape or x.seen is not None:
        return left
    if left.node == GUESSED or left.shape is None:
        return Wire(ASCRIBED, shape)  # after a mistake, the spec's own word is the better guess
    x.unmet.append(step.shape.span)
    x.report(Problem("ascription", f"the shape here is {show(left.shape)}, not {show(shape)} as written",
                        step.shape.span, label=f"{show(left.shape)} leaves this step",
                        help=f"write `{show(left.shape)}`, or mend the step"), env)
    return left if step.shape.span in x.trust_found else Wire(ASCRIBED, shape)


def expand_reference(x: Expansion, step: ast.Reference, env: Environment, wire: Wire | None, name: str | None,
                     first: bool) -> Wire:
    """`@name`: the chain continues from a named value."""
    if not first:
        raise Problem("reference-inside", f"`{step.span.text}` continues from a named value and stands only at the "
                      "start of a chain, group or branch", step.span,
                      help=f"to join it with the value that enters: `CONCAT{{ ID | {step.span.text} }}`")
    return single(x.evaluator, step, env, entering(wire))


def expand_missing(x: Expansion, step: ast.Missing, env: Environment, wire: Wire | None, name: str | None,
                   first: bool) -> Wire:
    """Where the parser found no step: nothing is known of what leaves."""
    return UNKNOWN
