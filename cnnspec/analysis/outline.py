"""A summary's rows, folded along the spec's own structure, so that a network of any depth fits a screen.

What closes into one row: a call or merge, a layer with what follows it without changing shapes, and neighbours that are
alike (`×N`). What opens by itself: loops, whose turns differ, since their turns are what a reader wants to compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cnnspec.analysis import labels
from cnnspec.analysis.folding import fold, join
from cnnspec.analysis.labels import Label, Piece
from cnnspec.analysis.rows import Figures, Plan, Row
from cnnspec.analysis.summary import Summary
from cnnspec.analysis.tree import Fold, Part, Run, Unit, branches, spread, tree
from cnnspec.graph.network import BRANCH, MERGE, TURN
from cnnspec.record import Record

#: Opens everything: one row per layer.
ALL = -1
#: A default outline of fewer rows than `_FEW` opens, to `_ENOUGH` at most; beyond `_MANY` it folds harder, and harder
#: still beyond `_TOO_MANY`.
_FEW, _ENOUGH, _MANY, _TOO_MANY = 10, 24, 32, 60


class Outline(Record):
    """The rows, and how they were chosen."""

    rows: tuple[Row, ...]
    #: Levels of calls, merges and folds that are open; `ALL` for every layer.
    depth: int

    def walk(self) -> Iterator[tuple[Row, tuple[bool, ...]]]:
        """Every row in order; with it, for each level from the outermost, whether its row there is the last one."""
        stack: list[tuple[Row, tuple[bool, ...]]] = [(row, ()) for row in reversed(self.rows)]
        while stack:
            row, lasts = stack.pop()
            yield row, lasts
            below = len(row.children)
            stack += [(child, (*lasts, at == below - 1)) for at, child in reversed([*enumerate(row.children)])]


class Detail(Record):
    """What folds."""

    loose: bool = False
    loops: bool = True
    everything: bool = False

    def parts(self, parts: tuple[Part, ...]) -> list[Part]:
        """The rows of a chain, closed."""
        steps = spread(parts, loops=self.loops)
        return steps if self.everything else join(fold(steps, loose=self.loose))


def outline(summary: Summary, depth: int | None = None) -> Outline:
    """The rows of a summary. `depth` is the number of levels of calls, merges and folds to open, or `ALL`.

    By default none; where that leaves fewer than ten rows, as many as make 24. Where it leaves more than 32, turns that
    differ in no figure fold as well; beyond 60, whole loops.
    """
    parts = tree(summary)
    if depth is None:
        depth, plans = _fitting(parts)
    else:
        plans = _plans(parts, Detail(everything=depth == ALL), depth if depth != ALL else len(summary.layers), (0,))
    figures = Figures(summary.layers)
    return Outline(tuple(figures.row(plan) for plan in plans), depth)


def _fitting(parts: tuple[Part, ...]) -> tuple[int, tuple[Plan, ...]]:
    depth, plans = 0, _plans(parts, Detail(), 0, (0,))
    rows = _count(plans)
    while rows < _FEW or depth > 0:
        opened = _plans(parts, Detail(), depth + 1, (0,))
        if not rows < _count(opened) <= _ENOUGH:
            return depth, plans
        depth, plans, rows = depth + 1, opened, _count(opened)
    if rows > _MANY:
        plans = _plans(parts, Detail(loose=True), 0, (0,))
    if _count(plans) > _TOO_MANY:
        plans = _plans(parts, Detail(loose=True, loops=False), 0, (0,))
    return 0, plans


def _count(plans: Iterable[Plan]) -> int:
    return sum(1 + _count(plan.below) for plan in plans)


# ------------------------------------------------------------------------------------------ what is a row


def _plans(parts: tuple[Part, ...], detail: Detail, depth: int, shifts: tuple[int, ...]) -> tuple[Plan, ...]:
    """The rows of a chain, with `depth` more levels to open."""
    return tuple(plan for part in detail.parts(parts) for plan in _plan(part, detail, depth, shifts))


def _plan(part: Part, detail: Detail, depth: int, shifts: tuple[int, ...]) -> tuple[Plan, ...]:
    closed = (Plan(part, None, shifts),)
    if isinstance(part, Unit) and part.scope.kind == TURN:
        return _headed(part, labels.turn_label(part.scope), _plans(part.parts, detail, depth, shifts), shifts)
    if depth == 0:
        return closed
    if isinstance(part, Run) and isinstance(part.parts[0], Unit):
        return _opened_run(part.parts[0], part.parts[1:], detail, depth, shifts) or closed
    if isinstance(part, Fold):
        return _opened_fold(part, detail, depth, shifts)
    if isinstance(part, Unit) and part.scope.kind == MERGE:
        return _opened_run(part, (), detail, depth, shifts)
    if isinstance(part, Unit):
        label = labels.branch_label(part.scope) if part.scope.kind == BRANCH else None
        below = _inside(part, detail, depth, shifts)
        return _headed(part, label, below, shifts) if detail.everything or len(below) > 1 else closed
    return closed


def _inside(unit: Unit, detail: Detail, depth: int, shifts: tuple[int, ...]) -> tuple[Plan, ...]:
    """The rows of a call or branch; a body that is one merge opens with it."""
    body = detail.parts(unit.parts)
    return tuple(plan for part in body for plan in _plan(part, detail, depth if len(body) == 1 else depth - 1, shifts))


def _headed(unit: Unit, label: Label | None, below: tuple[Plan, ...], shifts: tuple[int, ...]) -> tuple[Plan, ...]:
    """A heading above its rows; none above a single row."""
    if len(below) == 1 and unit.scope.kind in {TURN, BRANCH}:
        return below
    return (Plan(unit, label, shifts, below),)


def _opened_fold(part: Fold, detail: Detail, depth: int, shifts: tuple[int, ...]) -> tuple[Plan, ...]:
    """The rows of the last unit, each standing for its fellows in the others too."""
    last = part.units[-1]
    every = tuple(shift + unit.start - last.start for shift in shifts for unit in part.units)
    if last.scope.kind == MERGE:
        below = _opened_run(last, (), detail, depth, every)
    elif last.scope.kind == TURN:
        below = _plans(last.parts, detail, depth - 1, every)
    else:
        below = _inside(last, detail, depth, every)
    return (Plan(part, None, shifts, below if len(below) > 1 else ()),)


def _opened_run(head: Unit, rest: tuple[Part, ...], detail: Detail, depth: int, shifts: tuple[int, ...]
                ) -> tuple[Plan, ...]:
    """A call or merge, opened, and the layers behind it; nothing where the call does not open.

    A merge opens into its branches and the layer that joins them.
    """
    if head.merge is not None:
        opened = _branches(head, detail, depth - 1, shifts)
        rest = (head.merge, *rest)
    else:
        opened = _plan(head, detail, depth, shifts)
        if opened[0].part is head and not opened[0].below:
            return ()
    return (*opened, *(Plan(part, None, shifts) for part in join([*rest])))


def _branches(merge: Unit, detail: Detail, depth: int, shifts: tuple[int, ...]) -> tuple[Plan, ...]:
    parts: list[Part] = [*branches(merge)]
    rows = parts if detail.everything else fold(parts, loose=detail.loose)
    return tuple(_as_branch(plan) for part in rows for plan in _plan(part, detail, depth, shifts))


def _as_branch(plan: Plan) -> Plan:
    label = plan.label if plan.label is not None else labels.label(plan.part)
    return Plan(plan.part, (Piece("| "), *label), plan.shifts, plan.below)
