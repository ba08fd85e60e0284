"""Which processes train together: this one alone, or all that `torchrun` or `accelerate launch` has begun."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.runtime.train.team import Alone, Team

if TYPE_CHECKING:
    from accelerate import Accelerator


class Together:
    """Several processes, on one machine or more, brought together by accelerate."""

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.rank, self.size = accelerator.process_index, accelerator.num_processes
        self.device: torch.device = accelerator.device

    def joined(self, module: nn.Module) -> nn.Module:
        if self.device.type == "cuda":  # the CPU has no batch norm over processes
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        wrapped: nn.Module = self.accelerator.prepare_model(module)
        return wrapped

    def summed(self, sums: Tensor) -> Tensor:
        total: Tensor = self.accelerator.reduce(sums.clone(), "sum")
        return total

    def most(self, values: tuple[float, ...]) -> tuple[float, ...]:
        gathered: Tensor = self.accelerator.gather(torch.tensor([values], dtype=torch.float64, device=self.device))
        return tuple(gathered.amax(0).tolist())

    def casting(self) -> AbstractContextManager[Any]:
        casting: AbstractContextManager[Any] = self.accelerator.autocast()
        return casting


def team_of(device: torch.device, dtype: str) -> Team:
    """The team of this process, as the environment of its launcher says.

    Several processes on CUDA have a device each; `device` then names no more than the kind. Raises `SpecError`
    (`no-package`) where several were launched and accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Alone(device, dtype)
    try:
        from accelerate import Accelerator
    except ImportError:
        raise SpecError([Diagnostic("no-package", "several processes train together through accelerate, which is not "
                                    "installed", help="pip install 'cnnspec[train]'")]) from None
    precision = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}[dtype]
    return Together(Accelerator(cpu=device.type == "cpu", mixed_precision=precision))
