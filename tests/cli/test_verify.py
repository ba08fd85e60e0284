"""`cnnspec verify`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

import cnnspec
from cnnspec.analysis.verification import Check, Difference, Item, Verification
from cnnspec.cli import group
from cnnspec.render import verify as page
from cnnspec.render.console import plain
from tests.layers.oracle import needs_torch

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/verify-1.json").read_text(encoding="utf-8"))
SMALL = "INPUT(3x8x8) -> CONV(4, 3) -> RELU -> FC(2)"

GOOD = Check("parameters", 138_357_544, 138_357_544, rows=32)
BAD = Check("MACs", 100, 108, rows=2, different=(Difference("conv[1]", 40, 48),))
SHAPE = Check("output shapes", (64, 112, 112), (64, 111, 112), rows=1, different=(
    *(Difference(f"relu[{i}]", (64,), None) for i in range(12)),))
SKIPPED = Check("fvcore FLOPs", 7, None, skipped="fvcore is not installed")
COUNTED = Check("fvcore FLOPs", 160, 160, items=(Item("CONV", 200, 100), Item("ADD", 10, 0), Item("POOL", 60, 60)))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(group, ["verify", *arguments])


def printed(found: Verification) -> list[str]:
    return [line.rstrip() for line in plain(page.one_net(found))]


def test_a_table_has_both_values_and_a_mark() -> None:
    assert printed(Verification("n", "n.cnn", (GOOD, BAD, SHAPE, SKIPPED))) == [
        "n  n.cnn", "",
        "                     predicted       PyTorch  layers",
        " ✓  parameters     138,357,544   138,357,544      32",
        " ✗  MACs                   100           108       2",
        " ✗  output shapes   64×112×112    64×111×112       1",
        " –  fvcore FLOPs             7  not measured",
        "  ✗ MACs of conv[1]: predicted 40, PyTorch 48",
        *(f"  ✗ output shapes of relu[{i}]: predicted 64, PyTorch none" for i in range(10)),
        "    and 2 more layers",
        "  fvcore FLOPs: fvcore is not installed",
    ]


def test_what_lies_between_two_ways_of_counting_is_listed_by_kind() -> None:
    assert printed(Verification("n", "n.cnn", (COUNTED,)))[4:] == [
        "",
        "  FLOPs, and what fvcore counts: multiply-accumulates, and only some layers",
        "                cnnspec  fvcore  difference",
        "    CONV            200     100         100",
        "    ADD              10       0          10",
        "    the others       60      60           0",
        "    total           270     160         110",
    ]


def test_several_networks_have_a_line_each_and_failures_both_values() -> None:
    good, bad = Verification("good", "a.cnn", (GOOD, SKIPPED)), Verification("bad_net", "b.cnn", (BAD, SKIPPED))
    lines = [page.heading(good, 7), page.marks(good, 7), *page.failures(good), page.marks(bad, 7), *page.failures(bad),
             *page.verdict([good, bad])]
    assert [line.rstrip() for line in plain(lines)] == [
        "network  params  FLOPs",
        "good     ✓       –",
        "bad_net  ✗     –",
        "  ✗ MACs: predicted 100, PyTorch 108",
        "  ✗ MACs of conv[1]: predicted 40, PyTorch 48",
        "  fvcore FLOPs: fvcore is not installed",
        "",
        "1 of 2 networks agree with PyTorch",
        "fvcore FLOPs: fvcore is not installed",
    ]


def test_json_follows_its_schema() -> None:
    document = json.loads(page.as_json([Verification("n", "n.cnn", (GOOD, BAD, SHAPE, SKIPPED, COUNTED))]))
    jsonschema.validate(document, SCHEMA)
    assert document["ok"] is False
    assert [check["ok"] for check in document["nets"][0]["checks"]] == [True, False, False, None, True]


@needs_torch
def test_a_network_that_agrees() -> None:
    result = run("-e", SMALL)
    assert result.exit_code == 0, result.output
    assert " ✓  parameters" in result.output
    assert "✗" not in result.output


@needs_torch
def test_json_of_a_network_that_agrees() -> None:
    result = run("-e", SMALL, "--format", "json")
    document = json.loads(result.output)
    jsonschema.validate(document, SCHEMA)
    assert result.exit_code == 0
    assert document["ok"] is True
    figures = {check["figure"]: check for check in document["nets"][0]["checks"]}
    assert figures["parameters"]["predicted"] == figures["parameters"]["measured"] == 626
    assert sum(item["ours"] for item in figures["fvcore FLOPs"]["items"]) == cnnspec.parse(SMALL).summary().totals.flops


@needs_torch
def test_several_targets_and_settings() -> None:
    result = run("lenet", "autoencoder", "--input", "1x32x32")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "2 of 2 networks agree with PyTorch"


@needs_torch
def test_details_are_the_values_of_every_network() -> None:
    lines = run("lenet", "autoencoder", "--details").output.splitlines()
    assert sum(line.startswith(" ✓  parameters") for line in lines) == 2
    assert lines[-1] == "2 of 2 networks agree with PyTorch"


@needs_torch
def test_a_difference_makes_the_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnspec.runtime import verify

    monkeypatch.setattr(verify, "verify", lambda net, weights=None: Verification(net.name, net.source, (BAD,)))
    assert run("-e", SMALL).exit_code == 1
    assert run("lenet", "lenet_1998").exit_code == 1


@needs_torch
def test_weights_that_fit_and_that_do_not(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(cnnspec.parse(SMALL).to_torch().state_dict(), tmp_path / "w.safetensors")
    fits = run("-e", SMALL, "--weights", str(tmp_path / "w.safetensors"))
    assert (fits.exit_code, " ✓  weights" in fits.output) == (0, True)
    does_not = run("-e", "INPUT(3x8x8) -> CONV(5, 3) -> RELU -> FC(2)", "--weights", str(tmp_path / "w.safetensors"))
    assert does_not.exit_code == 1
    assert "error[bad-weights]" in does_not.output


@pytest.mark.parametrize("arguments", [(), ("lenet", "--all"), ("lenet", "alexnet", "--weights", "w.pt")])
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


@needs_torch
def test_gradients_that_do_not_fit_are_not_taken() -> None:
    result = run("-e", "INPUT(3x1000000x1000000) -> CONV(64)")
    assert result.exit_code == 0
    assert "receptive field: out of memory: gradients need" in result.stdout


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run("-e", SMALL)
    assert result.exit_code == 3
    assert "error[no-torch]" in result.output
    assert "pip install 'cnnspec[torch]'" in result.output
