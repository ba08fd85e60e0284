"""Whole networks under every convention, against the figures that the tools gave for torchvision's modules."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

import cnnspec
from cnnspec.analysis import peers
from cnnspec.analysis.conventions import CONVENTIONS, Uncounted, count
from cnnspec.layers import LAYERS
from cnnspec.layers.base import Pointwise, Shape, Weightless
from cnnspec.layers.facts import FRESH, SAVES_NOTHING, Saved, Work
from cnnspec.layers.recipe import Function, Recipe

ROOT = Path(__file__).parents[2]
COLUMNS = {"macs": "conv_linear_macs", "fvcore": "fvcore", "ptflops": "ptflops_pytorch",
           "ptflops-aten": "ptflops_aten", "torchinfo": "torchinfo", "thop": "thop"}



def measured() -> dict[str, dict[str, int]]:
    """By network and convention, what the tools printed."""
    lines = (ROOT / "tests/data/counting_conventions.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["network"].split(" ")[0]: {name: int(row[column]) for name, column in COLUMNS.items()} for row in rows}


def total(convention: str, net: cnnspec.Net) -> int:
    return sum(
        count(convention, layer.node.op.layer, layer.output_shape, layer.input_shapes)
        for layer in net.layers if layer.runs
    )


#: Networks whose specs say, as torchvision's source has it, which layers are called as functions.
NETWORKS: dict[str, Callable[[], cnnspec.Net]] = {
    "vgg16": lambda: cnnspec.load("specs/vgg.cnn:vgg16"),
    "resnet50": lambda: cnnspec.load("resnet50"),
    "mobilenet_v2": lambda: cnnspec.load("mobilenet_v2"),
    "densenet121": lambda: cnnspec.load("densenet121"),
    "efficientnet_b0": lambda: cnnspec.load("efficientnet_b0"),
    "googlenet": lambda: cnnspec.load("googlenet"),
    "ConvTranspose2d": lambda: cnnspec.parse("INPUT(64x28x28) -> UPCONV(32, 4, stride=2, pad=1, bias=off)"),
}


def test_every_measured_network_is_compared() -> None:
    assert NETWORKS.keys() == measured().keys()


@pytest.mark.parametrize("convention", COLUMNS)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_counts_as_its_torchvision_module_does(network: str, convention: str) -> None:
    assert total(convention, NETWORKS[network]()) == measured()[network][convention]


def test_the_default_conventions_are_the_summarys_own_figures() -> None:
    net = cnnspec.load("googlenet_aux")  # its heads run in training only
    totals = net.summary().totals
    assert (total("macs", net), total("flops", net)) == (totals.macs, totals.flops)


def test_every_layer_of_the_catalogue_was_measured() -> None:
    assert {layer.keyword for layer in LAYERS} == peers.MEASURED


class Foreign(Pointwise, Weightless):
    """A layer that another package adds."""

    keyword: ClassVar[str] = "FOREIGN"

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(3, 5)

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_NOTHING

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function("operator.pos")


@pytest.mark.parametrize("convention", [name for name in COLUMNS if name != "macs"])
@pytest.mark.parametrize("functional", [False, True])
def test_an_unknown_layer_is_an_error_in_other_tools_conventions(convention: str, functional: bool) -> None:
    with pytest.raises(Uncounted, match="FOREIGN"):
        count(convention, Foreign({}), (4, 2), ((4, 2),), functional=functional)


def test_an_unknown_layer_has_its_own_figures() -> None:
    assert count("macs", Foreign({}), (4, 2), ((4, 2),)) == 3
    assert count("flops", Foreign({}), (4, 2), ((4, 2),)) == 11


def test_conventions_are_listed_under_their_names() -> None:
    assert list(CONVENTIONS) == ["macs", "flops", "fvcore", "ptflops", "ptflops-aten", "torchinfo", "thop"]
    assert all(name == convention.name for name, convention in CONVENTIONS.items())
