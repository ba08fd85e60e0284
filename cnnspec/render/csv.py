"""A summary as CSV: one row for each expanded layer, raw numbers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

from cnnspec.analysis.outline import ALL, outline
from cnnspec.analysis.summary import Summary
from cnnspec.render.columns import Column, columns

#: What a row says where nothing else is asked for.
DEFAULT = ("path", "op", "input", "output", "params", "buffers", "macs", "flops", "rf", "stride", "start",
           "memory", "weights", "traffic", "intensity", "args")


def as_csv(summary: Summary, chosen: Sequence[Column] = (), convention: str | None = None, *,
           extra: Sequence[Column] = ()) -> str:
    """The layers in order of execution; a convention beside `macs` and `flops` gets a column of its own.

    `extra` columns come last.
    """
    shown = [*(chosen or columns(*dict.fromkeys((*DEFAULT, convention or "macs")))), *extra]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in shown])
    for row, _ in outline(summary, ALL).walk():
        if not row.children:
            writer.writerow([column.value(summary, row) for column in shown])
    return text.getvalue()
