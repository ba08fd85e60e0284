"""How networks were measured against each other, in sentences."""

from __future__ import annotations

from cnnspec.analysis.comparison import Rounds
from cnnspec.analysis.contest import Contest, Heat
from cnnspec.analysis.latency import Interval, Latency, summarize
from cnnspec.analysis.lineup_measures import JOULES, LOW, SECONDS, Measure
from cnnspec.analysis.profile import NOT_ASKED, Options, Run
from cnnspec.render.contest import DRIFTED, remarks

LATENCY = summarize([0.1] * 30)


def contest(latency: Latency = LATENCY, *, converged: bool = False, interrupted: bool = False) -> Contest:
    """Two networks, the second of which takes twice as long as the first in each of three turns."""
    heat = Heat((0, 1), Rounds((latency, latency), (((1.0, 1.0), (2.0, 2.0)),) * 3, converged))
    runs = (Run(Options(), latency, NOT_ASKED, NOT_ASKED, NOT_ASKED, NOT_ASKED),) * 2
    return Contest("cpu", "CPU", {}, Options(), runs, heat, NOT_ASKED, interrupted)


def turns(*, converged: bool = False, interrupted: bool = False, broken_off: bool = False) -> str:
    """How the turns of two networks are told; `broken_off` says that they were, `interrupted` that anything was."""
    latency = LATENCY.replace(interrupted=broken_off)
    return remarks(contest(latency, converged=converged, interrupted=interrupted), ("a", "b"))[1]


def test_what_was_broken_off_was_not_out_of_time() -> None:
    told = turns(interrupted=True, broken_off=True)
    assert told.endswith("broken off")
    assert "±1 %" not in told
    assert "time was up" in turns()
    assert "time was up" in turns(interrupted=True)
    assert "ratios known to ±1 %" in turns(converged=True)


def test_latencies_that_drifted_are_told() -> None:
    drifted = Measure("latency", "", "", SECONDS, LOW, (53.1, 95.1), ratio_intervals=(None, Interval(1.54, 1.77)))
    for measure, told in [(drifted, True), (drifted.replace(unit=JOULES), False),
                          (drifted.replace(values=(1, 1.7)), False)]:
        assert (DRIFTED in remarks(contest(), ("a", "b"), [measure])) is told
