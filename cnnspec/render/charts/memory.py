"""Live memory over the layers in order of execution, at inference and in training, with the peaks named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from cnnspec.analysis.ledger import BACKWARD, FORWARD
from cnnspec.analysis.memories import TRAINING
from cnnspec.analysis.memory import Memory
from cnnspec.analysis.outline import Outline, outline
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.charts import sheet, strips
from cnnspec.render.charts.axes import BYTES, Scale, linear, ticks
from cnnspec.render.charts.sheet import MARGIN, SMALL, WIDTH, line, painted, spread, written
from cnnspec.render.memory import OPTIMIZER_TITLES, passes, peak_place
from cnnspec.render.palette import LINE, QUIET, STROKES, TEXT
from cnnspec.render.svg import element, quoted

#: Of a panel: above its plot, the plot, and below it.
_HEAD, _PLOT, _FOOT = 60, 150, 30
_LEFT, _RIGHT = 82, WIDTH - MARGIN
#: Moments that are drawn one by one; of more, each place shows the most of several.
_MOST = 900
_VALUES, _RESIDENT = STROKES["convolution"], STROKES["shape"]


class Panel(Record):
    """One pass, drawn from `top` on."""

    summary: Summary
    rows: Outline
    mode: str
    told: Memory
    top: float

    @property
    def x(self) -> Scale:
        """Places of the moments, each of which takes 1."""
        return Scale(0.0, float(max(len(self.told.timeline), 1)), _LEFT, _RIGHT)

    @property
    def y(self) -> Scale:
        """Places of bytes."""
        return linear([self.told.peak], self.bottom, self.top + _HEAD)

    @property
    def bottom(self) -> float:
        """Where no bytes are."""
        return self.top + _HEAD + _PLOT


def live_chart(summary: Summary) -> str:
    """Bytes that are live while each layer runs, for the summary's batch; in training forward, then backward.

    Below them, as a band, what is live before anything runs. A network that cannot be trained has a remark instead.
    """
    rows = outline(summary)
    told = [summary.memory(mode) for mode in passes(summary)]
    body: list[str] = []
    top = 0.0
    for mode, each in zip(passes(summary), told, strict=True):
        body += _panel(Panel(summary, rows, mode, each, top))
        top += _HEAD + _PLOT + _FOOT
    if not summary.can_train:
        body.append(written(MARGIN, top + 14, f"no training: {sheet.clipped(summary.memories.untrained, 90)}", QUIET))
        top += 26
    peaks = "; ".join(f"{mode}: peak {units.size(each.peak)} at {peak_place(summary, each)}"
                      for mode, each in zip(passes(summary), told, strict=True))
    return sheet.chart("live memory over the layers", f"Live memory over the layers. {peaks}", top, body)


def _panel(panel: Panel) -> Iterator[str]:
    yield from _heading(panel)
    if not panel.told.timeline:
        yield written(_LEFT, panel.bottom - 10, "no layer runs", QUIET)
        return
    yield from sheet.across(panel.y, ticks(panel.y, BYTES, 4), _LEFT, _RIGHT)
    places = _places(panel)
    for phase, each in places.items():
        named = "" if panel.mode != TRAINING else phase
        yield from strips.names(panel.summary, panel.rows, each, panel.top + _HEAD, panel.bottom, named)
    yield from _areas(panel)
    yield from _phases(panel)
    most = _most(panel)
    yield from strips.hits(panel.summary, panel.rows, [*places.values()], panel.top + _HEAD, panel.bottom,
                           lambda row: _tip(panel, most, row))
    yield from _peak(panel)


def _heading(panel: Panel) -> Iterator[str]:
    trains = panel.mode == TRAINING
    about = f"batch {panel.summary.batch}" + (f", {OPTIMIZER_TITLES[panel.summary.optimizer]}" if trains else "")
    before = "weights and inputs" + (", optimiser's state" if trains else "")
    entries = [(before, _RESIDENT), ("what layers make", _VALUES)]
    drawn = sheet.heading(f"live bytes {'in training' if trains else 'at inference'}", entries, about)[0]
    yield element("g", *drawn, transform=f"translate(0 {quoted(panel.top)})" if panel.top else None)


def _places(panel: Panel) -> dict[str, dict[int, tuple[float, float]]]:
    """By phase, where each layer stands."""
    found: dict[str, dict[int, tuple[float, float]]] = {FORWARD: {}, BACKWARD: {}}
    for place, moment in enumerate(panel.told.timeline):
        if moment.node is not None:
            found[moment.phase][moment.node] = (panel.x.at(place), panel.x.at(place + 1))
    return found


def _areas(panel: Panel) -> Iterator[str]:
    """The band of what is resident, and above it the steps of what is live while each layer runs."""
    y, resident = panel.y, panel.y.at(panel.told.resident)
    yield painted("rect", fill=_RESIDENT, class_="resident", fill_opacity=".35", x=_LEFT, y=resident,
                  width=_RIGHT - _LEFT, height=panel.bottom - resident)
    steps = "".join(f"V{quoted(y.at(most))}H{quoted(stop)}" for stop, most in _steps(panel))
    yield painted("path", fill=_VALUES, stroke=_VALUES, class_="steps", fill_opacity=".3", stroke_width=1.5,
                  stroke_linejoin="round", d=f"M{_LEFT} {quoted(resident)}{steps}V{quoted(resident)}")


def _steps(panel: Panel) -> Iterator[tuple[float, int]]:
    """Where each step ends, and its height; neighbours of equal height are one step."""
    timeline = panel.told.timeline
    each = -(-len(timeline) // _MOST)
    tops = [(min(at + each, len(timeline)), max(moment.peak for moment in timeline[at:at + each]))
            for at in range(0, len(timeline), each)]
    for most, group in groupby(tops, key=lambda step: step[1]):
        yield panel.x.at([*group][-1][0]), most


def _phases(panel: Panel) -> Iterator[str]:
    """Where the backward pass begins."""
    turn = next((at for at, moment in enumerate(panel.told.timeline) if moment.phase == BACKWARD), None)
    if turn is None:
        return
    x = panel.x.at(turn)
    yield line(x, panel.top + _HEAD, x, panel.bottom + 6, LINE, stroke_dasharray="3 3")


def _peak(panel: Panel) -> Iterator[str]:
    """A mark at the peak, with its value and its layer above it."""
    at = next(place for place, moment in enumerate(panel.told.timeline) if moment.peak == panel.told.peak)
    x, y = panel.x.at(at + 0.5), panel.y.at(panel.told.peak)
    place = sheet.clipped(f"{BYTES.text(panel.told.peak)} at {peak_place(panel.summary, panel.told)}", 70)
    start = min(max(x - spread(place, SMALL) / 2, _LEFT), _RIGHT - spread(place, SMALL))
    yield painted("circle", fill=_VALUES, class_="peak", cx=x, cy=y, r=3.5)
    yield written(start, y - 10, place, TEXT, SMALL)


def _tip(panel: Panel, most: Mapping[str, Mapping[int, int]], row: Row) -> Sequence[str]:
    """The most that is live while a row's layers run, phase by phase."""
    found = {phase: max((sizes[index] for index in row.indices if index in sizes), default=0)
             for phase, sizes in most.items()}
    return [f"{phase if panel.mode == TRAINING else 'at inference'}: up to {units.size(size)} live"
            for phase, size in found.items() if size]


def _most(panel: Panel) -> dict[str, dict[int, int]]:
    """By phase and layer, the most that is live meanwhile."""
    found: dict[str, dict[int, int]] = {FORWARD: {}, BACKWARD: {}}
    for moment in panel.told.timeline:
        if moment.node is not None:
            found[moment.phase][moment.node] = moment.peak
    return found
