"""Modules that PyTorch has not, for the recipes of layers: thin wrappers around those that it has."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Padding(nn.Module):
    """A mixin: pads by `sides` (in the order of `functional.pad`), then goes on with the module behind it."""

    mode = "constant"
    fill = 0.0

    def __init__(self, *, sides: tuple[int, ...], **settings: Any) -> None:
        super().__init__(**settings)
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        value = self.fill if self.mode == "constant" else None
        return super().forward(functional.pad(x, self.sides, self.mode, value))  # type: ignore[no-any-return]  # the module's


class PaddedConvolution(Padding):
    """A mixin: padding in any of the modes, uneven too."""

    def __init__(self, *, padding_mode: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.mode = "constant" if padding_mode == "zeros" else padding_mode


class PaddedMaximum(Padding):
    """A mixin: padding that never is a maximum."""

    fill = float("-inf")


class Cutting(nn.Module):
    """A mixin: cuts rows off what leaves, or adds rows of zeros to it."""

    def __init__(self, *, sides: tuple[int, ...], **settings: Any) -> None:
        super().__init__(**settings)
        self.sides = sides

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        return functional.pad(super().forward(x, output_size), self.sides)


class PaddedConv1d(PaddedConvolution, nn.Conv1d):
    """Convolution of sequences with any padding."""


class PaddedConv2d(PaddedConvolution, nn.Conv2d):
    """Convolution of images with any padding."""


class PaddedConv3d(PaddedConvolution, nn.Conv3d):
    """Convolution of volumes with any padding."""


class CutConvTranspose1d(Cutting, nn.ConvTranspose1d):
    """Transposed convolution of sequences, cut unevenly."""


class CutConvTranspose2d(Cutting, nn.ConvTranspose2d):
    """Transposed convolution of images, cut unevenly."""


class CutConvTranspose3d(Cutting, nn.ConvTranspose3d):
    """Transposed convolution of volumes, cut unevenly."""


class PaddedMaxPool1d(PaddedMaximum, nn.MaxPool1d):
    """Max pooling of sequences with uneven padding."""


class PaddedMaxPool2d(PaddedMaximum, nn.MaxPool2d):
    """Max pooling of images with uneven padding."""


class PaddedMaxPool3d(PaddedMaximum, nn.MaxPool3d):
    """Max pooling of volumes with uneven padding."""


class PaddedAvgPool1d(Padding, nn.AvgPool1d):
    """Average pooling of sequences with uneven padding."""


class PaddedAvgPool2d(Padding, nn.AvgPool2d):
    """Average pooling of images with uneven padding."""


class PaddedAvgPool3d(Padding, nn.AvgPool3d):
    """Average pooling of volumes with uneven padding."""


class PaddedLPPool1d(Padding, nn.LPPool1d):
    """Power-average pooling of sequences with padding."""


class PaddedLPPool2d(Padding, nn.LPPool2d):
    """Power-average pooling of images with padding."""


class PaddedLPPool3d(Padding, nn.LPPool3d):
    """Power-average pooling of volumes with padding."""


class FlatLinear(nn.Linear):
    """A linear layer on all elements of what enters."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels at each position.

    Pictures leave channels last, an order that PyTorch's layers keep; sequences and volumes in rows, since some would
    keep the order and others not.
    """

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x.movedim(1, -1)).movedim(-1, 1)
        return y if x.ndim == 4 else y.contiguous()


class FrozenBatchNorm(nn.Module):
    """Batch normalisation by statistics that stand still, in training too."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, *, num_features: int, eps: float, affine: bool) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(num_features)) if affine else None
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., ECCV 2016): zeroes whole images in training, and scales up the others."""

    def __init__(self, *, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty(len(x), *(1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * (kept / (1 - self.p) if self.p < 1 else kept)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Scale(nn.Module):
    """A learned gain per channel that starts at `init`."""

    def __init__(self, *, channels: int, init: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(init)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, *(1,) * (x.ndim - 2))


class Bias(nn.Module):
    """A learned offset per channel that starts at 0."""

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.view(-1, *(1,) * (x.ndim - 2))
