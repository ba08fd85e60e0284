"""The inference peak and the strides of values, against PyTorch: fake tensors and real ones on a CPU, to the byte."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import cnnspec
from cnnspec.analysis.storage import storages
from tests.language.test_random import nets

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to measure")

from torch import fx  # noqa: E402  # behind the skip
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402

from cnnspec.runtime.build import LAYER, build  # noqa: E402
from cnnspec.runtime.live import LiveStorages  # noqa: E402

#: Layers behind channels-last values, and views with gaps from image to image and from row to row.
SEQUENCES = ["BN", "GN(2)", "IN", "LRN", "POOL(2)", "POOL(avg, 2)", "UPSAMPLE(2)", "SHUFFLE(2)", "CONV(4, 3)",
             "UPCONV(4, 2)", "PAD(1, circular)", "SOFTMAX(space)", "SOFTMAX", "RELU", "PRELU", "ADAPTIVEPOOL(2)",
             "ADD{ ID | LN }", "ADD{ LN | ID }", "CONCAT{ ID | LN }", "IN(affine=on)", "LOGSOFTMAX(space)",
             "CONCAT{ LN | LN }", "GAP", "MUL{ GAP | ID }", "CONV(4, 3, pad_mode=reflect)", "LN", "L2NORM"]
PLANES = [*SEQUENCES, "PIXELSHUFFLE(2)", "PIXELUNSHUFFLE(2)", "RESHAPE(C*H, W)", "STACK{ ID | LN }", "STACK{ LN | LN }",
          "CONCAT{ LN | SIGMOID }", "CONV(4, 3, pad_mode=circular)", "UPSAMPLE(2, cubic)", "POOL(l2, 2)", "SLICE(1, 2)",
          "CONV(4, norm=spectral)", "UPCONV(4, norm=spectral)", "UPCONV(4, norm=weight)"]
BEHIND = ["LN", "CROP(cut=1)", "SLICE(1, 5)", "LN -> SLICE(1, 5)", "LN -> CROP(cut=1)", "SLICE(1, 5) -> CROP(cut=1)"]
CASES = [f"INPUT({shape}) -> {before} -> {layer} -> {after}"
         for shape, layers in (("8x14", SEQUENCES), ("8x10x8", PLANES), ("8x6x8x10", SEQUENCES))
         for before in BEHIND for layer in layers for after in ("ID", "FC(2)")]


def measured(net: cnnspec.Net, batch: int, dtype: str, *, fake: bool) -> int:
    """The most bytes that are live between two operators."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with FakeTensorMode() if fake else nullcontext(), torch.device("cpu"), torch.no_grad():
            module = build(net.graph).eval()
            values = [torch.zeros(batch, *net.graph.nodes[index].shape) for index in net.graph.inputs.values()]
            with LiveStorages([*module.parameters(), *module.buffers(), *values]) as live:
                module(*values)
    finally:
        torch.set_default_dtype(before)
    return int(live.peak)


def agrees(net: cnnspec.Net, batch: int, dtype: str = "float32", *, fake: bool) -> None:
    totals = net.summary(batch, dtype).totals
    assert measured(net, batch, dtype, fake=fake) == totals.inference_peak_bytes


class Strides(fx.Interpreter):
    """Runs a module layer by layer; keeps the strides of each value."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.found: dict[int, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if LAYER in n.meta:
            self.found[n.meta[LAYER]] = value.stride()
        return value


@pytest.mark.parametrize("fake", [True, False], ids=["fake", "cpu"])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_peak_behind_views_and_other_orders(batch: int, fake: bool) -> None:
    for text in CASES:
        agrees(cnnspec.parse(text), batch, fake=fake)


@pytest.mark.parametrize("batch", [1, 3])
def test_the_peak_in_half_the_bytes(batch: int) -> None:
    for text in CASES[::3]:
        agrees(cnnspec.parse(text), batch, "bfloat16", fake=True)


def test_every_layer_trains_behind_views_and_other_orders() -> None:
    for text in CASES:
        net = cnnspec.parse(text)
        value = torch.randn(2, *net.graph.nodes[0].shape, requires_grad=True)
        build(net.graph)(value).sum().backward()
        assert value.grad is not None, text


@pytest.mark.parametrize("text", [
    "INPUT(4x2x2) -> CONV(2, 2, pad=valid, norm=spectral)",  # both vectors beside one small output
    "INPUT(4x1x1) -> UPCONV(3, 2, norm=spectral) -> CONV(2, 2, pad=valid, norm=weight)",
    "INPUT(4x1x1) -> UPCONV(1, 1, stride=1, norm=spectral)",
    "INPUT(1x1) -> UPCONV(5, 1, stride=1, norm=spectral)",
    "INPUT(4x6x8) -> SLICE(0, 1) -> FLATTEN -> RELU",
    "INPUT(4x6x8) -> CONV(4, 3) -> CROP(4) -> FLATTEN -> RELU",
    "INPUT(4x6x8) -> CONV(4, 3) -> CROP(4) -> RELU -> FC(9)",  # gaps, written over
    "INPUT(4x6x8) -> CONV(4, 3) -> CROP(4) -> DROPOUT as d -> FLATTEN -> RELU -> RESHAPE(4, 4, 4) -> ADD{ ID | @d }",
    "INPUT(4x9) -> CROP(1) -> LN",
    "INPUT(1x9) -> LN -> FC(2)",
    "INPUT(4x6x8) -> IN(affine=on, train=off)",
])
@pytest.mark.parametrize("fake", [True, False], ids=["fake", "cpu"])
def test_the_peak_of_a_corner(text: str, fake: bool) -> None:
    for batch in (1, 3):
        agrees(cnnspec.parse(text), batch, fake=fake)


def test_what_training_makes_dense_is_not_written_over() -> None:
    """FLATTEN copies a cropped value, but behind DROPOUT, in training, it does not."""
    net = cnnspec.parse("INPUT(4x6x8) -> CONV(4, 3) -> CROP(4) -> DROPOUT(0) as d -> FLATTEN -> RELU "
                        "-> RESHAPE(4, 4, 4) -> SUB{ @d | ID }")
    module = build(net.graph)
    value = torch.randn(2, 4, 6, 8)
    assert torch.equal(module.train()(value), module.eval()(value))


def test_the_strides_of_every_value() -> None:
    for text in CASES:
        strides_agree(cnnspec.parse(text))


def strides_agree(net: cnnspec.Net) -> None:
    """Along all axes but those of extent 1, where a stride is never used."""
    with torch.no_grad():
        recorder = Strides(build(net.graph).eval())
        recorder.run(*(torch.zeros(2, *net.graph.nodes[index].shape) for index in net.graph.inputs.values()))
    layouts = storages(net.graph).layouts
    for node in net.graph.nodes:
        if node.index in recorder.found:
            told, found = layouts.strides(node.index, node.shape), recorder.found[node.index]
            assert [(a, b) for extent, a, b in zip((2, *node.shape), told, found, strict=True)
                    if extent > 1 and a != b] == [], node


def holds(net: cnnspec.Net) -> None:
    for batch in (1, 3):
        agrees(net, batch, fake=True)
    agrees(net, 2, fake=False)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(nets())
def test_random_networks(net: cnnspec.Net) -> None:
    holds(net)
    strides_agree(net)


@pytest.mark.slow
@settings(max_examples=2000, suppress_health_check=list(HealthCheck))
@given(nets())
def test_many_random_networks(net: cnnspec.Net) -> None:
    holds(net)
    strides_agree(net)
