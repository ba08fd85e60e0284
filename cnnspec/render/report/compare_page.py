"""The report of a comparison: measures side by side, the front of the best, stages, and each network by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.lineup import Entrant, Lineup
from cnnspec.analysis.lineup_measures import BYTES, LATENCY, LOW, PREDICTED, SECONDS, SHARE, Measure, dominated
from cnnspec.analysis.rounds_measures import ACCURACY
from cnnspec.render import units
from cnnspec.render.charts import axes
from cnnspec.render.charts.pareto import Point, pareto_chart
from cnnspec.render.compare import foot
from cnnspec.render.compare_text import MOST_COLUMNS, Shown, listed, value
from cnnspec.render.report import charts, training
from cnnspec.render.report.choices import Rows, choices, closed
from cnnspec.render.report.compare_tables import measures_table, networks_table, stages_table
from cnnspec.render.report.facts import place as written_at
from cnnspec.render.report.layers import side_by_side
from cnnspec.render.report.page import Figure, Page, Section, fitting, sentence_html
from cnnspec.render.report.summary_page import COLUMNS, MOST_ROWS
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element, quoted
from cnnspec.render.totals import OVERRIDDEN

#: What stands for the time that networks take, the best known first; what they are weighed by beside it.
_COSTS, _OTHERS = (LATENCY, PREDICTED, "macs"), (ACCURACY, "params", "inference_peak")
#: Measures of which the head names the best network.
_HEADED = (ACCURACY, "params", "macs", "flops", "inference_peak", "training_peak", PREDICTED, LATENCY)
#: Said where networks are not shown one by one.
_ELSEWHERE = "These are more networks than a page holds with their layers: `cnnspec summary NAME --report` shows one."
#: Names that a title lists, and networks that are shown one by one.
_NAMED, _SHOWN = 3, 24


def compare_html(shown: Shown, command: str, *, overridden: bool = False) -> str:
    """The report as a file's text; `command` is what makes it.

    `overridden` says that another input than the specs' own is described.
    """
    entrants = shown.lineup.entrants
    many = len(entrants) > MOST_COLUMNS
    table = networks_table(shown) if many else measures_table(shown)
    stages = [Section("stages", "Stage by stage", stages_table(shown.lineup))] if shown.stages and not many else []
    learned = [] if shown.rounds is None else [training.section(shown.rounds)]
    head = (Section("measures", "Side by side", table), *learned, *_fronts(shown), *stages)
    first = entrants[0].summary
    remarks = (*foot(shown, transposed=many, told=True), *([OVERRIDDEN] if overridden else []))
    whole = Page("comparison", _title(shown), (f"batch {first.batch:,}", units.dtype(first.dtype)),
                 tuple(_figures(shown)), head, command, remarks)
    return fitting(whole.replace(sections=(*head, *networks)) for networks in _networks(entrants))


def _title(shown: Shown) -> str:
    names = [*map(visible, shown.lineup.names)]
    return listed(names) if len(names) <= _NAMED else f"{len(names)} networks"


def _figures(shown: Shown) -> Iterator[Figure]:
    """Who is the best in what, where one alone is."""
    for measure in shown.lineup.measures:
        if measure.name in _HEADED and len(measure.best) == 1:
            (best,) = measure.best
            least = "least" if measure.better == LOW else "best"
            text = units.scaled(int(measure.numbers[best] or 0)) if measure.name == "params" else value(measure, best)
            yield Figure(f"{least} {measure.title}", text, visible(shown.lineup.names[best]))


# ---------------------------------------------------------------------------------------------- fronts


def _fronts(shown: Shown) -> list[Section]:
    """The networks as points: the first of the measures that were asked for against each other one, or the usual."""
    lineup = shown.lineup
    known = {measure.name: measure for measure in lineup.measures}
    usual = (_cost(lineup), *(known[name] for name in _OTHERS if name in known))
    first, *others = shown.front.measures if shown.front else usual
    return [Section("pareto", "Which to take", "".join(_front(shown, first, other) for other in others or [first]))]


def _cost(lineup: Lineup) -> Measure:
    """The time that networks take, as it was measured, else predicted, else as the MACs tell it.

    Bounds order nothing, and what one network alone has compares none.
    """
    known = {measure.name: measure for measure in lineup.measures
             if measure.better == LOW and sum(number is not None for number in measure.numbers) > 1}
    return next((known[name] for name in _COSTS if name in known), lineup.measure("macs"))


def _front(shown: Shown, x: Measure, y: Measure) -> str:
    """A chart of two measures, in which those are hollow that another network beats in both."""
    flags = dominated((x, y))
    found = zip(shown.lineup.names, x.numbers, y.numbers, flags, strict=True)
    points = [Point(visible(name), float(across), float(up), bool(flag)) for name, across, up, flag in found
              if across is not None and up is not None]
    chart = pareto_chart(points, x.title, y.title, x_measure=_axis(x), y_measure=_axis(y))
    best = [point.name for point in points if not point.dominated]
    note = f"No other network is as good in both and better in one: {listed(best)}." if best else ""
    return charts.chart(chart, f"{y.title} against {x.title}", note)


def _axis(measure: Measure) -> axes.Measure:
    return {BYTES: axes.BYTES, SECONDS: axes.SECONDS, SHARE: axes.SHARE}.get(measure.unit, axes.COUNT)


# -------------------------------------------------------------------------------------------- networks


def _networks(entrants: Sequence[Entrant]) -> Iterator[tuple[Section, ...]]:
    """Each network folded into a line: with drawing and all layers, with fewer, as a table alone; or how to get one."""
    if len(entrants) <= _SHOWN:
        most = MOST_ROWS // len(entrants)
        detailed = [next(choices(entrant.summary, None, most)) for entrant in entrants]
        folded = [closed(entrant.summary, most) for entrant in entrants]
        for tables, drawn in ((detailed, True), (folded, True), (folded, False)):
            bodies = (_network(entrant, rows, drawn=drawn) for entrant, rows in zip(entrants, tables, strict=True))
            yield (Section("networks", "One by one", "".join(bodies)),)
    yield (Section("networks", "One by one", element("p", sentence_html(_ELSEWHERE), class_="missing")),)


def _network(entrant: Entrant, rows: Rows, *, drawn: bool) -> str:
    """A network that opens at a click; what is pointed at in it is marked in it alone."""
    whole = entrant.summary.totals
    told = (written_at(entrant.summary), f"{units.scaled(whole.params)} parameters", f"{units.scaled(whole.macs)} MACs")
    head = element("summary", element("b", quoted(visible(entrant.name))), f" {element('i', quoted(' · '.join(told)))}")
    body = side_by_side(entrant.summary, rows, COLUMNS, drawn=drawn)
    return element("details", head, body, data_net=visible(entrant.name))
