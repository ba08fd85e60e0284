"""`cnnspec layers` and `cnnspec zoo`: what can be written, and what can be named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnnspec
from cnnspec.cli import group
from cnnspec.layers import LAYERS

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, list(arguments))


def test_every_layer_is_listed_in_the_catalogues_order() -> None:
    assert [line.split()[0] for line in run("layers").output.splitlines()] == [layer.keyword for layer in LAYERS]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.keyword)
def test_a_layer_is_shown_with_all_its_arguments(layer: type) -> None:
    shown = run("layers", layer.keyword.lower()).output
    assert all(f"  {name} " in shown and arg.doc in shown for name, arg in layer.args.items())
    data = json.loads(run("layers", layer.keyword, "--format", "json").output)
    assert [argument["name"] for argument in data["layers"][0]["arguments"]] == list(layer.args)


def test_an_unknown_layer_gets_a_suggestion() -> None:
    result = run("layers", "POOOL")
    assert (result.exit_code, result.stderr) == (2, "Error: there is no layer `POOOL`; did you mean `POOL`?\n")


def test_whatever_the_zoo_lists_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    nets = json.loads(run("zoo", "--format", "json").output)["nets"]
    assert {"resnet50", "vgg16", "googlenet"} <= {row["net"] for row in nets}
    assert all(cnnspec.load(row["net"]).name == row["net"] for row in nets)
    assert all(row["title"] for row in nets)


def test_the_zoo_is_there_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "resnet50" in run("zoo").output
    assert cnnspec.load("alexnet").summary().totals.params == 61_100_840
