"""Bars of a figure, row by row of a summary's outline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cnnspec.analysis.diagram import family
from cnnspec.analysis.outline import outline
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import svg, units
from cnnspec.render.charts import sheet
from cnnspec.render.charts.axes import BYTES, COUNT, SECONDS, Measure, Scale, linear, ticks
from cnnspec.render.charts.sheet import MARGIN, SIZE, WIDTH, over, painted, spread, written
from cnnspec.render.palette import QUIET, STROKES, TEXT

#: From row to row, and the thickness of a bar; a level of headings; characters of a label.
_ROW, _BAR, _INDENT, _LONGEST = 22, 12, 14, 38
#: Room for the texts behind the longest bar: `512.0 MiB  12.3 %`.
_BEHIND = 18
_UNIT = "layer by layer"
#: Rows that have a bar, the largest of more.
_MOST = 60


class Figure(Record):
    """What bars may show."""

    title: str
    about: str
    measure: Measure
    #: What a row is worth; None for what is not known.
    value: Callable[[Row], float | None]
    #: Said where no row has any.
    nothing: str


class Bar(Record):
    """A row, how deep below headings it stands, and its value; a heading has none."""

    row: Row
    depth: int
    value: float | None


FIGURES = ("params", "macs", "memory", "time")


def layer_bars(summary: Summary, figure: str, seconds: Mapping[int, float] | None = None) -> str:
    """A horizontal bar for each row of the default outline.

    `figure` is one of `FIGURES`; `time` needs `seconds`, by index of a layer, for the summary's batch. Raises
    `ValueError` for another figure.
    """
    chosen = _figure(summary, figure, seconds or {})
    bars = [Bar(row, len(lasts), None if row.children else chosen.value(row))
            for row, lasts in outline(summary).walk() if not _is_input(summary, row)]
    if not any(bar.value for bar in bars):
        return sheet.remark(chosen.title, chosen.nothing)
    return _chart(summary, chosen, bars, sum(bar.value or 0 for bar in bars))


def _figure(summary: Summary, figure: str, seconds: Mapping[int, float]) -> Figure:
    batch = f"batch {summary.batch}"

    def timed(row: Row) -> float | None:
        found = [seconds[index] for index in row.indices if index in seconds]
        return sum(found) if found else None

    figures = {
        "params": Figure("parameters", "", COUNT, lambda row: row.params, "No layer has parameters."),
        "macs": Figure("MACs", "of one image", COUNT, lambda row: row.macs, "No layer multiplies and accumulates."),
        "memory": Figure("activations", f"bytes, {batch}", BYTES, lambda row: row.activation_bytes,
                         "No layer makes any values."),
        "time": Figure("time", f"measured, {batch}", SECONDS, timed, "No layer's time is measured."),
    }
    if figure not in figures:
        raise ValueError(f"figure must be one of {', '.join(FIGURES)}, not {figure!r}")
    return figures[figure]


def _is_input(summary: Summary, row: Row) -> bool:
    return not any(summary.layers[index].node.inputs for index in row.indices)


def _chart(summary: Summary, figure: Figure, every: list[Bar], total: float) -> str:
    bars, less = _largest(every)
    values = [bar.value or 0 for bar in bars]
    families = {_family(summary, bar.row): None for bar in bars if bar.value}
    head, top = sheet.heading(figure.title, [(name, STROKES[name]) for name in families], figure.about)
    labels = [sheet.clipped(sheet.name(summary, bar.row), _LONGEST) for bar in bars]
    left = MARGIN + max(spread(text) + bar.depth * _INDENT for text, bar in zip(labels, bars, strict=True)) + 10
    scale = linear(values, left, WIDTH - MARGIN - spread("0" * _BEHIND))
    top += 4
    bottom = top + _ROW * len(bars) + 4
    body = [*head, *sheet.along(scale, ticks(scale, figure.measure, 5), top, bottom)]
    for place, (bar, label) in enumerate(zip(bars, labels, strict=True)):
        body.append(_bar(summary, figure, bar, label, scale, top + 4 + place * _ROW, total))
    if less:
        share = _share(sum(bar.value or 0 for bar in less), total)
        body.append(written(MARGIN, bottom + 40, f"not shown: {len(less):,} rows with less, {share} of all", QUIET))
    whole = f"{figure.title}, {_UNIT}; {figure.measure.text(total)} in all"
    return sheet.chart(f"{figure.title}, {_UNIT}", whole, bottom + (52 if less else 28), body)


def _largest(bars: list[Bar]) -> tuple[list[Bar], list[Bar]]:
    """The bars that there is room for, with the headings above them; and the other ones."""
    leaves = [place for place, bar in enumerate(bars) if not bar.row.children]
    ranked = sorted(leaves, key=lambda place: -(bars[place].value or 0))
    kept = {*ranked[:_MOST]}
    wanted = 0  # headings of fewer levels are still to come
    for place in reversed(range(len(bars))):
        if place in kept or bars[place].depth < wanted:
            kept.add(place)
            wanted = bars[place].depth
    return [bars[place] for place in sorted(kept)], [bars[place] for place in ranked[_MOST:]]


def _family(summary: Summary, row: Row) -> str:
    return family([summary.layers[index] for index in row.layers[0]])


def _bar(summary: Summary, figure: Figure, bar: Bar, label: str, scale: Scale, y: float, total: float) -> str:
    middle = y + _ROW / 2 - 1
    is_heading = bool(bar.row.children)
    drawn = [sheet.tooltip(*_tip(summary, figure, bar, total)),
             painted("rect", class_="hit", pointer_events="all", x=2, y=float(y - 1), width=WIDTH - 4,
                     height=_ROW, rx=3),
             written(MARGIN + bar.depth * _INDENT, middle + 4, label, QUIET if is_heading else TEXT)]
    if not is_heading:
        drawn += _shown(summary, figure, bar, scale, middle, total)
    return svg.element("g", *drawn, data_layers=svg.layers(bar.row))


def _shown(summary: Summary, figure: Figure, bar: Bar, scale: Scale, middle: float, total: float) -> Iterator[str]:
    """The bar, and behind it its value and its part of the whole."""
    value = bar.value or 0
    end = scale.at(value)
    if value:
        yield painted("rect", fill=STROKES[_family(summary, bar.row)], class_="bar", x=scale.start,
                      y=float(middle - _BAR / 2), width=max(end - scale.start, 0.5), height=_BAR, rx=1)
    text = "not measured" if bar.value is None else figure.measure.text(value) if value else "0"
    yield over(end + 6, middle + 4, text, TEXT if value else QUIET)
    if value:
        yield over(end + 6 + spread(text) + SIZE, middle + 4, _share(value, total), QUIET, sheet.SMALL)


def _share(value: float, total: float) -> str:
    share = value / total
    return "<0.1 %" if share < 0.0005 else units.percent(share)


def _tip(summary: Summary, figure: Figure, bar: Bar, total: float) -> Iterator[str]:
    yield sheet.name(summary, bar.row)
    if bar.value is not None:
        exact = units.count(bar.value) if isinstance(bar.value, int) else figure.measure.text(bar.value)
        yield f"{figure.title}: {exact}, {_share(bar.value, total)} of all"
