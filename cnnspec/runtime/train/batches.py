"""Which images make a batch: an order for each epoch that the seed alone decides, whoever asks and whenever."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

#: Keeps the orders of neighbouring epochs and seeds apart.
_STRIDE = 1_000_003


def order(images: int, seed: int, epoch: int) -> Tensor:
    """A permutation of so many images, int64 of N; the same for the same seed and epoch, on every machine."""
    chance = torch.Generator().manual_seed(seed * _STRIDE + epoch)
    return torch.randperm(images, generator=chance)


def per_epoch(images: int, batch: int) -> int:
    """Steps of an epoch: a last batch that is not full is left out, unless it is the only one."""
    return max(1, images // batch)


def batches(images: int, batch: int, seed: int, epoch: int, begin: int = 0) -> Iterator[Tensor]:
    """The batches of an epoch from the one of number `begin` on, as places of images, int64 of B."""
    shuffled = order(images, seed, epoch)
    for number in range(begin, per_epoch(images, batch)):
        yield shuffled[number * batch : (number + 1) * batch]
