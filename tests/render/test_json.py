"""The JSON of a summary: valid under its schema, complete, and equal to the analysis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

import cnnspec
from cnnspec.analysis.conventions import CONVENTIONS
from cnnspec.analysis.memory import DTYPES
from cnnspec.files import nets_in
from cnnspec.render.json import chunks
from tests.zoo import ALWAYS

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "schema" / "summary-1.json").read_text(encoding="utf-8"))
NETS = [pytest.param(path, name, id=name, marks=[] if name in ALWAYS else [pytest.mark.slow])
        for path in sorted((ROOT / "specs").rglob("*.cnn")) for name in nets_in(str(path))]


def closed(schema: Any) -> Any:
    """The schema with no room for keys that it does not describe."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **inner} if "properties" in schema and "type" in schema else inner


STRICT = Draft202012Validator(closed(SCHEMA))


def document(net: cnnspec.Net, batch: int = 1, dtype: str = "float32", **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads("".join(chunks(net.summary(batch, dtype), net.diagnostics, **options)))
    return made


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("path", "name"), NETS)
def test_every_spec_is_valid_and_has_no_undescribed_key(path: Path, name: str) -> None:
    net = cnnspec.load(str(path) if path.parent.name == "formulas" else f"{path}:{name}")
    made = document(net, convention="torchinfo")
    Draft202012Validator(SCHEMA).validate(made)
    STRICT.validate(made)
    totals, layers = made["totals"], made["layers"]
    for field in ("params", "trainable_params", "buffers", "macs", "flops", "weight_bytes", "traffic_bytes"):
        assert totals[field] == sum(layer[field] for layer in layers)
    assert totals["activation_bytes"] == sum(layer["activation_bytes"] for layer in layers if layer["inputs"])
    assert totals["convention"]["total"] == sum(layer["convention_count"] for layer in layers)
    assert [layer["index"] for layer in layers] == list(range(len(layers)))


@pytest.mark.parametrize("damage", [
    lambda made: made.pop("totals"), lambda made: made["totals"].update(params=-1), lambda made: made.update(extra=1),
    lambda made: made["layers"][0].update(output_shape=[]), lambda made: made["layers"][1]["args"].update(out={}),
    lambda made: made["layers"][1]["receptive_field"].pop("size"), lambda made: made.update(schema="cnnspec.summary/2"),
    lambda made: made["layers"][1]["weights"][0].update(kind="other"), lambda made: made.update(dtype="float31"),
])
def test_what_is_wrong_is_refused(damage: Any) -> None:
    made = document(cnnspec.parse("INPUT(3x8x8) -> CONV(4)"))
    STRICT.validate(made)
    damage(made)
    with pytest.raises(ValidationError):
        STRICT.validate(made)


def test_the_contract_in_full() -> None:
    spec = "INPUT(3x9x8) -> CONV(4, 3x1, stride=2x1, pad=valid, train=off) -> BN -> FC(5)"
    made = document(cnnspec.parse(spec), batch=2)
    assert made["layers"][1] == {
        "index": 1, "path": "conv", "op": "CONV",
        "args": {"out": 4, "kernel": [3, 1], "stride": [2, 1], "pad": "valid", "dilation": 1, "groups": 1, "bias": True,
                 "pad_mode": "zeros", "norm": "none", "train": False, "init": "default"},
        "source": {"file": "<text>", "line": 1, "column": 17},
        "inputs": [0], "input_shapes": [[3, 9, 8]], "output_shape": [4, 4, 8],
        "params": 0, "trainable_params": 0, "buffers": 40,
        "weights": [{"name": "weight", "shape": [4, 3, 3, 1], "kind": "buffer"},
                    {"name": "bias", "shape": [4], "kind": "buffer"}],
        "macs": 4 * 4 * 8 * 9, "flops": 2 * 4 * 4 * 8 * 9 + 128,
        "activation_bytes": 2 * 128 * 4, "weight_bytes": 0, "traffic_bytes": (2 * (216 + 128) + 40) * 4,
        "intensity": 2 * (2 * 1152 + 128) / 2912,
        "saved_bytes": 2 * 128 * 4, "live_bytes": made["memory"]["inference"]["resident_bytes"] + 2 * 128 * 4,
        "live_training_bytes": made["memory"]["training"]["resident_bytes"] + 2 * 128 * 4,
        "receptive_field": {"size": [3, 1], "stride": [2, 1], "start": [0, 0]},
        "ungated_receptive_field": {"size": [3, 1], "stride": [2, 1], "start": [0, 0]},
        "train_only": False,
    }
    assert made["layers"][3]["receptive_field"] is None
    assert made["inputs"] == [{"name": "input", "shape": [3, 9, 8], "dtype": "float32"}]
    assert (made["batch"], made["input_override"], made["output"]) == (2, False, {"shape": [5]})
    assert made["totals"]["weight_layers"] == 2
    assert made["totals"]["depth"] == 3


def test_memory_of_a_known_network() -> None:
    """The figures of `tests/analysis/test_training.py`."""
    made = document(cnnspec.load("resnet50"), batch=8)
    told = made["memory"]
    assert told["inference"]["peak_bytes"] == made["totals"]["inference_peak_bytes"] == 184_328_264
    assert told["inference"]["peak_at"] == made["totals"]["inference_peak_at"]
    assert (told["training"]["optimizer"], told["training"]["peak_bytes"]) == ("momentum", 940_329_936)
    assert told["training"]["cuda"]["allocated_bytes"] == 940_369_920 < told["training"]["cuda"]["reserved_bytes"]
    for part in told.values():
        assert sum(part["split"].values()) == part["peak_bytes"]
    layers = made["layers"]
    assert sum(layer["saved_bytes"] for layer in layers) == told["training"]["saved_bytes"]
    assert max(layer["live_bytes"] or 0 for layer in layers) == told["inference"]["peak_bytes"]
    assert max(layer["live_training_bytes"] or 0 for layer in layers) == told["training"]["peak_bytes"]


@pytest.mark.parametrize(("spec", "dtype"), [("INPUT(3x8x8) -> FC(2)", "int8"), ("INPUT(3x8x8) -> POOL", "float32")])
def test_what_is_not_trained_has_no_memory_of_training(spec: str, dtype: str) -> None:
    made = document(cnnspec.parse(spec), dtype=dtype)
    STRICT.validate(made)
    assert made["memory"]["training"] is None
    assert made["layers"][1]["saved_bytes"] is made["layers"][1]["live_training_bytes"] is None


def test_fractions_after_upsampling_are_numbers() -> None:
    made = document(cnnspec.parse("INPUT(1x8) -> UPSAMPLE(2, linear) -> CONV(1)"))
    assert made["layers"][1]["receptive_field"]["stride"] == [0.5]
    STRICT.validate(made)


def test_outputs_warnings_and_an_overridden_input() -> None:
    spec = "net n = INPUT(3x9x9) -> CONV(4) as lost -> OUTPUT(mid) -> POOL(2) -> GAP -> FC(2)"
    made = document(cnnspec.parse(spec, input=(3, 11, 11)), overridden=True)
    STRICT.validate(made)
    assert made["outputs"] == {"mid": {"shape": [4, 11, 11], "layer": "lost", "train_only": False}}
    assert made["input_override"] is True
    assert "not checked" in made["notes"][0]
    codes = {diagnostic["code"]: diagnostic for diagnostic in made["diagnostics"]}
    assert {"unused-name", "unused-rows"} <= set(codes)
    assert codes["unused-rows"]["span"]["line"] == 1


def test_heads_that_only_train_are_marked() -> None:
    made = document(cnnspec.load(str(ROOT / "tests" / "render" / "nets" / "heads.cnn")))
    heads = [layer for layer in made["layers"] if layer["train_only"]]
    assert [layer["path"] for layer in heads] == ["head[0].gap", "head[0].fc", "head[1].gap", "head[1].fc"]
    assert sum(layer["macs"] for layer in heads) == 0
    assert sum(layer["params"] for layer in heads) > 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_in_the_schema(dtype: str) -> None:
    STRICT.validate(document(cnnspec.parse("INPUT(3x8x8) -> CONV(4)"), dtype=dtype))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_convention_is_in_the_schema(convention: str) -> None:
    made = document(cnnspec.parse("INPUT(3x8x8) -> CONV(4)"), convention=convention)
    STRICT.validate(made)
    assert made["totals"]["convention"]["name"] == convention
    assert convention in made["conventions"]


def test_each_layer_stands_in_a_line_of_its_own() -> None:
    net = cnnspec.parse("INPUT(3x8x8) -> [CONV(4) -> RELU]*500")
    lines = "".join(chunks(net.summary())).splitlines()
    assert sum(line.startswith('    {"index": ') for line in lines) == 1001
