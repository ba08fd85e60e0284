"""Trained networks side by side: the table in its widths, the verdict in words, JSON by its schema, and the curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cnnspec.analysis.rounds import Rounds
from cnnspec.render.palette import SERIES
from cnnspec.render.report.training import curve_charts, section
from cnnspec.render.snippet import width
from cnnspec.render.train_compare import as_data, as_markdown, how, leading, lines
from cnnspec.render.train_verdict import verdict
from tests.render.pictures import read
from tests.render.test_report import Elements
from tests.rounds import rival, rounds

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/compare-1.json").read_text(encoding="utf-8"))

BETTER = rounds(rival("alexnet", [0.971, 0.967, 0.975]),
                rival("resnet18", [0.989, 0.990, 0.986], seconds=4.2, macs=2_100_000))
ALIKE = rounds(rival("alexnet", [0.971, 0.967, 0.975]), rival("resnet18", [0.969, 0.980, 0.970]))
SINGLE = rounds(rival("alexnet", [0.971]), rival("resnet18", [0.989], macs=2_100_000), seeds=1)
MANY = rounds(rival("a", [0.97, 0.96, 0.98]), rival("b", [0.975, 0.965, 0.98]), rival("c", [0.51, 0.50, 0.52]))
BROKEN = rounds(
    rival("a network with a long name", [0.97, 0.96, 0.98]), rival("b", [0.5, None, 0.6]),
    rival("c", []).replace(failure="c has 2 inputs, but an image is one", params=0, macs=0), ended="interrupted")
NONE = rounds(rival("a", []), rival("b", [None, None, None]))
ALL = {"better": BETTER, "alike": ALIKE, "single": SINGLE, "many": MANY, "broken": BROKEN, "none": NONE}


def text(found: Rounds, room: int | None) -> list[str]:
    return ["".join(part.text for part in line) for line in lines(found, room)]


# --------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize("room", [40, 60, 80, 120])
@pytest.mark.parametrize("name", ALL)
def test_lines_fit_their_width(name: str, room: int) -> None:
    assert max(map(width, text(ALL[name], room))) <= room


def test_the_table_at_80_columns() -> None:
    assert text(BETTER, 80)[:8] == [
        "trained on stripes, cpu, fp32, adamw 0.001, batch 64, 3 epochs, seeds 0, 1 and 2",
        "",
        "            params   MACs      accuracy  val loss  images/s    time",
        "  alexnet    1.2 k  1.0 M  97.1 % ± 0.4    0.5000       640  6.00 s",
        "  resnet18   1.2 k  2.1 M  98.8 % ± 0.2    0.5000       305  12.6 s ◂",
        "",
        "  resnet18 learns better: 98.8 % against 97.1 %, by 1.7 points (95 %: 0.2 to",
        "  3.2), in 2.10 times the MACs and 2.10 times the time; after equal seconds",
    ]


def test_the_narrowest_table_keeps_the_accuracy() -> None:
    assert any("accuracy" in line for line in text(BETTER, 40))
    assert not any("images/s" in line for line in text(BETTER, 40))
    assert any("best epoch" in line for line in text(BETTER, None))


def test_what_went_wrong_is_said() -> None:
    said = " ".join(text(BROKEN, None))
    assert "ended before its time (interrupted): 5 of 9 runs are done" in said
    assert "c was not trained: c has 2 inputs" in said
    assert "b, seed 1, was not finished: the loss is not a number" in said


# ------------------------------------------------------------------------------------------------ verdict


@pytest.mark.parametrize(("found", "says"), [
    (BETTER, (
        "resnet18 learns better: 98.8 % against 97.1 %, by 1.7 points (95 %: 0.2 to 3.2), in 2.10 times the MACs and "
        "2.10 times the time; after equal seconds 68.8 % against 97.1 %")),
    (ALIKE, (
        "no difference seen between resnet18 and alexnet: 97.3 % and 97.1 %, apart by 0.2 points (95 %: −2.2 to 2.6)")),
    (SINGLE, (
        "no difference can be told from one run each, which shows no spread: resnet18 98.9 % and alexnet 97.1 %, in "
        "2.10 times the MACs; --seeds 3 or more tells")),
    (MANY, "b (97.3 %) learns better than c (by 46.3), in points of accuracy; no difference seen to a"),
    (NONE, "no run was finished: there is nothing to compare"),
    (rounds(rival("a", []), rival("b", [0.5, 0.6])), "b alone was trained: 55.0 %"),
    (BETTER.replace(images=10_000), (
        "resnet18 learns better: 98.83 % against 97.10 %, by 1.73 points (95 %: 0.24 to 3.23), in 2.10 times the MACs "
        "and 2.10 times the time; after equal seconds 68.83 % against 97.10 %")),
])
def test_the_verdict(found: Rounds, says: str) -> None:
    assert verdict(found) == says


def test_a_slow_network_without_an_epoch_in_the_same_time_is_said_to_have_none() -> None:
    slow = rounds(rival("quick", [0.90, 0.91, 0.90]), rival("slow", [0.99, 0.99, 0.98], seconds=9.0))
    assert verdict(slow).endswith("; when quick was done, it had not finished an epoch")


@pytest.mark.parametrize(("name", "best"), [
    ("better", (1,)), ("alike", ()), ("single", ()), ("many", (0, 1)), ("none", ()),
])
def test_the_best_are_marked_with_those_that_cannot_be_told_from_them(name: str, best: tuple[int, ...]) -> None:
    assert leading(ALL[name]) == best


# --------------------------------------------------------------------------------------------- JSON and Markdown


@pytest.mark.parametrize("name", ALL)
def test_json_is_of_its_schema(name: str) -> None:
    data = json.loads(json.dumps(as_data(ALL[name]), allow_nan=False))
    whole: dict[str, Any] = {"$ref": "#/$defs/training", "$defs": SCHEMA["$defs"]}
    Draft202012Validator(whole).validate(data)
    assert [*data["networks"]] == [one.name for one in ALL[name].rivals]


def test_json_has_the_figures() -> None:
    data = as_data(BETTER)
    assert data["networks"]["resnet18"]["val_accuracy"]["mean"] == pytest.approx(0.98833333)
    assert data["networks"]["resnet18"]["training_macs"]["mean"] == 60 * 64 * 3 * 2_100_000
    assert [(one["network"], one["to"], one["seen"]) for one in data["differences"]] == [("resnet18", "alexnet", True)]
    assert data["verdict"] == verdict(BETTER)
    assert as_data(SINGLE)["differences"][0]["interval"] is None


def test_a_loss_that_is_no_number_is_null() -> None:
    run = SINGLE.rivals[0].runs[0]
    epoch = run.end.replace(val_loss=float("inf"))
    infinite = run.replace(learning=run.learning.replace(history=(epoch,)))
    found = SINGLE.replace(rivals=(SINGLE.rivals[0].replace(runs=(infinite,)), SINGLE.rivals[1]))
    data = json.loads(json.dumps(as_data(found), allow_nan=False))
    assert data["networks"]["alexnet"]["val_loss"]["mean"] is None


def test_markdown_is_a_table_with_the_verdict() -> None:
    found = as_markdown(BETTER).splitlines()
    assert found[3] == "| resnet18 ◂ | 1.2 k | 2.1 M | 98.8 % ± 0.2 | 98.8 % ± 0.2 | 0.3333 | 0.5000 | 305 | 12.6 s |"
    assert f"**{verdict(BETTER)}**" in found
    assert {line.count("|") for line in found[:4]} == {10}


# ------------------------------------------------------------------------------------------------- charts


@pytest.mark.parametrize("name", ALL)
def test_charts_are_pictures_and_the_section_is_well_formed(name: str) -> None:
    charts = curve_charts(ALL[name])
    assert len(charts) == 6
    for chart in charts:
        read(chart)
    page = Elements(section(ALL[name]).body)
    assert not page.open
    assert not page.wrong


def test_curves_have_bands_over_seeds_alone() -> None:
    assert all('class="band ' in chart for chart in curve_charts(BETTER))
    assert not any('class="band ' in chart for chart in curve_charts(SINGLE))
    titles = [chart.partition("<title>")[2].partition("</title>")[0] for chart in curve_charts(BETTER)]
    assert titles[:2] == ["validation accuracy over steps", "validation accuracy over seconds of training"]
    assert titles[-1] == "training loss over MACs of training"


def test_more_networks_than_colours_are_drawn_by_the_best() -> None:
    many = rounds(*(rival(f"net{number}", [0.5 + number / 100]) for number in range(len(SERIES) + 2)), seeds=1)
    chart = curve_charts(many)[0]
    assert 'data-name="net1"' not in chart
    assert 'data-name="net2"' in chart
    assert f'data-name="net{len(SERIES) + 1}"' in chart


def test_what_is_unusual_about_how_they_were_trained_is_said() -> None:
    found = rounds(rival("a", [0.5, 0.6, 0.7]), rival("b", [0.6, 0.7, 0.8]))
    assert how(found.replace(regime=found.regime.replace(loss="hinge", augment=("flip",)))) == (
        "stripes, cpu, fp32, adamw 0.001, batch 64, 3 epochs, seeds 0, 1 and 2, hinge loss, flip")
