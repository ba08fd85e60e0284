"""Named values: `step as e[i]` binds one, `@e[i]`, `@e[:]` and `@r.name` read them."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.diagnostics import Label, closest
from cnnspec.grammar import ast
from cnnspec.graph.environment import Environment, Frame, Mark
from cnnspec.graph.expressions import Evaluator
from cnnspec.graph.extents import Entering
from cnnspec.graph.problem import Problem
from cnnspec.graph.values import NetExpansion, Wire, describe


def name_value(frame: Frame, name: str, index: tuple[int, ...], mark: Mark) -> None:
    """Bind a value in this expansion; a later one of the same name and index takes its place."""
    family = frame.marks.setdefault(name, {})
    if index in family:
        family[index].overwritten = True
    family[index] = mark


def spreads(reference: ast.Reference) -> bool:
    """Whether it stands for several values: `@e[:]`."""
    return any(isinstance(item, ast.Slice) for item in reference.items)


def single(evaluator: Evaluator, reference: ast.Reference, env: Environment, entering: Entering) -> Wire:
    """The one value that a reference names; raises `Problem` where there is none, or several."""
    if spreads(reference):
        raise Problem("several-values", f"`{reference.span.text}` names several values; only a merge takes them",
                      reference.span, help=f"`CONCAT{{ {reference.span.text} }}` or `ADD{{ {reference.span.text} }}`")
    return several(evaluator, reference, env, entering)[0]


def several(evaluator: Evaluator, reference: ast.Reference, env: Environment, entering: Entering) -> list[Wire]:
    """The values that a reference names, by rising index."""
    frame = env.frame
    for name in reference.names[:-1]:
        value = _mark(frame, name, (), reference, env).value
        if not isinstance(value, NetExpansion):
            raise Problem("unknown-value", f"`{name}` is a value, no net: it has no `.{reference.names[-1]}`",
                          reference.span)
        frame = value.frame
    name = reference.names[-1]
    if name not in frame.marks and len(reference.names) == 1:
        holder = env.holder(name)
        if holder is not None and isinstance(holder.names[name], Wire | NetExpansion) and not reference.items:
            return [_wire(holder.names[name])]
        if holder is not None:
            raise Problem("unknown-value", f"`{name}` is {describe(holder.names[name])}, not a value of the network",
                          reference.span, help=f"write `{name}` without `@`")
    indices = _indices(evaluator, frame, name, reference, env, entering)
    marks = [_mark(frame, name, index, reference, env) for index in indices]
    for mark in marks:
        mark.read = True
    return [_wire(mark.value) for mark in marks]


def _wire(value: object) -> Wire:
    if isinstance(value, NetExpansion):
        return value.wire
    assert isinstance(value, Wire)  # frames hold nothing else
    return value


def _indices(evaluator: Evaluator, frame: Frame, name: str, reference: ast.Reference, env: Environment,
             entering: Entering) -> list[tuple[int, ...]]:
    """The indices that the brackets of a reference stand for."""
    family = frame.marks.get(name, {})
    found: list[tuple[int, ...]] = [()]
    for position, item in enumerate(reference.items):
        taken = sorted({index[position] for index in family if len(index) > position})
        size = taken[-1] + 1 if taken else 0
        if isinstance(item, ast.Slice):
            bounds = [None if part is None else evaluator.whole(part, env, entering)
                      for part in (item.start, item.stop, item.step)]
            if bounds[2] == 0:
                raise Problem("division-by-zero", "the step of a slice is zero", item.span)
            inside = range(size)[slice(*bounds)]
            order = reversed(taken) if (bounds[2] or 1) < 0 else taken
            numbers = [number for number in order if number in inside]
        else:
            number = evaluator.whole(item, env, entering)
            numbers = [number + size if number < 0 else number]
        found = [(*index, number) for index in found for number in numbers]
    if spreads(reference):
        found = [index for index in found if index in family]
        if not found:
            raise _unknown(frame, name, reference, env)
    return found


def _mark(frame: Frame, name: str, index: tuple[int, ...], reference: ast.Reference, env: Environment) -> Mark:
    mark = frame.marks.get(name, {}).get(index)
    if mark is None:
        raise _unknown(frame, name, reference, env)
    return mark


def _unknown(frame: Frame, name: str, reference: ast.Reference, env: Environment) -> Problem:
    """Why a name cannot be read: never bound, bound later, or bound with other indices."""
    text = reference.span.text
    if name in frame.marks:
        known = ", ".join(_indexed(name, index) for index in list(frame.marks[name])[:8])
        return Problem("unknown-value", f"no value is named `{text}`; there is {known}", reference.span)
    later = next((named for named in _named(frame.body) if named.name == name), None)
    if later is not None:
        place = f"line {later.name_span.line}"
        return Problem("used-before", f"`{text}` is used before it exists: `{name}` is named at {place}, "
                       "and no turn or branch so far has reached it", reference.span,
                       labels=(Label(later.name_span, "named here"),),
                       help="a value is visible after the step that names it")
    match = closest(name, frame.marks)
    nets = reference.names[:-1]
    place = f"in `{'.'.join(nets)}`" if nets else "here"
    return Problem("unknown-value", f"no value is named `{name}` {place}", reference.span,
                   help=f"did you mean `@{'.'.join((*nets, match))}`?" if match else f"name one with `… as {name}`")


def _indexed(name: str, index: tuple[int, ...]) -> str:
    return f"`@{name}[{', '.join(map(str, index))}]`" if index else f"`@{name}`"


def _named(syntax: object) -> Iterator[ast.Named]:
    """All `as` in a piece of syntax."""
    if isinstance(syntax, tuple):
        for part in syntax:
            yield from _named(part)
    elif isinstance(syntax, ast.Syntax):
        if isinstance(syntax, ast.Named):
            yield syntax
        for field in syntax._fields:
            yield from _named(getattr(syntax, field))
