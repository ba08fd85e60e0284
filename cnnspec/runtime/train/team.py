"""The processes that train one network together; most often there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from cnnspec.diagnostics import SpecError

#: What operators may compute in under autocast, by the name of a regime's dtype.
DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}

Made = TypeVar("Made")


class Told(SpecError):
    """What all processes raise, or all that are left: the first one tells it for them."""


class Team(Protocol):
    """What a run needs of its processes. What all must call, they call in the same order."""

    #: This process's place among them, and how many there are.
    rank: int
    size: int
    device: torch.device

    def joined(self, module: nn.Module, still: Sequence[nn.Module] = ()) -> nn.Module:
        """The module whose gradients, and statistics of batch norms, are those of all processes' images.

        Batch norms of `module` are exchanged in place, except those in `still`, whose statistics stay. All call it.
        """
        ...

    def summed(self, sums: Tensor) -> Tensor:
        """The sum over all processes, in each of them; no device is waited for. All call it."""
        ...

    def most(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """Each one's largest over all processes, in each of them: what they must agree on. All call it."""
        ...

    def agreed(self, act: Callable[[], Made]) -> Made:
        """What `act` makes in this process; raises `Told` in all where it raises `SpecError` in one. All call it."""
        ...

    def first(self, act: Callable[[], Made]) -> Made:
        """As `agreed`, one process of each machine before its others: they find what it has put there."""
        ...

    def stir(self, seed: int, step: int) -> None:
        """Before a step: give each process its own random numbers."""
        ...

    def casting(self) -> AbstractContextManager[Any]:
        """What forward passes stand in."""
        ...

    def working(self) -> AbstractContextManager[None]:
        """What the whole run stands in: raises `Told` where another process is gone, and takes leave at the end."""
        ...


class Alone:
    """One process, whose random numbers are the one stream that the seed begins."""

    rank, size = 0, 1

    def __init__(self, device: torch.device, dtype: str = "float32") -> None:
        self.device = device
        self.dtype = dtype

    def joined(self, module: nn.Module, still: Sequence[nn.Module] = ()) -> nn.Module:
        return module

    def summed(self, sums: Tensor) -> Tensor:
        return sums

    def most(self, values: tuple[float, ...]) -> tuple[float, ...]:
        return values

    def agreed(self, act: Callable[[], Made]) -> Made:
        return act()

    def first(self, act: Callable[[], Made]) -> Made:
        return act()

    def stir(self, seed: int, step: int) -> None:
        pass

    def casting(self) -> AbstractContextManager[Any]:
        return cast(self.device, self.dtype)

    def working(self) -> AbstractContextManager[None]:
        return nullcontext()


def cast(device: torch.device, dtype: str) -> AbstractContextManager[Any]:
    """Autocast to a regime's dtype; nothing for float32."""
    return torch.autocast(device.type, DTYPES[dtype] or torch.bfloat16, enabled=DTYPES[dtype] is not None)


def part(places: Sequence[int] | Tensor, team: Team) -> Any:
    """A process's part of a batch: every `size`-th image, from that of its rank on."""
    return places[team.rank :: team.size]
