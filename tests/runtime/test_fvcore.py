"""FLOPs against fvcore: the prediction, row by row, and the items from this project's total to fvcore's."""

from __future__ import annotations

import logging
import sys
import warnings
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import cnnspec
from cnnspec.analysis import conventions, peers
from cnnspec.analysis.verification import Check, Difference, Item
from cnnspec.files import known_nets
from tests.language.test_random import MANY, nets
from tests.layers.oracle import needs_torch

pytestmark = [
    needs_torch,
    pytest.mark.skipif(find_spec("fvcore") is None, reason="fvcore is not installed: nothing to compare with"),
]

RESIDUAL = """
block conv_bn(c, k) = CONV(c, k, bias=off) -> BN
net small = INPUT(3x8x8) -> conv_bn(4, 3) -> RELU -> ADD{ conv_bn(4, 1) | ID } -> UPSAMPLE(2, linear) -> GAP -> FC(5)
"""
HEADS = """
net heads =
    INPUT(3x8x8) -> CONV(4) as stem -> OUTPUT(features)
    -> CONV(6) -> GAP -> FC(5) as scores
    ; @stem -> GAP -> FC(2) -> OUTPUT(aux, train_only=on)
    ; @scores
"""
#: One text for each way in which a layer may be called, or several of them.
TEXTS = [
    RESIDUAL, HEADS,
    "net two = INPUT(3x8x8) as left ; INPUT(1x4x4) as right ; CONCAT{ @left -> POOL(2) | @right } -> CONV(2)",
    "INPUT(4x17) -> CONV(6, 3, stride=2) -> IN -> UPCONV(4, 3) -> UPSAMPLE(2) -> GAP -> FC(3)",
    "INPUT(4x6x5x7) -> CONV(6, 3, pad_mode=replicate) -> GN(3) -> UPCONV(4, 3, groups=2) -> ADAPTIVEPOOL(2) -> FC(3)",
    "INPUT(6x9x9) -> UPCONV(8, 3, groups=2, pad=same) -> CONV(8, (2, 3), pad=causal) -> POOL(avg, 2, pad=(0, 1, 0, 1))",
    "INPUT(6x8x8) -> DWCONV(3, multiplier=2) -> CONV(4, 3, dilation=2) -> LN -> LN(all) -> LRN(5) -> L2NORM",
    "INPUT(6x8x8) -> CONV(6, norm=weight) -> CONV(6, norm=spectral) -> CONV(6, train=off) -> BN(train=off) -> PRELU",
    "INPUT(6x8x8) -> BN(affine=off) -> RESIZE(7) -> RESIZE(9, linear) -> RESIZE(5, cubic) -> ADAPTIVEPOOL(3, max)",
    "INPUT(6x8x8) -> MUL{ ID | GAP -> CONV(C, 1) -> SIGMOID } -> SUB{ ID | POOL(avg, 3, 1, 1) } -> MEAN{ ID | RELU }",
    "INPUT(8x8x8) -> SHUFFLE(2) -> PIXELSHUFFLE(2) -> SOFTMAX(space) -> REDUCE(mean, space) -> SCALE -> BIAS -> FC(3)",
    "block p = CONV(4) -> RELU\nnet n = INPUT(3x8x8) -> CONV(4) as p[0] -> p -> p",
]


def counted(net: cnnspec.Net) -> Check:
    from cnnspec.runtime.counting import fvcore_flops

    return fvcore_flops(net)


def explains(net: cnnspec.Net) -> None:
    """Assert that the prediction holds and that the items lead from one total to the other, without remainder."""
    check = counted(net)
    assert check.ok, check
    assert check.rows == sum(layer.runs for layer in net.layers) - len(net.graph.inputs)
    assert sum(item.ours for item in check.items) == net.summary().totals.flops
    assert sum(item.theirs for item in check.items) == check.measured


def by_itself(module: Any, *shapes: tuple[int, ...]) -> int:
    """What fvcore says of a module that nobody has touched, computed with real numbers."""
    import torch
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(module.eval(), tuple(torch.zeros(1, *shape) for shape in shapes))
    return int(analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total())


@pytest.mark.parametrize("text", TEXTS)
def test_each_layer_is_predicted_and_nothing_remains(text: str) -> None:
    explains(cnnspec.parse(text))


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_what_fvcore_says_of_the_module(text: str) -> None:
    net = cnnspec.parse(text)
    assert counted(net).measured == by_itself(net.to_torch(), *net.summary().inputs.values())


def test_heads_that_only_train_are_not_counted() -> None:
    assert counted(cnnspec.parse(HEADS)).measured == 64 * 9 * (3 * 4 + 4 * 6) + 6 * 64 + 6 * 5


def test_the_items_by_hand() -> None:
    check = counted(cnnspec.parse(RESIDUAL))
    conv = 64 * 4 * 27 + 64 * 4 * 4
    total = conv + 2 * 512 + 4 * 1024 + 1024 + 20
    assert check == Check("fvcore FLOPs", total, total, rows=9, items=(
        Item("CONV", 2 * conv, conv), Item("BN", 1024, 1024), Item("RELU", 256, 0), Item("ADD", 256, 0),
        Item("UPSAMPLE", 7 * 1024, 4 * 1024), Item("GAP", 1024, 1024), Item("FC", 45, 20)))


def test_a_function_has_a_row_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(peers.FVCORE, "RESIZE", lambda layer, y, xs: 1)
    check = counted(cnnspec.parse("INPUT(2x4x4) -> RESIZE(6) as large -> RESIZE(5, cubic) as small -> UPSAMPLE(2)"))
    assert check.different == (Difference("large", 1, 72), Difference("small", 1, 0))


@pytest.mark.parametrize(("keyword", "layers"), [("CONV", 2), ("BN", 2), ("FC", 1), ("RELU", 1), ("ADD", 1)])
def test_a_false_prediction_fails(keyword: str, layers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(peers.FVCORE, keyword, lambda layer, y, xs: 7)
    check = counted(cnnspec.parse(RESIDUAL))
    assert check.ok is False
    assert len(check.different) == layers
    assert all(one.predicted == 7 != one.measured for one in check.different)
    assert sum(item.theirs for item in check.items) == check.measured != check.predicted


def test_another_module_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnspec.runtime import counting
    from cnnspec.runtime.build import build

    net, other = (cnnspec.parse(f"INPUT(3x8x8) -> CONV(4, 3) -> BN -> UPCONV(6, {k}) as up") for k in (4, 2))
    assert counted(net).ok
    assert counted(other).ok
    monkeypatch.setattr(counting, "build", lambda graph: build(other.graph))
    check = counted(net)
    assert check.ok is False
    assert [one.path for one in check.different] == ["up"]


def test_nothing_is_computed() -> None:
    """The values of this network alone would take 100 terabytes."""
    net = cnnspec.parse("INPUT(3x1000000x1000000) -> CONV(64, 3) -> BN -> GAP -> FC(10)")
    check = counted(net)
    assert check.ok
    assert check.measured == 10**12 * (27 * 64 + 2 * 64 + 64) + 640


def test_it_says_nothing(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # fvcore's import gives one, which Python hides
        counted(cnnspec.parse(HEADS))
        counted(cnnspec.parse("INPUT(8x8x8) -> LRN -> SOFTMAX(space) -> IN -> GELU"))
    assert not caplog.records
    assert capsys.readouterr() == ("", "")


def test_without_fvcore_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fvcore.nn", None)
    check = counted(cnnspec.parse(RESIDUAL))
    assert check.ok is None
    assert check.measured is None
    assert check.skipped == "fvcore is not installed: `pip install 'cnnspec[torch]'`"


def test_a_layer_that_was_never_measured_is_no_silent_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "MEASURED", peers.MEASURED - {"RELU"})
    check = counted(cnnspec.parse(RESIDUAL))
    assert check.ok is None
    assert check.skipped == f"it is not known how {conventions.CONVENTIONS['fvcore'].title} counts RELU"


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(nets())
def test_random_networks(net: cnnspec.Net) -> None:
    explains(net)


@pytest.mark.slow
@MANY
@given(nets())
def test_many_networks(net: cnnspec.Net) -> None:
    explains(net)


@pytest.mark.parametrize("name", ["lenet", "unet", "resnet18", "googlenet", "inception_v3"])
def test_some_of_the_zoo(name: str) -> None:
    explains(cnnspec.load(name))


@pytest.mark.slow
def test_the_zoo() -> None:
    for name in known_nets():
        explains(cnnspec.load(name))
