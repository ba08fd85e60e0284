"""The memory that a run takes, measured: by the CPU allocator's account, or as CUDA's allocator and NVML tell."""

from __future__ import annotations

import torch

from cnnspec.analysis.memory import CUDA_BLOCK, Memory, Setting, inference
from cnnspec.analysis.profile import MemoryUse, Options
from cnnspec.analysis.training import training
from cnnspec.environment import Reading, Unavailable
from cnnspec.graph.network import Graph
from cnnspec.runtime.allocations import follow
from cnnspec.runtime.nvml import Monitor
from cnnspec.runtime.workload import Workload

_CPU = Unavailable("the CPU has one memory for all")
_MPS = Unavailable("MPS does not tell the most that was in use")


def memory(graph: Graph, work: Workload, monitor: Monitor | Unavailable, before: int) -> MemoryUse:
    """Predicted and measured memory of one run.

    `before` are the bytes that CUDA's allocator had given out before the workload was made.
    """
    told = predicted(graph, work.options, work.device.type)
    if work.device.type == "cuda":
        return _cuda(told, work, monitor, before)
    if work.device.type == "mps":
        return MemoryUse(told, _MPS, _MPS, _MPS, _MPS)
    work.run()  # so that the optimiser has its state
    work.forget()
    held = work.held()
    found = follow(work.run)
    work.forget()
    return MemoryUse(told, held + found.peak, found.inside - found.peak, _CPU, _CPU)


def predicted(graph: Graph, options: Options, device: str) -> Memory | Unavailable:
    """What the rules say, where they hold."""
    if options.compiled:
        return Unavailable("torch.compile joins layers, and plans their memory on its own")
    if options.autocast:
        return Unavailable("autocast keeps copies of weights and values in another type")
    if options.channels_last:
        return Unavailable("the rules follow values that lie in rows, not channels last")
    setting = Setting(options.batch, options.dtype, "cuda" if device == "cuda" else "cpu")
    if options.mode == "training":
        return training(graph, setting, options.optimizer)
    return inference(graph, setting)


def _cuda(told: Memory | Unavailable, work: Workload, monitor: Monitor | Unavailable, before: int) -> MemoryUse:
    """Libraries take their lasting workspaces in the first run; cuDNN's, of the moment, are within the peak."""
    device = work.device
    work.run()
    work.forget()
    work.synchronize()
    torch.cuda.empty_cache()  # so that what earlier runs have reserved is not counted
    workspace = torch.cuda.memory_allocated(device) - before - work.held(CUDA_BLOCK)
    torch.cuda.reset_peak_memory_stats(device)
    kept = work.run()
    work.synchronize()
    most, reserved = (tell(device) for tell in (torch.cuda.max_memory_allocated, torch.cuda.max_memory_reserved))
    process: Reading = monitor if isinstance(monitor, Unavailable) else monitor.process_memory()
    del kept
    work.forget()
    return MemoryUse(told, most - before, workspace, reserved, process)
