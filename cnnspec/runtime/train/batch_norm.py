"""Batch norms whose statistics are those of all processes' images, on GPUs as PyTorch has it, and on CPUs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def synchronise(module: nn.Module, still: Sequence[nn.Module], device: torch.device) -> None:
    """Exchange the batch norms in a module, except those in `still`; weights and statistics are the same tensors."""
    kind: type[_BatchNorm] = nn.SyncBatchNorm if device.type == "cuda" else SyncBatchNorm
    for name, own in list(module.named_modules()):
        if isinstance(own, KINDS) and not any(own is one for one in still):
            made = kind(own.num_features, own.eps, own.momentum, own.affine, own.track_running_stats)
            made.weight, made.bias = own.weight, own.bias
            made.running_mean, made.running_var = own.running_mean, own.running_var
            made.num_batches_tracked = own.num_batches_tracked
            module.set_submodule(name, made.train(own.training))


class SyncBatchNorm(_BatchNorm):
    """For CPUs, where PyTorch has none. All processes must have equally many images."""

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # of any extents

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        values = input.to(torch.promote_types(input.dtype, torch.float32))
        axes, each = [0, *range(2, values.ndim)], (1, -1, *[1] * (values.ndim - 2))
        mean = _mean(values.mean(axes))
        centred = values - mean.view(each)
        variance = _mean(centred.square().mean(axes))
        self._track(mean.detach(), variance.detach(), values.numel() // self.num_features * dist.get_world_size())
        found = centred * (variance + self.eps).rsqrt().view(each)
        if self.affine:
            found = found * self.weight.view(each) + self.bias.view(each)
        return found.to(input.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the statistics towards those of a batch of so many values; the variance is kept without bias."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_((variance * count / max(count - 1, 1)).to(self.running_var.dtype), share)


class _Mean(torch.autograd.Function):
    """The mean over processes. Its gradient is the mean of theirs: each one's loss depends on each one's images."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total.div_(dist.get_world_size())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Mean.forward(ctx, gradient)


def _mean(value: Tensor) -> Tensor:
    found: Tensor = _Mean.apply(value)  # type: ignore[no-untyped-call]  # of PyTorch
    return found
