"""What torch makes of a layer: its module, the shape that leaves, parameters and buffers, and who reads whom."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import pytest

from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Layer, Shape, product
from cnnspec.layers.facts import Reach
from cnnspec.layers.op import apply
from tests.layers.harness import consistent
from tests.layers.twins import MORE_TWINS, axes_of, sides_of
from tests.layers.twins import function_module as _module

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed: nothing to compare with")

#: An interpolation's weight that is zero but for rounding.
ROUNDING = 1e-9


class Facts(NamedTuple):
    """What torch and a declaration can both tell."""

    shape: Shape
    params: dict[str, Shape]
    #: By name, with the bytes of an element.
    buffers: dict[str, tuple[Shape, int]]


def claimed(layer: Layer, x: Shape) -> Facts:
    """What the declaration says."""
    op = apply(layer, (x,))
    return Facts(op.output, {p.name: p.shape for p in op.params},
                 {b.name: (b.shape, 4 if b.bytes_each is None else b.bytes_each) for b in op.buffers})


def observed(layer: Layer, x: Shape, device: str = "cpu") -> Facts:
    """What torch does; raises what torch raises. On the `meta` device weights take no memory, but checks are fewer."""
    import torch

    with torch.device(device), torch.no_grad():
        module = twin(layer, x).eval()
        y = module(torch.zeros((2, *x)))

    def name(path: str) -> str:
        return path.lstrip("0123456789.")  # a twin of several steps is a Sequential

    return Facts(tuple(y.shape[1:]), {name(path): tuple(p.shape) for path, p in module.named_parameters()},
                 {name(path): (tuple(b.shape), b.element_size()) for path, b in module.named_buffers()})


def agree(layer: Layer, x: Shape, device: str = "cpu") -> None:
    """Assert that torch and the declaration, and the declaration's arithmetic and its facts, say the same."""
    assert claimed(layer, x) == observed(layer, x, device), f"{layer!r} on {x}"
    consistent(apply(layer, (x,)))


def agree_or_refuse(layer: Layer, x: Shape) -> None:
    """As `agree`; where the declaration refuses the input, torch must, too, or compute nothing: an extent of 0."""
    try:
        apply(layer, (x,))
    except LayerError as error:
        refused = error.code
    else:
        agree(layer, x)
        return
    try:
        shape = observed(layer, x).shape
    except (RuntimeError, ValueError):
        return
    assert refused == "size-zero", f"torch takes {layer!r} on {x}"
    assert 0 in shape, f"torch makes {shape} of {layer!r} on {x}"


def reads(layer: Layer, extent: int) -> dict[int, set[int]]:
    """For each output along a single axis, the inputs that change it: an impulse at each, with weights of one."""
    import torch

    with torch.device("cpu"), torch.no_grad():
        module = twin(layer, (1, extent)).double().eval()
        for weight in module.parameters():
            weight.fill_(1)
        y = module(torch.eye(extent, dtype=torch.float64).unsqueeze(1))
    changed = [[bool(value) for value in row] for row in (y[:, 0] != 0).tolist()]
    return {o: {i for i in range(extent) if changed[i][o]} for o in range(y.shape[2])}


def row_reads(layer: Layer, x: Shape) -> dict[int, set[int]]:
    """As `reads`, along the first axis of an input of any rank and without weights: an impulse fills a whole row."""
    import torch

    rows = torch.eye(x[1], dtype=torch.float64).reshape(x[1], 1, x[1], *(1,) * (len(x) - 2))
    y = twin(layer, x)(rows.expand(x[1], x[0], x[1], *x[2:]).contiguous())
    changed = (y.abs().movedim(2, 1).flatten(2).amax(2) > ROUNDING).tolist()
    return {o: {i for i in range(x[1]) if changed[i][o]} for o in range(y.shape[2])}


def within_reach(reach: tuple[Reach, ...] | None, seen: dict[int, set[int]]) -> None:
    """Assert that a claimed reach is the tight hull of what outputs read."""
    assert reach is not None
    along, *_ = reach
    below = [min(inputs) - along.stride * o for o, inputs in seen.items() if inputs]
    above = [max(inputs) - along.stride * o for o, inputs in seen.items() if inputs]
    assert (min(below), max(above)) == (along.low, along.high)


def twin(layer: Layer, x: Shape) -> Any:
    """The torch module that stands for a layer on an input of shape `x`, built without the layer's own rules."""
    return TWINS[layer.keyword](layer, x)


def _class(name: str, x: Shape) -> Any:
    import torch

    return getattr(torch.nn, f"{name}{len(x) - 1}d")


def _padded(sides: tuple[tuple[int, int], ...], mode: str = "constant", value: float = 0) -> Any:
    """Explicit padding before a module, for what its own argument cannot say."""
    import torch

    flat = [rows for side in reversed(sides) for rows in side]
    return _module(lambda x: torch.nn.functional.pad(x, flat, mode, value))


def _fixed(module: Any) -> Any:
    """The module with buffers where it has parameters."""
    for name, parameter in list(module.named_parameters(recurse=False)):
        delattr(module, name)
        module.register_buffer(name, parameter.data)
    return module


def _weighted(layer: Any, module: Any) -> Any:
    import torch

    if getattr(layer, "norm", "none") != "none":
        module = getattr(torch.nn.utils.parametrizations, f"{layer.norm}_norm")(module)
    return module if layer.train else _fixed(module)


def _conv(layer: Any, x: Shape) -> Any:
    import torch

    kernel, stride, dilation = (axes_of(value, x) for value in (layer.kernel, layer.stride, layer.dilation))
    groups = x[0] if layer.keyword == "DWCONV" else layer.groups
    out = x[0] * layer.multiplier if layer.keyword == "DWCONV" else layer.out
    mode = {"zeros": "constant", "replicate": "replicate"}.get(layer.pad_mode, layer.pad_mode)
    sides: Any = {"valid": 0, "same": "same"}.get(layer.pad, layer.pad) if isinstance(layer.pad, str) else layer.pad
    if sides == "same":
        sides = tuple((d * (k - 1) // 2,) * 2 for k, d in zip(kernel, dilation, strict=True))
    if sides == "causal":
        sides = tuple((d * (k - 1) // 2,) * 2 for k, d in zip(kernel, dilation, strict=True))
        sides = ((dilation[0] * (kernel[0] - 1), 0), *sides[1:])
    sides = sides_of(sides, x)
    conv = _class("Conv", x)(x[0], out, kernel, stride, 0, dilation, groups, layer.bias)
    if all(before == after for before, after in sides):
        conv = _class("Conv", x)(x[0], out, kernel, stride, tuple(before for before, _ in sides), dilation, groups,
                                 layer.bias, layer.pad_mode)
        return _weighted(layer, conv)
    return torch.nn.Sequential(_padded(sides, mode), _weighted(layer, conv))


def _upconv(layer: Any, x: Shape) -> Any:
    import torch

    kernel, stride, dilation = (axes_of(value, x) for value in (layer.kernel, layer.stride, layer.dilation))
    more = axes_of(layer.output_pad, x)
    build = _class("ConvTranspose", x)
    if not isinstance(layer.pad, str):
        sides = sides_of(layer.pad, x)
        if all(before == after for before, after in sides):
            pad = tuple(before for before, _ in sides)
            conv = build(x[0], layer.out, kernel, stride, pad, more, layer.groups, layer.bias, dilation)
            return _weighted(layer, conv)
    conv = _weighted(layer, build(x[0], layer.out, kernel, stride, 0, more, layer.groups, layer.bias, dilation))
    if layer.pad == "valid":
        return conv
    if layer.pad == "same":
        cuts = [d * (k - 1) + 1 - s for k, s, d in zip(kernel, stride, dilation, strict=True)]
        sides = tuple((max(cut, 0) // 2, cut - max(cut, 0) // 2) for cut in cuts)
    return torch.nn.Sequential(conv, _padded(tuple((-before, -after) for before, after in sides)))


def _pool(layer: Any, x: Shape) -> Any:
    import torch

    kernel, stride, dilation = (axes_of(value, x) for value in (layer.kernel, layer.stride, layer.dilation))
    sides = sides_of(layer.pad, x)
    even = all(before == after for before, after in sides)
    pad = tuple(before for before, _ in sides) if even else 0
    if layer.kind == "max":
        pool = _class("MaxPool", x)(kernel, stride, pad, dilation, ceil_mode=layer.ceil)
        return pool if even else torch.nn.Sequential(_padded(sides, value=float("-inf")), pool)
    if layer.kind == "avg":
        pool = _class("AvgPool", x)(kernel, stride, pad, layer.ceil, layer.count_pad)
        return pool if even else torch.nn.Sequential(_padded(sides), pool)
    one = len(x) == 2  # LPPool1d takes no tuples
    pool = _class("LPPool", x)(2, kernel[0] if one else kernel, stride[0] if one else stride, layer.ceil)
    return torch.nn.Sequential(_padded(sides), pool) if any(map(any, sides)) else pool


def _norm(name: str) -> Callable[[Any, Shape], Any]:
    def build(layer: Any, x: Shape) -> Any:
        import torch

        # one and two dimensions share a class for a flat vector and a sequence
        module = getattr(torch.nn, f"{name}{max(len(x) - 1, 1)}d")(x[0], eps=layer.eps, affine=layer.affine)
        if layer.train:
            return module
        if "num_batches_tracked" in dict(module.named_buffers()):
            del module.num_batches_tracked  # as in torchvision.ops.FrozenBatchNorm2d
        return _fixed(module)

    return build


def _layer_norm(layer: Any, x: Shape) -> Any:
    import torch

    if layer.over == "all":
        return _weighted(layer, torch.nn.LayerNorm(x, layer.eps, layer.affine))
    norm = _weighted(layer, torch.nn.LayerNorm(x[0], layer.eps, layer.affine))
    return torch.nn.Sequential(_module(lambda v: v.movedim(1, -1)), norm, _module(lambda v: v.movedim(-1, 1)))


def _group_norm(layer: Any, x: Shape) -> Any:
    import torch

    return _weighted(layer, torch.nn.GroupNorm(layer.groups, x[0], layer.eps, layer.affine))


def _fc(layer: Any, x: Shape) -> Any:
    import torch

    return torch.nn.Sequential(torch.nn.Flatten(), _weighted(layer, torch.nn.Linear(product(x), layer.out, layer.bias)))


def _reduce(layer: Any, _: Shape) -> Any:
    import torch

    function = {"mean": torch.mean, "max": torch.amax, "sum": torch.sum}[layer.kind]
    if layer.over == "channels":
        return _module(lambda v: function(v, dim=1, keepdim=True))
    return _module(lambda v: function(v, dim=tuple(range(2, v.ndim))))


def _per_channel(layer: Any, x: Shape) -> Any:
    import torch

    module = _module(lambda v: v * 2 if layer.keyword == "SCALE" else v + 2)
    name = {"SCALE": "weight", "BIAS": "bias"}[layer.keyword]
    if layer.train:
        module.register_parameter(name, torch.nn.Parameter(torch.ones(x[0])))
    elif layer.keyword == "BIAS":
        module.register_buffer(name, torch.ones(x[0]))
    return module


def _plain(name: str, *arguments: str) -> Callable[[Any, Shape], Any]:
    def build(layer: Any, _: Shape) -> Any:
        import torch

        return getattr(torch.nn, name)(*(getattr(layer, argument) for argument in arguments))

    return build


TWINS: dict[str, Callable[[Any, Shape], Any]] = {
    "CONV": _conv,
    "DWCONV": _conv,
    "UPCONV": _upconv,
    "FC": _fc,
    "POOL": _pool,
    "GAP": lambda _, x: _class("AdaptiveAvgPool", x)(1),
    "ADAPTIVEPOOL": lambda layer, x: _class(f"Adaptive{layer.kind.capitalize()}Pool", x)(layer.size),
    "REDUCE": _reduce,
    "BN": _norm("BatchNorm"),
    "IN": _norm("InstanceNorm"),
    "LN": _layer_norm,
    "GN": _group_norm,
    "LRN": _plain("LocalResponseNorm", "size", "alpha", "beta", "k"),
    "L2NORM": lambda layer, _: _module(lambda v: v / v.norm(dim=1, keepdim=True).clamp(min=layer.eps)),
    "DROPOUT": _plain("Dropout", "p"),
    "DROPPATH": _plain("Dropout", "p"),
    "SCALE": _per_channel,
    "BIAS": _per_channel,
    **MORE_TWINS,
}
