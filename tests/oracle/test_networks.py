"""Random networks built with torch from their graph: every shape, every parameter and buffer is what torch has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import cnnspec
from cnnspec.analysis.summary import LayerSummary
from tests.language.test_random import nets
from tests.layers.oracle import needs_torch, twin

pytestmark = needs_torch

MERGES: dict[str, Callable[[list[Any]], Any]] = {
    "ADD": sum,
    "MUL": lambda xs: _fold(xs, lambda a, b: a * b),
    "SUB": lambda xs: xs[0] - xs[1],
    "MAX": lambda xs: _fold(xs, _torch("maximum")),
    "MEAN": lambda xs: sum(xs) / len(xs),
    "CONCAT": lambda xs: _torch("cat")(xs, dim=1),
    "STACK": lambda xs: _torch("stack")(xs, dim=2),
}


def _torch(name: str) -> Callable[..., Any]:
    import torch

    return getattr(torch, name)


def _fold(xs: list[Any], function: Callable[[Any, Any], Any]) -> Any:
    value = xs[0]
    for x in xs[1:]:
        value = function(value, x)
    return value


def step(layer: LayerSummary, values: dict[int, Any]) -> tuple[Any, int, int]:
    """What torch makes of a layer's inputs, and the elements of its parameters and buffers."""
    import torch

    if not layer.node.inputs:
        return torch.empty((2, *layer.output_shape)), 0, 0
    inputs = [values[index] for index in layer.node.inputs]
    if layer.op in MERGES:
        return MERGES[layer.op](inputs), 0, 0
    module = twin(layer.node.op.layer, tuple(inputs[0].shape[1:])).eval()
    return module(inputs[0]), *(sum(t.numel() for t in tensors()) for tensors in (module.parameters, module.buffers))


def agrees(net: cnnspec.Net) -> None:
    """Assert that torch's network has the same shapes and weights, layer by layer."""
    import torch

    values: dict[int, Any] = {}
    with torch.device("meta"), torch.no_grad():
        for layer in net.layers:
            values[layer.index], params, buffers = step(layer, values)
            assert tuple(values[layer.index].shape[1:]) == layer.output_shape, layer.path
            assert (params, buffers) == (layer.params, layer.buffers), layer.path


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(nets())
def test_random_networks_are_what_torch_builds(net: cnnspec.Net) -> None:
    agrees(net)


@pytest.mark.parametrize("name", [
    "lenet", "alexnet", "resnet50", "densenet121", "googlenet_aux", "mobilenet_v2", "unet", "wavenet", "shufflenet_v2",
    "efficientnet_b0",
])
def test_known_networks_are_what_torch_builds(name: str) -> None:
    agrees(cnnspec.load(name))


@pytest.mark.slow
@settings(max_examples=1500, suppress_health_check=list(HealthCheck))
@given(nets())
def test_many_networks_are_what_torch_builds(net: cnnspec.Net) -> None:
    agrees(net)
