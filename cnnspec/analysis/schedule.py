"""The learning rate over a run, as a share of the whole rate: warm-up, then cosine, steps or nothing."""

from __future__ import annotations

from math import cos, pi

from cnnspec.analysis.learning import Regime

#: Where a schedule of steps divides the rate by ten, as shares of the run (He et al., 2016: at 50 and 75 %).
STEPS = (0.5, 0.75)


def share(regime: Regime, progress: float, step: float) -> float:
    """The rate at `progress` (0 at the beginning, 1 at the end) as a share of the regime's; `step` is that of one step.

    Warm-up rises in a straight line to its end; the cosine falls from there to 0 (Loshchilov and Hutter, "SGDR", ICLR
    2017, without restarts).
    """
    if progress < regime.warmup:
        return min(1.0, (progress + step) / regime.warmup)
    if regime.schedule == "constant":
        return 1.0
    if regime.schedule == "step":
        return 0.1 ** sum(progress >= place for place in STEPS)
    rest = (progress - regime.warmup) / max(1 - regime.warmup, 1e-9)
    return (1 + cos(pi * min(rest, 1.0))) / 2
