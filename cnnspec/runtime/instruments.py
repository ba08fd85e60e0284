"""What measures a workload: sensors and meters of its device, the host's clock around a run, replays of a graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter

import torch

from cnnspec.environment import Unavailable
from cnnspec.runtime import meters, nvml, sampling
from cnnspec.runtime.replay import capture
from cnnspec.runtime.workload import Workload

#: What stands for figures that were not come to.
BROKEN_OFF = Unavailable("broken off before it was measured")
GIVEN_UP = Unavailable("the run was given up")
ELSEWHERE = Unavailable("a CUDA device has events of its own; this is none")


def current(device: torch.device) -> AbstractContextManager[object]:
    """Where a CUDA device is the current one: streams and graphs are made on that."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def monitor(device: torch.device) -> nvml.Monitor | Unavailable:
    """NVML's view of a device."""
    if device.type != "cuda":
        return Unavailable("NVML is NVIDIA's, and knows no such device")
    from cnnspec.runtime import driver

    seen = driver.observe()
    if isinstance(seen, Unavailable):
        return seen
    return nvml.monitor(nvml.start(), seen.devices[device.index or 0])


def meter(device: torch.device, seen: nvml.Monitor | Unavailable) -> meters.Meter | Unavailable:
    """What measures the energy of a device."""
    if device.type == "cpu":
        return meters.processor()
    if device.type == "mps":
        return Unavailable("macOS tells the power of its GPU to root alone (powermetrics)")
    return seen if isinstance(seen, Unavailable) else meters.gpu(seen)


def by_host(work: Workload, flush: Callable[[], object]) -> sampling.Run:
    """Runs by the host's clock; cold ones find the caches without what they need.

    `flush` clears them, but not on CUDA: there the device's own time is taken cold, and the host's as it is.
    """
    timed = sampling.timed(work.run, work.synchronize, perf_counter)
    if not work.options.cold or work.device.type == "cuda":
        return timed

    def run() -> float:
        flush()
        return timed()

    return run


def replayed(work: Workload) -> Callable[[], None] | Unavailable:
    """The run as a CUDA graph, or why there is none. Raises `torch.OutOfMemoryError`."""
    if work.device.type != "cuda":
        return ELSEWHERE
    if work.options.compiled:
        return Unavailable("what torch.compile has made is not captured once more")
    try:
        return capture(work)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        return Unavailable(f"this run cannot be captured as a CUDA graph: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """What an error says, without what follows."""
    return str(error).strip().partition("\n")[0]
