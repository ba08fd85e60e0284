"""The report of a summary: drawing and table side by side, and charts over the layers."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.prediction import Prediction
from cnnspec.analysis.summary import Summary
from cnnspec.render.columns import Column, columns
from cnnspec.render.report import charts
from cnnspec.render.report.choices import Rows, choices
from cnnspec.render.report.facts import figures, lead, said, told
from cnnspec.render.report.layers import side_by_side
from cnnspec.render.report.page import Page, Section, fitting
from cnnspec.render.snippet import visible
from cnnspec.render.times import time_columns

#: Of the table, behind the label.
COLUMNS = columns("output", "params", "macs", "rf", "memory", "live")
#: Rows of a table at most.
MOST_ROWS = 1200


def summary_html(summary: Summary, command: str, *, depth: int | None = None, overridden: bool = False,
                 prediction: Prediction | None = None) -> str:
    """The report as a file's text; `command` is what makes it, the rest as the summary on the terminal has it."""
    shown: Sequence[Column] = COLUMNS
    seconds, about = None, list(said(summary, overridden=overridden))
    if prediction is not None:
        shown = (*COLUMNS, *time_columns(prediction))
        seconds = {one.index: one.cost.seconds for one in prediction.layers}
        about += told(prediction)
    below = (charts.costs(summary, seconds, "As predicted, for the batch."), charts.memory(summary),
             *charts.field(summary), charts.roofline(summary))

    def page(rows: Rows) -> Page:
        layers = Section("layers", "Layers", side_by_side(summary, rows, shown))
        return Page("summary", visible(summary.name), lead(summary), tuple(figures(summary)), (layers, *below), command,
                    tuple(about))

    return fitting(map(page, choices(summary, depth, MOST_ROWS)))
