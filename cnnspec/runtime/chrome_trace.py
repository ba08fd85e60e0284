"""A trace of one run for Chrome or Perfetto: PyTorch's operators, and the layers that call them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import torch
from torch import fx
from torch.profiler import ProfilerActivity, profile, record_function

from cnnspec.analysis.profile import Options
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.graph.paths import paths
from cnnspec.net import Net
from cnnspec.runtime.build import LAYER
from cnnspec.runtime.quiet import silence
from cnnspec.runtime.workload import Workload, precision

#: Runs before the one that is traced.
WARM_UP = 3


class Named(fx.Interpreter):
    """Runs a module layer by layer, each under its name in the trace."""

    def __init__(self, module: fx.GraphModule, names: Sequence[str]) -> None:
        super().__init__(module)
        self.names = names

    def run_node(self, n: fx.Node) -> Any:
        if LAYER not in n.meta:
            return super().run_node(n)
        with record_function(self.names[n.meta[LAYER]]):
            return super().run_node(n)


def write_trace(net: Net, options: Options, device: torch.device, path: str) -> None:
    """Writes the trace of one run, whole or not at all. Raises `SpecError` for a file that cannot be written."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with precision(options.dtype):
        work = Workload(net, options, device)
        if not options.compiled:  # what is compiled has no layers any more
            work.forward = Named(work.module, paths(net.graph)).run
        for _ in range(WARM_UP):
            work.run()
        work.synchronize()
        silence()
        with profile(activities=activities, record_shapes=True) as traced:
            work.run()
            work.synchronize()
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as beside:
            made = os.path.join(beside, "trace.json")
            traced.export_chrome_trace(made)
            os.replace(made, path)
    except OSError as error:
        raise SpecError([Diagnostic("not-writable", f"{path} cannot be written: {error.strerror}")]) from None
