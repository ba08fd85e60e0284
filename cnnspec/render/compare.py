"""A comparison of networks on the terminal: side by side where they fit, below each other where they are many."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.lineup_measures import Measure
from cnnspec.render import train_compare, units
from cnnspec.render.compare_columns import Table, drawn, measured, staged
from cnnspec.render.compare_rows import table
from cnnspec.render.compare_text import (
    MARK,
    MOST_COLUMNS,
    NOTHING,
    Shown,
    front_title,
    intervals,
    listed,
    missing,
    place,
    wrapped,
)
from cnnspec.render.layout import Line, Styled
from cnnspec.render.memory import OPTIMIZER_TITLES
from cnnspec.render.snippet import visible

#: How networks may stand side by side: with ratios, and those in full; the fullest first.
_CHOICES = ((True, True), (True, False), (False, False))


def page(shown: Shown, room: int | None) -> Iterator[Line]:
    """All lines for a width in characters; None for as much as there is to say."""
    found = side_by_side(shown, room)
    empty: Line = []
    if found is None:
        yield from table(shown, room)
        told = False
    else:
        chosen, told = found
        yield from drawn(chosen)
        stages = staged(shown, room) if shown.stages else []
        yield from [empty, *stages] if stages else []
    yield empty
    for sentence in foot(shown, transposed=found is None, told=told):
        yield from ([Styled(line, "dim")] for line in wrapped(sentence, max(room or 100, 20)))
    if shown.rounds is not None:
        yield from [empty, *train_compare.lines(shown.rounds, room)]


def side_by_side(shown: Shown, room: int | None) -> tuple[Table, bool] | None:
    """The fullest table that fits, and whether it tells its intervals; None for too many networks, or too wide ones."""
    if len(shown.lineup.entrants) > MOST_COLUMNS:
        return None
    for ratios, full in _CHOICES:
        for below in (True, False):
            made = measured(shown, ratios=ratios, full=full, below=below)
            if room is None or made.width <= room:
                return made, full
    return None


def foot(shown: Shown, *, transposed: bool, told: bool) -> Iterator[str]:
    """What the marks mean, what the figures count, what is missing and why; in sentences.

    `told` says that the table has the intervals of measured ratios itself.
    """
    first = shown.lineup.entrants[0].summary
    if any(measure.best for measure in shown.measures):
        yield f"{MARK} best of the {'column' if transposed else 'row'}"
    if shown.sorted_by:
        yield sorted_line(shown.sorted_by, descending=shown.descending)
    if shown.front is not None:
        yield front_line(shown)
    yield from ([] if told else intervals(shown))
    yield from missing(shown)
    yield from shown.remarks
    yield "MACs count convolutions and linear layers; FLOPs = 2·MACs + the rest"
    yield (f"counts for one image, bytes for batch {first.batch} in {units.dtype(first.dtype)}, "
           f"training with {OPTIMIZER_TITLES[first.optimizer]}")


def sorted_line(by: Measure, *, descending: bool) -> str:
    """How the networks are ordered."""
    return "".join([f"sorted by {by.title}", ", largest first" if descending else "",
                    ": lower bounds, which may be in another order than what they bound" if by.bounds else ""])


def front_line(shown: Shown) -> str:
    """The networks of the front by name."""
    assert shown.front is not None  # asked for where there is one
    names = [visible(name) for index, name in enumerate(shown.lineup.names)
             if shown.front.dominated[index] is False]
    unknown = sum(place(shown.front, index) == NOTHING for index in range(len(shown.lineup.entrants)))
    says = f"front of {front_title(shown.front)}: {listed(names) if names else 'none'}"
    if any(measure.ratio_intervals for measure in shown.front.measures):
        says += " (by values as they are, also where no difference was seen)"
    return f"{says}; {unknown} without a value in one of them" if unknown else says
