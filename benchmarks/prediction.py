"""Predicted latencies beside measured ones, on networks that calibration has not seen; prints a page of Markdown.

Run it as `python benchmarks/prediction.py [ROUNDS [SECONDS [THREADS]]]`; it needs torch. Calibrates for SECONDS, then
measures every network in ROUNDS, all of them in each, so that a slow moment of the machine hits all.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from time import perf_counter

import torch
from measure import ROOT, Result, milliseconds, show

sys.path.insert(0, str(ROOT))

import cnnspec
from cnnspec.analysis.prediction import Prediction, predict
from cnnspec.runtime.calibrate import ANCHORS, calibrate, plan

NETWORKS = (
    "alexnet", "zfnet", "nin_imagenet", "vgg11", "vgg16_bn", "resnet34", "resnet50", "resnet101", "wide_resnet50_2",
    "resnext50_32x4d", "densenet121", "densenet169", "googlenet", "squeezenet1_0", "squeezenet1_1", "mobilenet_v1",
    "mobilenet_v3_small", "mobilenet_v3_large", "mnasnet1_0", "shufflenet_v2_x1_0", "shufflenet_v2_x2_0",
    "efficientnet_b0", "efficientnet_b2", "efficientnet_v2_s", "regnet_x_800mf", "regnet_y_400mf", "regnet_y_1_6gf",
    "regnet_x_3_2gf", "convnext_tiny",
)
SHAPE = (3, 224, 224)
#: What is promised: the median error, the rank correlation, and the seconds that calibration takes.
MEDIAN, CORRELATION, CALIBRATION = 0.15, 0.9, 120.0


def measured(nets: Sequence[cnnspec.Net], rounds: int) -> list[list[float]]:
    """Seconds of each network's module, in turns; in each, a run that is not kept comes first."""
    modules = [net.to_torch().eval() for net in nets]
    value = torch.randn(1, *SHAPE)
    taken: list[list[float]] = [[] for _ in nets]
    with torch.inference_mode():
        for turn in range(rounds + 1):
            for module, kept in zip(modules, taken, strict=True):
                module(value)
                for _ in range(2):
                    begin = perf_counter()
                    module(value)
                    if turn:
                        kept.append(perf_counter() - begin)
    return taken


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's: the correlation of the ranks."""
    ranks = [[sorted(values).index(value) for value in values] for values in (a, b)]
    return statistics.correlation(*ranks)


def compared(found: Prediction, times: Sequence[float]) -> Result:
    """A network's row."""
    middle = statistics.median(times)
    low, high = found.low, found.high or 0.0
    return Result(found.net, f"{milliseconds(times)}, predicted {1000 * found.seconds:,.1f} ms "
                  f"({1000 * low:,.1f} to {1000 * high:,.1f}), {found.seconds / middle - 1:+.1%}"
                  + ("" if low <= middle <= high else ", outside"))


def main() -> None:
    """Calibrates, measures, compares."""
    rounds, seconds, threads = map(int, (*sys.argv[1:], *("8", "60", "1")[len(sys.argv) - 1:]))
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    begin = perf_counter()
    profile = calibrate(plan(torch.device("cpu"), "float32", threads, seconds))
    wall = perf_counter() - begin
    nets = [cnnspec.load(name, input=SHAPE) for name in NETWORKS if name not in ANCHORS]
    found = [predict(net.summary(), profile) for net in nets]
    times = measured(nets, rounds)
    middles = [statistics.median(taken) for taken in times]
    errors = [abs(one.seconds / middle - 1) for one, middle in zip(found, middles, strict=True)]
    inside = sum(one.low <= middle <= (one.high or 0) for one, middle in zip(found, middles, strict=True))
    ranks = rank_correlation([one.seconds for one in found], middles)
    median = statistics.median(errors)
    show(f"Latency of one image of 3×224×224, measured and predicted: float32, {threads} thread(s), PyTorch "
         f"{torch.__version__}; medians of {2 * rounds} runs with the middle half; predictions with their range", [
        *map(compared, found, times),
        Result("median absolute error", f"{median:.1%}", f"at most {MEDIAN:.0%}", median <= MEDIAN),
        Result("largest absolute error", f"{max(errors):.1%}"),
        Result("rank correlation (Spearman)", f"{ranks:.3f}", f"at least {CORRELATION}", ranks >= CORRELATION),
        Result("inside the predicted range", f"{inside} of {len(nets)}"),
        Result("calibration", f"{wall:.0f} s", f"at most {CALIBRATION:.0f} s", wall <= CALIBRATION),
        Result("unrest of the machine meanwhile", f"{profile.unrest:.1%}"),
    ])


if __name__ == "__main__":
    main()
