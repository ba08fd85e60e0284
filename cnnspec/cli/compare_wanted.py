"""Which measures of a comparison the command line asks for, and in which order it wants the networks."""

from __future__ import annotations

from collections.abc import Collection

import click

from cnnspec.analysis.contest_measures import MEASURED
from cnnspec.analysis.lineup import Lineup
from cnnspec.analysis.lineup_measures import ANALYTIC, NEITHER, PREDICTED, Measure, Value, front
from cnnspec.analysis.rounds import Rounds
from cnnspec.analysis.rounds_measures import TRAINED
from cnnspec.diagnostics import closest
from cnnspec.record import Record
from cnnspec.render.compare_text import MOST_COLUMNS, Shown

#: Measures of which no value is larger than another.
_UNORDERED = ("input", "output")

MEASURES_HELP = "\b\nMeasures:\n" + "\n".join(f"  {name:<16}{doc}" for name, doc in ANALYTIC.items()) \
    + f"\n  {PREDICTED:<16}latency, with --device\n\n\b\nWith --profile:\n" \
    + "\n".join(f"  {name:<16}{doc}" for name, doc in MEASURED.items()) \
    + "\n\n\b\nWith --train:\n" + "\n".join(f"  {name:<16}{doc}" for name, doc in TRAINED.items())

#: Measures that not every comparison has, by the option that adds them.
_COMING = {"--device": (PREDICTED,), "--profile": tuple(MEASURED), "--train": tuple(TRAINED)}


class Wanted(Record):
    """Which measures the command line asks for, and in which order it wants the networks."""

    columns: tuple[str, ...]
    pareto: tuple[str, ...]
    #: Empty for the order in which they are named.
    sort: str
    descending: bool


def take_names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Names of measures with commas between them, each once."""
    names = [name.strip() for name in (value or "").split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def take_wanted(columns: tuple[str, ...], pareto: tuple[str, ...], sort: str | None, known: Collection[str]) -> Wanted:
    """The measures that were named; raises `click.UsageError` for one that is not `known`, with a suggestion."""
    name = (sort or "").strip()
    descending = name.startswith("-")
    wanted = Wanted(columns, pareto, name.removeprefix("-"), descending)
    for option, names in (("--columns", columns), ("--pareto", pareto), ("--sort", [wanted.sort] if sort else [])):
        for one in names:
            if one not in known:
                raise click.UsageError(f"{option}: there is no measure `{one}`; {_hint(one, known)}")
    if wanted.sort in _UNORDERED:
        raise click.UsageError(f"--sort: the {wanted.sort} is a shape, and shapes have no order; sort by a number, "
                               "such as params")
    if len(pareto) == 1:
        raise click.UsageError("--pareto weighs measures against each other: give two or more")
    return wanted


def _hint(name: str, known: Collection[str]) -> str:
    for option, names in _COMING.items():
        if name in names:
            return f"it comes with {option}"
    match = closest(name, known)
    return f"did you mean `{match}`?" if match else f"there are {', '.join(known)}"


def readable(wanted: Wanted, networks: int, format_: str) -> Wanted:
    """A long list that is read by people stands in some order, if only by what is asked for first."""
    if networks <= MOST_COLUMNS or format_ not in ("table", "markdown") or wanted.sort:
        return wanted
    first = next((name for name in wanted.columns if name not in _UNORDERED), "params")
    return Wanted(wanted.columns, wanted.pareto, first, descending=False)


def shown(lineup: Lineup, wanted: Wanted, *, stages: bool, remarks: tuple[str, ...], rounds: Rounds | None) -> Shown:
    """What to show of a lineup; raises `click.UsageError` for a front of measures of which none is better."""
    measures = [lineup.measure(name) for name in wanted.pareto]
    for measure in measures:
        if measure.bounds:
            raise click.UsageError(f"--pareto: `{measure.name}` are lower bounds here, which do not say who is faster; "
                                   "name a device that has been calibrated (`cnnspec calibrate`)")
        if measure.better == NEITHER:
            able = ", ".join(one.name for one in lineup.measures if one.better != NEITHER)
            raise click.UsageError(f"--pareto: of {measure.title}, neither more nor less is better; it takes {able}")
    return Shown(lineup, tuple(map(lineup.measure, wanted.columns)), front(measures) if measures else None,
                 lineup.measure(wanted.sort) if wanted.sort else None, wanted.descending, stages, remarks, rounds)


def order(measure: Measure, *, descending: bool) -> list[int]:
    """The networks' places by a measure, those without a value last; equals stay as they are.

    Of a field, the most pixels along any axis count.
    """
    having = [index for index, value in enumerate(measure.values) if value is not None]
    without = [index for index, value in enumerate(measure.values) if value is None]
    return sorted(having, key=lambda index: _amount(measure.values[index]), reverse=descending) + without


def _amount(value: Value) -> float:
    return max(value) if isinstance(value, tuple) else value or 0
