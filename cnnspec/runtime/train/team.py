"""The processes that train one network together; most often there is one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor, nn


#: What operators may compute in under autocast, by the name of a regime's dtype.
DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Team(Protocol):
    """What a run needs of its processes."""

    #: This process's place among them, and how many there are.
    rank: int
    size: int
    device: torch.device

    def joined(self, module: nn.Module) -> nn.Module:
        """The module whose gradients are the mean over all processes."""
        ...

    def summed(self, sums: Tensor) -> Tensor:
        """The sum over all processes, in each of them."""
        ...

    def most(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """Each one's largest over all processes, in each of them: what they must agree on."""
        ...

    def casting(self) -> AbstractContextManager[Any]:
        """What forward passes stand in."""
        ...


class Alone:
    """One process."""

    rank, size = 0, 1

    def __init__(self, device: torch.device, dtype: str = "float32") -> None:
        self.device = device
        self.dtype = DTYPES[dtype]

    def joined(self, module: nn.Module) -> nn.Module:
        return module

    def summed(self, sums: Tensor) -> Tensor:
        return sums

    def most(self, values: tuple[float, ...]) -> tuple[float, ...]:
        return values

    def casting(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, self.dtype or torch.bfloat16, enabled=self.dtype is not None)


def part(places: Sequence[int] | Tensor, team: Team) -> Any:
    """A process's part of a batch: every `size`-th image, from that of its rank on."""
    return places[team.rank :: team.size]
