"""What follows from changes: layers that run in inference because of an output or no longer do, and other shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnspec.analysis.difference_findings import CONNECTED, OUTPUT, Finding, Rest
from cnnspec.analysis.difference_wiring import named_outputs
from cnnspec.analysis.structure import reaching
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record


class Follows(Record):
    """What no change did by itself: layers that differ since something before or behind them changed."""

    #: Layers of which no change is told, with other shapes; and with other arguments only.
    layers: int = 0
    arguments: int = 0
    #: Layers of which a change is told, and that have other shapes as well.
    again: int = 0
    #: Layers that run in inference now, and that no longer do.
    starts: int = 0
    stops: int = 0
    params: int = 0
    macs: int = 0


def follows(rests: Iterable[Rest], wiring: Iterable[Finding]) -> Follows:
    """The sum of what is left; a layer that reads other values is one of which a change is told."""
    connected = {index for finding in wiring if finding.kind == CONNECTED for index in finding.before_layers}
    left = [one.replace(told=True) if one.before in connected else one for one in rests]
    return Follows(
        sum(one.reshaped and not one.told for one in left),
        sum(one.altered and not (one.reshaped or one.told) for one in left),
        sum(one.reshaped and one.told and bool(one.params or one.macs) and not one.runs for one in left),
        sum(one.runs > 0 for one in left), sum(one.runs < 0 for one in left),
        sum(one.params for one in left), sum(one.macs for one in left))


def in_inference(a: Summary, b: Summary, wiring: Sequence[Finding],
                 rests: Sequence[Rest]) -> tuple[list[Finding], list[Rest]]:
    """Findings of outputs with the layers that run, or no longer run, because of them; and what is left then."""
    found: list[Finding] = []
    left = [*rests]
    for finding in wiring:
        told = finding
        if finding.kind == OUTPUT and any(one.runs for one in left):
            before, after = _leading(a, finding), _leading(b, finding)
            mine = [one for one in left if one.runs and (
                (one.before, one.runs < 0) in before or (one.after, one.runs > 0) in after)]
            left = [one for one in left if one not in mine] + [
                one.replace(runs=0, macs=0, told=True) for one in mine if one.reshaped or one.params]
            told = _with(finding, mine)
        found.append(told)
    return found, left


def _leading(summary: Summary, finding: Finding) -> frozenset[tuple[int, bool]]:
    """The layers that lead to the output of a finding, and whether it has them run in inference."""
    node, train_only = named_outputs(summary).get(str(finding.home), (None, False))
    ends = [] if node is None else [node]
    return frozenset((index, not train_only) for index in reaching(summary.graph, ends))


def _with(finding: Finding, mine: Sequence[Rest]) -> Finding:
    changed: Finding = finding.replace(
        starts=sum(one.runs > 0 for one in mine), stops=sum(one.runs < 0 for one in mine),
        macs=sum(one.macs for one in mine), before_layers=tuple(one.before for one in mine),
        after_layers=tuple(one.after for one in mine))
    return changed
