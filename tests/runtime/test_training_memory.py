"""The memory of a training step against the CPU allocator's own account of it, to the byte."""

from __future__ import annotations

import pytest

import cnnspec

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to measure")

from cnnspec.analysis.memory import Setting, inference  # noqa: E402  # behind the skip
from cnnspec.runtime.allocations import follow  # noqa: E402
from cnnspec.runtime.build import build  # noqa: E402
from tests.runtime.steps import differences, held  # noqa: E402

#: Around a layer: between convolutions, twice, first and last, and in a branch.
AROUND = ["INPUT(4x12x12) -> CONV(8, 3) -> {} -> CONV(8, 3) -> GAP -> FC(3)",
          "INPUT(4x12x12) -> CONV(8, 1, bias=off) -> {} -> {} -> GAP -> FC(3)",
          "INPUT(4x12x12) -> {} -> CONV(8, 1) -> {} -> FC(3)",
          "INPUT(4x12x12) -> CONV(8, 1) as a -> {} -> CONCAT{{ GAP | CONV(4, 1) -> {} -> GAP }} -> FC(2)"]
LAYERS = ["RELU", "RELU6", "LEAKYRELU", "PRELU", "ELU", "SELU", "SIGMOID", "TANH", "GELU", "SILU", "HARDSIGMOID",
          "HARDSWISH", "HARDTANH", "MISH", "SOFTPLUS", "SOFTMAX", "LOGSOFTMAX", "SOFTMAX(space)", "BN",
          "BN(affine=off)", "BN(train=off)", "LN", "LN(all)", "GN(2)", "IN", "LRN(5)", "L2NORM", "DROPOUT(0.5)",
          "DROPOUT(0)", "DROPPATH(0.2)", "DROPPATH(0)", "POOL(2, stride=1)", "POOL(3, stride=2, pad=1)",
          "POOL(avg, 3, stride=1, pad=1)", "ADAPTIVEPOOL(5)", "ADAPTIVEPOOL(5, max)", "SHUFFLE(2)", "UPSAMPLE(2)",
          "UPSAMPLE(2, linear)", "SCALE", "SCALE(3, train=off)", "BIAS", "PAD(1)", "PAD(1, reflect)",
          "PAD(1, replicate)", "CROP(10)", "SLICE(0, 2)", "REDUCE(mean)", "REDUCE(max)", "CONV(8, 3, groups=2)",
          "DWCONV(3)", "UPCONV(8, 3, stride=2, pad=same)", "CONV(8, 3, pad_mode=reflect)", "CONV(8, 2, pad=(0, 1))",
          "CONV(8, 3, train=off)", "CONV(8, 3, norm=spectral)", "ADD{ ID | BIAS }", "ADD{ ID | BIAS | SCALE }",
          "MUL{ ID | GAP -> CONV(C, 1) -> SIGMOID }", "MUL{ ID | TANH }", "MAX{ ID | BIAS }", "MEAN{ ID | BIAS }",
          "CONCAT{ ID | BIAS }"]
#: With inputs that keep a step short; the memory of every layer grows with them.
NETWORKS = {
    "alexnet": 67, "vgg11_bn": 64, "resnet18": 64, "resnet50": 64, "mobilenet_v2": 64, "mobilenet_v3_small": 64,
    "densenet121": 64, "googlenet": 64, "squeezenet1_1": 64, "shufflenet_v2_x0_5": 64, "efficientnet_b0": 64,
    "resnext50_32x4d": 64, "mnasnet0_5": 64, "regnet_y_400mf": 64, "convnext_tiny": 64, "googlenet_aux": 64,
}


def holds(layer: str, around: list[str]) -> None:
    for text in around:
        try:
            net = cnnspec.parse(text.format(layer, layer))
        except cnnspec.SpecError:
            continue  # it does not fit there
        assert differences(net, 3, "momentum") == (0, 0, 0, 0), text


@pytest.mark.parametrize("layer", [
    pytest.param(layer, marks=[] if place % 4 == 0 else [pytest.mark.slow]) for place, layer in enumerate(LAYERS)])
def test_a_layer_in_training(layer: str) -> None:
    holds(layer, AROUND[-1:])


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_in_other_places(layer: str) -> None:
    holds(layer, AROUND[:-1])


@pytest.mark.parametrize("text", [
    "INPUT(4x12x10) -> CONV(4, 1) -> CONV(6, 3) -> REDUCE(sum, space) -> SOFTMAX",  # its gradient is repeated in place
    "INPUT(4x12x12) -> CONV(4, 3) as a -> FC(5, train=off) -> ADD{ ID | @a -> FC(5) }",  # a fixed FC keeps nothing
    "INPUT(4x12x10) -> CROP(4) -> UPSAMPLE(1.5) -> CROP(4) -> FC(7) -> BN",  # what is copied in rows is kept
    "INPUT(4x12x12) -> CONV(4, 3) as a -> CONCAT{ @a | BIAS | @a -> SCALE } -> GAP -> FC(3)",  # parts of gradients
    "INPUT(4x12x12) -> CONV(4, 3) -> OUTPUT(aux) -> CONV(4, 3) -> GAP -> FC(3)",  # two losses
])
def test_a_corner_of_training(text: str) -> None:
    assert differences(cnnspec.parse(text), 3, "momentum") == (0, 0, 0, 0)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "squeezenet1_1"])
def test_a_network_in_training(name: str, optimizer: str) -> None:
    net = cnnspec.load(name, input=(3, 64, 64))
    assert differences(net, 2, optimizer) == (0, 0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
@pytest.mark.parametrize("name", NETWORKS)
def test_many_networks_in_training(name: str, optimizer: str) -> None:
    net = cnnspec.load(name, input=(3, NETWORKS[name], NETWORKS[name]))
    assert differences(net, 2, optimizer) == (0, 0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_many_networks_in_evaluation(name: str) -> None:
    graph = cnnspec.load(name, input=(3, NETWORKS[name], NETWORKS[name])).graph
    module = build(graph).eval()
    value = torch.randn(2, *graph.nodes[0].shape)
    with torch.inference_mode():
        found = follow(lambda: module(value))
    assert inference(graph, Setting(2)).peak == held([*module.parameters(), *module.buffers(), value]) + found.peak


def test_the_account_sees_what_the_rules_do_not_know() -> None:
    """The twin of the tests above: a value that stays too long is found."""
    module = build(cnnspec.parse("INPUT(4x12x12) -> SIGMOID -> TANH -> SIGMOID").graph).eval()
    value = torch.randn(2, 4, 12, 12)
    kept = []
    with torch.inference_mode():
        plain = follow(lambda: module(value)).peak
        holding = follow(lambda: kept.append(value.exp()) or module(value)).peak
    assert holding == plain + value.nbytes
