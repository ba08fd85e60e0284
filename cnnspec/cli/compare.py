"""`cnnspec compare`: networks side by side, measure by measure and stage by stage."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cnnspec.analysis.contest_measures import MEASURED, measured
from cnnspec.analysis.lineup import Candidate, Lineup, line_up
from cnnspec.analysis.lineup_measures import (
    ANALYTIC,
    NEITHER,
    PREDICTED,
    Measure,
    Value,
    front,
    predicted,
)
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.prediction import Prediction, predict
from cnnspec.analysis.summary import Summary
from cnnspec.analysis.training import OPTIMIZERS
from cnnspec.cli.candidates import Asked, contenders
from cnnspec.cli.options import fail, limit_options, take_limits, warn
from cnnspec.cli.report_option import Report, Reporting, report_option, write_reports
from cnnspec.cli.run_options import refuse_idle, refuse_runs, run_options
from cnnspec.diagnostics import SpecError, closest
from cnnspec.record import Record
from cnnspec.render.compare_text import MOST_COLUMNS, Shown

if TYPE_CHECKING:
    from cnnspec.analysis.contest import Contest

FORMATS = ("table", "json", "csv", "markdown")
#: Measures of which no value is larger than another.
UNORDERED = ("input", "output")
#: The fewest measures that a front is of.
_FEWEST = 2

_MEASURE_HELP = "\b\nMeasures:\n" + "\n".join(f"  {name:<16}{doc}" for name, doc in ANALYTIC.items()) \
    + f"\n  {PREDICTED:<16}latency, with --device\n\n\b\nWith --profile:\n" \
    + "\n".join(f"  {name:<16}{doc}" for name, doc in MEASURED.items())


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


@click.command(cls=Reporting, epilog=_MEASURE_HELP)
@click.argument("targets", nargs=-1)
@click.option("-e", "--expression", "expressions", multiple=True, metavar="SPEC",
              help="A spec given inline, beside the TARGETs.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="Give a parameter a value in every network that has it.")
@click.option("--over", "overs", multiple=True, metavar="NAME=1..4",
              help="A network for each value of a parameter, or of a name that a call leaves free; also 1,2,4 and "
              "lists such as (1,1),(2,2). Several make every combination.")
@click.option("--input", "inputs", multiple=True, metavar="[NAME=]SHAPE", help="Take another input shape.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True,
              help="Images at once: bytes are for all of them, counts for one.")
@click.option("--dtype", type=click.Choice([*DTYPES, "tf32"]), default="float32", show_default=True,
              help="Element type; tf32, which is float32 with products rounded to TF32, goes with --profile.")
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), default="momentum", show_default=True,
              help="Of the training that memory is told for.")
@click.option("--device", metavar="NAME",
              help="Add how long they take there, as `cnnspec predict` has it; with --profile, where they are run.")
@click.option("--profile", is_flag=True,
              help="Run them, in turns: latency, throughput, memory and energy, with an interval on each ratio.")
@run_options
@click.option("--columns", callback=take_names, metavar="NAME,…", help="The measures, in this order (see below).")
@click.option("--sort", metavar="[-]NAME", help="Order the networks by a measure; descending with a minus.")
@click.option("--pareto", callback=take_names, metavar="NAME,NAME…",
              help="Mark who is dominated: another is as good in all of these measures, and better in one.")
@click.option("--stages/--no-stages", default=True, help="Compare them by resolution too, where they fit side by side.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True,
              help="How to print it; csv has a row for each network, json everything.")
@report_option
@limit_options
def command(targets: tuple[str, ...], expressions: tuple[str, ...], settings: tuple[str, ...], overs: tuple[str, ...],
            inputs: tuple[str, ...], batch: int, dtype: str, optimizer: str, device: str | None,
            columns: tuple[str, ...], sort: str | None, pareto: tuple[str, ...], stages: bool, format_: str,
            profile: bool, reports: tuple[Report, ...], **given: Any) -> None:
    """Networks side by side: what each costs, stage by stage.

    TARGETs are spec files, FILE:NET, names of nets, calls, `-`. A family is one call with a name left free:
    'resnet(basic, (n, n, n, n))' --over n=1..4. Ratios are to the first network. Stages are parts of one resolution:
    /4 is where every fourth pixel of the input has a position.
    """
    bounds = take_limits(given)
    given |= {"batch": batch, "dtype": dtype, "optimizer": optimizer, "device": device}
    refuse(len(targets) + len(expressions), overs, columns, format_)
    refuse_measuring(given, profile=profile)
    wanted = take_wanted(columns, pareto, sort, device, profile=profile)
    contest: Contest | None = None
    try:
        found = contenders(Asked(targets, expressions, settings, inputs, overs), bounds)
        if len(found) < _FEWEST:
            raise click.UsageError("this is one network; name another TARGET, or give --over several values")
        element = "float32" if dtype == "tf32" else dtype
        made = [Candidate(one.net.summary(batch, element, optimizer), one.target, one.settings) for one in found]
        known = [] if device is None or profile else predictions([one.summary for one in made], device, dtype)
        if profile:
            from cnnspec.cli.compare_profile import run

            contest = run([one.net for one in found], given)
        if len(found) > MOST_COLUMNS and format_ in ("table", "markdown") and not sort:
            first = next((name for name in columns if name not in UNORDERED), "params")
            wanted = wanted.replace(sort=first)  # a long list is read in some order
        lineup = lined_up(made, known, contest, wanted)
        page = shown(lineup, wanted, stages=stages, remarks=remarks(known, contest, made, lineup))
        show(page, format_, overridden=bool(inputs))
        write_reports(reports, "compare", page, overridden=bool(inputs))
    except SpecError as error:
        fail(error)
    if contest is not None:
        from cnnspec.cli.compare_profile import exit_code

        sys.exit(exit_code(contest))


def refuse(named: int, overs: Sequence[str], columns: Sequence[str], format_: str) -> None:
    """Raise `click.UsageError` for options that do not go together, and where there is nothing to compare."""
    if not named:
        raise click.UsageError("give two TARGETs or more: files, names of nets, calls, `-`, or `-e SPEC`")
    if named < _FEWEST and not overs:
        raise click.UsageError("one TARGET has nothing to be compared with; name another one, or give its variants: "
                               "--over NAME=1..4")
    if columns and format_ == "json":
        raise click.UsageError("--columns goes with table, csv and markdown; json has everything")


def refuse_measuring(given: dict[str, Any], *, profile: bool) -> None:
    """Raise `click.UsageError` for options of runs that do not go together, or where nothing is run."""
    if profile:
        refuse_runs({**given, "device": given["device"] or "cpu"})
        return
    refuse_idle(click.get_current_context(), "--profile")
    if given["dtype"] == "tf32":
        raise click.UsageError("--dtype tf32 goes with --profile")


def take_wanted(columns: tuple[str, ...], pareto: tuple[str, ...], sort: str | None, device: str | None, *,
                profile: bool) -> Wanted:
    """The measures that were named; raises `click.UsageError` for one that there is not, with a suggestion."""
    name = (sort or "").strip()
    descending = name.startswith("-")
    wanted = Wanted(columns, pareto, name.removeprefix("-"), descending)
    known = [*ANALYTIC, *(MEASURED if profile else [PREDICTED] if device is not None else [])]
    for option, names in (("--columns", columns), ("--pareto", pareto), ("--sort", [wanted.sort] if sort else [])):
        for one in names:
            if one not in known:
                match = closest(one, known)
                hint = "it comes with --device" if one == PREDICTED and not profile else \
                    "it comes with --profile" if one in MEASURED else \
                    f"did you mean `{match}`?" if match else f"there are {', '.join(known)}"
                raise click.UsageError(f"{option}: there is no measure `{one}`; {hint}")
    if wanted.sort in UNORDERED:
        raise click.UsageError(f"--sort: the {wanted.sort} is a shape, and shapes have no order; sort by a number, "
                               "such as params")
    if len(pareto) == 1:
        raise click.UsageError("--pareto weighs measures against each other: give two or more")
    return wanted


def predictions(summaries: Sequence[Summary], device: str, dtype: str) -> list[Prediction]:
    """How long networks take on a device; raises `SpecError` where nothing is known of it."""
    from cnnspec.runtime.known_devices import known_device
    from cnnspec.runtime.profile_files import broken

    warn(broken())
    known = known_device(device, dtype)
    return [predict(summary, known) for summary in summaries]


def remarks(known: Sequence[Prediction], contest: Contest | None, made: Sequence[Candidate], lineup: Lineup
            ) -> tuple[str, ...]:
    """What predictions rest on, each sentence once; and how it was measured."""
    from cnnspec.render.contest import remarks as measuring
    from cnnspec.render.times import basis

    return (*dict.fromkeys(sentence for one in known for sentence in basis(one)),
            *(measuring(contest, [one.summary.name for one in made], lineup.measures) if contest is not None else ()))


def lined_up(made: Sequence[Candidate], known: Sequence[Prediction], contest: Contest | None, wanted: Wanted) -> Lineup:
    """The networks side by side, in the order that was asked for; measured ratios are to the first in it."""
    lineup = line_up(made, [*([predicted(known)] if known else []), *(measured(contest) if contest else ())])
    if not wanted.sort:
        return lineup
    places = order(lineup.measure(wanted.sort), descending=wanted.descending)
    sorted_ = lineup.picked(places)
    if contest is None:
        return sorted_
    analytic = tuple(measure for measure in sorted_.measures if measure.name not in MEASURED)
    return Lineup(sorted_.entrants, (*analytic, *measured(contest, places)), sorted_.stages)


def shown(lineup: Lineup, wanted: Wanted, *, stages: bool, remarks: tuple[str, ...]) -> Shown:
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
                 lineup.measure(wanted.sort) if wanted.sort else None, wanted.descending, stages, remarks)


def order(measure: Measure, *, descending: bool) -> list[int]:
    """The networks' places by a measure, those without a value last; equals stay as they are.

    Of a field, the most pixels along any axis count.
    """
    having = [index for index, value in enumerate(measure.values) if value is not None]
    without = [index for index, value in enumerate(measure.values) if value is None]
    return sorted(having, key=lambda index: _amount(measure.values[index]), reverse=descending) + without


def _amount(value: Value) -> float:
    return max(value) if isinstance(value, tuple) else value or 0


def show(page: Shown, format_: str, *, overridden: bool) -> None:
    """Print a comparison."""
    if format_ == "table":
        from functools import partial

        from cnnspec.render.compare import page as lines
        from cnnspec.render.console import print_page

        print_page(partial(lines, page))
        return
    from cnnspec.render.compare_data import as_csv, as_json, as_markdown

    if format_ == "json":
        click.echo(as_json(page, overridden=overridden))
    else:
        click.echo(as_csv(page) if format_ == "csv" else as_markdown(page), nl=False)
