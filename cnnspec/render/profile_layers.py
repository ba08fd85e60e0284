"""The layers of a measured run as columns of a summary, and the rows below them that make up the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from cnnspec.analysis.layer_times import LayerTimes
from cnnspec.analysis.outline import outline
from cnnspec.analysis.prediction import COMPUTE, LAUNCH, MEMORY
from cnnspec.analysis.profile import LayerRun, Rates, Run
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.columns import COLUMNS, Column, Value
from cnnspec.render.layout import Cells, Choice, Line, Slot, Styled, cells, fitted, table

#: The rows below the layers that every run has.
ALL, PLAIN, OVERHEAD = "layers and the rest", "whole without stamps", "overhead of stamps"


class Below(Record):
    """A row that is no layer; seconds, and its part of the whole."""

    name: str
    seconds: float
    share: float | None


def below(times: LayerTimes) -> Iterator[Below]:
    """What is no layer, the sum with the layers, the run without stamps, and what stamps cost."""
    for name, seconds in times.aside.items():
        yield Below(name, seconds, seconds / times.whole if times.whole else None)
    yield Below(ALL, times.total, times.total / times.whole if times.whole else None)
    if times.plain is not None and times.overhead is not None:
        yield Below(PLAIN, times.plain, None)
        yield Below(OVERHEAD, times.overhead, times.overhead / times.plain if times.plain else None)


# ---------------------------------------------------------------------------------------------- columns


def run_columns(run: Run) -> dict[str, Column]:
    """The columns that this run can fill, by name."""
    layers = {layer.index: layer for layer in run.layers}

    def column(name: str, title: str, doc: str, value: Callable[[Sequence[LayerRun]], Value],
               text: Callable[[Value], str] = str, *, shared: bool = False, left: bool = False) -> Column:
        def of_row(summary: Summary, row: Row) -> Value:
            found = [layers[index] for index in row.indices if index in layers]
            return value(found) if found else None
        return Column(name, title, doc, of_row, text, shared=shared, left=left)

    rates = run.rates
    made = [
        column("time", "time", "seconds, measured for the batch", _seconds, _duration),
        column("share", "share", "part of the whole", lambda found: sum(one.share for one in found), _whole_percent,
               shared=True),
        column("rate", "FLOP/s", "achieved in the forward pass", _rate, _scaled),
        column("bandwidth", "B/s", "achieved in the forward pass", _bandwidth, _scaled),
    ]
    if any(layer.backward for layer in run.layers):
        made.append(column("backward", "backward", "seconds of it in the backward pass",
                           lambda found: sum(one.backward for one in found), _duration))
    if isinstance(rates, Rates):
        made.append(column("peak", "of peak", "that rate as a part of the device's peak",
                           lambda found: _rate(found) / rates.peak, _whole_percent))
    if any(layer.bound for layer in run.layers):
        made.append(column("bound", "bound", "what most of the time goes into", _bound, left=True))
    if any(layer.predicted is not None for layer in run.layers):
        made.append(column("predicted", "predicted", "seconds, as `predict` says", _predicted, _duration))
    return {one.name: one for one in made}


def _seconds(found: Sequence[LayerRun]) -> float:
    return sum(one.seconds for one in found)


def _rate(found: Sequence[LayerRun]) -> float:
    """Each layer's rate counts as long as its forward pass takes; so with bytes."""
    return _mean(found, [one.flops_rate for one in found])


def _bandwidth(found: Sequence[LayerRun]) -> float:
    return _mean(found, [one.bandwidth for one in found])


def _mean(found: Sequence[LayerRun], rates: Sequence[float]) -> float:
    forward = [one.seconds - one.backward for one in found]
    whole = sum(forward)
    return sum(rate * seconds for rate, seconds in zip(rates, forward, strict=True)) / whole if whole else 0.0


def _bound(found: Sequence[LayerRun]) -> Value:
    shares = dict.fromkeys((COMPUTE, MEMORY, LAUNCH), 0.0)
    for one in found:
        if one.bound:
            shares[one.bound] += one.seconds
    return max(shares, key=lambda name: shares[name]) if any(shares.values()) else None


def _predicted(found: Sequence[LayerRun]) -> Value:
    """Of a row of which not all is predicted, nothing."""
    known = [one.predicted for one in found if one.predicted is not None]
    return sum(known) if len(known) == len(found) else None


def _duration(value: Value) -> str:
    return units.duration(value) if isinstance(value, int | float) and value else ""


def _whole_percent(value: Value) -> str:
    """`12 %`; `<1 %` for less than a half."""
    if not isinstance(value, int | float) or not value:
        return ""
    return "<1 %" if value < 0.005 else f"{value:.0%}".replace("%", " %")


def _scaled(value: Value) -> str:
    return units.scaled(round(value)) if isinstance(value, int | float) and value else ""


# ------------------------------------------------------------------------------------------------ table

#: Columns beside the layers', the fullest choice first; with the scale of their bars and the room of long labels.
_CHOICES = (
    ("time share output rate bandwidth backward peak bound predicted", 10, 40),
    ("time share rate bandwidth backward peak bound predicted", 10, 32),
    ("time share backward rate peak bound predicted", 10, 26),
    ("time share backward rate peak bound predicted", 4, 20),
    ("time share backward peak bound predicted", 6, 20),
    ("time share peak bound predicted", 4, 20),
    ("time share bound", 4, 20), ("time share", 0, 20),
)


def layer_table(summary: Summary, run: Run, times: LayerTimes, depth: int | None, width: int | None) -> Iterator[Line]:
    """The layers, folded as in a summary, then what is no layer, the sum, the whole without stamps, the overhead."""
    rows = [*outline(summary, depth).walk()]
    known = {one.name: one for one in (COLUMNS["output"], *run_columns(run).values())}
    made = {name: cells(column, summary, rows) for name, column in known.items()}
    labels = cells(COLUMNS["layer"], summary, rows)
    labels = labels.replace(width=max(labels.width, len(PLAIN)))
    choices = [Choice([labels, *(made[name] for name in names.split() if name in made)], scale, room)
               for names, scale, room in _CHOICES]
    slots = fitted(choices, width)
    yield from table(rows, slots)
    for row in below(times):
        yield _row(slots, row)


def _row(slots: Sequence[Slot], row: Below) -> Line:
    """A row below the layers: its name, and what stands under `time` and `share`."""
    texts: Mapping[str, str] = {"layer": row.name, "time": signed_duration(row.seconds),
                                "share": portion(row.share)}
    line: Line = []
    for slot in slots:
        cell: Cells = slot.cells
        text = texts.get(cell.column.name, "")
        placed = text.ljust(slot.width) if cell.is_label else text.rjust(slot.width)
        line += [Styled("  "), Styled(placed + " " * slot.bars, "bold" if row.name == ALL else "dim")]
    return line


def portion(share: float | None) -> str:
    """A part of the whole with one decimal."""
    if share is None:
        return ""
    return "<0.1 %" if 0 < share < 0.0005 else units.percent(share)


def signed_duration(seconds: float) -> str:
    """A duration that may be below 0, as chance makes an overhead."""
    return units.duration(seconds) if seconds >= 0 else f"−{units.duration(-seconds)}"
