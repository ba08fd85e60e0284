"""Stamps on a CUDA device are events: recorded in a CUDA graph, or else given to the device while it sleeps.

Either way the device finds all its work at hand when it begins, and the time between two events is its own, not the
host's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, fx, optim

from cnnspec.analysis.layer_times import END, EVENTS, GRAPH, Trace
from cnnspec.runtime import stamps
from cnnspec.runtime.stamps import CALL, Loss, Run, Stamps, stamped

#: Runs on a stream beside, before a graph is captured: libraries choose their kernels, and take their workspaces.
WARM_UP = 3
#: Cycles that a kernel sleeps for a second of the host's: at 3 GHz, and longer than it at lower clocks.
CYCLES = 3_000_000_000


def inference(module: fx.GraphModule, inputs: Sequence[Tensor], *, whole: bool = False, pool: Any = None) -> Run:
    """Runs a module without gradients, as one graph; eagerly where it cannot be captured.

    Graphs that never run at once may share a `pool` of memory (`torch.cuda.graph_pool_handle()`). Raises
    `torch.OutOfMemoryError`, and what the module raises.
    """
    try:
        return replayed(module, inputs, whole=whole, pool=pool)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:  # what is no mistake of the capture comes again
        return behind_sleep(stamps.inference(module, inputs, Stamps(event, seconds, EVENTS), whole=whole))


def training(module: fx.GraphModule, inputs: Sequence[Tensor], loss: Loss, optimizer: optim.Optimizer, *,
             whole: bool = False) -> Run:
    """Runs a step of training eagerly: not every optimiser can be captured."""
    taken = Stamps(event, seconds, EVENTS)
    return behind_sleep(stamps.training(module, inputs, loss, optimizer, taken, whole=whole))


def replayed(module: fx.GraphModule, inputs: Sequence[Tensor], *, whole: bool = False, pool: Any = None) -> Run:
    """Replays a module's run with its events from a CUDA graph. Raises `RuntimeError` where it cannot be captured."""
    taken = Stamps(external_event, seconds, GRAPH)
    forward = module if whole else stamped(module, taken)
    graph = torch.cuda.CUDAGraph()
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode():
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                module(*inputs)
        torch.cuda.current_stream().wait_stream(beside)
        with torch.cuda.graph(graph, pool=pool):
            taken.mark(CALL)
            forward(*inputs)
            taken.mark(END)

    def run() -> Trace:
        graph.replay()  # records the same events again
        return taken.trace(module)

    return run


def behind_sleep(run: Run, clock: Callable[[], float] = perf_counter) -> Run:
    """A run that begins when the host has given the device all of it.

    The device sleeps for as long as a run took the host, the device's own time included, when it was last tried awake.
    Of more than about a thousand kernels and events the host waits for room before it goes on, and is no more ahead.
    """
    run()
    begin = clock()
    run()
    cycles = int((clock() - begin) * CYCLES)

    def asleep() -> Trace:
        torch.cuda._sleep(cycles)  # noqa: SLF001  # PyTorch's own tests have no other
        return run()

    return asleep


def event() -> Any:
    """An event of the current stream, which it reaches when all before it is done."""
    return _recorded(torch.cuda.Event(enable_timing=True))


def external_event() -> Any:
    """An event that a graph records at each replay; others only order what is captured."""
    return _recorded(torch.cuda.Event(enable_timing=True, external=True))


def _recorded(made: Any) -> Any:
    made.record()
    return made


def seconds(events: Sequence[Any]) -> list[float]:
    """When each event was, from the first one on, once the device has done them all.

    All from one beginning, so that what lies between them adds up; CUDA resolves about half a microsecond.
    """
    torch.cuda.synchronize()
    first, *later = events
    return [0.0, *(first.elapsed_time(one) / 1000 for one in later)]
