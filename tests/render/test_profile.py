"""Pages of profiles: every line as it is expected, within its width, and documents that follow their schema."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from cnnspec.analysis.memories import TRAINING
from cnnspec.analysis.outline import ALL
from cnnspec.analysis.profile import Options, Profile
from cnnspec.environment import Unavailable
from cnnspec.render import profile as page
from cnnspec.render.console import plain
from cnnspec.render.profile_data import LAYER, RUN, laid_out
from cnnspec.render.profile_facts import facts, signed
from cnnspec.render.snippet import width as cells_of
from tests.render.profiles import EXPECTED, PAGES, latency, memory, profile, shown, times, troubled
from tests.render.test_json import closed

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "schema" / "profile-1.json").read_text(encoding="utf-8"))
STRICT = Draft202012Validator(closed(SCHEMA))


def lines(found: Profile, width: int | None = 80, depth: int | None = None) -> list[str]:
    return "".join(plain(page.as_table(found, depth, width))).splitlines()


# ----------------------------------------------------------------------------------------------- console


@pytest.mark.parametrize("case", PAGES)
def test_the_page_is_as_expected(case: str) -> None:
    assert shown(case) == (EXPECTED / f"{case}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", PAGES)
@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_is_wider_than_the_page(case: str, width: int) -> None:
    assert [line for line in lines(PAGES[case][0], width) if cells_of(line) > width] == []


def test_a_wider_page_gains_columns() -> None:
    titles = [next(line.split() for line in lines(PAGES["cpu"][0], width) if line.startswith("  layer  "))
              for width in (50, 80, 130)]
    assert set(titles[0]) < set(titles[1]) < set(titles[2])


def test_rows_of_all_layers_add_up_to_the_sum() -> None:
    found = profile()
    (run,) = found.runs
    assert isinstance(run.times, type(times(found.summary)))
    below = {line[2:24].strip(): line.split() for line in lines(found, depth=ALL)}
    assert below["layers and the rest"][4:] == ["2.39", "ms", "100.0", "%"]
    total = sum(layer.seconds for layer in run.layers) + sum(run.times.aside.values())
    assert total == pytest.approx(2.39e-3, rel=2e-3)
    assert total == pytest.approx(run.times.whole)


def test_an_overhead_below_zero_keeps_its_sign() -> None:
    found = profile()
    (run,) = found.runs
    odd = run.replace(times=times(found.summary, plain=1.01))
    row = next(line for line in lines(found.replace(runs=(odd,))) if "overhead of stamps" in line)
    assert row.endswith("−23.9 µs  −1.0 %")


def test_layers_are_those_of_the_last_run_that_succeeded() -> None:
    found = profile(batches=(1, 8, 256))
    text = "\n".join(lines(found))
    assert "  batch 8\n" in text
    assert "batch 1\n" not in text
    assert "256  out of memory" in text


def test_a_thorough_run_stands_for_the_coarse_one() -> None:
    found = profile(batches=(1, 2))
    coarse, thorough = found.runs[0], found.runs[0].replace(latency=latency(9e-3, 0.001))
    rows = page.latest((coarse, found.runs[1], thorough))
    assert rows == [thorough, found.runs[1]]


def said(found: Profile, name: str) -> list[str]:
    """What the page says under a name."""
    return next([*fact.lines] for fact in facts(found, found.runs[-1]) if fact.name == name)


def test_launch_bound_runs_are_told_what_to_try() -> None:
    assert any("--cuda-graph" in line for line in said(profile(device="cuda"), "latency"))
    assert not any("launch" in line for line in said(profile(device="cuda", cuda_graph=True), "latency"))
    assert not any("launch" in line for line in said(profile(), "latency"))


@pytest.mark.parametrize(("off", "told"), [
    (0, "552.9 MiB predicted   552.9 MiB measured (exact)"),
    (5797560, "552.9 MiB predicted   558.4 MiB measured (+1.0 %)"),
    (-5797560, "552.9 MiB predicted   547.3 MiB measured (−1.0 %)")])
def test_memory_is_told_beside_what_was_predicted(off: int, told: str) -> None:
    found = profile()
    use = memory(found.summary, off=off)
    assert said(found.replace(runs=(found.runs[0].replace(memory=use),)), "memory")[0] == told


@pytest.mark.parametrize(("told", "text"), [
    ((2.2e-3, 2e-3, 2.4e-3), "2.20 ms   2.00 ms to 2.40 ms; measured is +5.2 %"),
    ((1e-3, 0.9e-3, 1.1e-3), "1.00 ms   900 µs to 1.10 ms; measured is outside, +131.4 %"),
    ((1e-3, 1e-3, None), "at least 1.00 ms, which no run falls below; measured is ×2.31")])
def test_a_prediction_says_how_far_the_measurement_is(told: tuple[float, float, float | None], text: str) -> None:
    found = profile()
    assert said(found.replace(runs=(found.runs[0].replace(predicted=told),)), "predicted") == [text]


def test_what_was_not_measured_is_said_with_its_reason() -> None:
    text = " ".join(" ".join(lines(troubled())).split())
    for why in ("autocast copies weights", "the driver does not say (MIG)", "the GPU was busy before",
                "device: not measured: broken off before it was measured",
                "layers not measured: broken off before it was measured"):
        assert why in text


@pytest.mark.parametrize(("share", "text"), [(0.0, "±0 %"), (0.003, "+0.3 %"), (-0.12, "−12.0 %"), (4e-5, "+0.004 %")])
def test_signed_shares(share: float, text: str) -> None:
    assert signed(share) == text


# ------------------------------------------------------------------------------------------ JSON and CSV


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("case", PAGES)
def test_every_document_is_valid_and_has_no_undescribed_key(case: str) -> None:
    made = json.loads(page.as_json(PAGES[case][0]))
    for part in ("torch", "cpu", "device"):  # of the environment, described in words alone
        made["environment"][part] = {}
    STRICT.validate(made)


def test_json_says_what_was_measured() -> None:
    found = PAGES["cuda"][0]
    (run,) = found.runs
    (made,) = json.loads(page.as_json(found))["runs"]
    assert isinstance(run.latency, type(latency(1.0)))
    assert made["latency"]["p50_ms"] == pytest.approx(run.latency.median * 1e3)
    assert made["latency"]["p99_ms"] == pytest.approx(run.latency.median * 1.5e3)
    assert made["throughput"] == run.throughput
    assert made["memory"]["measured"]["peak_bytes"] == made["memory"]["predicted"]["peak_bytes"] + (1 << 20)
    assert made["memory"]["predicted"]["peak_at"] == "bottleneck[0].shortcut.conv_bn.bn"
    assert sum(made["memory"]["predicted"]["split"].values()) == made["memory"]["predicted"]["peak_bytes"]
    assert made["energy"]["windows"][0] == {"seconds": 5.0, "images": 5000, "joules": 410.0}
    assert [layer["path"] for layer in made["layers"]] == [layer.path for layer in run.layers]
    parts = sum(layer["time_ms"] for layer in made["layers"]) + sum(made["times"]["aside_ms"].values())
    assert parts == pytest.approx(made["times"]["whole_ms"])


def test_json_of_what_was_not_measured_is_the_reason() -> None:
    (made,) = json.loads(page.as_json(troubled()))["runs"]
    assert made["memory"]["predicted"] == {"unavailable": "autocast copies weights"}
    assert made["memory"]["measured"]["process_bytes"] == {"unavailable": "the driver does not say (MIG)"}
    assert made["energy"]["net_j_per_image"] == {"unavailable": "the GPU was busy before"}
    assert made["energy"]["temperature_c"] == [{"unavailable": "no sensor"}] * 2
    assert made["times"] == {"unavailable": "broken off before it was measured"}
    assert (made["layers"], made["predicted"]) == ([], None)


@pytest.mark.parametrize("damage", [
    lambda made: made.pop("environment"), lambda made: made["runs"][0]["latency"].pop("p50_ms"),
    lambda made: made["runs"][0].update(batch=0), lambda made: made.update(schema="cnnspec.profile/2"),
    lambda made: made["runs"][0]["energy"].update(unavailable=""), lambda made: made["runs"][0].update(memory=7),
    lambda made: made["runs"][0]["layers"][0].update(bound="luck"), lambda made: made["runs"][0].update(extra=1),
])
def test_what_is_wrong_is_refused(damage: Any) -> None:
    made = json.loads(page.as_json(PAGES["cpu"][0]))
    made["environment"] = {key: made["environment"][key] for key in ("date", "cnnspec", "threads")}
    STRICT.validate(made)
    damage(made)
    with pytest.raises(ValidationError):
        STRICT.validate(made)


@pytest.mark.parametrize("data", [
    {}, [], {"a": []}, {"a": {"b": [1, 2.5, None]}, "ü": "→"}, [[1], [2, {"c": {}}]], {"a": [{"b": 1}, {"b": 2}]}])
def test_laid_out_json_is_the_same_json(data: object) -> None:
    assert json.loads(laid_out(data)) == data


def test_each_layer_stands_in_a_line_of_its_own() -> None:
    found = page.as_json(PAGES["cpu"][0]).splitlines()
    assert sum('"path": "conv[0]", "op"' in line for line in found) == 1


def test_csv_has_a_row_for_each_layer_of_each_run() -> None:
    found = profile(batches=(1, 2, 256), mode=TRAINING)
    rows = [*csv.DictReader(StringIO(page.as_csv(found)))]
    assert [*rows[0]] == [*RUN, *LAYER]
    assert [(row["batch"], row["path"]) for row in rows] == [
        *((str(run.options.batch), layer.path) for run in found.runs for layer in run.layers), ("256", "")]
    first = found.runs[0].layers[1]
    assert float(rows[1]["time_ms"]) == pytest.approx(first.seconds * 1e3)
    assert float(rows[1]["backward_ms"]) == pytest.approx(first.backward * 1e3)
    assert rows[1]["predicted_ms"] == ""


# ---------------------------------------------------------------------------------------------- Markdown


def test_markdown_is_as_expected() -> None:
    assert page.as_markdown(PAGES["sweep"][0]) == (EXPECTED / "sweep.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", PAGES)
def test_rows_of_a_markdown_table_have_as_many_cells_as_its_head(case: str) -> None:
    counts: set[int] = set()
    for line in page.as_markdown(PAGES[case][0]).splitlines():
        if not line.startswith("|"):
            counts = set()
            continue
        counts.add(line.count("|"))
        assert len(counts) == 1, line


def test_markdown_without_layers_says_why() -> None:
    found = profile()
    without = found.runs[0].replace(times=Unavailable("torch.compile joins layers"), layers=())
    assert "layers not measured: torch.compile joins layers" in page.as_markdown(found.replace(runs=(without,)))


def test_options_are_named_in_the_heading() -> None:
    head = " ".join(lines(profile(channels_last=True, compiled=True, cold=True))[:2])
    for word in ("channels last", "torch.compile", "cold caches", "8 threads"):
        assert word in head
    assert Options().batch == 1
