"""Several networks side by side: what each is called, measure by measure what it is worth, and stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cnnspec.analysis.lineup_measures import Measure, analytic
from cnnspec.analysis.lineup_stages import Stage, stages
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record


class Candidate(Record):
    """A network before it has a name of its own among others."""

    summary: Summary
    #: What named it: a file, a net, a call.
    target: str
    #: What was set for it alone, as it was written: `(("width", "32"),)`.
    settings: tuple[tuple[str, str], ...] = ()


class Entrant(Record):
    """A network among others."""

    #: Unlike the others': `resnet18`, or with what sets it apart, `resnet18 width=32`.
    name: str
    target: str
    settings: tuple[tuple[str, str], ...]
    summary: Summary


class Lineup(Record):
    """Networks side by side. Entrants, and the values of measures and parts of stages, are in the same order."""

    entrants: tuple[Entrant, ...]
    #: The rows: each has a value for every entrant.
    measures: tuple[Measure, ...]
    #: The networks in parts, from the finest resolution to the coarsest; the sums over them are the totals.
    stages: tuple[Stage, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entrant.name for entrant in self.entrants)

    def measure(self, name: str) -> Measure:
        """The measure of a name; raises `KeyError` where there is none."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(name)

    def picked(self, order: Sequence[int]) -> Lineup:
        """The entrants of these places, in this order; ratios are then to the first of these."""
        return Lineup(tuple(self.entrants[index] for index in order),
                      tuple(measure.picked(order) for measure in self.measures),
                      tuple(stage.picked(order) for stage in self.stages))


def line_up(candidates: Sequence[Candidate], further: Sequence[Measure] = ()) -> Lineup:
    """Networks side by side, in the order given; `further` measures, of times say, come last."""
    summaries = [candidate.summary for candidate in candidates]
    entrants = tuple(Entrant(name, candidate.target, candidate.settings, candidate.summary)
                     for name, candidate in zip(names(candidates), candidates, strict=True))
    return Lineup(entrants, (*analytic(summaries), *further), stages(summaries))


def names(candidates: Sequence[Candidate]) -> list[str]:
    """A name for each, unlike all others: the net's, with its settings, as its target was written, or numbered.

    Each is as short as it can be; where two networks share one, both take the next longer.
    """
    found = [candidate.summary.name for candidate in candidates]
    for longer in (_with_settings, _as_written):
        shared = {name for name, times in Counter(found).items() if times > 1}
        found = [longer(candidate) if name in shared else name
                 for name, candidate in zip(found, candidates, strict=True)]
    return _numbered(found)


def _with_settings(candidate: Candidate) -> str:
    return _set(candidate.summary.name, candidate)


def _as_written(candidate: Candidate) -> str:
    return _set(candidate.target, candidate)


def _set(name: str, candidate: Candidate) -> str:
    return " ".join([name, *(f"{parameter}={value}" for parameter, value in candidate.settings)])


def _numbered(names: Sequence[str]) -> list[str]:
    """Names with ` (2)`, ` (3)` behind those that have come before."""
    found: list[str] = []
    for name in names:
        free, number = name, 2
        while free in found or (free != name and free in names):
            free, number = f"{name} ({number})", number + 1
        found.append(free)
    return found
