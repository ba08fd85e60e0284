"""Torch's modules for the layers that move, resize or map elements, built without the layers' own rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnspec.layers.base import Shape


def function_module(function: Callable[[Any], Any]) -> Any:
    """A module that computes a function."""
    import torch

    class Module(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return function(x)

    return Module()


def axes_of(value: Any, x: Shape) -> tuple[Any, ...]:
    """A spatial argument as one number per axis."""
    return value if isinstance(value, tuple) else (value,) * (len(x) - 1)


def sides_of(pad: Any, x: Shape) -> tuple[tuple[int, int], ...]:
    """Padding, however it is written, as (before, after) per axis."""
    rank = len(x) - 1
    if isinstance(pad, tuple) and isinstance(pad[0], tuple):
        return pad
    if isinstance(pad, tuple) and len(pad) == 2 * rank:
        return tuple(zip(pad[::2], pad[1::2], strict=True))
    return tuple((side, side) for side in axes_of(pad, x))


def _pad(layer: Any, x: Shape) -> Any:
    import torch

    flat = [rows for side in reversed(sides_of(layer.pad, x)) for rows in side]
    mode = "constant" if layer.mode == "zeros" else layer.mode
    return function_module(lambda v: torch.nn.functional.pad(v, flat, mode))


def _crop(layer: Any, x: Shape) -> Any:
    if layer.size is None:
        cuts = sides_of(layer.cut, x)
    else:
        cuts = tuple(((e - s) // 2, e - s - (e - s) // 2) for e, s in zip(x[1:], axes_of(layer.size, x), strict=True))
    if any(before + after >= extent or before + after < 0 for (before, after), extent in zip(cuts, x[1:], strict=True)):
        return function_module(lambda _: _refuse("nothing remains, or more than there is"))
    return function_module(lambda v: v[(..., *(slice(before, extent - after) for (before, after), extent
                                               in zip(cuts, x[1:], strict=True)))])


def _slice(layer: Any, _: Shape) -> Any:
    import torch

    return function_module(lambda v: v.index_select(1, torch.arange(layer.start, layer.stop)))


def _interpolation(layer: Any, x: Shape) -> Any:
    import torch

    names = {"linear": ("linear", "bilinear", "trilinear"), "cubic": ("tricubic", "bicubic", "tricubic")}
    mode = names[layer.mode][len(x) - 2] if layer.mode in names else layer.mode
    corners = None if layer.mode == "nearest" else layer.align_corners
    if layer.keyword == "UPSAMPLE":
        return torch.nn.Upsample(scale_factor=tuple(map(float, axes_of(layer.scale, x))), mode=mode,
                                 align_corners=corners)
    return torch.nn.Upsample(axes_of(layer.size if layer.like is None else layer.like[1:], x), mode=mode,
                             align_corners=corners)


def _refuse(why: str) -> Any:
    raise ValueError(why)


def _prelu(layer: Any, x: Shape) -> Any:
    import torch

    module = torch.nn.PReLU(x[0] if layer.per_channel else 1)
    if not layer.train:
        weight = module.weight.data
        del module.weight
        module.register_buffer("weight", weight)
    return module


def _softmax(name: str) -> Callable[[Any, Shape], Any]:
    def build(layer: Any, x: Shape) -> Any:
        import torch

        function = getattr(torch, name)
        if layer.axis == "channels":
            return function_module(lambda v: function(v, dim=1))
        return function_module(lambda v: function(v.flatten(2), dim=2).view(v.shape))

    return build


def _module(name: str, *arguments: str) -> Callable[[Any, Shape], Any]:
    def build(layer: Any, _: Shape) -> Any:
        import torch

        return getattr(torch.nn, name)(*(getattr(layer, argument) for argument in arguments))

    return build


MORE_TWINS: dict[str, Callable[[Any, Shape], Any]] = {
    "SHUFFLE": _module("ChannelShuffle", "groups"),
    "PIXELSHUFFLE": _module("PixelShuffle", "r"),
    "PIXELUNSHUFFLE": _module("PixelUnshuffle", "r"),
    "SLICE": _slice,
    "PAD": _pad,
    "CROP": _crop,
    "FLATTEN": _module("Flatten"),
    "RESHAPE": lambda layer, _: function_module(lambda v: v.reshape(len(v), *layer.extents)),
    "UPSAMPLE": _interpolation,
    "RESIZE": _interpolation,
    "RELU": _module("ReLU"),
    "RELU6": _module("ReLU6"),
    "LEAKYRELU": _module("LeakyReLU", "slope"),
    "PRELU": _prelu,
    "ELU": _module("ELU", "alpha"),
    "SELU": _module("SELU"),
    "SIGMOID": _module("Sigmoid"),
    "TANH": _module("Tanh"),
    "GELU": _module("GELU", "approximate"),
    "SILU": _module("SiLU"),
    "HARDSIGMOID": _module("Hardsigmoid"),
    "HARDSWISH": _module("Hardswish"),
    "HARDTANH": _module("Hardtanh", "low", "high"),
    "MISH": _module("Mish"),
    "SOFTPLUS": _module("Softplus", "beta"),
    "SOFTMAX": _softmax("softmax"),
    "LOGSOFTMAX": _softmax("log_softmax"),
}
