"""Summaries as CSV, Markdown, HTML and data frames."""

from __future__ import annotations

import csv
import sys
from html.parser import HTMLParser
from io import StringIO
from types import ModuleType
from typing import Any

import pytest

import cnnspec
from cnnspec.analysis.outline import outline
from cnnspec.render.columns import COLUMNS, columns
from cnnspec.render.csv import as_csv
from cnnspec.render.frame import to_frame
from cnnspec.render.html import summary_html
from cnnspec.render.markdown import as_markdown
from tests.render.cases import HERE, net

NETS = sorted(path.stem for path in (HERE / "nets").glob("*.cnn"))


# --------------------------------------------------------------------------------------------------- CSV


@pytest.mark.parametrize("name", NETS)
def test_csv_has_a_row_for_each_layer_and_adds_up(name: str) -> None:
    summary = net(name).summary()
    rows = [*csv.DictReader(StringIO(as_csv(summary, columns(*COLUMNS))))]
    assert [row["path"] for row in rows] == [layer.path for layer in summary.layers]
    assert sum(int(row["params"]) for row in rows) == summary.totals.params
    assert sum(int(row["flops"]) for row in rows) == summary.totals.flops
    assert sum(int(row["traffic"]) for row in rows) == summary.totals.traffic_bytes


def test_csv_cells() -> None:
    rows = [*csv.DictReader(StringIO(as_csv(net("skips").summary())))]
    pool = next(row for row in rows if row["path"] == "pool[0]")
    assert (pool["input"], pool["output"], pool["rf"], pool["stride"]) == ("16x64x96", "16x64x48", "5x6", "1x2")
    assert pool["args"].startswith("kernel=(1, 2), stride=(1, 2), pad=0, kind=max")
    concat = next(row for row in rows if row["op"] == "CONCAT")
    assert concat["input"] == "64x64x24, 64x64x24"
    assert rows[0]["rf"] == ""


def test_csv_of_another_convention_has_its_column() -> None:
    rows = [*csv.DictReader(StringIO(as_csv(net("plain").summary(), convention="thop")))]
    assert {"macs", "flops", "thop"} <= set(rows[0])


# ---------------------------------------------------------------------------------------------- Markdown


def test_markdown() -> None:
    spec = "net tiny = INPUT(3x8x8) -> [CONV(4) -> RELU]*2 -> ADD{ ID | CONV(4, 1) } -> FC(2)"
    summary = cnnspec.parse(spec).summary()
    assert as_markdown(summary, outline(summary, 0)).splitlines()[:8] == [
        "### tiny", "",
        "| layer | output | params | MACs | RF |",
        "| :-- | --: | --: | --: | --: |",
        "| INPUT | 3×8×8 |  |  |  |",
        r"| \[CONV 3×3 → RELU\] ×2 | 4×8×8 | 260 | 16.1 k | 5 |",
        r"| ADD{ID \| CONV 1×1} | 4×8×8 | 20 | 1.0 k | 5 |",
        "| FC | 2 | 514 | 512 | all |",
    ]


def test_markdown_keeps_the_tree_and_its_columns() -> None:
    summary = net("residual").summary()
    lines = as_markdown(summary, outline(summary, 1), columns("layer", "macs")).splitlines()
    branch = r"conv\_bn(64, k=1) → RELU → conv\_bn(64) → RELU → conv\_bn(256, k=1)"
    assert f"| │\u00a0├\u00a0\\| {branch} | 179.8 M |" in lines
    unescaped = [line.replace("\\|", "") for line in lines if line.startswith("|")]
    assert {line.count("|") for line in unescaped} == {3}


# -------------------------------------------------------------------------------------------------- HTML

VOID = {"br"}


class Checker(HTMLParser):
    """Counts elements, and finds ones that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return checker


@pytest.mark.parametrize("name", NETS)
def test_html_is_well_formed_and_self_contained(name: str) -> None:
    html = summary_html(net(name).summary())
    checker = parsed(html)
    drawn = {"svg", "title", "g", "rect", "path", "text"}
    assert {tag for tag, _ in checker.seen} - drawn <= {"div", "span", "b", "br", "style", "details", "summary"}
    assert drawn <= {tag for tag, _ in checker.seen}
    assert "prefers-color-scheme: dark" in html
    assert "http" not in html.replace('xmlns="http://www.w3.org/2000/svg"', ""), "a namespace, which nobody fetches"
    assert net(name)._repr_html_() == html


def test_html_folds_what_the_table_folds() -> None:
    checker = parsed(summary_html(net("residual").summary()))
    details = [attrs for tag, attrs in checker.seen if tag == "details"]
    assert sum("open" in attrs for attrs in details) == 4, "the loop's turns"
    assert sum("open" not in attrs for attrs in details) > 4, "the blocks"


def test_html_escapes_what_a_spec_says() -> None:
    spec = 'block f(c, note) = CONV(c) -> RELU -> CONV(c)\nnet n = INPUT(3x8x8) -> f(4, "<script>&")'
    html = summary_html(cnnspec.parse(spec).summary())
    assert "<script" not in html
    assert "&lt;script&gt;&amp;" in html
    assert any("<script>&" in text for text in parsed(html).text)


# --------------------------------------------------------------------------------------------- data frame


class Frame:
    """Stands in for pandas' data frame: keeps what it is made from."""

    def __init__(self, records: list[dict[str, Any]], index: str) -> None:
        self.records, self.index = records, index

    @classmethod
    def from_records(cls, records: list[dict[str, Any]], index: str) -> Frame:
        return cls(records, index)


def test_frame_has_a_row_for_each_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = ModuleType("pandas")
    pandas.DataFrame = Frame  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    summary = net("skips").summary()
    frame: Any = to_frame(summary)
    assert frame.index == "path"
    assert [record["path"] for record in frame.records] == [layer.path for layer in summary.layers]
    assert sum(record["macs"] for record in frame.records) == summary.totals.macs
    pool = next(record for record in frame.records if record["path"] == "pool[0]")
    assert (pool["output_shape"], pool["rf_size"], pool["rf_stride"]) == ((16, 64, 48), (5, 6), (1, 2))
    assert net("skips").to_frame().records == frame.records


def test_frame_without_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'cnnspec\[pandas\]'"):
        to_frame(net("plain").summary())
