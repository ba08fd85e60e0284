"""The charts of a report, each a figure with a caption beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.analysis.profile import LayerRun, Rates
from cnnspec.analysis.summary import Summary
from cnnspec.render.charts.bars import layer_bars
from cnnspec.render.charts.field import growth_chart
from cnnspec.render.charts.memory import live_chart
from cnnspec.render.charts.roofline import roofline_chart
from cnnspec.render.memory import split
from cnnspec.render.report.page import Section, scrolling, table_html
from cnnspec.render.svg import element, quoted

#: Of the bars: the figure, its name, and what it says.
_BARS = (
    ("params", "parameters", "Learned elements."),
    ("macs", "MACs", "Multiply-accumulates of convolutions and linear layers, for one image."),
    ("memory", "memory", "Bytes of the outputs, for the batch."),
)


def costs(summary: Summary, seconds: Mapping[int, float] | None = None, how: str = "") -> Section:
    """Bars over the layers: time, where it is known (and `how`), parameters, MACs, memory."""
    timed = [] if seconds is None else [chart(layer_bars(summary, "time", seconds), "time", how)]
    return Section("costs", "Where it goes", "".join([
        *timed, *(chart(layer_bars(summary, figure), name, note) for figure, name, note in _BARS)]))


def memory(summary: Summary) -> Section:
    """Live bytes over the layers, and what the peaks consist of."""
    table = split(summary)
    parts = table_html(("at the peak", *table.titles), ((name, *texts) for name, texts in table.rows),
                       name="memory at the peak")
    note = "What is held while each layer runs; a value is freed after its last reader."
    return Section("memory", "Memory", chart(live_chart(summary), "live bytes", note, parts))


def field(summary: Summary) -> list[Section]:
    """How the receptive field grows; nothing for a network that has none."""
    if summary.totals.receptive_field is None:
        return []
    note = "How much of the input one element of a layer's output can see."
    return [Section("field", "Receptive field", chart(growth_chart(summary), "size, in input pixels", note))]


def roofline(summary: Summary, rates: Rates | None = None, layers: Sequence[LayerRun] = ()) -> Section:
    """Arithmetic intensity, and what a device makes of it."""
    note = "What moves many bytes for few FLOPs is bound by memory: it stands on the left."
    return Section("roofline", "Roofline", chart(roofline_chart(summary, rates, layers), "FLOPs for each byte", note))


def chart(drawn: str, title: str, note: str, beside: str = "") -> str:
    """A chart in a frame that scrolls where the page is narrow; its caption beside it, with what else belongs there."""
    caption = element("figcaption", element("b", quoted(title)), element("p", quoted(note)), beside)
    return element("figure", caption, scrolling(drawn))
