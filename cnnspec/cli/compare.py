"""`cnnspec compare`: networks side by side, measure by measure and stage by stage."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cnnspec.analysis.contest_measures import MEASURED, measured
from cnnspec.analysis.lineup import Candidate, Lineup, line_up, names
from cnnspec.analysis.lineup_measures import ANALYTIC, PREDICTED, Measure, predicted
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.prediction import Prediction, predict
from cnnspec.analysis.rounds_measures import TRAINED, trained
from cnnspec.analysis.summary import Summary
from cnnspec.analysis.training import OPTIMIZERS
from cnnspec.cli import compare_train
from cnnspec.cli.candidates import INLINE, Asked, Contender, contenders
from cnnspec.cli.compare_wanted import MEASURES_HELP, Wanted, order, readable, shown, take_names, take_wanted
from cnnspec.cli.options import fail, limit_options, take_limits, warn
from cnnspec.cli.regime_options import is_given
from cnnspec.cli.report_option import Report, Reporting, report_option, write_reports
from cnnspec.cli.run_options import refuse_idle, refuse_runs, run_options
from cnnspec.diagnostics import SpecError
from cnnspec.record import Record
from cnnspec.render.compare_text import Shown

if TYPE_CHECKING:
    from cnnspec.analysis.contest import Contest
    from cnnspec.analysis.rounds import Rounds

FORMATS = ("table", "json", "csv", "markdown")
#: The fewest networks that are compared.
_FEWEST = 2


@click.command(cls=Reporting, epilog=MEASURES_HELP)
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
              help="Add how long they take there, as `cnnspec predict` has it; where they are run, with --profile or "
              "--train.")
@click.option("--profile", is_flag=True,
              help="Run them, in turns: latency, throughput, memory and energy, with an interval on each ratio.")
@run_options
@compare_train.train_options
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
    given |= {"batch": batch, "dtype": dtype, "optimizer": optimizer, "device": device, "profile": profile}
    refuse(len(targets) + len(expressions), overs, columns, format_)
    refuse_running(given)
    wanted = take_wanted(columns, pareto, sort, known_measures(given))
    try:
        found = contenders(Asked(targets, expressions, settings, inputs, overs), bounds)
        if len(found) < _FEWEST:
            raise click.UsageError("this is one network; name another TARGET, or give --over several values")
        element = "float32" if dtype == "tf32" else dtype
        made = [Candidate(one.net.summary(batch, element, optimizer), one.target, one.settings) for one in found]
        evidence = gather(found, made, inputs, given)
        wanted = readable(wanted, len(found), format_)
        lineup, rounds = lined_up(made, evidence, wanted)
        page = shown(lineup, wanted, stages=stages, remarks=remarks(evidence, made, lineup), rounds=rounds)
        show(page, format_, overridden=bool(inputs))
        write_reports(reports, "compare", page, overridden=bool(inputs))
    except SpecError as error:
        fail(error)
    sys.exit(exit_code(evidence))


def refuse(named: int, overs: Sequence[str], columns: Sequence[str], format_: str) -> None:
    """Raise `click.UsageError` for options that do not go together, and where there is nothing to compare."""
    if not named:
        raise click.UsageError("give two TARGETs or more: files, names of nets, calls, `-`, or `-e SPEC`")
    if named < _FEWEST and not overs:
        raise click.UsageError("one TARGET has nothing to be compared with; name another one, or give its variants: "
                               "--over NAME=1..4")
    if columns and format_ == "json":
        raise click.UsageError("--columns goes with table, csv and markdown; json has everything")


def refuse_running(given: dict[str, Any]) -> None:
    """Raise `click.UsageError` for options of running and training that do not go together, or where none is done."""
    compare_train.refuse_training(given)
    if given["profile"]:
        refuse_runs({**given, "device": given["device"] or "cpu"})
        return
    if given["train"] is None and is_given("threads"):
        raise click.UsageError("--threads goes with --profile or --train")
    refuse_idle(click.get_current_context(), "--profile", but=("threads",))
    if given["dtype"] == "tf32":
        raise click.UsageError("--dtype tf32 goes with --profile")


def is_run(given: dict[str, Any]) -> bool:
    """Whether networks are run: then the device is where, and nothing is predicted for it."""
    return given["profile"] or given["train"] is not None


def known_measures(given: dict[str, Any]) -> list[str]:
    """What can be asked for by name."""
    return [*ANALYTIC, *(MEASURED if given["profile"] else ()), *(TRAINED if given["train"] else ()),
            *([PREDICTED] if given["device"] is not None and not is_run(given) else ())]


# ---------------------------------------------------------------------------------------------- evidence


class Evidence(Record):
    """What was found out about networks otherwise than by counting: what was not asked for is empty."""

    predictions: tuple[Prediction, ...] = ()
    contest: Contest | None = None
    rounds: Rounds | None = None

    def observed(self, places: Sequence[int] | None = None) -> tuple[Measure, ...]:
        """What was seen of the networks at these places, in this order (None: as they are); ratios are to the first."""
        return (*(measured(self.contest, places) if self.contest else ()),
                *(trained(self.rounds, places) if self.rounds else ()))


def gather(found: Sequence[Contender], made: Sequence[Candidate], inputs: tuple[str, ...], given: dict[str, Any]
           ) -> Evidence:
    """Predict, measure and train, as the command line asks; raises `SpecError` where that cannot be done."""
    if given["device"] is not None and not is_run(given):
        return Evidence(tuple(predictions([one.summary for one in made], given["device"], given["dtype"])))
    evidence = Evidence()
    if given["profile"]:
        from cnnspec.cli.compare_profile import run

        evidence = evidence.replace(contest=run([one.net for one in found], given))
    if given["train"] is not None:
        rivals = [compare_train.Contestant(name, one.net, _named(one, inputs))
                  for name, one in zip(names(made), found, strict=True)]
        evidence = evidence.replace(rounds=compare_train.compete(rivals, given))
    return evidence


def _named(one: Contender, inputs: tuple[str, ...]) -> dict[str, Any]:
    """What names a network where it is trained on; one that has no target is its text."""
    inline = one.target in INLINE
    return {"target": None if inline else one.target, "inputs": inputs,
            "expression": one.net.target.module.file.source.text if inline else None,
            "settings": tuple(f"{name}={value}" for name, value in one.given)}


def predictions(summaries: Sequence[Summary], device: str, dtype: str) -> list[Prediction]:
    """How long networks take on a device; raises `SpecError` where nothing is known of it."""
    from cnnspec.runtime.known_devices import known_device
    from cnnspec.runtime.profile_files import broken

    warn(broken())
    known = known_device(device, dtype)
    return [predict(summary, known) for summary in summaries]


def exit_code(evidence: Evidence) -> int:
    """0, or that of what was run: 130 where it was broken off, 1 where nothing could be."""
    from cnnspec.cli import compare_profile

    return max(0 if evidence.contest is None else compare_profile.exit_code(evidence.contest),
               0 if evidence.rounds is None else compare_train.exit_code(evidence.rounds))


# ------------------------------------------------------------------------------------------------ showing


def remarks(evidence: Evidence, made: Sequence[Candidate], lineup: Lineup) -> tuple[str, ...]:
    """What predictions rest on, each sentence once; and how it was measured."""
    from cnnspec.render.contest import remarks as measuring
    from cnnspec.render.times import basis

    contest = evidence.contest
    return (*dict.fromkeys(sentence for one in evidence.predictions for sentence in basis(one)),
            *(measuring(contest, [one.summary.name for one in made], lineup.measures) if contest is not None else ()))


def lined_up(made: Sequence[Candidate], evidence: Evidence, wanted: Wanted) -> tuple[Lineup, Rounds | None]:
    """The networks side by side, and how they learned, in the order that was asked for."""
    known, rounds = evidence.predictions, evidence.rounds
    lineup = line_up(made, [*([predicted(known)] if known else []), *evidence.observed()])
    if not wanted.sort:
        return lineup, rounds
    places = order(lineup.measure(wanted.sort), descending=wanted.descending)
    sorted_ = lineup.picked(places)
    kept = [measure for measure in sorted_.measures if measure.name not in (*MEASURED, *TRAINED)]
    return (sorted_.replace(measures=(*kept, *evidence.observed(places))),
            rounds and rounds.replace(rivals=tuple(rounds.rivals[place] for place in places)))


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
