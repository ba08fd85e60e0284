"""The report of a profile: what was measured beside what is predicted, layer by layer and as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.energy import Energy
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.profile import MemoryUse, Profile, Rates, Run
from cnnspec.analysis.summary import Summary, summarize
from cnnspec.environment import Unavailable
from cnnspec.render import units
from cnnspec.render.profile import BROKEN_OFF, latest, run_row
from cnnspec.render.profile_facts import facts, found_by, missing, setting, signed
from cnnspec.render.profile_layers import below, portion, run_columns, signed_duration
from cnnspec.render.report import charts, environment
from cnnspec.render.report.choices import Rows, choices
from cnnspec.render.report.facts import lead, said
from cnnspec.render.report.layers import side_by_side
from cnnspec.render.report.page import Figure, Page, Section, facts_html, fitting, sentence_html, table_html
from cnnspec.render.report.summary_page import COLUMNS, MOST_ROWS
from cnnspec.render.report.table import Below
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element

_RUNS = ("batch", "latency", "95 %", "images/s", "FLOP/s", "memory", "J/image")


def profile_html(found: Profile, command: str) -> str:
    """The report as a file's text; `command` is what makes it. All but the runs is of the last one that succeeded."""
    run = next((one for one in reversed(found.runs) if not one.failure), None)
    summary = found.summary if run is None else _at(found.summary, run.options.batch)
    seconds = {layer.index: layer.seconds for layer in run.layers} if run and run.layers else None
    rates = run.rates if run and isinstance(run.rates, Rates) else None
    behind = (charts.costs(summary, seconds, "As measured, for the batch."), charts.memory(summary),
              charts.roofline(summary, rates, run.layers if run else ()),
              Section("environment", "Environment", facts_html(environment.lines(found.environment))))

    def page(rows: Rows) -> Page:
        sections = (*_runs(found), *_measured(found, run), _layers(summary, run, rows), *behind)
        about = (*lead(summary), *setting(found), environment.date(found.environment))
        broken = (BROKEN_OFF,) if found.interrupted else ()
        return Page("profile", visible(found.net), tuple(dict.fromkeys(map(visible, filter(None, about)))),
                    tuple(_figures(run)) if run else (), sections, command, (*said(summary), *broken))

    return fitting(map(page, choices(summary, None, MOST_ROWS)))


def _at(summary: Summary, batch: int) -> Summary:
    """The same network for another batch."""
    if batch == summary.batch:
        return summary
    return summarize(summary.graph, batch, summary.dtype, summary.optimizer)


# ------------------------------------------------------------------------------------------- the whole


def _figures(run: Run) -> Iterator[Figure]:
    """The head: each figure as measured, with what is known of it."""
    counted = run.device_latency if run.options.cuda_graph else run.latency
    if isinstance(counted, Latency):
        yield Figure("latency", units.duration(counted.median),
                     f"±{units.percent(counted.spread)} (95 %), {counted.samples:,} runs")
    if run.predicted is not None:
        seconds, low, high = run.predicted
        between = "at least" if high is None else f"{units.duration(low)} to {units.duration(high)}"
        yield Figure("predicted", units.duration(seconds), between)
    if run.throughput is not None:
        yield Figure("images per second", units.rate(run.throughput), f"batch {run.options.batch:,}")
    if run.flops_rate is not None:
        yield Figure("FLOP/s", units.scaled(round(run.flops_rate)),
                     "" if run.of_peak is None else f"{units.percent(run.of_peak)} of the peak")
    yield from _memory(run.memory)
    if isinstance(run.energy, Energy) and not isinstance(run.energy.net, Unavailable):
        gross = run.energy.gross
        yield Figure("energy per image", units.energy(run.energy.net),
                     "net" if isinstance(gross, Unavailable) else f"net; {units.energy(gross)} gross")


def _memory(use: MemoryUse | Unavailable) -> Iterator[Figure]:
    if isinstance(use, Unavailable) or isinstance(use.measured, Unavailable):
        return
    off = use.difference
    told = "" if isinstance(use.predicted, Unavailable) else f"{units.size(use.predicted.peak)} predicted"
    yield Figure("memory", units.size(use.measured), f"{told}{'' if off is None else f', {signed(off)}'}")


def _runs(found: Profile) -> Iterator[Section]:
    """A row for each run, where there are several or the only one failed."""
    if len(found.runs) == 1 and not found.runs[0].failure:
        return
    rows = [(*row, *[""] * (len(_RUNS) - len(row))) for row in map(run_row, latest(found.runs))]
    said = "".join(element("p", sentence_html(sentence), class_="missing") for sentence in found_by(found))
    nothing = "" if found.runs else element("p", "Nothing was measured.", class_="missing")
    yield Section("runs", "Runs", (table_html(_RUNS, rows, name="runs") if rows else nothing) + said)


def _measured(found: Profile, run: Run | None) -> Iterator[Section]:
    """What is known of the run, under each name all that is said."""
    if run is None:
        return
    told = ((fact.name, [", ".join(text.split("   ")) for text in fact.lines]) for fact in facts(found, run))
    title = "Measured" if len(found.runs) == 1 else f"Measured with batch {run.options.batch:,}"
    yield Section("measured", title, facts_html(told))


def _layers(summary: Summary, run: Run | None, rows: Rows) -> Section:
    """Drawing and table, with times where they were measured."""
    if run is None or isinstance(run.times, Unavailable):
        why = "" if run is None or not isinstance(run.times, Unavailable) else missing(run.times)
        note = element("p", sentence_html(f"The layers are {why}"), class_="missing") if why else ""
        return Section("layers", "Layers", note + side_by_side(summary, rows, COLUMNS))
    further = [Below(one.name, {"time": signed_duration(one.seconds), "share": portion(one.share)})
            for one in below(run.times)]
    return Section("layers", "Layers", side_by_side(summary, rows, [*run_columns(run).values()], further))
