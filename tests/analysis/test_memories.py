"""What a summary tells of memory: only what is asked for is worked out, and only once; rows add up to the whole."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

import cnnspec
from cnnspec.analysis import memories, training
from cnnspec.analysis.memory import Memory, Setting
from cnnspec.analysis.training import OPTIMIZERS
from cnnspec.graph.network import Graph
from cnnspec.render.memory import OPTIMIZER_TITLES, bins
from tests.analysis.networks import built, chains
from tests.analysis.test_training import FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_published_figures(name: str) -> None:
    summary = cnnspec.load(name).summary(batch=8)
    *_, peak, rounded = FIGURES[name]
    assert summary.memory("training").peak == peak
    assert summary.memory("training", device="cuda").peak == rounded


def test_a_summary_alone_asks_for_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    whole = training.training

    def told(graph: Graph, setting: Setting, optimizer: str) -> Memory:
        asked.append(optimizer)
        return whole(graph, setting, optimizer)

    monkeypatch.setattr(training, "training", told)
    summary = cnnspec.load("lenet").summary(optimizer="adam")
    assert asked == []
    assert summary.memory("training") is summary.memory("training", "adam")
    assert asked == ["adam"]


def test_the_optimiser_is_that_of_the_summary_where_none_is_named() -> None:
    net = cnnspec.load("lenet")
    momentum, adam = net.summary(), net.summary(optimizer="adam")
    assert momentum.memory("training").peak < adam.memory("training").peak == momentum.memory("training", "adam").peak
    assert momentum != adam
    assert momentum == net.summary()


@pytest.mark.parametrize(("arguments", "says"), [
    (("evaluation",), "mode must be one of inference, training"),
    (("training", "lion"), "optimizer must be one of sgd, momentum, adam, adamw"),
    (("training", "sgd", "tpu"), "device must be one of cpu, cuda"),
])
def test_what_there_is_not_is_refused(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cnnspec.load("lenet").summary().memory(*arguments)


@pytest.mark.parametrize(("spec", "dtype", "says"), [
    ("INPUT -> FC(2)", "int8", "int8 has no gradients"),
    ("INPUT -> CONV(4, train=off) -> RELU", "float32", "no weights that training changes"),
])
def test_what_cannot_be_trained_says_why(spec: str, dtype: str, says: str) -> None:
    summary = cnnspec.parse(spec).summary(dtype=dtype)
    assert not summary.can_train
    assert summary.saved == {}
    with pytest.raises(ValueError, match=says):
        summary.memory("training")


def test_a_head_alone_can_be_trained() -> None:
    spec = "net n = INPUT(3x8x8) -> CONV(4, train=off) as c -> RELU\n"
    assert not cnnspec.parse(spec).summary().can_train
    spec = "net n = INPUT(3x8x8) as x -> SLICE(0, 1) -> OUTPUT(raw) -> FC(2)"
    assert cnnspec.parse(spec).summary().can_train


@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(chains(axes=2, steps=3).map(built).filter(bool))
def test_layers_add_up_to_the_whole(net: cnnspec.Net) -> None:
    summary = net.summary(batch=3)
    assert max(summary.live().values()) == summary.memory().peak
    if summary.can_train:
        told = summary.memory("training")
        assert sum(summary.saved.values()) == sum(one.bytes for one in told.saved)
        assert max(summary.live("training").values()) <= told.peak


def test_every_optimiser_has_a_title() -> None:
    assert OPTIMIZER_TITLES.keys() == OPTIMIZERS.keys()
    assert memories.MODES == ("inference", "training")


@pytest.mark.parametrize(("values", "count", "expected"), [
    ([], 1, []), ([3], 1, [3]), ([1, 5, 2, 4], 2, [5, 4]), ([1, 2, 3, 4, 9], 2, [2, 9]),
])
def test_bins_hold_the_most_of_their_stretch(values: list[int], count: int, expected: list[int]) -> None:
    assert bins(values, count) == expected
