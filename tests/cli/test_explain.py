"""`cnnspec explain`: the arithmetic is that of the counts, the screens are as designed, the JSON keeps its contract."""

from __future__ import annotations

import json
import re
from math import ceil, floor
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

import cnnspec
from cnnspec.analysis.explain import BUFFERS, FIELD, FLOPS, START, STRIDE, WEIGHT_BYTES, call, explain
from cnnspec.analysis.field import size
from cnnspec.analysis.selection import UnknownLayer, select
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.cli import group
from cnnspec.codes import catalogue
from cnnspec.layers.formula import Formula
from cnnspec.layers.window import axis_names

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "explain-1.json").read_text(encoding="utf-8"))
#: Between them, every family of layers, one to three axes, fixed weights, gates, heads for training, uneven padding.
NETS = ("alexnet_227", "resnet50", "googlenet_aux", "unet", "wavenet", "mobilenet_v3", "densenet", "inception_v3",
        "tcn")


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(group, ["explain", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def distinct(summary: Summary) -> list[LayerSummary]:
    return list({layer.node.op: layer for layer in summary.layers}.values())


def computed(numbers: str) -> int:
    """What a formula's numbers come to."""
    text = re.sub(r"⌊([^⌊⌋]*)⌋", r"floor(\1)", re.sub(r"⌈([^⌈⌉]*)⌉", r"ceil(\1)", numbers))
    value = eval(text.replace("·", "*").replace("−", "-"), {"floor": floor, "ceil": ceil})  # noqa: S307  # our own text
    assert value == int(value)
    return int(value)


# ------------------------------------------------------------------------------------------ the arithmetic


@pytest.mark.parametrize("name", NETS)
def test_the_numbers_of_a_formula_come_to_its_value(name: str) -> None:
    summary = cnnspec.load(name).summary(batch=3)
    for layer in distinct(summary):
        for formula in explain(summary, layer).formulas:
            assert computed(formula.term.numbers) == formula.term.value, (layer.path, formula)


@pytest.mark.parametrize("name", NETS)
def test_values_are_the_counts(name: str) -> None:
    summary = cnnspec.load(name).summary()
    for layer in summary.layers:
        found = {formula.quantity: formula.term.value for formula in explain(summary, layer).formulas}
        assert found.get(Formula.PARAMS, 0) == layer.params
        assert found.get(BUFFERS, 0) == layer.buffers
        assert found.get(FLOPS, 0) == layer.flops
        assert found.get(WEIGHT_BYTES, 0) == layer.weight_bytes
        if layer.runs:
            assert found.get(Formula.MACS, 0) == layer.macs


@pytest.mark.parametrize("name", NETS)
def test_the_recurrences_give_the_receptive_field(name: str) -> None:
    summary = cnnspec.load(name).summary()
    explained = 0
    for layer in summary.layers:
        steps = {(f.quantity, f.about): f.term.value for f in explain(summary, layer).formulas}
        for index, axis in enumerate(axis_names(layer.output_shape)):
            if (FIELD, axis) in steps:
                assert layer.field.axes is not None
                seen = layer.field.axes[index]
                assert steps[FIELD, axis] == size(seen)
                assert (steps[STRIDE, axis], steps[START, axis]) == (seen.stride, seen.low)
                explained += 1
    assert explained


def test_fully_connected_counts_the_bias_where_there_is_one() -> None:
    summary = cnnspec.parse("INPUT(3x8x8) -> CONV(4, 3) -> CONV(4, 3, bias=off)").summary()
    _, biased, bare = (explain(summary, layer).fully_connected for layer in summary.layers)
    assert biased is not None
    assert bare is not None
    assert (biased.inputs, biased.outputs, biased.params) == (192, 256, 256 * 193)
    assert bare.params == 256 * 256


def test_a_fully_connected_layer_is_a_convolution() -> None:
    summary = cnnspec.parse("INPUT(16x5x4) -> FC(120) -> FC(10)").summary()
    assert [explain(summary, layer).convolution for layer in summary.layers] == ["", "CONV(120, 5x4, pad=valid)", ""]
    same = cnnspec.parse("INPUT(16x5x4) -> CONV(120, 5x4, pad=valid)").summary().layers[1]
    assert (same.params, same.macs) == (summary.layers[1].params, summary.layers[1].macs)


@pytest.mark.parametrize(("step", "shown"), [
    ("CONV(64, 3, 2)", "CONV(64, 3, stride=2)"),
    ("CONV(kernel=1x7)", "CONV(kernel=(1, 7))"),
    ("POOL(avg, 2)", "POOL(2, kind=avg)"),
    ("POOL", "POOL"),
    ("BN(affine=off)", "BN(affine=off)"),
])
def test_calls_show_what_is_given(step: str, shown: str) -> None:
    assert call(cnnspec.parse(f"INPUT -> {step}").layers[1].node.op.layer) == shown


# ------------------------------------------------------------------------------------------ names of layers


def paths(name: str) -> list[str]:
    return [layer.path for layer in select(cnnspec.load("resnet18").layers, name)]


def test_a_path_names_one_layer() -> None:
    assert paths("basic[2].conv_bn[0].conv") == ["basic[2].conv_bn[0].conv"]


def test_a_blocks_path_names_all_its_layers() -> None:
    assert paths("basic[2].shortcut") == ["basic[2].shortcut.conv_bn.conv", "basic[2].shortcut.conv_bn.bn"]
    assert len(paths("basic[2]")) == 9


def test_a_path_without_indices_names_all() -> None:
    assert len(paths("basic.shortcut")) == 6
    assert len(paths("basic[2].conv_bn.conv")) == 2


def test_a_keyword_in_either_case() -> None:
    assert paths("ADD") == paths("add") == [f"basic[{i}].add" for i in range(8)]


def test_another_name_gets_a_suggestion() -> None:
    with pytest.raises(UnknownLayer) as caught:
        paths("basc[2]")
    assert caught.value.suggestion.startswith("basic[")


# ----------------------------------------------------------------------------------------------- the command


def test_one_layer_in_full() -> None:
    assert run("alexnet_227", "conv[0]").stdout == """\
CONV(96, 11, stride=4, pad=0)   conv[0]                    specs/alexnet.cnn:5:8

  output      (H − K_H + 2·P_H)/S_H + 1
              = (227 − 11 + 2·0)/4 + 1 = 55                      →  96×55×55
  parameters  C_out·(C_in·K_H·K_W + 1) = 96·(3·11·11 + 1)        →  34,944
  MACs        C_out·H_out·W_out·C_in·K_H·K_W = 96·55·55·3·11·11  →  105,415,200
  FLOPs       2·MACs + the rest = 2·105415200 + 290400           →  211,120,800
  field       1 + (11 − 1)·1 = 11, stride 1·4 = 4, start 0 − 0·1 = 0
  memory      output 96·55·55·4 B = 1.1 MiB, weights 34944·4 B = 136.5 KiB
  backward    keeps its input 3×227×227, the caller's,
              for the gradient of its weights
  fully connected, each of the 290,400 outputs would see all 154,587 inputs:
              44,892,355,200 parameters, 1.28 million times as many
"""


def test_a_merge_a_norm_and_the_whole_input() -> None:
    text = run("-e", "INPUT(3x32x32) -> ADD{ CONV(3, 3) -> BN | CONV(3, 5) } -> FC(10)", "add").stdout
    assert "field       the union of the branches' (3 and 5): 5, stride 1" in text
    text = run("-e", "INPUT(3x32x32) -> CONV(8) -> BN -> FC(10)", "bn").stdout
    assert "output      as it enters" in text
    assert "buffers     running_mean + running_var + num_batches_tracked\n              = 8 + 8 + 1" in text
    assert "field       as before: 3, stride 1" in text
    text = run("-e", "INPUT(3x32x32) -> FC(10)", "fc").stdout
    assert "field       the whole input" in text
    assert "the same as CONV(10, 32, pad=valid), whose one window sees the whole map" in text


def test_axes_that_differ_are_shown_each() -> None:
    text = run("-e", "INPUT(3x32x24) -> CONV(8, 1x7, stride=(1, 2))", "conv").stdout
    assert "= (32 − 1 + 2·0)/1 + 1 = 32" in text
    assert "= ⌊(24 − 7 + 2·3)/2⌋ + 1 = 12" in text
    assert "field       H: 1 + (1 − 1)·1 = 1, stride 1·1 = 1, start 0 − 0·1 = 0" in text
    assert "            W: 1 + (7 − 1)·1 = 7, stride 1·2 = 2, start 0 − 3·1 = −3" in text


def test_without_a_layer_every_computation_once() -> None:
    text = run("vgg16").stdout
    assert "conv[0]   CONV(64, 3)\n  output      (224 − 3 + 2·1)/1 + 1 = 224  →  64×224×224" in text
    assert "conv[5]  ×2   CONV(256, 3)" in text
    assert "relu" not in text
    assert text.endswith("vgg16: parameters 138,357,544, MACs 15,470,264,320\n")


def test_a_layer_that_runs_in_training_only() -> None:
    text = run("googlenet_aux", "head[0].fc[1]").stdout
    assert "MACs" in text
    assert "FLOPs" not in text
    assert "runs in training only" in text


def test_standard_input_and_a_spec_inline() -> None:
    assert run("-", "conv", stdin="INPUT(3x8x8) -> CONV(4)").stdout.startswith("CONV(4)   conv")
    assert run("-e", "INPUT(3x8x8) -> CONV(4)", "conv").stdout.startswith("CONV(4)   conv")
    assert "conv   CONV(4)" in run("-e", "INPUT(3x8x8) -> CONV(4)").stdout


def test_settings_and_input_change_the_numbers() -> None:
    assert "10·(4096 + 1)" in run("vgg16", "fc[2]", "--set", "classes=10").stdout
    assert "(64 − 3 + 2·1)/1 + 1 = 64" in run("vgg16", "conv[0]", "--input", "3x64x64").stdout


@pytest.mark.parametrize("arguments", [("alexnet", "conv[0]"), ("resnet18", "basic[2]"), ("unet",), ("googlenet_aux",)])
def test_json_keeps_its_contract(arguments: tuple[str, ...]) -> None:
    found = json.loads(run(*arguments, "--format", "json").stdout)
    jsonschema.validate(found, SCHEMA)
    assert found["net"] == arguments[0]


def test_json_has_the_arithmetic() -> None:
    (layer,) = json.loads(run("alexnet_227", "conv[0]", "--format", "json").stdout)["layers"]
    params = next(formula for formula in layer["formulas"] if formula["quantity"] == "parameters")
    assert params == {"quantity": "parameters", "about": "", "symbols": "C_out·(C_in·K_H·K_W + 1)",
                      "numbers": "96·(3·11·11 + 1)", "value": 34944}


def test_the_schema_refuses_what_is_wrong() -> None:
    found = json.loads(run("lenet", "--format", "json").stdout)
    found["layers"][0]["formulas"] = [{"quantity": "weight", "about": "", "symbols": "", "numbers": "", "value": 1}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)


# --------------------------------------------------------------------------------------------------- codes


@pytest.mark.parametrize("code", catalogue())
def test_every_code_is_explained(code: str) -> None:
    result = run(code)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{catalogue()[code].severity}[{code}]  {catalogue()[code].meaning}\n")


def test_a_code_comes_with_its_message_and_the_mended_spec() -> None:
    text = run("two-loops").stdout
    assert "    net n = INPUT -> CONV(c) for c in (8, 16) for i in range(2)\n" in text
    assert "  --> example.cnn:1:43\n" in text
    assert text.endswith("Mended:\n\n    net n = INPUT -> [CONV(c) for c in (8, 16)] for i in range(2)\n")


# ------------------------------------------------------------------------------------------------ mistakes


def test_an_unknown_layer_is_wrong_usage() -> None:
    result = run("alexnet", "conv[7]")
    assert result.exit_code == 2
    assert "there is no layer `conv[7]` in alexnet; did you mean `conv[" in result.stderr


def test_an_unknown_target_gets_the_closest_net_or_code() -> None:
    assert "did you mean `resnet18`?" in run("resnt18").stderr
    assert "did you mean the message `shape-mismatch`?" in run("shape-mismach").stderr
    assert run("shape-mismach").exit_code == 2


def test_a_spec_with_mistakes_is_not_explained() -> None:
    result = run("-e", "INPUT -> CONF")
    assert result.exit_code == 1
    assert "error[unknown-layer]" in result.stderr
    assert result.stdout == ""


# --------------------------------------------------------------------------------------- the backward pass

TRAINED = "INPUT(3x8x8) -> CONV(4, 3) -> BN -> RELU -> POOL(2) -> MUL{ID | CONV(4, 1) -> SIGMOID} -> DROPOUT -> FC(2)"


@pytest.mark.parametrize(("layer", "says"), [
    ("conv[0]", ["backward    keeps its input 3×8×8, the caller's,", "for the gradient of its weights"]),
    ("bn", ["backward    keeps its input 4×8×8, 1.0 KiB,", "for the gradient of its weights",
            "and means and deviations, 32 B"]),
    ("relu", ["backward    keeps its output 4×8×8, 1.0 KiB,", "for the gradient of its input; needed by pool, too"]),
    ("pool", ["backward    keeps its input 4×8×8, 1.0 KiB,", "for the gradient of its input; needed by relu, too",
              "and the places of the maxima, 512 B"]),
    ("mul", ["backward    keeps its input 4×4×4, 256 B,", "for the gradient of its inputs; needed by conv[1], too",
             "and its input 4×4×4, 256 B,", "for the gradient of its inputs; needed by sigmoid, too"]),
    ("dropout", ["backward    keeps what was dropped, 256 B"]),
])
def test_what_backward_keeps(layer: str, says: list[str]) -> None:
    lines = [line.strip() for line in run("-e", TRAINED, layer).stdout.splitlines()]
    start = next(place for place, line in enumerate(lines) if line.startswith("backward"))
    assert lines[start : start + len(says)] == says


def test_where_there_is_no_backward_pass_nothing_is_kept() -> None:
    frozen = "INPUT(3x8x8) -> CONV(4, train=off) -> FC(2)"
    assert "backward    none: no gradient comes to it" in run("-e", frozen, "conv").stdout
    assert "backward" not in run("-e", frozen, "input").stdout
    assert "backward" not in run("-e", "INPUT(3x8x8) -> CONV(4, train=off)", "conv").stdout
    assert "backward    keeps nothing" in run("resnet50", "bottleneck[1].add").stdout


@pytest.mark.parametrize("name", NETS)
def test_all_that_is_saved_is_explained(name: str) -> None:
    """Each block is kept for the layers that need it, under some name."""
    summary = cnnspec.load(name).summary(batch=2)
    told = sum(one.bytes * len(one.needed_by) for one in summary.memory("training").saved)
    explained = sum(need.bytes for layer in summary.layers for need in explain(summary, layer).kept or ())
    assert explained == told


def test_the_json_tells_what_is_kept() -> None:
    layers = json.loads(run("-e", TRAINED, "--format", "json").stdout)["layers"]
    kept = {layer["path"]: layer["kept_for_backward"] for layer in layers}
    assert kept["input"] is None
    assert kept["relu"] == [{"kind": "output", "shape": [4, 8, 8], "bytes": 1024, "also_for": ["pool"]}]
