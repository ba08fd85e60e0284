"""Comparisons as they are printed: the files of `compare_pages/`, and what holds at every width."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import jsonschema
import pytest

import cnnspec
from cnnspec.analysis.latency import Interval
from cnnspec.analysis.lineup import Candidate, Lineup, line_up
from cnnspec.analysis.lineup_measures import LOW, SECONDS, Measure, front
from cnnspec.render.compare import page
from cnnspec.render.compare_data import as_csv, as_json, as_markdown
from cnnspec.render.compare_text import Shown, times
from cnnspec.render.console import plain
from cnnspec.render.json import chunks
from cnnspec.render.snippet import width
from tests.render.compare_cases import CASES, PAGES, ROOT, shown

SCHEMAS = ROOT / "docs/schema"
SOME = ("lenet", "alexnet", "resnet18", "mobilenet_v2", "unet", "r3d_18", "tcn")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def lineup(*names: str, further: tuple[Measure, ...] = ()) -> Lineup:
    return line_up([Candidate(cnnspec.load(name).summary(), name) for name in names], further)


def lines(of: Shown, room: int | None) -> list[str]:
    return [line.rstrip("\n") for line in plain(page(of, room))]


def latency(*values: float, intervals: tuple[Interval | None, ...]) -> Measure:
    return Measure("latency", "latency", "seconds of a run", SECONDS, LOW, values, ratio_intervals=intervals)


@pytest.mark.parametrize("case", CASES)
def test_the_page_is_as_expected(case: str) -> None:
    assert shown(case) == (PAGES / case).read_text(encoding="utf-8")


def test_every_page_is_compared() -> None:
    assert {path.name for path in PAGES.iterdir()} == set(CASES)


@pytest.mark.parametrize("count", range(2, len(SOME) + 1))
def test_it_fits_the_terminal(count: int) -> None:
    found = lineup(*SOME[:count])
    for room in (60, 79, 80, 100, 120, 160, 240):
        for one in (Shown(found), Shown(found, front=front([found.measure("params"), found.measure("macs")]))):
            assert max(map(width, lines(one, room))) <= room
    assert max(map(width, lines(Shown(found), 40))) <= 40


def test_numbers_end_below_each_other() -> None:
    rows = lines(Shown(lineup(*SOME[:3]), stages=False), 80)[1:14]
    ends = [row.index(" ×") if " ×" in row else None for row in rows]
    assert len({end for end in ends if end is not None}) <= 2, "with and without a mark before"


def test_no_line_ends_in_spaces() -> None:
    for room in (None, 60, 80, 120):
        assert all(line == line.rstrip() for line in lines(Shown(lineup(*SOME)), room))


def test_a_pipe_gets_every_measure_and_every_network() -> None:
    found = lineup(*SOME)
    text = "\n".join(lines(Shown(found), None))
    assert all(name in text for name in SOME)
    titles = " ".join(" ".join(lines(Shown(found), None)[:2]).split())
    assert all(word in titles for measure in found.measures for word in measure.title.split())
    assert "…" not in text


# ---------------------------------------------------------------------------------------------- measured


def test_a_measured_ratio_has_its_interval() -> None:
    found = lineup("lenet", "alexnet", further=(latency(1e-3, 1.31e-3, intervals=(None, Interval(1.28, 1.34))),))
    (row,) = [line for line in lines(Shown(found), 80) if line.startswith("latency")]
    assert row.split() == "latency 1.00 ms ◂ 1.31 ms ×1.31 (95 %: 1.28 to 1.34)".split()


def test_where_no_difference_was_seen_none_is_told() -> None:
    found = lineup("lenet", "alexnet", further=(latency(1e-3, 1.01e-3, intervals=(None, Interval(0.98, 1.03))),))
    (row,) = [line for line in lines(Shown(found), 80) if line.startswith("latency")]
    assert row.split() == "latency 1.00 ms 1.01 ms no difference seen".split()
    assert "×1.01" not in "\n".join(lines(Shown(found), None))


@pytest.mark.parametrize(("count", "room"), [(3, 70), (5, 80), (7, None)])
def test_intervals_that_have_no_room_stand_below(count: int, room: int | None) -> None:
    others = [Interval(0.98, 1.03), *(Interval(1.28, 1.34) for _ in range(count - 2))]
    measured = latency(1e-3, 1.01e-3, *(1.31e-3 for _ in range(count - 2)), intervals=(None, *others))
    found = lineup(*SOME[:count], further=(measured,))
    text = " ".join(" ".join(lines(Shown(found), room)).split())
    assert "latency: alexnet no difference seen" in text
    assert "latency: resnet18 ×1.31 (95 %: 1.28 to 1.34) of lenet" in text


def test_measured_figures_are_in_the_data() -> None:
    measured = latency(1e-3, 1.31e-3, intervals=(None, Interval(1.28, 1.34)))
    one = Shown(lineup("lenet", "alexnet", further=(measured.replace(intervals=(Interval(9e-4, 1.1e-3), None)),)))
    data = json.loads(as_json(one))
    jsonschema.validate(data, schema())
    assert data["measures"]["latency"]["ratio_intervals"] == {"lenet": None, "alexnet": [1.28, 1.34]}
    assert data["measures"]["latency"]["differs"] == {"lenet": None, "alexnet": True}
    assert data["measures"]["latency"]["intervals"] == {"lenet": [9e-4, 1.1e-3], "alexnet": None}
    rows = list(csv.DictReader(StringIO(as_csv(one))))
    assert [row["latency_ratio_low"] for row in rows] == ["", "1.28"]
    assert [row["latency_high"] for row in rows] == ["0.0011", ""]
    assert "1.31 ms ×1.31  (95 %: 1.28 to 1.34)" in as_markdown(one)


def test_few_turns_are_told_in_place_of_a_ratio() -> None:
    few = latency(1e-3, 2e-3, intervals=(None, None)).replace(paired=(None, 2.0))
    one = Shown(lineup("lenet", "alexnet", further=(few,)))
    (row,) = [line for line in lines(one, 80) if line.startswith("latency")]
    assert row.split() == "latency 1.00 ms 2.00 ms too few runs".split()
    assert "latency: alexnet too few runs" in "\n".join(lines(Shown(lineup(*SOME[:3], further=(few.replace(
        values=(1e-3, 2e-3, 3e-3), ratio_intervals=(None,) * 3, paired=(None, 2.0, 3.0)),))), 70))
    told = json.loads(as_json(one))["measures"]["latency"]
    assert told["ratio_intervals"] == told["differs"] == {"lenet": None, "alexnet": None}
    assert [row["latency_ratio_high"] for row in csv.DictReader(StringIO(as_csv(one)))] == ["", ""]


@pytest.mark.parametrize(("number", "written"), [
    (0.19, "0.19"), (1.0, "1.00"), (1.0004, "1.0004"), (1.001, "1.001"), (1.00001, "1.00"), (12.34, "12.3"),
    (0, "0"), (13717.2, "13,717"), (0.0004, "0.0004"),
])
def test_ratios(number: float, written: str) -> None:
    assert times(number) == written


# -------------------------------------------------------------------------------------------------- data


def schema() -> dict[str, object]:
    return json.loads((SCHEMAS / "compare-1.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.mark.parametrize("case", [case for case in CASES if case.endswith(".json")])
def test_json_follows_its_schema(case: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(shown(case)), schema())


def test_a_network_in_json_is_what_its_summary_says() -> None:
    found = lineup(*SOME)
    data = json.loads(as_json(Shown(found)))
    assert list(data["networks"]) == list(SOME)
    for name in SOME:
        summary = json.loads("".join(chunks(cnnspec.load(name).summary())))
        for key in ("net", "source", "inputs", "input_override", "batch", "dtype", "output", "totals"):
            assert data["networks"][name][key] == summary[key]


def test_the_schema_says_of_totals_what_the_summarys_schema_says() -> None:
    ours: dict[str, dict[str, dict[str, object]]] = schema()  # type: ignore[assignment]
    theirs = json.loads((SCHEMAS / "summary-1.json").read_text(encoding="utf-8"))
    shared = set(ours["$defs"]) & set(theirs["$defs"])
    assert shared >= {"count", "ratio", "shape", "dtype", "field"}
    assert {name: ours["$defs"][name] for name in shared} == {name: theirs["$defs"][name] for name in shared}
    network: dict[str, dict[str, object]] = ours["$defs"]["network"]["properties"]  # type: ignore[assignment]
    assert network["totals"]["required"] == theirs["properties"]["totals"]["required"]


def test_csv_has_raw_numbers() -> None:
    rows = list(csv.DictReader(StringIO(as_csv(Shown(lineup(*SOME))))))
    assert [row["network"] for row in rows] == list(SOME)
    for row in rows:
        whole = cnnspec.load(row["network"]).summary().totals
        assert (int(row["params"]), int(row["macs"])) == (whole.params, whole.macs)


def test_a_missing_value_is_empty_in_csv_and_null_in_json(tmp_path: Path) -> None:
    pool = Candidate(cnnspec.parse("INPUT(3x8x8) -> POOL(2)", name="pool.cnn").summary(), "pool.cnn")
    one = Shown(line_up([pool, Candidate(cnnspec.load("lenet").summary(), "lenet")]))
    rows = list(csv.DictReader(StringIO(as_csv(one))))
    assert [bool(row["training_peak"]) for row in rows] == [False, True]
    told = json.loads(as_json(one))["measures"]["training_peak"]
    assert told["values"]["pool"] is None
    assert told["reasons"] == {"pool": "pool has no weights that training changes"}


# ------------------------------------------------------------------------------------------ hostile names


def test_names_reach_neither_the_terminal_nor_markdown_as_they_are() -> None:
    evil = "\x1b[2Jx|<script>*`"
    spec = cnnspec.parse("INPUT(3x8x8) -> CONV(4)", name=f"{evil}.cnn").summary()
    found = line_up([Candidate(spec, evil), Candidate(spec, evil), Candidate(spec, "b")])
    one = Shown(found, front=front([found.measure("params"), found.measure("macs")]))
    for room in (None, 40, 80):
        assert "\x1b" not in "\n".join(lines(one, room))
    text = as_markdown(one)
    assert "\x1b" not in text
    assert "<script>" not in text.replace("\\<", "")
    assert all(row.replace("\\|", "").count("|") == 5 for row in text.splitlines() if row.startswith("| par"))


def test_wide_characters_take_two_cells() -> None:
    wide = cnnspec.parse("INPUT(3x8x8) -> CONV(4)", name="畳み込み畳み込み畳み込み畳み込み.cnn").summary()
    found = line_up([Candidate(wide, "a"), Candidate(cnnspec.load("lenet").summary(), "lenet")])
    for room in (60, 80):
        assert max(map(width, lines(Shown(found), room))) <= room
    rows = lines(Shown(found, stages=False), 80)
    assert width(rows[0][: rows[0].index("lenet") + 5]) == width(rows[4][: rows[4].index("11") + 2])
