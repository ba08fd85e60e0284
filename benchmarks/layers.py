"""How far the times of layers add up: to the instrumented run that they are of, and to the plain run beside it.

Run it as `python benchmarks/layers.py [--device NAME] [NETWORK …]`; it needs torch.
"""

from __future__ import annotations

import argparse
import sys

import torch
from measure import ROOT, Result, show

sys.path.insert(0, str(ROOT))

import cnnspec
from cnnspec.analysis.profile import Options
from cnnspec.runtime import layer_times
from cnnspec.runtime.devices import select
from cnnspec.runtime.workload import Workload

NETWORKS = ("alexnet", "resnet18", "mobilenet_v2", "squeezenet1_1", "vgg11")
#: Parts of the instrumented run, and of the plain one.
SUM, PLAIN = 0.001, 0.05


def compared(name: str, mode: str, device: torch.device) -> list[Result]:
    """The sum of all parts against both runs."""
    work = Workload(cnnspec.load(name), Options(mode), device)
    if work.optimizer is None:
        found = layer_times.inference(work.module, work.inputs, 4.0)
    else:
        found = layer_times.training(work.module, work.inputs, work.loss, work.optimizer, 4.0)
    inside = abs(found.total / found.whole - 1)
    plain = found.plain or float("nan")
    outside = found.total / plain - 1
    times = f"{1000 * found.whole:.2f} ms, plain {1000 * plain:.2f} ms"
    return [Result(f"{name}, {mode}: sum against the instrumented run", f"{inside:.4%} of {times}", f"within {SUM:.1%}",
                   inside <= SUM),
            Result(f"{name}, {mode}: sum against the plain run", f"{outside:+.1%}", f"within {PLAIN:.0%}",
                   abs(outside) <= PLAIN)]


def main() -> None:
    """All networks, in both modes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(1)
    device = select(given.device)
    results = [result for name in given.networks for mode in ("inference", "training")
               for result in compared(name, mode, device)]
    show(f"Layers add up: {given.device}, batch 1, one thread", results)


if __name__ == "__main__":
    main()
