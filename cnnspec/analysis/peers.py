"""How fvcore, ptflops, torchinfo and thop count a layer, rule by rule, faults included (see `docs/conventions.md`).

These tools count a PyTorch module, not a network, so what they print depends on how a layer is written. Here each layer
is the module of `torch.nn` that its declaration names, and where there is none, as torchvision writes it: merges by
operators and `torch.cat`, RESIZE by `F.interpolate`, a frozen batch norm by `F.batch_norm`. A layer may also be
called as a function (`F.relu`), which hooks on modules do not see; hence two tables for a tool. Read off the behaviour
of fvcore 0.1.5.post20221221, ptflops 0.7.5, torchinfo 1.8.0 and thop 0.1.1.post2209072238 under torch 2.13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnspec.layers.base import Shape, product

#: What one layer counts for one image, from the layer, the shape that leaves and the shapes that enter. The layer is
#: `Any` since each rule stands beside the keywords whose arguments it reads.
Rule = Callable[[Any, Shape, tuple[Shape, ...]], int]
Rules = Mapping[str, Rule]

#: The layers that were measured in every tool. Where a tool's table does not name one of them, the tool counts 0.
MEASURED = frozenset(
    "INPUT OUTPUT CONV DWCONV UPCONV FC POOL GAP ADAPTIVEPOOL REDUCE UPSAMPLE RESIZE SHUFFLE PIXELSHUFFLE "
    "PIXELUNSHUFFLE SLICE PAD CROP FLATTEN RESHAPE BN LN GN IN LRN L2NORM DROPOUT DROPPATH SCALE BIAS "
    "RELU RELU6 LEAKYRELU PRELU ELU SELU SIGMOID TANH GELU SILU HARDSIGMOID HARDSWISH HARDTANH MISH SOFTPLUS "
    "SOFTMAX LOGSOFTMAX ADD CONCAT MUL SUB MAX MEAN STACK".split()
)


def _on(keywords: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(keywords.split(), rule)


def _plus(first: Rules, second: Rules) -> dict[str, Rule]:
    """Both tables' counts together."""
    both = {
        keyword: lambda layer, y, xs, a=first[keyword], b=second[keyword]: a(layer, y, xs) + b(layer, y, xs)
        for keyword in first.keys() & second.keys()
    }
    return {**first, **second, **both}


# What the rules are made of.


def macs(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    """Multiply-accumulates, as this project counts them."""
    return int(layer.work(y, *xs).macs)


def _entering(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    return product(xs[0])


def _leaving(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    return product(y)


def _normalised(affine: int, plain: int) -> Rule:
    """So much per element with a learned scale and shift, and without."""
    return lambda layer, y, xs: product(y) * (affine if layer.affine else plain)


def _hooked(affine: int, plain: int) -> Rule:
    """The same for a tool that hooks modules: of a frozen batch norm, it sees none that it knows."""
    rule = _normalised(affine, plain)
    return lambda layer, y, xs: rule(layer, y, xs) if layer.keyword != "BN" or layer.train else 0


def _by_mode(**factors: tuple[int, int, int]) -> Rule:
    """So much per output element in one, two and three dimensions, by the mode of interpolation."""
    return lambda layer, y, xs: product(y) * factors[layer.mode][len(y) - 2]


def _uncropped(layer: Any, y: Shape, x: Shape) -> Shape:
    """What a transposed convolution computes: PyTorch crops unevenly, or adds rows, in a step of its own."""
    windows = layer.windows(x) if layer.keyword == "UPCONV" else ()
    if all(window.before == window.after for window in windows):
        return y
    return (y[0], *(extent + w.before + w.after for extent, w in zip(y[1:], windows, strict=True)))


def _macs_and_bias(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    return macs(layer, y, xs) + (product(_uncropped(layer, y, xs[0])) if layer.bias else 0)


# fvcore reads operators off the traced graph, so it sees modules and functions alike.


def _fvcore_adaptive(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    average = layer.keyword == "GAP" or layer.kind == "avg"
    return product(xs[0]) if average and len(y) == 3 else 0


FVCORE: Rules = {
    **_on("CONV DWCONV UPCONV FC", macs),
    **_on("BN", _normalised(2, 1)),
    **_on("LN GN IN", _normalised(5, 4)),
    **_on("GAP ADAPTIVEPOOL", _fvcore_adaptive),
    **_on("UPSAMPLE RESIZE", _by_mode(nearest=(0, 1, 0), linear=(0, 4, 0), cubic=(0, 0, 0))),
}

# ptflops hooks modules, and also counts certain functions, so that a module which calls one of them counts twice.


def _padded(layer: Any, x: Shape) -> int:
    """Elements that enter a pool; where PyTorch pads in a step of its own, those that leave the padding."""
    windows = layer.windows(x)
    if layer.kind != "l2" and all(window.before == window.after for window in windows):
        return product(x)
    return product([x[0], *(extent + w.before + w.after for extent, w in zip(x[1:], windows, strict=True))])


def _pool_hook(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    return 0 if layer.kind == "l2" else _padded(layer, xs[0])


def _pool_call(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    """Within `F.lp_pool2d` an average pool, a ReLU and a product are seen."""
    return _padded(layer, xs[0]) + (2 * product(y) if layer.kind == "l2" else 0)


def _local_response_call(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    """Within `F.local_response_norm` three steps per element, and an average pool over `size − 1` channels more."""
    return 3 * product(y) + product([y[0] + layer.size - 1, *y[1:]])


def _interpolate_call(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    """Elements that enter × scale^axes, in floating point; of a scale per axis, each is cut to a whole number."""
    (x,) = xs
    if isinstance(layer.scale, tuple):
        return product(x) * product([int(scale) for scale in layer.scale])
    return int(product(x) * float(layer.scale) ** (len(x) - 1))


_PTFLOPS_HOOKS: Rules = {
    **_on("CONV DWCONV UPCONV FC", _macs_and_bias),
    **_on("BN GN IN", _hooked(2, 1)),
    **_on("LN RELU RELU6 LEAKYRELU PRELU ELU GELU GAP ADAPTIVEPOOL", _entering),
    **_on("POOL", _pool_hook),
    **_on("UPSAMPLE", _leaving),
}
_PTFLOPS_CALLS_OF_MODULES: Rules = {
    **_on("RELU PRELU ELU GELU SILU SOFTMAX GAP ADAPTIVEPOOL", _entering),
    **_on("POOL", _pool_call),
    **_on("LRN", _local_response_call),
    **_on("UPSAMPLE", _interpolate_call),
    **_on("RESIZE", _leaving),
}
PTFLOPS: Rules = _plus(_PTFLOPS_HOOKS, _PTFLOPS_CALLS_OF_MODULES)
#: `torch.nn.ReLU6` does not call `F.relu6`.
PTFLOPS_FUNCTIONS: Rules = {**_PTFLOPS_CALLS_OF_MODULES, **_on("RELU6", _entering)}

# The other backend of ptflops sees the operators that PyTorch runs, matrix products and convolutions among them.

PTFLOPS_ATEN: Rules = _on("CONV DWCONV UPCONV FC", _macs_and_bias)

# torchinfo multiplies the parameters of a module by positions that it takes from the output.


def _parameters(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    return sum(product(param.shape) for param in layer.params(*xs))


def _parameters_by_position(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    """By the output's positions; a normalised weight goes by another name, and is taken times the output's channels."""
    positions = product(_uncropped(layer, y, xs[0])[1:])
    renamed = layer.norm != "none"
    return sum(product(p.shape) * (y[0] if renamed and p.name != "bias" else positions) for p in layer.params(*xs))


TORCHINFO: Rules = {
    **_on("CONV DWCONV UPCONV", _parameters_by_position),
    **_on("FC BN LN GN IN PRELU SCALE BIAS", _parameters),
}

# thop hooks modules of the exact classes that it knows.


def _positions_by_weights(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    (x,) = xs
    return product(_uncropped(layer, y, x)) * (x[0] // int(layer.groups)) * product(layer.per_axis("kernel", x))


def _thop_pool(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    return product(y) if layer.kind == "avg" else 0


def _thop_adaptive(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    """Per output element the mean window, taken as Π W/n in floating point, and one more; rounded down."""
    if layer.keyword == "ADAPTIVEPOOL" and layer.kind != "avg":
        return 0
    window = 1.0
    for extent, size in zip(xs[0][1:], y[1:], strict=True):
        window *= extent / size
    return int((window + 1) * product(y))


def _thop_softmax(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    """Of n values, n exponentials, n − 1 sums and n divisions."""
    n = y[0] if layer.axis == "channels" else product(y[1:])
    return product(y) // n * (3 * n - 1)


THOP: Rules = {
    **_on("CONV DWCONV FC", macs),
    **_on("UPCONV", _positions_by_weights),
    **_on("BN LN IN", _hooked(4, 2)),
    **_on("POOL", _thop_pool),
    **_on("GAP ADAPTIVEPOOL", _thop_adaptive),
    **_on("UPSAMPLE", _by_mode(nearest=(1, 1, 1), linear=(5, 11, 0), cubic=(0, 259, 0))),
    **_on("PRELU", _entering),
    **_on("SOFTMAX", _thop_softmax),
}
