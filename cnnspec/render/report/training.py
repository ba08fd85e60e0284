"""The part of a comparison's report that shows how networks learn: the table, the verdict, and learning curves."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.rounds import Rival, Rounds
from cnnspec.analysis.rounds_curves import ACCURACY, AXES, FIGURES, LOSS, MACS, SECONDS, STEPS, curve
from cnnspec.render.charts import axes
from cnnspec.render.charts.curves import Series, curves
from cnnspec.render.palette import SERIES
from cnnspec.render.report import charts
from cnnspec.render.report.page import Section, table_html
from cnnspec.render.snippet import visible
from cnnspec.render.svg import element, quoted
from cnnspec.render.train_compare import COLUMNS, how, leading, notes
from cnnspec.render.train_verdict import verdict

_MEASURES = {STEPS: axes.COUNT, SECONDS: axes.SECONDS, MACS: axes.COUNT,
             ACCURACY: axes.SHARE, LOSS: axes.PLAIN}
_TITLES = {STEPS: "steps", SECONDS: "seconds of training", MACS: "MACs of training",
           ACCURACY: "validation accuracy", LOSS: "training loss"}


def section(rounds: Rounds) -> Section:
    """All of it."""
    best = leading(rounds)
    table = table_html(("", *(column.title for column in COLUMNS)), (
        (visible(rival.name) + " ◂" * (place in best), *(column.text(rounds, rival) for column in COLUMNS))
        for place, rival in enumerate(rounds.rivals)), name="training")
    said = element("ul", *(element("li", quoted(sentence)) for sentence in (how(rounds), *notes(rounds))))
    return Section("training", "How they learn", "".join([
        element("p", element("b", quoted(_headline(verdict(rounds))))), table, *figures(rounds), said]))


def _headline(text: str) -> str:
    """A verdict with a capital, unless a network's name begins it."""
    return f"N{text[1:]}" if text.startswith("no ") else text


def figures(rounds: Rounds) -> list[str]:
    """The curves, each with its caption."""
    note = "The mean over the seeds; the band is from the lowest to the highest." if len(rounds.seeds) > 1 else \
        "One run each: another seed gives another curve."
    kinds = [(figure, axis) for figure in FIGURES for axis in AXES]
    return [charts.chart(drawn, f"{_TITLES[figure]} over {_TITLES[axis]}", note)
            for (figure, axis), drawn in zip(kinds, curve_charts(rounds), strict=True)]


def curve_charts(rounds: Rounds) -> tuple[str, ...]:
    """Accuracy over steps, seconds and MACs, then loss over the same, as SVG; of the most accurate networks."""
    drawn = _drawn(rounds)
    return tuple(
        curves([_series(rival, figure, axis) for rival in drawn], _TITLES[axis], _TITLES[figure],
               x_measure=_MEASURES[axis], y_measure=_MEASURES[figure], log_x=False if axis == STEPS else None,
               log_y=False if figure == ACCURACY else None)
        for figure in FIGURES for axis in AXES)


def _drawn(rounds: Rounds) -> Sequence[Rival]:
    """As many as there are colours, in the order given."""
    known = {place: rival.accuracy.mean for place, rival in enumerate(rounds.rivals) if rival.accuracy is not None}
    best = sorted(known, key=lambda place: -known[place])[:len(SERIES)]
    return [rounds.rivals[place] for place in sorted(best)]


def _series(rival: Rival, figure: str, axis: str) -> Series:
    found = curve(rival, figure, axis)
    return Series(visible(rival.name), found.points, found.band)
