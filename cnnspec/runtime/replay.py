"""Runs that a CUDA device does on its own: captured once as a graph, and replayed between two events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from cnnspec.runtime.sampling import Run
from cnnspec.runtime.workload import Workload

#: Runs before a graph is captured: libraries choose their kernels, and take their workspaces.
WARM_UP = 3
#: Stands for the size of the last cache where CUDA does not tell it.
CACHE = 64 * 2**20


def capture(work: Workload) -> Callable[[], None]:
    """One run as a CUDA graph; returns what replays it. Raises `RuntimeError` where it cannot be captured."""
    beside = torch.cuda.Stream(work.device)
    beside.wait_stream(torch.cuda.current_stream(work.device))
    with torch.cuda.stream(beside):
        for _ in range(WARM_UP):
            work.run()
    torch.cuda.current_stream(work.device).wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = work.run()

    def replay() -> None:
        graph.replay()

    replay.kept = kept  # type: ignore[attr-defined]  # the outputs' memory belongs to the graph, which goes on to use it
    return replay


def between_events(replay: Callable[[], None], flush: Callable[[], object],
                   event: Callable[[], Any] = lambda: torch.cuda.Event(enable_timing=True)) -> Run:
    """Times a replay by the device's own events; `flush` comes before the first of them."""

    def run() -> float:
        begin, end = event(), event()
        flush()
        begin.record()
        replay()
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000

    return run


def flusher(device: torch.device, *, cold: bool) -> Callable[[], object]:
    """What clears the device's caches, by writing twice the size of the last one; nothing where that is not wanted."""
    if not cold:
        return lambda: None
    size = CACHE
    if device.type == "cuda":
        size = getattr(torch.cuda.get_device_properties(device), "L2_cache_size", CACHE)
    elif device.type == "cpu":
        size = last_cache() or CACHE
    scratch = torch.empty(2 * size, dtype=torch.uint8, device=device)
    return scratch.zero_


def last_cache() -> int:
    """Bytes of the processor's last cache, as Linux tells them; 0 where it does not."""
    from pathlib import Path

    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text(encoding="ascii").strip()
        if text[:-1].isdecimal() and text[-1] in "KM":
            sizes.append(int(text[:-1]) * {"K": 2**10, "M": 2**20}[text[-1]])
    return max(sizes, default=0)
