"""How networks were measured against each other, in sentences."""

from __future__ import annotations

from cnnspec.analysis.comparison import Rounds
from cnnspec.analysis.contest import Contest, Heat
from cnnspec.analysis.latency import summarize
from cnnspec.analysis.profile import NOT_ASKED, Options, Run
from cnnspec.render.contest import remarks


def turns(*, converged: bool = False, interrupted: bool = False, broken_off: bool = False) -> str:
    """How the turns of two networks are told; `broken_off` says that they were, `interrupted` that anything was."""
    latency = summarize([0.1] * 30).replace(interrupted=broken_off)
    heat = Heat((0, 1), Rounds((latency, latency), (((1.0, 1.0), (2.0, 2.0)),) * 3, converged))
    runs = (Run(Options(), latency, NOT_ASKED, NOT_ASKED, NOT_ASKED, NOT_ASKED),) * 2
    return remarks(Contest("cpu", "CPU", {}, Options(), runs, heat, NOT_ASKED, interrupted), ("a", "b"))[1]


def test_what_was_broken_off_was_not_out_of_time() -> None:
    told = turns(interrupted=True, broken_off=True)
    assert told.endswith("broken off")
    assert "±1 %" not in told
    assert "time was up" in turns()
    assert "time was up" in turns(interrupted=True)
    assert "ratios known to ±1 %" in turns(converged=True)
