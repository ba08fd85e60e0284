"""The table of a report: folding, sorting and finding, by pointer and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest

import cnnspec
from cnnspec.analysis.outline import outline
from cnnspec.render.report.summary_page import summary_html
from tests.browser.reports import report, summary

COLUMNS = ("layer", "output", "params", "MACs", "RF", "memory", "live")


def head(page: Any, title: str) -> Any:
    return page.page.locator("thead button", has_text=title).first


def order(page: Any) -> list[str]:
    return [row["path"] for row in page.seen()]


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "inception_v3"])
def test_at_first_it_is_folded_as_the_summary_is(name: str, show: Any) -> None:
    shown = [*outline(summary(name)).walk()]
    assert len(show(report(name)).seen()) == len(shown)


def test_a_click_opens_what_is_folded_and_folds_it_again(show: Any) -> None:
    page = show(report("vgg16"))
    before = order(page)
    folded = page.page.locator("tr.group:not(.open):visible").first
    at = folded.evaluate("row => [...row.parentNode.children].indexOf(row)")
    row = page.page.locator("tbody > tr").nth(at)
    row.locator("th").click()
    assert row.get_attribute("aria-expanded") == "true"
    assert len(order(page)) == len(before) + 2
    row.locator("th").click()
    assert row.get_attribute("aria-expanded") == "false"
    assert order(page) == before


def test_one_button_opens_every_row_and_folds_them_as_at_first(show: Any) -> None:
    page = show(report("resnet50"))
    before, button = order(page), page.page.locator(".tools button")
    button.click()
    assert len(page.seen()) == len(page.rows())
    button.click()
    assert order(page) == before


@pytest.mark.parametrize(("title", "figure"), [("params", "params"), ("MACs", "macs"), ("memory", "activation_bytes")])
def test_a_column_sorts_down_and_up_and_back(title: str, figure: str, show: Any) -> None:
    page = show(report("resnet50"))
    tree = page.rows()
    known = [(getattr(layer, figure), layer.path) for layer in summary("resnet50").layers
             if layer.node.inputs and getattr(layer, figure)]
    head(page, title).click()
    assert order(page)[:len(known)] == [path for _, path in sorted(known, key=lambda one: -one[0])]
    head(page, title).click()
    assert order(page)[:len(known)] == [path for _, path in sorted(known, key=lambda one: one[0])]
    assert len(order(page)) == len(summary("resnet50").layers)
    head(page, title).click()
    assert page.rows() == tree


@pytest.mark.parametrize("title", COLUMNS)
def test_every_column_says_how_it_is_sorted(title: str, show: Any) -> None:
    page = show(report("unet"))
    told = []
    for _ in range(3):
        head(page, title).click()
        told.append([one.get_attribute("aria-sort") for one in page.page.locator("thead th").all()
                     if one.get_attribute("aria-sort")])
    assert sorted(told[0] + told[1]) == ["ascending", "descending"]
    assert told[2] == []
    assert page.messages == []


def test_shapes_and_fields_sort_by_their_size(show: Any) -> None:
    page = show(report("vgg16"))
    head(page, "RF").click()
    fields = [row["cells"][4] for row in page.seen() if row["cells"][4]]
    numbers = [float("inf") if text == "all" else float(text) for text in fields]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] == float("inf")
    head(page, "output").click()
    assert [layer["path"] for layer in page.seen()][:2] == ["conv[0]", "relu[0]"]


def test_finding_leaves_the_rows_that_have_all_words(show: Any) -> None:
    page = show(report("resnet50"))
    before, field = order(page), page.page.locator("input[type=search]")
    field.fill("shortcut conv 1×1")
    found = page.seen()
    assert len(found) == 4
    assert all("shortcut" in row["path"] and "CONV 1×1" in row["label"] for row in found)
    assert page.page.locator(".tools output").inner_text() == f"4 of {len(page.rows())} rows"
    field.fill("nothing like it")
    assert page.seen() == []
    field.fill("")
    assert order(page) == before


@pytest.mark.parametrize(("words", "labels"), [
    ("Bottleneck(64)", {"bottleneck(64)"}),
    ("conv 7x7", {"CONV 7×7 /2"}),
    ("CONV_BN(64, -> relu", {"conv_bn(64, k=7, s=2) → RELU"}),
])
def test_finding_takes_what_is_shown_as_it_is_typed(words: str, labels: set[str], show: Any) -> None:
    page = show(report("resnet50"))
    page.page.locator("input[type=search]").fill(words)
    assert labels <= {row["label"] for row in page.seen()}


def test_finding_takes_names_and_whole_extents(show: Any) -> None:
    text = "INPUT(3x111x111) -> CONV(8, 3, pad=1) as conv1 -> CONV(8, 1) as conv2 -> POOL(111) -> FC(2)"
    page = show(summary_html(cnnspec.parse(text, name="net.cnn").summary(), "cnnspec summary net.cnn"))
    field = page.page.locator("input[type=search]")
    for words, paths in (("CONV1", ["conv1"]), ("8x1x1", ["pool"]), ("1x1", ["conv2", "pool"])):
        field.fill(words)
        assert order(page) == paths


def test_what_is_found_sorts_and_does_not_fold(show: Any) -> None:
    page = show(report("resnet50"))
    page.page.locator("input[type=search]").fill("bottleneck(")
    before = order(page)
    page.page.locator("tr.group:visible th").first.click()
    assert order(page) == before
    head(page, "params").click()
    params = [int(row["cells"][2].replace(",", "")) for row in page.seen() if row["cells"][2]]
    assert params == sorted(params, reverse=True)
    assert len(params) > 10


def test_keys_go_through_the_rows_and_open_them(show: Any) -> None:
    page = show(report("vgg16"))
    keys = page.page.keyboard
    page.page.locator(".tools button").focus()
    for _ in COLUMNS:
        keys.press("Tab")
    assert page.page.evaluate("document.activeElement.textContent") == "live"
    keys.press("Enter")
    assert page.page.locator("[aria-sort=descending]").inner_text().startswith("live")
    keys.press("Enter")
    keys.press("Enter")
    keys.press("Tab")
    assert focused(page) == "input"
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    before = len(page.seen())
    keys.press("ArrowRight")
    assert len(page.seen()) == before + 2
    keys.press("ArrowDown")
    keys.press("ArrowLeft")
    keys.press("ArrowLeft")
    assert len(page.seen()) == before
    keys.press("End")
    assert focused(page) == "fc[2]"
    keys.press("Home")
    assert focused(page) == "input"


def focused(page: Any) -> str:
    found: str = page.page.evaluate("document.activeElement.cells[0].dataset.path")
    return found
