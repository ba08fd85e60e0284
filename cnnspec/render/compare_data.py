"""A comparison of networks as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from cnnspec.analysis.latency import Interval
from cnnspec.analysis.lineup import Entrant, Lineup
from cnnspec.analysis.lineup_measures import NEITHER, Front, Measure, Value
from cnnspec.analysis.lineup_stages import Part, Stage
from cnnspec.layers.base import show
from cnnspec.render import train_compare
from cnnspec.render.compare import foot
from cnnspec.render.compare_columns import stage_cells
from cnnspec.render.compare_text import MOST_COLUMNS, Shown, front_title, place, ratio, resolution, value
from cnnspec.render.json import whole_network
from cnnspec.render.markdown import escaped, row
from cnnspec.render.snippet import visible

SCHEMA = "cnnspec.compare/1"

# --------------------------------------------------------------------------------------------------- JSON


def as_json(shown: Shown, *, overridden: bool = False) -> str:
    """The document `cnnspec.compare/1`, which `docs/schema/compare-1.json` describes.

    `overridden` says that another input than the specs' own is described.
    """
    lineup = shown.lineup
    first = lineup.entrants[0].summary
    return json.dumps({
        "schema": SCHEMA, "batch": first.batch, "dtype": first.dtype, "optimizer": first.optimizer,
        "networks": {entrant.name: _network(entrant, overridden=overridden) for entrant in lineup.entrants},
        "measures": {measure.name: _measure(measure, lineup.names) for measure in lineup.measures},
        "stages": [_stage(stage, lineup.names) for stage in lineup.stages],
        "pareto": None if shown.front is None else _front(shown.front, lineup.names),
        "remarks": [*shown.remarks],
        **({} if shown.rounds is None else {"training": train_compare.as_data(shown.rounds)}),
    }, indent=2, ensure_ascii=False, allow_nan=False)


def _network(entrant: Entrant, *, overridden: bool) -> dict[str, Any]:
    """What the summary says of the whole; what its memory consists of would take longer than all else."""
    return {"target": entrant.target, "settings": dict(entrant.settings),
            **whole_network(entrant.summary, overridden=overridden)}


def _measure(measure: Measure, names: Sequence[str]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "title": measure.title, "doc": measure.doc, "unit": measure.unit,
        "better": None if measure.better == NEITHER else measure.better,
        "values": dict(zip(names, measure.values, strict=True)),
        "reasons": {name: measure.reason(index) for index, name in enumerate(names) if measure.reason(index)},
        "ratios": dict(zip(names, measure.ratios, strict=True)),
        "best": [names[index] for index in measure.best],
    }
    if measure.intervals:
        data["intervals"] = _intervals(measure.intervals, names)
    if measure.ratio_intervals:
        data["ratio_intervals"] = _intervals(measure.ratio_intervals, names)
        data["differs"] = dict(zip(names, measure.differs, strict=True))
    return data


def _intervals(intervals: Sequence[Interval | None], names: Sequence[str]) -> Mapping[str, list[float] | None]:
    return {name: None if one is None else [one.low, one.high] for name, one in zip(names, intervals, strict=True)}


def _stage(stage: Stage, names: Sequence[str]) -> dict[str, Any]:
    stride = stage.stride
    return {"stride": stride if stride is None or isinstance(stride, int) else float(stride),
            "parts": {name: None if part is None else _part(part)
                      for name, part in zip(names, stage.parts, strict=True)}}


def _part(part: Part) -> dict[str, Any]:
    return {"layers": part.layers, "weight_layers": part.weight_layers, "channels": [*part.channels],
            "extents": [[*extents] for extents in part.extents], "params": part.params, "macs": part.macs,
            "activation_bytes": part.activation_bytes}


def _front(front: Front, names: Sequence[str]) -> dict[str, Any]:
    flagged = [*zip(names, front.dominated, strict=True)]
    return {"measures": [measure.name for measure in front.measures],
            **{key: [name for name, flag in flagged if flag is wanted]
               for key, wanted in (("front", False), ("dominated", True), ("unknown", None))}}


# ---------------------------------------------------------------------------------------------------- CSV


def as_csv(shown: Shown) -> str:
    """A row for each network, raw numbers; of what is estimated or measured, its interval and that of its ratio."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = shown.lineup.names
    columns = [column for measure in shown.measures for column in _columns(measure)]
    if shown.front is not None:
        columns.append(("pareto", [place(shown.front, index) for index in range(len(names))]))
    writer.writerow(["network", "target", *(title for title, _ in columns)])
    for index, entrant in enumerate(shown.lineup.entrants):
        writer.writerow([entrant.name, entrant.target, *(cells[index] for _, cells in columns)])
    return text.getvalue()


def _columns(measure: Measure) -> list[tuple[str, list[object]]]:
    """The columns of a measure, each with its title."""
    found: list[tuple[str, list[object]]] = [(measure.name, [_raw(value) for value in measure.values])]
    if measure.intervals:
        found += _ends(measure.name, measure.intervals)
    if measure.ratio_intervals:
        found.append((f"{measure.name}_ratio", [*measure.ratios]))
        found += _ends(f"{measure.name}_ratio", measure.ratio_intervals)
    return found


def _ends(name: str, intervals: Sequence[Interval | None]) -> list[tuple[str, list[object]]]:
    return [(f"{name}_low", [one and one.low for one in intervals]),
            (f"{name}_high", [one and one.high for one in intervals])]


def _raw(value: Value) -> object:
    return show(value) if isinstance(value, tuple) else value


# ------------------------------------------------------------------------------------------------ Markdown


def as_markdown(shown: Shown) -> str:
    """A table with a column for each network and one of their stages; with a row for each where they are many."""
    transposed = len(shown.lineup.entrants) > MOST_COLUMNS
    stages = [_stages(shown.lineup)] if shown.stages and not transposed else []
    tables = [_rows(shown) if transposed else _columns_table(shown), *stages]
    notes = [f"- {escaped(line)}" for line in foot(shown, transposed=transposed, told=not transposed)]
    learned = [] if shown.rounds is None else ["", train_compare.as_markdown(shown.rounds).rstrip("\n")]
    return "\n".join(["\n\n".join("\n".join(lines) for lines in tables), "", *notes, *learned]) + "\n"


def _columns_table(shown: Shown) -> list[str]:
    places = range(len(shown.lineup.entrants))
    lines = [row(["", *map(visible, shown.lineup.names)]), _rule(len(places))]
    lines += [row([measure.title, *(_cell(measure, index) for index in places)]) for measure in shown.measures]
    if shown.front is not None:
        lines.append(row([front_title(shown.front), *(place(shown.front, index) for index in places)]))
    return lines


def _rows(shown: Shown) -> list[str]:
    titles = ["network", *(measure.title for measure in shown.measures), *([""] if shown.front else [])]
    lines = [row(titles), _rule(len(titles) - 1)]
    for index, name in enumerate(map(visible, shown.lineup.names)):
        places = [place(shown.front, index)] if shown.front else []
        lines.append(row([name, *(_value(measure, index) for measure in shown.measures), *places]))
    return lines


def _stages(lineup: Lineup) -> list[str]:
    lines = [row(["output, params, MACs", *map(visible, lineup.names)]), _rule(len(lineup.entrants))]
    cells = [stage_cells(lineup.stages, index) for index in range(len(lineup.entrants))]
    return lines + [row([resolution(stage), *(column[at] for column in cells)])
                    for at, stage in enumerate(lineup.stages)]


def _cell(measure: Measure, index: int) -> str:
    return f"{_value(measure, index)} {ratio(measure, index)}".rstrip()


def _value(measure: Measure, index: int) -> str:
    return value(measure, index) + (" ◂" if index in measure.best else "")


def _rule(columns: int) -> str:
    return row([":--", *["--:"] * columns], raw=True)
