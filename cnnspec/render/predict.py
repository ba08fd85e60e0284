"""Predicted latencies: a table of layers for one network, a line for each of several; JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

from cnnspec.analysis.outline import outline
from cnnspec.analysis.prediction import Estimate, Prediction
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.columns import columns
from cnnspec.render.layout import Choice, Line, Styled, cells, fitted, folded, table
from cnnspec.render.time_data import layer_time, whole
from cnnspec.render.times import IDLE, about, basis, time_columns

SCHEMA = "cnnspec.predict/1"

#: Heads of the table of several networks.
_HEADS = ("network", "latency", "low", "high", "images/s")
_LAYER = ("net", "index", "path", "op", "time_s", "low_s", "high_s", "bound", "kind")


def one_net(summary: Summary, found: Prediction, depth: int | None, width: int | None) -> Iterator[Line]:
    """The layers of a network with their times, folded as in a summary; then the whole."""
    empty: Line = []
    inputs = ", ".join(f"{name} {units.shape(shape)}" for name, shape in summary.inputs.items())
    about_it = f"  {inputs}  batch {found.batch}  {units.dtype(found.dtype)}"
    yield from folded([Styled(found.net, "bold"), Styled(about_it)], width)
    yield empty
    rows = [*outline(summary, depth).walk()]
    time, bound = time_columns(found)
    shown = [cells(column, summary, rows) for column in (*columns("layer", "output", "macs"), time, bound)]
    short = [one for one in shown if one.column.name != "macs"]
    choices = [*(Choice(shown, scale, room) for scale, room in ((10, 32), (8, 30), (6, 28), (4, 26))),
               Choice(short, 0, 20)]
    yield from table(rows, fitted(choices, width))
    yield empty
    yield from about(found, width)


def several(found: Sequence[Prediction], width: int | None = None) -> Iterator[Line]:
    """A line for each network; then what they rest on."""
    rows = [_HEADS, *map(_texts, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    for at, row in enumerate(rows):
        numbers = (text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))
        yield [Styled("  ".join([row[0].ljust(widths[0]), *numbers]), "" if at else "dim")]
    yield []
    for sentence in dict.fromkeys(sentence for one in found for sentence in basis(one)):
        yield from folded([Styled(sentence, "dim")], width)


def _texts(found: Prediction) -> tuple[str, ...]:
    if found.images_per_second is None:
        return (found.net, IDLE, "–", "–", "–")
    high = "unknown" if found.high is None else units.duration(found.high)
    least = "≥ " if found.high is None else ""
    most = "≤ " if found.high is None else ""
    return (found.net, least + units.duration(found.seconds), units.duration(found.low), high,
            most + units.rate(found.images_per_second))


def as_markdown(found: Sequence[Prediction]) -> str:
    """A table with a row for each network, and what they rest on as a list."""
    lines = [f"| {' | '.join(_HEADS)} |", "| :-- | --: | --: | --: | --: |",
             *(f"| {' | '.join(_texts(one))} |" for one in found), ""]
    lines += dict.fromkeys(f"- {sentence}" for one in found for sentence in basis(one))
    return "\n".join(lines) + "\n"


def as_csv(found: Sequence[Prediction]) -> str:
    """A row for each layer, in seconds."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_LAYER)
    for one in found:
        writer.writerows([one.net, *_layer(layer).values()] for layer in one.layers)
    return text.getvalue()


def as_json(found: Sequence[Prediction]) -> str:
    """The document `cnnspec.predict/1`, which `docs/schema/predict-1.json` describes."""
    return json.dumps({"schema": SCHEMA, "nets": [_net(one) for one in found]}, indent=2, ensure_ascii=False)


def _net(found: Prediction) -> dict[str, Any]:
    return {
        "net": found.net, "source": found.source, "batch": found.batch, "dtype": found.dtype, **whole(found),
        "layers": [_layer(layer) for layer in found.layers],
    }


def _layer(layer: Estimate) -> dict[str, Any]:
    return {"index": layer.index, "path": layer.path, "op": layer.op, **layer_time(layer)}
