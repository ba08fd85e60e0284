"""Profiles as JSON: what is written is read again, agrees with the schema, and what is foreign is told apart."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest

import cnnspec
from cnnspec.analysis.devices import Anchor
from cnnspec.analysis.prediction import predict
from cnnspec.analysis.profile_data import as_data, from_data
from cnnspec.analysis.reader import Foreign
from tests.analysis.devices import steady

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/device-1.json").read_text(encoding="utf-8"))
PROFILE = steady(anchors=(Anchor("lenet", 1e-3, 1.1e-3),), driver="580.65")


def test_a_profile_is_read_as_it_was_written() -> None:
    data = json.loads(json.dumps(as_data(PROFILE)))
    jsonschema.validate(data, SCHEMA)
    assert from_data(data) == PROFILE


def test_keys_of_later_versions_are_passed_over() -> None:
    assert from_data({**as_data(PROFILE), "more": 1}) == PROFILE


@pytest.mark.parametrize(("changes", "said"), [
    ({"schema": "cnnspec.summary/1"}, '`schema` is not "cnnspec.device/1"'),
    ({"dtype": "float8"}, "`dtype` is none of float64, float32, tf32, float16, bfloat16, int8"),
    ({"threads": 0}, "`threads` is no whole number of at least 1"),
    ({"threads": True}, "`threads` is no whole number of at least 1"),
    ({"device": None}, "`device` is no text"),
    ({"peak": 0}, "`peak` is no positive number"),
    ({"launch": float("nan")}, "`launch` is no positive number"),
    ({"gap": 1e308}, "`gap` is no positive number"),
    ({"peak": 5e-324}, "`peak` is no positive number"),
    ({"threads": 10**400}, "`threads` is no whole number of at least 1"),
    ({"points": []}, "`points` is no list of at least 1"),
    ({"points": [7]}, "`points[0]` is no object"),
    ({"copies": [{"bytes": 10}]}, "`copies[0].bytes_per_second` is missing"),
    ({"copies": [{"bytes": 10, "bytes_per_second": 1.0}] * 2}, "`copies` are not in the order of their sizes"),
    ({"anchors": [{"net": "a", "predicted": 1.0, "measured": -1}]}, "`anchors[0].measured` is no positive number"),
])
def test_what_does_not_fit_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Foreign) as caught:
        from_data({**as_data(PROFILE), **changes})
    assert str(caught.value) == said


@pytest.mark.parametrize(("changes", "said"), [
    ({"seconds": 0}, "`points[0].seconds` is no positive number"),
    ({"shrink": 0.5}, "`points[0].shrink` is below 1"),
    ({"kinds": []}, "`points[0].kinds` is no list of names"),
    ({"positions": 1.5}, "`points[0].positions` is no whole number of at least 1"),
])
def test_what_does_not_fit_in_a_point_is_named(changes: dict[str, Any], said: str) -> None:
    data = as_data(PROFILE)
    with pytest.raises(Foreign) as caught:
        from_data({**data, "points": [{**data["points"][0], **changes}]})
    assert str(caught.value) == said


def test_whatever_is_read_can_be_computed_with() -> None:
    """With every number as large or as small as it may be, at random."""
    chance, summary = Random(4), cnnspec.load("googlenet").summary()  # noqa: S311  # no secret
    for _ in range(40):
        found = predict(summary, from_data(extreme(as_data(PROFILE), chance)))
        assert isfinite(found.seconds)
        assert found.high is not None
        assert isfinite(found.high)


def extreme(data: Any, chance: Random) -> Any:
    """The same data with other numbers, of which some stay."""
    if isinstance(data, dict):
        return {key: one if key in {"copies", "shrink"} else extreme(one, chance) for key, one in data.items()}
    if isinstance(data, list):
        return [extreme(one, chance) for one in data]
    if isinstance(data, float):
        return chance.choice([1e-18, 1.0, 1e18])
    return chance.choice([1, data, 1 << 63]) if isinstance(data, int) else data


@pytest.mark.parametrize("data", [None, [], "text", 7])
def test_what_is_no_object_holds_none(data: object) -> None:
    with pytest.raises(Foreign, match="it holds no object"):
        from_data(data)
