"""The batch where throughput saturates, and the largest that fits: `--batch auto`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch

from cnnspec.analysis.profile import Options, Run, Sweep
from cnnspec.environment import Unavailable
from cnnspec.net import Net
from cnnspec.runtime.measured_memory import predicted
from cnnspec.runtime.sampling import Rules
from cnnspec.runtime.workload import Workload, is_out_of_memory

#: Coarser than for a latency that is reported: batches differ by a factor of two.
QUICK = Rules(warm_seconds=0.1, warm_limit=1.0, samples=10, seconds=0.2, spread=0.02, limit=2.0)
#: Throughput saturates at this part of the best that was seen.
NEARLY = 0.95
#: A batch that brings less than this part more, twice in a row, is the last one.
GAIN = 0.025
#: Seconds of one run from which no larger batch is tried.
SLOW = 5.0
#: The part of the memory that is free that a batch may fill.
FILL = 0.9

#: Measures the network with so many images at once.
Measure = Callable[[int], Run]


def sweep(measure: Measure) -> tuple[Run, ...]:
    """Runs with 1, 2, 4, … images, until nothing is gained, it takes too long, or it does not fit."""
    runs: list[Run] = []
    best, idle, batch = 0.0, 0, 1
    while idle < 2:
        run = measure(batch)
        runs.append(run)
        rate = run.throughput or 0.0
        if run.failure.startswith("out of memory") or (rate and batch / rate > SLOW):
            break
        idle = 0 if rate > best * (1 + GAIN) else idle + 1
        best = max(best, rate)
        batch *= 2
    return tuple(runs)


def saturated(runs: tuple[Run, ...]) -> int | None:
    """The smallest batch with nearly the best throughput; None where no run was measured."""
    rates = {run.options.batch: run.throughput for run in runs if run.throughput}
    best = max(rates.values(), default=0.0)
    return next((batch for batch, rate in sorted(rates.items()) if rate >= NEARLY * best), None)


def largest(fits: Callable[[int], bool], most: int = 2**20) -> int | None:
    """The largest batch that fits, to a sixty-fourth, up to `most`; None where a single image does not."""
    if not fits(1):
        return None
    batch = 1
    while 2 * batch <= most and fits(2 * batch):
        batch *= 2
    step = batch // 2
    while step >= max(batch // 64, 1):
        if batch + step <= most and fits(batch + step):
            batch += step
        step //= 2
    return batch


def fits(net: Net, options: Options, device: torch.device) -> Callable[[int], bool]:
    """Whether a batch fits: by trying it on a GPU; on a CPU, where trying could end the process, by prediction."""

    def tried(batch: int) -> bool:
        try:
            work = Workload(net, options.replace(batch=batch), device)
            work.run()
            work.synchronize()
        except RuntimeError as error:
            if is_out_of_memory(error):
                return False
            raise
        except ValueError:
            pass  # nothing can be learned from so few values, and they fit
        finally:
            if device.type == "cuda":
                torch.cuda.empty_cache()
        return True

    def told(batch: int) -> bool:
        memory = predicted(net.graph, plain(options).replace(batch=batch), "cpu")
        return not isinstance(memory, Unavailable) and memory.peak <= FILL * free_memory()

    return told if device.type == "cpu" else tried


def plain(options: Options) -> Options:
    """The options without those under which memory is not predicted; what they change is small beside the rest."""
    return Options(options.mode, options.batch, options.dtype, optimizer=options.optimizer)


def free_memory() -> int:
    """Bytes of main memory that can be had, as far as the system tells: Linux all that is not in use, others all."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not on Linux
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def found(net: Net, options: Options, device: torch.device, measure: Measure) -> tuple[tuple[Run, ...], Sweep]:
    """The runs of a sweep, and what it has found."""
    runs = sweep(measure)
    return runs, Sweep(saturated(runs), largest(fits(net, options, device)))
