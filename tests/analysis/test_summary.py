"""Totals, weight layers, depth and what runs in training only, against plain counting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

import cnnspec
from cnnspec.analysis.memory import DTYPES
from cnnspec.graph.network import Graph
from tests.analysis.networks import built, chains

SUMS = ("params", "trainable_params", "buffers", "macs", "flops", "weight_bytes", "traffic_bytes")


def adds_up(net: cnnspec.Net) -> None:
    """Assert that the totals are sums over the layers."""
    summary = net.summary(batch=3, dtype="float16")
    for name in SUMS:
        assert getattr(summary.totals, name) == sum(getattr(layer, name) for layer in summary.layers), name
    made = [layer for layer in summary.layers if layer.op != "INPUT"]
    assert summary.totals.activation_bytes == sum(layer.activation_bytes for layer in made)
    assert summary.totals.weight_layers == sum(layer.op in {"CONV", "DWCONV", "UPCONV", "FC"} for layer in made)


@settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(chains(axes=2, steps=3).map(built).filter(bool))
def test_totals_are_sums(net: cnnspec.Net) -> None:
    adds_up(net)


@pytest.mark.parametrize("name", ["alexnet", "googlenet_aux", "resnet50", "unet", "shufflenet_v2", "efficientnet_b0"])
def test_totals_of_known_networks_are_sums(name: str) -> None:
    adds_up(cnnspec.load(name))


def ways(graph: Graph, index: int) -> Iterator[list[int]]:
    """Every path from an input to a node."""
    inputs = graph.nodes[index].inputs
    if not inputs:
        yield [index]
    for source in inputs:
        for way in ways(graph, source):
            yield [*way, index]


@settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(chains(axes=1, steps=4).map(built).filter(bool))
def test_depth_is_that_of_the_longest_of_all_paths(net: cnnspec.Net) -> None:
    graph, totals = net.graph, net.summary().totals
    paths = list(ways(graph, graph.output))
    weights = [sum(graph.nodes[i].op.layer.weighted for i in path) for path in paths]
    assert totals.depth == max(map(len, paths)) - 1
    assert totals.weight_layers_on_path == max(weights)


@pytest.mark.parametrize(("name", "layers", "on_path"), [
    ("vgg16", 16, 16), ("vgg19", 19, 19), ("resnet18", 21, 18), ("resnet34", 37, 34), ("resnet50", 54, 50),
    ("resnet152", 156, 152), ("alexnet", 8, 8), ("googlenet", 58, 22), ("densenet121", 121, 121), ("lenet", 5, 5),
])
def test_weight_layers_on_the_longest_path_give_the_networks_their_names(name: str, layers: int, on_path: int) -> None:
    totals = cnnspec.load(name).summary().totals
    assert (totals.weight_layers, totals.weight_layers_on_path) == (layers, on_path)


def test_heads_of_training_count_their_weights_and_no_work() -> None:
    whole, plain = cnnspec.load("googlenet_aux").summary(), cnnspec.load("googlenet").summary()
    heads = [layer for layer in whole.layers if not layer.runs]
    assert {layer.path.split(".")[0] for layer in heads} == {"head[0]", "head[1]"}
    assert all(layer.macs == layer.flops == layer.traffic_bytes == 0 for layer in heads)
    assert all(layer.activation_bytes > 0 for layer in heads)
    assert whole.totals.params == plain.totals.params + sum(layer.params for layer in heads) == 13_004_888
    for name in ("macs", "flops", "depth", "weight_layers_on_path", "receptive_field"):
        assert getattr(whole.totals, name) == getattr(plain.totals, name), name
    assert dict(whole.outputs) == {"aux[1]": (1000,), "aux[2]": (1000,)}


def test_what_training_shares_with_the_network_runs() -> None:
    text = "net n = INPUT(2x8x8) -> CONV(4) as f -> RELU -> FC(3) -> OUTPUT(aux, train_only=on); @f -> FC(3)"
    runs = {layer.path: layer.runs for layer in cnnspec.parse(text).layers}
    assert runs == {"input": True, "f": True, "relu": False, "fc[0]": False, "fc[1]": True}


def test_a_main_output_of_training_runs_all_the_same() -> None:
    net = cnnspec.parse("net n = INPUT(2x8x8) -> FC(3) -> OUTPUT(aux, train_only=on)")
    assert all(layer.runs for layer in net.layers)


def test_batches_scale_bytes_and_nothing_else() -> None:
    net = cnnspec.load("resnet18")
    one, eight = net.summary(), net.summary(batch=8)
    for before, after in zip(one.layers, eight.layers, strict=True):
        assert after.activation_bytes == 8 * before.activation_bytes
        weights = before.weight_bytes + 4 * before.buffers if before.node.inputs else 0
        assert after.traffic_bytes - weights == 8 * (before.traffic_bytes - weights) or not before.traffic_bytes
    for name in ("params", "buffers", "macs", "flops", "weight_bytes", "depth", "receptive_field"):
        assert getattr(one.totals, name) == getattr(eight.totals, name), name


@pytest.mark.parametrize(("dtype", "bytes_"), [
    ("float64", 8), ("float32", 4), ("tf32", 4), ("float16", 2), ("bfloat16", 2), ("int8", 1)])
def test_types_scale_bytes_and_nothing_else(dtype: str, bytes_: int) -> None:
    assert DTYPES[dtype] == bytes_
    net = cnnspec.load("resnet18")
    summary, bytewise = net.summary(dtype=dtype), net.summary(dtype="int8")
    assert summary.totals.weight_bytes == bytes_ * summary.totals.params
    assert summary.totals.activation_bytes == bytes_ * bytewise.totals.activation_bytes
    assert summary.totals.macs == bytewise.totals.macs
    counters = sum(layer.op == "BN" for layer in summary.layers)
    assert summary.totals.buffer_bytes == bytes_ * (summary.totals.buffers - counters) + 8 * counters


def test_intensity_is_work_per_byte_moved() -> None:
    conv = cnnspec.parse("INPUT(3x8x8) -> CONV(4, 3) -> DROPOUT").layers
    assert conv[1].traffic_bytes == 4 * (3 * 64 + 4 * 64 + 4 * 27 + 4)
    assert conv[1].intensity == conv[1].flops / conv[1].traffic_bytes
    assert conv[2].traffic_bytes == 0
    assert conv[2].intensity is None


@pytest.mark.parametrize("shape", ["28x28", "28", "5x6x7"])
def test_a_transposed_convolution_costs_input_positions_times_weights(shape: str) -> None:
    layer = cnnspec.parse(f"INPUT(64x{shape}) -> UPCONV(32, 4, stride=2, pad=1, bias=off)").layers[-1]
    positions, axes = 1, shape.split("x")
    for extent in axes:
        positions *= int(extent)
    assert layer.macs == positions * 64 * 32 * 4 ** len(axes) == positions * layer.params
