"""Live memory on a CPU, by its allocator's own account: every block that is taken and given back, in order.

PyTorch's profiler tells both. A dispatch mode, as in `runtime.live`, would change what it counts in training: under
one, autograd never adds a second gradient in place.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile

from cnnspec.record import Record
from cnnspec.runtime.quiet import silence


class Allocations(Record):
    """Bytes beyond those that were live at the start."""

    #: The most that were live where an operator had just ended, and the operator.
    peak: int
    at: str
    #: The most that were live at all: with what operators take and give back inside.
    inside: int
    #: What is left at the end.
    left: int


def follow(step: Callable[[], object]) -> Allocations:
    """What a step takes of the CPU's memory while it runs; what it returns is kept until the end."""
    silence()
    gc.collect()
    gc.disable()  # what is no more reachable from before would be given back in between
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
            kept = step()
    finally:
        gc.enable()
    found = account(recorded.profiler.kineto_results.experimental_event_tree())
    del kept
    return found


def account(events: Any) -> Allocations:
    """What the profiler's tree of events tells."""
    live = most = peak = 0
    at = ""
    for size, operator in sorted_events(events):
        live += size
        most = max(most, live)
        if operator and live > peak:
            peak, at = live, operator
    return Allocations(peak, at, most, live)


def sorted_events(events: Any) -> Iterator[tuple[int, str]]:
    """In order of time: the bytes of each block, negative where it is given back, and the ends of operators."""
    found: list[tuple[int, int, str]] = []
    pending = [(event, True) for event in events]
    while pending:
        event, outside = pending.pop()
        begin, inside = event.start_time_ns, outside
        if event.tag == _EventType.Allocation:
            if event.extra_fields.device.type == "cpu":
                found.append((begin, event.extra_fields.alloc_size, ""))
        elif outside and is_operator(event.name):
            found.append((begin + event.duration_time_ns, 0, event.name))
            inside = False
        pending.extend((child, inside) for child in event.children)
    found.sort(key=lambda one: one[0])
    for _, size, operator in found:
        yield size, operator


def is_operator(name: str) -> bool:
    """Whether an event is an operator as autograd sees it, and no mere composition of others."""
    return name.startswith("aten::") and (name in _with_kernels("CPU")
                                          or name not in _with_kernels("CompositeImplicitAutograd"))


@cache
def _with_kernels(key: str) -> frozenset[str]:
    """The operators, without their overloads, that have a kernel of their own for a key of PyTorch's dispatcher."""
    names = torch._C._dispatch_get_registrations_for_dispatch_key(key)  # noqa: SLF001  # there is no public way to ask
    return frozenset(name.partition(".")[0] for name in names)
