"""The columns of a summary: what each is called, says of a row, and is worth in CSV."""

from __future__ import annotations

from collections.abc import Callable

from cnnspec.analysis import labels
from cnnspec.analysis.conventions import CONVENTIONS, count
from cnnspec.analysis.field import ReceptiveField, report
from cnnspec.analysis.memories import INFERENCE, TRAINING
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.layers.arguments import shown
from cnnspec.layers.base import show
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.snippet import visible

Value = int | float | str | None

#: The columns that a network without training has nothing for.
TRAINED = ("saved", "live_training")
#: The conventions that are this project's own.
OWN = ("macs", "flops")


class Column(Record):
    """One column. Rows that are headings have no cells."""

    name: str
    title: str
    doc: str
    #: What a row is worth: a number, or text; None for nothing to say.
    value: Callable[[Summary, Row], Value]
    #: How a value of it is shown.
    text: Callable[[Value], str] = str
    #: Whether a bar may show each row's share of the whole.
    shared: bool = False
    left: bool = False


def _number(get: Callable[[Row], int]) -> Callable[[Summary, Row], Value]:
    return lambda summary, row: get(row)


def _last(summary: Summary, row: Row) -> LayerSummary:
    return summary.layers[row.last]


def _label(summary: Summary, row: Row) -> str:
    return labels.text(row.label) + (f" ×{row.count}" if row.count > 1 else "")


def _path(summary: Summary, row: Row) -> str:
    first, last = summary.layers[row.layers[0][0]], _last(summary, row)
    return first.path if first is last else f"{first.path} … {last.path}"


def _place(summary: Summary, row: Row) -> str:
    return visible(str(summary.layers[row.layers[0][0]].node.span))


def _input(summary: Summary, row: Row) -> str:
    return ", ".join(map(show, summary.layers[row.layers[0][0]].input_shapes))


def _args(summary: Summary, row: Row) -> str:
    layer = _last(summary, row)
    if [*row.indices] != [layer.index]:
        return ""
    return ", ".join(f"{name}={shown(value)}" for name, value in layer.args.items() if value is not None)


def _op(summary: Summary, row: Row) -> str:
    return " ".join(dict.fromkeys(summary.layers[index].op for index in row.indices))


def _field(part: Callable[[ReceptiveField], tuple[object, ...]], *,
           gates: bool = True) -> Callable[[Summary, Row], Value]:
    """A number for each axis, `all` for a global field, nothing for inputs and networks without axes."""

    def value(summary: Summary, row: Row) -> Value:
        if not _last(summary, row).node.inputs or row.field.axes == ():
            return None
        seen = report(row.field.axes if gates else row.field.ungated)
        return "all" if seen is None else units.axes(part(seen)).replace("×", "x")

    return value


def _field_with_ungated(summary: Summary, row: Row) -> Value:
    gated, ungated = RF.value(summary, row), COLUMNS["ungated"].value(summary, row)
    return gated if gated == ungated else f"{gated} ({ungated})"


def _intensity(summary: Summary, row: Row) -> Value:
    return row.flops * summary.batch / row.traffic_bytes if row.traffic_bytes else None


def _saved(summary: Summary, row: Row) -> Value:
    return sum(summary.saved.get(index, 0) for index in row.indices) if summary.can_train else None


def _live(mode: str) -> Callable[[Summary, Row], Value]:
    """The most that is live while any of a row's layers run; nothing for those that do not."""

    def value(summary: Summary, row: Row) -> Value:
        if mode == TRAINING and not summary.can_train:
            return None
        live = summary.live(mode)
        return max((live[index] for index in row.indices if index in live), default=None)

    return value


def _counted(convention: str) -> Callable[[Summary, Row], Value]:
    return lambda summary, row: sum(layer_count(summary.layers[index], convention) for index in row.indices)


def layer_count(layer: LayerSummary, convention: str) -> int:
    """What a layer costs under a convention; 0 where it runs in training only. Raises `Uncounted`."""
    op = layer.node.op
    if convention == "macs":
        return layer.macs
    if convention == "flops":
        return layer.flops
    return count(convention, op.layer, op.output, op.inputs) if layer.runs and op.inputs else 0


def _sized(value: Value) -> str:
    return units.size(value) if isinstance(value, int) and value else ""


def _scaled(value: Value) -> str:
    """With room for a unit behind a number that has none, so that digits stand below each other."""
    text = units.scaled(value) if isinstance(value, int) and value else ""
    return f"{text}  " if text[-1:].isdigit() else text


def _whole(value: Value) -> str:
    return units.count(value) if isinstance(value, int) and value else ""


def _ratio(value: Value) -> str:
    return f"{value:,.1f}" if isinstance(value, float) and value else ""


def _shape(value: Value) -> str:
    extents = str(value)
    return _times(extents) if "x" in extents else f"{int(extents):,}"


def _times(value: Value) -> str:
    return str(value).replace("x", "×")


RF = Column("rf", "RF", "receptive field, input pixels along each axis", _field(lambda seen: seen.size), _times)

_FIXED = (
    Column("layer", "layer", "the layers, by the spec's own structure", _label, left=True),
    Column("path", "path", "the layer's one name; of several, the first's and the last's", _path, left=True),
    Column("op", "op", "keywords", _op, left=True),
    Column("source", "source", "file, line and column", _place, left=True),
    Column("input", "input", "shape that enters, without the batch", _input, _times),
    Column("output", "output", "shape that leaves, without the batch", lambda summary, row: show(row.output), _shape),
    Column("params", "params", "learned elements", _number(lambda row: row.params), _whole, shared=True),
    Column("buffers", "buffers", "elements kept without learning", _number(lambda row: row.buffers), _whole),
    RF,
    Column("ungated", "no gates", "receptive field without the gates on the way",
           _field(lambda seen: seen.size, gates=False), _times),
    Column("stride", "stride", "input pixels between neighbouring outputs", _field(lambda seen: seen.stride),
           _times),
    Column("start", "start", "first input pixel of the first output's field", _field(lambda seen: seen.start),
           _times),
    Column("memory", "memory", "bytes of the outputs, for the batch", _number(lambda row: row.activation_bytes),
           _sized),
    Column("weights", "weights", "bytes of the parameters", _number(lambda row: row.weight_bytes), _sized),
    Column("traffic", "traffic", "bytes read and written, for the batch", _number(lambda row: row.traffic_bytes),
           _sized),
    Column("saved", "saved", "bytes that the layers make and that backward keeps, for the batch", _saved, _sized),
    Column("live", "live", "most bytes that are live meanwhile, at inference", _live(INFERENCE), _sized),
    Column("live_training", "live, training", "the same in training, forward and backward", _live(TRAINING), _sized),
    Column("intensity", "FLOP/B", "FLOPs for each byte of traffic", _intensity, _ratio),
    Column("args", "arguments", "all arguments, of a single layer", _args, left=True),
)

_COUNTS = tuple(
    Column(name, convention.unit if name in OWN else f"{name} {convention.unit}", convention.title, _counted(name),
           _scaled, shared=True)
    for name, convention in CONVENTIONS.items()
)

#: Every column by name, as `--columns` takes them.
COLUMNS: dict[str, Column] = {column.name: column for column in (*_FIXED, *_COUNTS)}

#: The receptive field where there is room for the one without gates beside it.
WIDE_RF = Column("rf", "RF", RF.doc, _field_with_ungated, _times)


def columns(*names: str) -> tuple[Column, ...]:
    """The columns of these names."""
    return tuple(COLUMNS[name] for name in names)
