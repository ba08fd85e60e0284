"""Whether networks fit into memory, before they are tried: one alone, and several at once."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import torch

from cnnspec.analysis.profile import MemoryUse, Options
from cnnspec.environment import Unavailable
from cnnspec.net import Net
from cnnspec.runtime.batches import FILL, free_memory, plain
from cnnspec.runtime.measured_memory import predicted

GIB = 2**30


def alone_too_large(net: Net, options: Options, device: torch.device) -> str:
    """Why a network does not fit, by prediction; empty where it does, and for a GPU, where trying harms nobody."""
    if device.type != "cpu":
        return ""
    told = predicted(net.graph, plain(options), "cpu")
    return "" if isinstance(told, Unavailable) or told.peak <= free_memory() else shortage(net, options, device)


def shortage(net: Net, options: Options, device: torch.device) -> str:
    """What is said of a network that did not fit: what it needs, by prediction, and what there is."""
    told = predicted(net.graph, plain(options), device.type)
    if isinstance(told, Unavailable):
        return "out of memory"
    return f"out of memory: it needs {told.peak / GIB:,.1f} GiB, and {_free(device) / GIB:,.1f} GiB are free"


def together_too_large(uses: Sequence[MemoryUse], device: torch.device) -> str:
    """Why networks of these peaks do not fit at once; empty where they do.

    As if all were at their peaks at the same time: replayed graphs keep theirs, and allocators what others have left.
    """
    need, free = sum(map(_peak, uses)), _free(device)
    if need <= FILL * free:
        return ""
    return (f"the networks take turns and have to fit into memory at once: they need {need / GIB:.1f} GiB, "
            f"and {free / GIB:.1f} GiB are free")


def _peak(use: MemoryUse) -> int:
    """Bytes, measured where they were; 0 where nothing is known."""
    if isinstance(use.measured, Unavailable):
        return 0 if isinstance(use.predicted, Unavailable) else use.predicted.peak
    return use.measured


def _free(device: torch.device) -> int:
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_memory()


def clean(device: torch.device) -> None:
    """Give back what nobody holds any more, so that the next network is measured as if it were the first.

    Modules hold themselves in circles, and go when these are looked for; cuBLAS keeps the workspace that its first
    product has taken, which would be counted for the network that happens to come first.
    """
    gc.collect()
    if device.type == "cuda":
        torch._C._cuda_clearCublasWorkspaces()  # noqa: SLF001  # there is no public name
        torch.cuda.empty_cache()
