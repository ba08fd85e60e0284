"""Every rule of every convention against the tool itself, which counts the PyTorch module that the layer stands for."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnspec
from cnnspec.analysis import peers
from cnnspec.analysis.conventions import count
from cnnspec.layers.base import Shape, product, show
from cnnspec.layers.op import Op

torch = pytest.importorskip("torch", reason="torch is not installed: there is no module to count")
nn, F = torch.nn, torch.nn.functional

Build = Callable[[], Any]
FLAT, LINE, PLANE, SPACE = (6,), (6, 10), (6, 10, 12), (6, 4, 10, 12)


class Calls(nn.Module):  # type: ignore[misc,name-defined]  # torch is imported where it is installed
    """A module that calls a function, and so has nothing to hook."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


class PerChannel(nn.Module):  # type: ignore[misc,name-defined]  # as above
    """A learned gain, or an offset."""

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        self.register_parameter(name, nn.Parameter(torch.ones(channels)))

    def forward(self, x: Any) -> Any:
        ((name, value),) = self.named_parameters()
        value = value.view(-1, *(1,) * (x.ndim - 2))
        return x * value if name == "weight" else x + value


def fixed(module: Any) -> Any:
    """The module with buffers where it has parameters."""
    for name, parameter in list(module.named_parameters()):
        delattr(module, name)
        module.register_buffer(name, parameter.data)
    return module


def frozen_batch_norm(channels: int, affine: bool) -> Any:
    """As `to_torch` makes it: with the statistics that stand still, `F.batch_norm`."""
    from cnnspec.runtime.modules import FrozenBatchNorm

    return FrozenBatchNorm(num_features=channels, eps=1e-5, affine=affine)


def channels_last(norm: Any) -> Any:
    """A layer norm over the channels, as ConvNeXt's blocks have it."""
    return nn.Sequential(Calls(lambda x: x.movedim(1, -1)), norm, Calls(lambda x: x.movedim(-1, 1)))


# What each tool prints for a module.


def fvcore(module: Any, x: Any) -> int:
    nn_tools = pytest.importorskip("fvcore.nn", reason="fvcore is not installed")
    analysis = nn_tools.FlopCountAnalysis(module, x)
    return int(analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total())


def ptflops(module: Any, x: Any, backend: str = "pytorch") -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchvision", None)  # ptflops asks for its operators, which not every build has
        tool = pytest.importorskip("ptflops", reason="ptflops is not installed")
    with contextlib.redirect_stdout(io.StringIO()):
        macs, _ = tool.get_model_complexity_info(module, tuple(x.shape[1:]), as_strings=False, backend=backend,
                                                 print_per_layer_stat=False)
    return int(macs)


def ptflops_aten(module: Any, x: Any) -> int:
    return ptflops(module, x, "aten")


def torchinfo(module: Any, x: Any) -> int:
    tool = pytest.importorskip("torchinfo", reason="torchinfo is not installed")
    return int(tool.summary(module, input_data=x, verbose=0).total_mult_adds)


def thop(module: Any, x: Any) -> int:
    tool = pytest.importorskip("thop", reason="thop is not installed")
    total = tool.profile(module, (x,), verbose=False)[0]
    assert total == int(total)
    return int(total)


TOOLS = {"fvcore": fvcore, "ptflops": ptflops, "ptflops-aten": ptflops_aten, "torchinfo": torchinfo, "thop": thop}


def printed(tool: str, build: Build, x: Shape) -> int:
    """What the tool prints for a fresh module on one input of shape `x`."""
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    with torch.no_grad():
        return TOOLS[tool](nn.Sequential(build()).eval(), torch.zeros(1, *x))


def op(text: str, x: Shape) -> Op:
    """The last layer of `INPUT(x) -> text`."""
    return cnnspec.parse(f"INPUT({show(x)}) -> {text}").graph.nodes[-1].op


def claimed(tool: str, text: str, x: Shape, functional: bool = False) -> int:
    layer = op(text, x)
    return count(tool, layer.layer, layer.output, layer.inputs, functional=functional)


#: A layer, what enters, and the module that stands for it.
MODULES: list[tuple[str, Shape, Build]] = [
    ("CONV(8, 3)", PLANE, lambda: nn.Conv2d(6, 8, 3, padding=1)),
    ("CONV(8, 3, bias=off)", PLANE, lambda: nn.Conv2d(6, 8, 3, padding=1, bias=False)),
    ("CONV(9, 3, stride=2, pad=2, dilation=2, groups=3)", PLANE, lambda: nn.Conv2d(6, 9, 3, 2, 2, 2, 3)),
    ("CONV(8, 3, pad_mode=reflect)", PLANE, lambda: nn.Conv2d(6, 8, 3, padding=1, padding_mode="reflect")),
    ("CONV(8, 3, train=off)", PLANE, lambda: fixed(nn.Conv2d(6, 8, 3, padding=1))),
    ("CONV(8, 3, norm=weight)", PLANE, lambda: nn.utils.weight_norm(nn.Conv2d(6, 8, 3, padding=1))),
    ("CONV(8, 3, norm=spectral)", PLANE, lambda: nn.utils.spectral_norm(nn.Conv2d(6, 8, 3, padding=1))),
    ("CONV(9, 3, pad=valid)", LINE, lambda: nn.Conv1d(6, 9, 3)),
    ("CONV(9, 3, pad=causal)", LINE, lambda: nn.Sequential(nn.ConstantPad1d((2, 0), 0), nn.Conv1d(6, 9, 3))),
    ("CONV(9, 3, pad=valid)", SPACE, lambda: nn.Conv3d(6, 9, 3)),
    ("DWCONV(3)", PLANE, lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6)),
    ("DWCONV(3, multiplier=2, bias=off)", PLANE, lambda: nn.Conv2d(6, 12, 3, padding=1, groups=6, bias=False)),
    ("UPCONV(9, 3, output_pad=1, groups=3)", PLANE, lambda: nn.ConvTranspose2d(6, 9, 3, 2, 0, 1, 3)),
    ("UPCONV(9, 4, pad=1, bias=off)", PLANE, lambda: nn.ConvTranspose2d(6, 9, 4, 2, 1, bias=False)),
    ("UPCONV(9, 4, pad=same)", PLANE, lambda: nn.ConvTranspose2d(6, 9, 4, 2, 1)),
    ("UPCONV(9, 3, pad=same)", PLANE,
     lambda: nn.Sequential(nn.ConvTranspose2d(6, 9, 3, 2), nn.ZeroPad2d((0, -1, 0, -1)))),
    ("UPCONV(9, 3)", LINE, lambda: nn.ConvTranspose1d(6, 9, 3, 2)),
    ("UPCONV(9, 3)", SPACE, lambda: nn.ConvTranspose3d(6, 9, 3, 2)),
    ("UPCONV(9, 3, norm=weight)", PLANE, lambda: nn.utils.weight_norm(nn.ConvTranspose2d(6, 9, 3, 2))),
    ("FC(9)", FLAT, lambda: nn.Linear(6, 9)),
    ("FC(9, bias=off)", FLAT, lambda: nn.Linear(6, 9, bias=False)),
    ("FC(9, train=off)", FLAT, lambda: fixed(nn.Linear(6, 9))),
    ("FC(9)", PLANE, lambda: nn.Sequential(nn.Flatten(), nn.Linear(720, 9))),
    ("BN", PLANE, lambda: nn.BatchNorm2d(6)),
    ("BN(affine=off)", PLANE, lambda: nn.BatchNorm2d(6, affine=False)),
    ("BN", FLAT, lambda: nn.BatchNorm1d(6)),
    ("BN", SPACE, lambda: nn.BatchNorm3d(6)),
    ("BN(train=off)", PLANE, lambda: fixed(frozen_batch_norm(6, affine=True))),
    ("BN(train=off, affine=off)", PLANE, lambda: frozen_batch_norm(6, affine=False)),
    ("LN", FLAT, lambda: nn.LayerNorm(6)),
    ("LN", PLANE, lambda: channels_last(nn.LayerNorm(6))),
    ("LN(affine=off)", FLAT, lambda: nn.LayerNorm(6, elementwise_affine=False)),
    ("LN(all)", PLANE, lambda: nn.LayerNorm(PLANE)),
    ("GN(3)", PLANE, lambda: nn.GroupNorm(3, 6)),
    ("GN(3, train=off)", PLANE, lambda: fixed(nn.GroupNorm(3, 6))),
    ("GN(3, affine=off)", FLAT, lambda: nn.GroupNorm(3, 6, affine=False)),
    ("IN", PLANE, lambda: nn.InstanceNorm2d(6)),
    ("IN(affine=on)", PLANE, lambda: nn.InstanceNorm2d(6, affine=True)),
    ("IN", LINE, lambda: nn.InstanceNorm1d(6)),
    ("IN", SPACE, lambda: nn.InstanceNorm3d(6)),
    ("LRN(5)", PLANE, lambda: nn.LocalResponseNorm(5)),
    ("LRN(4)", LINE, lambda: nn.LocalResponseNorm(4)),
    ("LRN(5)", SPACE, lambda: nn.LocalResponseNorm(5)),
    ("L2NORM", PLANE, lambda: Calls(F.normalize)),
    ("DROPOUT(0.5)", PLANE, nn.Dropout),
    ("DROPPATH(0.1)", PLANE, nn.Identity),
    ("SCALE", PLANE, lambda: PerChannel("weight", 6)),
    ("SCALE(0.5, train=off)", PLANE, lambda: Calls(lambda x: x * 0.5)),
    ("BIAS", PLANE, lambda: PerChannel("bias", 6)),
    *((text, x, getattr(nn, name)) for x in (FLAT, PLANE) for text, name in (
        ("RELU", "ReLU"), ("RELU6", "ReLU6"), ("LEAKYRELU", "LeakyReLU"), ("PRELU", "PReLU"), ("ELU", "ELU"),
        ("SELU", "SELU"), ("SIGMOID", "Sigmoid"), ("TANH", "Tanh"), ("GELU", "GELU"), ("SILU", "SiLU"),
        ("HARDSIGMOID", "Hardsigmoid"), ("HARDSWISH", "Hardswish"), ("HARDTANH", "Hardtanh"), ("MISH", "Mish"),
        ("SOFTPLUS", "Softplus"))),
    ("PRELU(per_channel=on)", PLANE, lambda: nn.PReLU(6)),
    ("SOFTMAX", PLANE, lambda: nn.Softmax(1)),
    ("SOFTMAX", FLAT, lambda: nn.Softmax(1)),
    ("SOFTMAX(space)", PLANE, lambda: nn.Sequential(nn.Flatten(2), nn.Softmax(2), nn.Unflatten(2, (10, 12)))),
    ("LOGSOFTMAX", PLANE, lambda: nn.LogSoftmax(1)),
    ("POOL(3, stride=2, pad=1)", PLANE, lambda: nn.MaxPool2d(3, 2, 1)),
    ("POOL(3, stride=2, ceil=on)", PLANE, lambda: nn.MaxPool2d(3, 2, ceil_mode=True)),
    ("POOL(2, pad=(0, 1, 0, 1))", PLANE,
     lambda: nn.Sequential(nn.ConstantPad2d((0, 1, 0, 1), float("-inf")), nn.MaxPool2d(2))),
    ("POOL(2)", LINE, lambda: nn.MaxPool1d(2)),
    ("POOL(2)", SPACE, lambda: nn.MaxPool3d(2)),
    ("POOL(avg, 3, stride=2, pad=1)", PLANE, lambda: nn.AvgPool2d(3, 2, 1)),
    ("POOL(avg, 2, pad=(0, 1, 0, 1))", PLANE, lambda: nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.AvgPool2d(2))),
    ("POOL(avg, 2)", LINE, lambda: nn.AvgPool1d(2)),
    ("POOL(avg, 2)", SPACE, lambda: nn.AvgPool3d(2)),
    ("POOL(l2, 3, stride=2)", PLANE, lambda: nn.LPPool2d(2, 3, 2)),
    ("POOL(l2, 3, stride=2, pad=1)", PLANE, lambda: nn.Sequential(nn.ZeroPad2d(1), nn.LPPool2d(2, 3, 2))),
    ("POOL(l2, 2)", LINE, lambda: nn.LPPool1d(2, 2)),
    ("POOL(l2, 2)", SPACE, lambda: nn.LPPool3d(2, 2)),
    ("GAP", LINE, lambda: nn.AdaptiveAvgPool1d(1)),
    ("GAP", PLANE, lambda: nn.AdaptiveAvgPool2d(1)),
    ("GAP", SPACE, lambda: nn.AdaptiveAvgPool3d(1)),
    ("ADAPTIVEPOOL(3)", LINE, lambda: nn.AdaptiveAvgPool1d(3)),
    ("ADAPTIVEPOOL((3, 7))", PLANE, lambda: nn.AdaptiveAvgPool2d((3, 7))),
    ("ADAPTIVEPOOL(3)", SPACE, lambda: nn.AdaptiveAvgPool3d(3)),
    ("ADAPTIVEPOOL(3, max)", LINE, lambda: nn.AdaptiveMaxPool1d(3)),
    ("ADAPTIVEPOOL(3, max)", PLANE, lambda: nn.AdaptiveMaxPool2d(3)),
    ("ADAPTIVEPOOL(3, max)", SPACE, lambda: nn.AdaptiveMaxPool3d(3)),
    ("REDUCE(mean, space)", PLANE, lambda: Calls(lambda x: x.mean((2, 3)))),
    ("REDUCE(max, channels)", PLANE, lambda: Calls(lambda x: x.amax(1, keepdim=True))),
    ("REDUCE(sum, channels)", PLANE, lambda: Calls(lambda x: x.sum(1, keepdim=True))),
    ("UPSAMPLE(2)", LINE, lambda: nn.Upsample(scale_factor=2)),
    ("UPSAMPLE(2)", PLANE, lambda: nn.Upsample(scale_factor=2)),
    ("UPSAMPLE(2)", SPACE, lambda: nn.Upsample(scale_factor=2)),
    ("UPSAMPLE(2, linear)", LINE, lambda: nn.Upsample(scale_factor=2, mode="linear")),
    ("UPSAMPLE(2, linear)", PLANE, lambda: nn.Upsample(scale_factor=2, mode="bilinear")),
    ("UPSAMPLE(2, linear)", SPACE, lambda: nn.Upsample(scale_factor=2, mode="trilinear")),
    ("UPSAMPLE(2, cubic)", PLANE, lambda: nn.Upsample(scale_factor=2, mode="bicubic")),
    ("UPSAMPLE(1.3)", PLANE, lambda: nn.Upsample(scale_factor=1.3)),
    ("UPSAMPLE((2.5, 1.5))", PLANE, lambda: nn.Upsample(scale_factor=(2.5, 1.5))),
    ("RESIZE(7)", LINE, lambda: Calls(lambda x: F.interpolate(x, 7))),
    ("RESIZE(7)", PLANE, lambda: Calls(lambda x: F.interpolate(x, (7, 7)))),
    ("RESIZE(7, linear)", PLANE, lambda: Calls(lambda x: F.interpolate(x, (7, 7), mode="bilinear"))),
    ("RESIZE(7, linear)", SPACE, lambda: Calls(lambda x: F.interpolate(x, (7, 7, 7), mode="trilinear"))),
    ("SHUFFLE(3)", PLANE, lambda: nn.ChannelShuffle(3)),
    ("PIXELSHUFFLE(2)", (8, 4, 4), lambda: nn.PixelShuffle(2)),
    ("PIXELUNSHUFFLE(2)", PLANE, lambda: nn.PixelUnshuffle(2)),
    ("SLICE(1, 3)", PLANE, lambda: Calls(lambda x: x[:, 1:3])),
    ("PAD(1)", PLANE, lambda: nn.ZeroPad2d(1)),
    ("CROP(cut=1)", PLANE, lambda: Calls(lambda x: x[:, :, 1:-1, 1:-1])),
    ("FLATTEN", PLANE, nn.Flatten),
    ("RESHAPE(12, 60)", PLANE, lambda: Calls(lambda x: x.reshape(-1, 12, 60))),
    ("ADD{ ID | ID }", PLANE, lambda: Calls(lambda x: x + x)),
    ("SUB{ ID | ID }", PLANE, lambda: Calls(lambda x: x - x)),
    ("MUL{ ID | ID }", PLANE, lambda: Calls(lambda x: x * x)),
    ("MAX{ ID | ID }", PLANE, lambda: Calls(lambda x: torch.maximum(x, x))),
    ("MEAN{ ID | ID }", PLANE, lambda: Calls(lambda x: (x + x) / 2)),
    ("CONCAT{ ID | ID }", PLANE, lambda: Calls(lambda x: torch.cat([x, x], 1))),
    ("STACK{ ID | ID }", LINE, lambda: Calls(lambda x: torch.stack([x, x], 2))),
]

def by_name(name: str) -> Callable[[Any], Any]:
    """A function of torch that is looked up when it is called: ptflops puts another in its place."""

    def call(x: Any) -> Any:
        return getattr(F, name)(x)

    return call


#: A layer, what enters, and the function that stands for it.
FUNCTIONS: list[tuple[str, Shape, Callable[[Any], Any]]] = [
    ("CONV(6, 1, bias=off)", PLANE, lambda x: F.conv2d(x, torch.zeros(6, 6, 1, 1))),
    ("FC(9)", FLAT, lambda x: F.linear(x, torch.zeros(9, 6), torch.zeros(9))),
    ("BN(affine=off)", PLANE, lambda x: F.batch_norm(x, torch.zeros(6), torch.ones(6))),
    ("LN(all, affine=off)", PLANE, lambda x: F.layer_norm(x, PLANE)),
    ("LRN(5)", PLANE, lambda x: F.local_response_norm(x, 5)),
    *((name.replace("_", "").upper(), PLANE, by_name(name)) for name in (
        "relu", "relu6", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "gelu", "silu", "hardsigmoid", "hardswish",
        "hardtanh", "mish", "softplus")),
    ("PRELU", PLANE, lambda x: F.prelu(x, torch.zeros(1))),
    ("SOFTMAX", PLANE, lambda x: F.softmax(x, 1)),
    ("LOGSOFTMAX", PLANE, lambda x: F.log_softmax(x, 1)),
    ("POOL(2)", PLANE, lambda x: F.max_pool2d(x, 2)),
    ("POOL(avg, 2)", LINE, lambda x: F.avg_pool1d(x, 2)),
    ("POOL(l2, 2)", PLANE, lambda x: F.lp_pool2d(x, 2, 2)),
    ("GAP", PLANE, lambda x: F.adaptive_avg_pool2d(x, 1)),
    ("GAP", SPACE, lambda x: F.adaptive_avg_pool3d(x, 1)),
    ("ADAPTIVEPOOL(3, max)", PLANE, lambda x: F.adaptive_max_pool2d(x, 3)),
    ("UPSAMPLE(2, linear)", PLANE, lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    ("RESIZE(7)", PLANE, lambda x: F.interpolate(x, (7, 7))),
]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(("text", "x", "build"), MODULES, ids=[f"{text}-{show(x)}" for text, x, _ in MODULES])
def test_a_module_counts_as_in_the_tool(tool: str, text: str, x: Shape, build: Build) -> None:
    assert claimed(tool, text, x) == printed(tool, build, x)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(("text", "x", "function"), FUNCTIONS, ids=[f"{text}-{show(x)}" for text, x, _ in FUNCTIONS])
def test_a_function_counts_as_in_the_tool(tool: str, text: str, x: Shape, function: Callable[[Any], Any]) -> None:
    assert claimed(tool, text, x, functional=True) == printed(tool, lambda: Calls(function), x)


def test_a_frozen_batch_norm_as_torchvision_writes_it_is_free_in_fvcore() -> None:
    assert printed("fvcore", lambda: Calls(lambda x: x * torch.ones(6, 1, 1) + torch.zeros(6, 1, 1)), PLANE) == 0
    assert printed("fvcore", lambda: frozen_batch_norm(6, affine=True), PLANE) == 2 * product(PLANE)


def test_the_rows_above_cover_every_layer() -> None:
    assert {op(text, x).layer.keyword for text, x, _ in MODULES} | {"INPUT", "OUTPUT"} == peers.MEASURED


@settings(max_examples=40)
@given(st.data())
def test_any_transposed_convolution_counts_as_in_the_tools(data: st.DataObject) -> None:
    """The layer in which the tools differ most."""
    rank = data.draw(st.integers(1, 3))
    x = tuple(data.draw(st.lists(st.integers(1, 6), min_size=rank, max_size=rank)))
    groups, more, less = (data.draw(st.integers(1, 3)) for _ in range(3))
    kernel, stride = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    bias = data.draw(st.booleans())
    text = f"UPCONV({groups * more}, {kernel}, stride={stride}, groups={groups}, bias={'on' if bias else 'off'})"
    build = getattr(nn, f"ConvTranspose{rank}d")
    for tool in TOOLS:
        assert claimed(tool, text, (groups * less, *x)) == printed(
            tool, lambda: build(groups * less, groups * more, kernel, stride, groups=groups, bias=bias),
            (groups * less, *x)), tool


@settings(max_examples=60)
@given(st.data())
def test_any_adaptive_pool_counts_as_in_thop(data: st.DataObject) -> None:
    """The mean window is a floating-point number, and what is lost in rounding must be lost here too."""
    rank = data.draw(st.integers(1, 3))
    x = tuple(data.draw(st.lists(st.integers(1, 40 // rank), min_size=rank, max_size=rank)))
    size = tuple(data.draw(st.integers(1, extent)) for extent in x)
    text = f"ADAPTIVEPOOL(({', '.join(map(str, size))},))"
    build = getattr(nn, f"AdaptiveAvgPool{rank}d")
    assert claimed("thop", text, (3, *x)) == printed("thop", lambda: build(size), (3, *x))
