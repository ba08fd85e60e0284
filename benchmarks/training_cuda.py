"""How busy training keeps a CUDA device, and how many images it takes a second: mixed precision, images of 3x224x224.

Run it as `python benchmarks/training_cuda.py [STEPS]`. A device is busy while any kernel or copy runs on it, as its own
clock tells (torch.profiler, over the second half of the steps), and as the driver's samples tell beside it.
"""

from __future__ import annotations

import sys
from functools import partial
from threading import Event, Thread
from typing import Any

import pynvml
import torch
from measure import ROOT, Result, show

sys.path.insert(0, str(ROOT))

import cnnspec
from cnnspec.analysis.learning import Regime
from cnnspec.runtime.data.feed import ImageFeed
from cnnspec.runtime.data.sources import open_data
from cnnspec.runtime.train.begin import begin
from cnnspec.runtime.train.course import Tick
from cnnspec.runtime.train.run import Setup, train
from cnnspec.runtime.train.team import Alone

DEVICE = torch.device("cuda", 0)
#: Images of a step, how many there are, and the share of the time that the device has to work.
BATCHES, DATA, BUSY = (64, 256), "synthetic:10x3x224x224:4096", 0.9


class Watch:
    """Profiles the second half of a run."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.profiler: Any = None
        self.busy = 0.0

    def stepped(self, tick: Tick) -> None:
        """Begin in the middle, end before the last step."""
        if tick.step == self.steps // 2:
            torch.cuda.synchronize()
            self.profiler = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
            self.profiler.start()
        if tick.step == self.steps - 1:
            torch.cuda.synchronize()
            self.profiler.stop()
            spans = sorted((event.time_range.start, event.time_range.end) for event in self.profiler.events()
                           if event.device_type == torch.autograd.DeviceType.CUDA)
            self.busy = covered(spans) / (max(end for _, end in spans) - spans[0][0])

    def judged(self, epoch: object) -> None:
        """Epochs do not matter here."""


def covered(spans: list[tuple[float, float]]) -> float:
    """How much of the time any of the spans covers; they are sorted by their beginning."""
    total, until = 0.0, float("-inf")
    for start, end in spans:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def samples(stop: Event, found: list[int]) -> None:
    """The driver's view: the share of the last moments in which a kernel ran, in percent."""
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    while not stop.wait(0.1):
        found.append(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)


def run(batch: int, steps: int) -> list[Result]:
    """One run."""
    data = open_data(DATA, None, 0)
    net = cnnspec.load("resnet18", set={"classes": 10})
    regime = Regime(epochs=None, steps=steps, batch=batch, dtype="bfloat16")
    team, watch = Alone(DEVICE, regime.dtype), Watch(steps)
    setup = Setup(net, data, regime, team, partial(begin, net, DEVICE), ImageFeed(data, (3, 224, 224), team), {})
    stop, driver = Event(), list[int]()
    thread = Thread(target=samples, args=(stop, driver))
    thread.start()
    plain = train(setup, lambda: False)
    stop.set()
    thread.join()
    train(setup, lambda: False, [watch])
    middle = driver[len(driver) // 2 :] or driver
    name = f"resnet18, bf16, batch {batch}"
    return [Result(f"{name}: images/s", f"{plain.images_per_second:,.0f}"),
            Result(f"{name}: busy, by the device's clock", f"{watch.busy:.1%}", f"over {BUSY:.0%}", watch.busy > BUSY),
            Result(f"{name}: busy, by the driver's samples", f"{sum(middle) / max(len(middle), 1):.0f} %")]


def main() -> None:
    """Each batch once."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    results = [result for batch in BATCHES for result in run(batch, steps)]
    show(f"Training on {torch.cuda.get_device_name(DEVICE)}, {DATA}, {steps} steps", results)


if __name__ == "__main__":
    main()
