"""Functions that PyTorch has not, for the recipes of layers: tensors in, with the batch first, and one tensor out."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def identity(x: Tensor) -> Tensor:
    """The value itself."""
    return x


def crop(x: Tensor, rows: tuple[tuple[int, int], ...]) -> Tensor:
    """A view without so many rows before and after, along each spatial axis."""
    for axis, (before, after) in enumerate(rows, start=2):
        x = x.narrow(axis, before, x.shape[axis] - before - after)
    return x


def reshape(x: Tensor, extents: tuple[int, ...]) -> Tensor:
    """The elements of each image in order, under other extents; a view where they lie in one row."""
    return torch.unflatten(x.flatten(1), 1, extents)


def shuffle(x: Tensor, groups: int) -> Tensor:
    """The groups' channels read in turn, one of each, for any rank; `torch.nn.ChannelShuffle` wants spatial axes."""
    return torch.unflatten(x, 1, (groups, -1)).transpose(1, 2).flatten(1, 2)


def stack(*values: Tensor) -> Tensor:
    """The values one behind the other along a new first spatial axis.

    In rows, whatever the order of the values: `torch.stack` would keep the channels last.
    """
    rows = torch.cat([value.unsqueeze(2).flatten(2) for value in values], dim=2)
    return torch.unflatten(rows, 2, (len(values), *values[0].shape[2:]))


def spatial_softmax(x: Tensor) -> Tensor:
    """The softmax over all positions of a channel."""
    return functional.softmax(x.flatten(2), dim=2).view(x.shape)


def spatial_log_softmax(x: Tensor) -> Tensor:
    """The logarithm of the softmax over all positions of a channel."""
    return functional.log_softmax(x.flatten(2), dim=2).view(x.shape)


def add(first: Tensor, *others: Tensor) -> Tensor:
    """The sum of the values, in new memory."""
    if not others:
        return first.clone()
    return add_(first + others[0], *others[1:])


def add_(first: Tensor, *others: Tensor) -> Tensor:
    """The sum of the values, in the first one's memory as far as its extents allow."""
    for other in others:
        if torch.broadcast_shapes(first.shape, other.shape) == first.shape:
            first += other
        else:
            first = first + other
    return first


def mean(*values: Tensor) -> Tensor:
    """The mean of the values, element by element."""
    return add(*values).div_(len(values))


def mul(first: Tensor, *others: Tensor) -> Tensor:
    """The product of the values; new memory at each step, since autograd keeps the factors."""
    if not others:
        return first.clone()
    for other in others:
        first = first * other
    return first


def maximum(first: Tensor, *others: Tensor) -> Tensor:
    """The largest of the values, element by element."""
    if not others:
        return first.clone()
    for other in others:
        first = torch.maximum(first, other)
    return first
