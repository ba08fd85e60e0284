"""The growth of the receptive field over the layers, beside the extent of the input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cnnspec.analysis.axis import size
from cnnspec.analysis.field import Axes
from cnnspec.analysis.outline import Outline, outline
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.charts import sheet, strips
from cnnspec.render.charts.axes import Scale, fitting, ticks
from cnnspec.render.charts.sheet import MARGIN, SMALL, WIDTH, line, over, painted, written
from cnnspec.render.palette import FAINT, LINE, QUIET, SERIES, Tone
from cnnspec.render.svg import quoted

_LEFT, _RIGHT = 56, WIDTH - MARGIN
_PLOT, _FOOT = 210, 34
#: Pixels from step to step, and between points.
_LEAST = 1.0
#: From what sees everything to the largest number.
_GAP = 26
#: What axes are called, by their number, as PyTorch orders them.
_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_TITLE = "receptive field, input pixels along an axis"

#: A size along an axis; None for everything.
Size = int | None


class Curve(Record):
    """One axis of the field, or several that are equal throughout."""

    name: str
    #: By index of a layer, along the way to the main output.
    way: Mapping[int, Size]
    #: The layers beside that way.
    aside: Mapping[int, Size]
    #: Of the input.
    extent: int
    tone: Tone
    is_ungated: bool = False


class Plot(Record):
    """Where layers and sizes stand."""

    places: strips.Places
    y: Scale
    #: Where `all` stands, and where the plot ends.
    all: float
    bottom: float

    def height(self, seen: Size) -> float:
        """The place of a size."""
        return self.all if seen is None else self.y.at(seen)


def growth_chart(summary: Summary) -> str:
    """Sizes of the receptive field over the layers in order of execution, one curve for each axis that differs.

    A curve follows the way to the main output that sees the most; layers beside it are points. Where gates see more
    than the values that they weigh, a second curve leaves them out.
    """
    curves = _curves(summary)
    if not curves or not any(layer.node.inputs for layer in summary.layers):
        return sheet.remark(_TITLE, "The input has no spatial axes: each layer sees all of it." if not curves else
                            "There is no layer behind the input.")
    entries = [(curve.name, curve.tone) for curve in curves]
    head, top = sheet.heading("receptive field", entries if len(entries) > 1 else (), "input pixels along an axis")
    plot = _plot(summary, curves, top + 14)
    rows = outline(summary)
    body = [*head, *_grid(plot), *strips.names(summary, rows, plot.places, plot.all, plot.bottom)]
    body += _extents(plot, curves)
    for curve in reversed(curves):
        body += _drawn(plot, curve)
    body += _hits(summary, rows, plot)
    last = units.field(summary.totals.receptive_field)
    return sheet.chart("growth of the receptive field", f"{_TITLE}; {last} before it is all", plot.bottom + _FOOT, body)


# --------------------------------------------------------------------------------------------- figures


def _curves(summary: Summary) -> list[Curve]:
    """The curves, of the ungated field last; none where the inputs have no axes."""
    extents = max((summary.graph.nodes[index].shape[1:] for index in summary.graph.inputs.values()), key=len)
    gated = _ways(summary, len(extents), ungated=False)
    ungated = _ways(summary, len(extents), ungated=True)
    groups: dict[tuple[object, ...], list[int]] = {}
    for axis, extent in enumerate(extents):
        key = (extent, tuple(gated[axis][0].items()), tuple(gated[axis][1].items()), tuple(ungated[axis][0].items()))
        groups.setdefault(key, []).append(axis)
    names = _AXES.get(len(extents), tuple(f"axis {axis + 1}" for axis in range(len(extents))))
    found = []
    for tone, axes in zip(SERIES[::2], groups.values(), strict=False):
        title = " and ".join(names[axis] for axis in axes) if len(groups) > 1 else "with gates"
        found.append(Curve(title, *gated[axes[0]], extents[axes[0]], tone))
    for tone, axes in zip(SERIES[1::2], groups.values(), strict=False):
        if ungated[axes[0]][0] != gated[axes[0]][0]:
            title = " and ".join(names[axis] for axis in axes) + ", " if len(groups) > 1 else ""
            found.append(Curve(f"{title}without gates", *ungated[axes[0]], extents[axes[0]], tone, True))
    return found


def _ways(summary: Summary, axes: int, *, ungated: bool) -> list[tuple[dict[int, Size], dict[int, Size]]]:
    """For each axis the sizes along the way to the output, and those of all other layers."""
    way = _way(summary, ungated=ungated)
    sides: list[tuple[dict[int, Size], dict[int, Size]]] = [({}, {}) for _ in range(axes)]
    for layer in summary.layers:
        if not layer.node.inputs:
            continue
        field = layer.field.ungated if ungated else layer.field.axes
        for axis, (along, aside) in enumerate(sides):
            (along if layer.index in way else aside)[layer.index] = _size(field, axis, axes)
    return sides


def _size(field: Axes, axis: int, axes: int) -> Size:
    """Along an axis; a value whose axes are others than the input's is not local."""
    return size(field[axis]) if field and len(field) == axes else None


def _way(summary: Summary, *, ungated: bool) -> set[int]:
    """The layers from the main output back to an input, over those that see the most; of equals, the later one."""
    found = set()
    layer = summary.layers[summary.graph.output]
    while layer.node.inputs:
        found.add(layer.index)
        layer = max((summary.layers[index] for index in _sources(layer, ungated=ungated)),
                    key=lambda one: (*_order(one.field.ungated if ungated else one.field.axes), one.index))
    return found


def _sources(layer: LayerSummary, *, ungated: bool) -> Sequence[int]:
    """What a layer reads, without its gates if so asked."""
    gates = layer.node.op.layer.gates(*layer.node.op.inputs) if ungated else ()
    return [index for place, index in enumerate(layer.node.inputs) if place not in gates] or layer.node.inputs


def _order(field: Axes) -> tuple[bool, int]:
    return (True, 0) if not field else (False, sum(map(size, field)))


# --------------------------------------------------------------------------------------------- drawing


def _plot(summary: Summary, curves: Sequence[Curve], top: float) -> Plot:
    layers = [layer.index for layer in summary.layers if layer.node.inputs]
    x = Scale(0.0, float(len(layers)), _LEFT, _RIGHT)
    places = {index: (x.at(place), x.at(place + 1)) for place, index in enumerate(layers)}
    sizes = [seen for curve in curves for seen in (*curve.way.values(), *curve.aside.values()) if seen]
    extents = [curve.extent for curve in curves]
    return Plot(places, fitting([1, *sizes, *extents], top + _PLOT, top + _GAP), top, top + _PLOT)


def _grid(plot: Plot) -> Iterator[str]:
    yield from sheet.across(plot.y, ticks(plot.y, most=5), _LEFT, _RIGHT)
    yield line(_LEFT, plot.all, _RIGHT, plot.all, FAINT)
    yield written(_LEFT - 8, plot.all + 4, "all", QUIET, SMALL, "end")


def _extents(plot: Plot, curves: Sequence[Curve]) -> Iterator[str]:
    """A dashed line for each extent of the input, with its number at the left, where fields are small."""
    taken: list[float] = []
    for extent in dict.fromkeys(curve.extent for curve in curves):
        y = plot.y.at(extent)
        yield line(_LEFT, y, _RIGHT, y, LINE, stroke_dasharray="5 4")
        low = y + 14 if any(abs(y - 5 - other) < 14 for other in taken) else y - 5
        taken.append(low)
        yield over(_LEFT + 6, low, f"input {extent:,}" if extent < 10**9 else f"input {extent:.3g}", QUIET, SMALL)


def _drawn(plot: Plot, curve: Curve) -> Iterator[str]:
    """The curve as steps, and the points beside it."""
    found = [(sum(plot.places[index]) / 2, plot.height(seen)) for index, seen in curve.aside.items()]
    apart = {(round(x / _LEAST), round(y / _LEAST)): (x, y) for x, y in found}
    points = "".join(f"M{quoted(x)} {quoted(y)}h0" for x, y in apart.values())
    if points and not curve.is_ungated:
        yield painted("path", stroke=curve.tone, class_="aside", stroke_width=3, stroke_linecap="round", opacity=".45",
                      d=points)
    yield painted("path", stroke=curve.tone, class_="way", stroke_width=2, stroke_linejoin="round",
                  stroke_dasharray="6 3" if curve.is_ungated else None, d=_steps(plot, curve))


def _steps(plot: Plot, curve: Curve) -> str:
    """A curve as a path; of several steps within less than a pixel, the last one."""
    levels = [(*plot.places[index], plot.height(seen)) for index, seen in curve.way.items()]
    steps, drawn = "", float("-inf")
    for place, (start, stop, y) in enumerate(levels):
        if stop - drawn >= _LEAST or place == len(levels) - 1:
            steps += f"H{quoted(start)}V{quoted(y)}" if steps else f"M{quoted(start)} {quoted(y)}"
            steps += f"H{quoted(stop)}"
            drawn = stop
    return steps


def _hits(summary: Summary, rows: Outline, plot: Plot) -> Iterator[str]:
    def tip(row: Row) -> Sequence[str]:
        last = summary.layers[row.last]
        seen, ungated = units.field(last.receptive_field), units.field(last.ungated_field)
        return [f"sees {seen}" + (f", without gates {ungated}" if seen != ungated else ""),
                f"stride {units.axes(last.receptive_field.stride)}" if last.receptive_field else ""]

    return strips.hits(summary, rows, [plot.places], plot.all - 6, plot.bottom, tip)
