"""The layers of a run: their measured times beside their work, the device's rates, and the prediction."""

from __future__ import annotations

from cnnspec.analysis.layer_times import LayerTimes
from cnnspec.analysis.prediction import COMPUTE, LAUNCH, MEMORY, Prediction
from cnnspec.analysis.profile import LayerRun, Rates
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.environment import Unavailable

#: A layer that takes so many times what its arithmetic and its bytes need, and no longer than this many seconds, spends
#: its time on being launched.
LAUNCH_RATIO, LAUNCH_SECONDS = 5, 20e-6


def layer_runs(summary: Summary, times: LayerTimes, rates: Rates | Unavailable,
               prediction: Prediction | None) -> tuple[LayerRun, ...]:
    """A record for each layer that ran, inputs aside; seconds are for the summary's batch."""
    costs = {one.index: one.cost for one in prediction.layers} if prediction else {}
    found = []
    for index, forward in sorted(times.forward.items()):
        layer = summary.layers[index]
        if not layer.node.inputs:
            continue
        backward = times.backward.get(index, 0.0)
        flops = layer.flops * summary.batch / forward if forward else 0.0
        of_peak = None if isinstance(rates, Unavailable) else flops / rates.peak
        cost = costs.get(index)
        found.append(LayerRun(
            index, layer.path, layer.op, forward + backward, backward,
            (forward + backward) / times.whole if times.whole else 0.0, flops,
            layer.traffic_bytes / forward if forward else 0.0, of_peak,
            bound(layer, summary.batch, forward, rates), cost.seconds if cost else None))
    return tuple(found)


def bound(layer: LayerSummary, batch: int, seconds: float, rates: Rates | Unavailable) -> str:
    """What a layer's time goes into: the longer of arithmetic at the peak and bytes at full bandwidth (the roofline of
    Williams, Waterman and Patterson, CACM 2009), or the launch; empty where the device's rates are not known.
    """
    if isinstance(rates, Unavailable):
        return ""
    terms = {COMPUTE: layer.flops * batch / rates.peak, MEMORY: layer.traffic_bytes / rates.bandwidth}
    longest = max(terms, key=lambda name: terms[name])
    launched = seconds < LAUNCH_SECONDS and seconds > LAUNCH_RATIO * terms[longest]
    return LAUNCH if launched else longest
