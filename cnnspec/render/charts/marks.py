"""What stands in a roofline chart: rows where they could be, or layers where they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from cnnspec.analysis.diagram import family
from cnnspec.analysis.outline import outline
from cnnspec.analysis.profile import LayerRun, Rates
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import svg, units
from cnnspec.render.charts import sheet
from cnnspec.render.charts.axes import bounded

#: Radius of a row, of the smallest layer, and of the one that takes the most time.
_ROW, _LEAST, _MOST = 4.5, 1.8, 11.0


class Mark(Record):
    """A row or a layer."""

    name: str
    family: str
    intensity: float
    height: float
    radius: float
    tip: tuple[str, ...]
    layers: str
    #: Whether it stands where it might be, not where it was measured.
    hollow: bool = True
    #: What names go by: the largest first.
    weight: float = 0.0


def attainable(rates: Rates, intensity: float) -> float:
    """FLOP/s at an intensity: what the memory feeds, up to the peak."""
    return min(rates.peak, intensity * rates.bandwidth)


def of_rows(summary: Summary, rates: Rates | None) -> list[Mark]:
    """The rows of the outline that compute anything."""
    found = []
    for row, _ in outline(summary).walk():
        if row.children or not row.flops or not row.traffic_bytes:
            continue
        intensity = bounded(row.flops * summary.batch) / bounded(row.traffic_bytes)
        height = bounded(row.flops) if rates is None else attainable(rates, intensity)
        told = [f"{intensity:,.4g} FLOPs for each byte", f"{units.scaled(row.flops)} FLOPs for one image"]
        if rates is not None:
            told.append(f"at most {units.flops(height)}: bound by {_bound(rates, intensity)}")
        found.append(Mark(sheet.name(summary, row), _family(summary, row), intensity, height, _ROW, tuple(told),
                          svg.layers(row), weight=bounded(row.flops)))
    return found


def of_runs(summary: Summary, rates: Rates, runs: Sequence[LayerRun]) -> list[Mark]:
    """The layers that were measured, the slowest first."""
    found = []
    longest = max(run.share for run in runs) or 1.0
    for run in sorted(runs, key=lambda run: -run.share):
        layer = summary.layers[run.index]
        intensity = layer.intensity or 0.0
        if intensity:
            most = attainable(rates, intensity)
            told = (f"{units.duration(run.seconds)}, {units.percent(run.share)} of the time",
                    f"{units.flops(run.flops_rate)}, {units.percent(run.flops_rate / most)} of what is attainable",
                    f"{intensity:,.4g} FLOPs for each byte" + (f"; bound by {run.bound}" if run.bound else ""))
            found.append(Mark(run.path, family([layer]), intensity, run.flops_rate, _radius(run.share / longest), told,
                              f"{run.index}:{run.index + 1}", False, run.share))
    return found


def _radius(share: float) -> float:
    """By the time as a part of the longest: areas go by it, but nothing is too small to be seen."""
    return max(_LEAST, _MOST * sqrt(max(share, 0.0)))


def _bound(rates: Rates, intensity: float) -> str:
    return "arithmetic" if intensity * rates.bandwidth >= rates.peak else "memory"


def _family(summary: Summary, row: Row) -> str:
    return family([summary.layers[index] for index in row.layers[0]])


def unseen(runs: Sequence[LayerRun]) -> str:
    """How much of the time goes into layers that compute nothing, and so have no place."""
    rest = [run for run in runs if not run.flops_rate]
    share = sum(run.share for run in rest)
    return f"not shown: {len(rest)} layers without arithmetic, {units.percent(share)} of the time" if rest else ""
