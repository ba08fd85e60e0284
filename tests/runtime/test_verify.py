"""Every figure of known and of random networks against PyTorch; and that a wrong prediction is found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import cnnspec
from cnnspec.layers.base import Shape
from cnnspec.layers.conv import Conv
from cnnspec.layers.facts import Param, Reach, Scratch, Work
from cnnspec.layers.op import _OPS
from tests.language.test_random import nets
from tests.layers.oracle import needs_torch

pytestmark = needs_torch

FIGURES = ["output shapes", "parameters", "buffers", "MACs", "fvcore FLOPs", "receptive field", "inference peak"]


def wrong(net: cnnspec.Net) -> list[tuple[str, object, object, tuple[Any, ...]]]:
    """What PyTorch says otherwise."""
    from cnnspec.runtime.verify import verify

    found = verify(net)
    assert [check.figure for check in found.checks] == FIGURES
    assert found.ok == all(check.ok for check in found.checks)
    return [(c.figure, c.predicted, c.measured, c.different) for c in found.checks if not c.ok]


@pytest.mark.parametrize("name", [
    "lenet", "alexnet", "resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1", "googlenet_aux",
    "wavenet", "tcn", "autoencoder", "unet",
])
def test_known_networks_agree(name: str) -> None:
    assert wrong(cnnspec.load(name)) == []


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(nets())
def test_random_networks_agree(net: cnnspec.Net) -> None:
    assert wrong(net) == []


@pytest.mark.slow
@settings(max_examples=2000, suppress_health_check=list(HealthCheck))
@given(nets())
def test_many_random_networks_agree(net: cnnspec.Net) -> None:
    assert wrong(net) == []


# ------------------------------------------------------------------------------- and that all this can fail

PLAIN = "INPUT(3x16x16) -> CONV(4, 3, stride=2) -> SILU -> CONV(5, 3) -> GAP -> FC(7)"


def one_more(self: Conv, *xs: Shape) -> tuple[Param, ...]:
    return (Param("weight", (self.out, xs[0][0], 3, 3)), Param("bias", (self.out + 1,)))


@pytest.mark.parametrize(("rule", "instead", "figures"), [
    ("params", one_more, {"parameters"}),
    ("work", lambda *_: Work(1, 1), {"MACs", "fvcore FLOPs"}),
    ("reach", lambda *_: (Reach(2, 0, 2), Reach(2, 0, 2)), {"receptive field"}),
    ("scratch", lambda *_: Scratch(10_000), {"inference peak"}),
])
def test_a_wrong_rule_of_a_layer_is_found(rule: str, instead: Any, figures: set[str],
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    _OPS.clear()
    monkeypatch.setattr(Conv, rule, instead)
    try:
        found = wrong(cnnspec.parse(PLAIN))
    finally:
        _OPS.clear()
    assert figures <= {figure for figure, *_ in found}
    rows = [one.path.partition(" ")[0] for _, _, _, different in found for one in different]
    assert rule == "scratch" or set(rows) & {"conv[0]", "conv[1]"}


def test_a_wrong_shape_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _OPS.clear()
    monkeypatch.setattr(Conv, "shape", lambda self, *xs: (self.out, 16, 16))
    try:
        net = cnnspec.parse("INPUT(3x16x16) -> CONV(4, 3, stride=2) -> RELU -> GAP")
        found = {figure: different for figure, _, _, different in wrong(net)}
    finally:
        _OPS.clear()
    assert [(one.path, one.predicted, one.measured) for one in found["output shapes"]] == [
        ("conv", (4, 16, 16), (4, 8, 8)), ("relu", (4, 16, 16), (4, 8, 8))]
