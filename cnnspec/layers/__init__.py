"""The catalogue: every layer that a spec can name, in the order in which `cnnspec layers` lists them.

A layer is one class, declared in the file of its family; to add one, write the class and give it a line here.
Other packages add theirs through entry points of the group `cnnspec.layers`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.layers import (
    activation,
    affine,
    conv,
    dropout,
    io,
    linear,
    merge,
    norm,
    pool,
    reshape,
    resize,
    shuffle,
    upconv,
)
from cnnspec.layers.base import Layer

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

LAYERS: tuple[type[Layer], ...] = (
    # INPUT, OUTPUT
    io.Input, io.Output,
    # CONV, DWCONV, UPCONV, FC
    conv.Conv, conv.DepthwiseConv, upconv.UpConv, linear.FullyConnected,
    # POOL, GAP, ADAPTIVEPOOL, REDUCE
    pool.Pool, pool.GlobalAveragePool, pool.AdaptivePool, pool.Reduce,
    # UPSAMPLE, RESIZE, SHUFFLE, PIXELSHUFFLE, PIXELUNSHUFFLE
    resize.Upsample, resize.Resize, shuffle.Shuffle, shuffle.PixelShuffle, shuffle.PixelUnshuffle,
    # SLICE, PAD, CROP, FLATTEN, RESHAPE
    reshape.Slice, reshape.Pad, reshape.Crop, reshape.Flatten, reshape.Reshape,
    # BN, LN, GN, IN, LRN, L2NORM
    norm.BatchNorm, norm.LayerNorm, norm.GroupNorm, norm.InstanceNorm, norm.LocalResponseNorm, norm.L2Norm,
    # DROPOUT, DROPPATH, SCALE, BIAS
    dropout.Dropout, dropout.DropPath, affine.Scale, affine.Bias,
    # RELU, RELU6, LEAKYRELU, PRELU, ELU, SELU
    activation.ReLU, activation.ReLU6, activation.LeakyReLU, activation.PReLU, activation.ELU, activation.SELU,
    # SIGMOID, TANH, GELU, SILU, HARDSIGMOID, HARDSWISH, HARDTANH
    activation.Sigmoid, activation.Tanh, activation.GELU, activation.SiLU, activation.HardSigmoid,
    activation.HardSwish, activation.HardTanh,
    # MISH, SOFTPLUS, SOFTMAX, LOGSOFTMAX
    activation.Mish, activation.Softplus, activation.Softmax, activation.LogSoftmax,
    # ADD, CONCAT, MUL, SUB, MAX, MEAN, STACK
    merge.Add, merge.Concat, merge.Mul, merge.Sub, merge.Max, merge.Mean, merge.Stack,
)

_BUILT_IN: dict[str, type[Layer]] = {layer.keyword: layer for layer in LAYERS}


class PluginError(SpecError):
    """A layer of another package that cannot be used; `name` is its entry point, `cause` what is wrong with it."""

    def __init__(self, name: str, cause: str) -> None:
        message = f"the layer plug-in `{name}` cannot be used: {cause}"
        super().__init__([Diagnostic("plug-in", message, help="mend or uninstall the package that brings it")])
        self.name = name
        self.cause = cause


def find(keyword: str) -> type[Layer] | None:
    """The layer of this keyword, plug-ins last; None where there is none. Raises `PluginError` for a broken plug-in.

    Keywords are two or more capitals and digits, and `ID` is the language's own step: neither a free parameter (`N`,
    `pool`) nor `ID` ever searches for plug-ins.
    """
    layer = _BUILT_IN.get(keyword)
    if layer is None and _is_keyword(keyword):
        layer = _plug_ins().get(keyword)
    return layer


def keywords() -> tuple[str, ...]:
    """All keywords, those of plug-ins last. Raises `PluginError` for a broken plug-in."""
    return (*_BUILT_IN, *_plug_ins())


@cache
def option_words() -> frozenset[str]:
    """The words that are some built-in layer's option: `max`, `same`, `reflect`."""
    return frozenset(word for layer in LAYERS for word in layer.words)


def _is_keyword(text: object) -> bool:
    return isinstance(text, str) and len(text) > 1 and text.isidentifier() and text.isupper() and text != "ID"


@cache
def _plug_ins() -> dict[str, type[Layer]]:
    """The layers of other packages, by keyword; looked for once, and only for a keyword that is not built in."""
    from importlib.metadata import entry_points

    found: dict[str, type[Layer]] = {}
    for entry in entry_points(group="cnnspec.layers"):
        layer = _load(entry)
        if layer.keyword in _BUILT_IN or layer.keyword in found:
            raise PluginError(entry.name, f"there is a layer {layer.keyword} already")
        found[layer.keyword] = layer
    return found


def _load(entry: EntryPoint) -> type[Layer]:
    """The layer that an entry point names."""
    try:
        layer = entry.load()
    except (ImportError, AttributeError, SyntaxError, NameError, TypeError, ValueError) as error:
        raise PluginError(entry.name, f"{entry.value} does not load ({type(error).__name__}: {error})") from error
    if not (isinstance(layer, type) and issubclass(layer, Layer)):
        raise PluginError(entry.name, f"{entry.value} is no subclass of `cnnspec.layers.base.Layer`")
    if not _is_keyword(getattr(layer, "keyword", None)):
        raise PluginError(entry.name, f"{entry.value} has no `keyword` of two or more capitals and digits")
    return layer
