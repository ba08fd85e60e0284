"""The report of a comparison: every network and every measure, sorted where they are many, each by itself."""

from __future__ import annotations

import re
from typing import Any

from cnnspec.render.report.compare_page import compare_html
from tests.browser.opened import layers
from tests.browser.reports import COMPARISONS, TRAINED, compared, report, summary

#: Long names, many digits.
NAMES = ("mobilenet_v3_small", "shufflenet_v2_x1_0", "vgg11", "inception_v3", "densenet121", "resnet50", "googlenet")


def test_few_networks_stand_side_by_side_with_every_measure(show: Any) -> None:
    page = show(report("compare-few")).page
    table = page.locator("#measures table")
    assert table.locator("thead th").all_inner_texts() == ["measure", *COMPARISONS["few"]]
    measures = [measure.title for measure in compared(COMPARISONS["few"]).measures]
    assert table.locator("tbody th").all_inner_texts() == [*measures, "parameters and MACs"]
    row = table.locator("tr", has_text="parameters").first
    assert row.locator("td.share").all_inner_texts() == ["61,100,840", "11,689,512", "138,357,544"]
    assert row.locator("td.aside").all_inner_texts() == ["", "◂×0.19", "×2.26"]


def test_stages_stand_below_each_other(show: Any) -> None:
    page = show(report("compare-few")).page
    assert page.locator("#stages tbody th").all_inner_texts() == ["/1", "/2", "/4", "/8", "/16", "/32", "flat"]
    assert page.locator("#stages th[scope=colgroup]").all_inner_texts() == [*COMPARISONS["few"]]


def test_many_networks_sort_by_a_measure(show: Any) -> None:
    page = show(report("compare-many"))
    names = COMPARISONS["many"]
    assert [row["label"] for row in page.rows("#measures table")] == [*names]
    page.page.locator("#measures thead button", has_text=re.compile("^MACs$")).click()
    found = [row["label"] for row in page.seen("#measures table")]
    assert found == sorted(names, key=lambda name: -summary(name).totals.macs)
    page.page.locator("#measures thead button", has_text=re.compile("^input$")).click()
    assert page.seen("#measures table")[0]["label"] == "inception_v3"
    page.page.locator("#measures input").fill("net")
    assert {row["label"] for row in page.seen("#measures table")} == {name for name in names if "net" in name}


def test_many_networks_mark_the_best_of_a_column(show: Any) -> None:
    page = show(report("compare-many")).page
    assert "◂ best of the column" in page.locator("footer").inner_text()
    marked = page.locator("#measures tr:has(th:text-is('lenet')) td", has_text="◂")
    assert marked.all_inner_texts()[:2] == ["61,706◂", "416.5 k◂"]


def test_many_networks_stand_in_a_window_whole(show: Any) -> None:
    page = show(report("compare-many"), 1280).page
    wide = page.eval_on_selector("#measures .scroll", "one => one.scrollWidth - one.clientWidth")
    assert wide <= 0
    assert page.locator("#measures th", has_text="input").is_visible()


def test_names_of_networks_and_their_values_stay_whole(show: Any) -> None:
    page = show(compare_html(compared(NAMES), "cnnspec compare")).page
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        page.set_viewport_size({"width": 1280 if media == "screen" else 718, "height": 900})
        rows = page.eval_on_selector_all("#measures tbody tr", "all => all.map(one => one.offsetHeight)")
        assert max(rows) == min(rows)
        assert page.eval_on_selector("#measures .scroll", "one => one.scrollWidth - one.clientWidth") <= 0


def test_each_network_opens_and_is_marked_by_itself(show: Any) -> None:
    page = show(report("compare-few"))
    network = page.page.locator("details[data-net=resnet18]")
    assert network.locator("table").is_hidden()
    network.locator("summary").click()
    network.locator(".drawing [data-layers]").nth(1).hover()
    marked = network.locator("tr.marked")
    assert marked.count() >= 1
    assert page.page.locator("tr.marked").count() == marked.count()
    leaves = network.locator("table.layers > tbody > tr:not(.group)").all()
    assert set.union(*(layers(row.get_attribute("data-layers")) for row in leaves)) == {
        layer.index for layer in summary("resnet18").layers}


def test_on_paper_every_network_is_open(show: Any) -> None:
    page = show(report("compare-few"))
    page.page.emulate_media(media="print")
    tables = page.page.locator("details table")
    assert tables.count() == len(COMPARISONS["few"])
    assert all(table.is_visible() for table in tables.all())


def test_what_was_trained_has_its_verdict_a_row_for_each_and_its_curves(show: Any) -> None:
    section = show(report("trained")).page.locator("#training")
    assert section.locator("b").first.inner_text().startswith("resnet18 (98.5 %) learns better than")
    names = section.locator("table tbody tr").locator("td, th").all_inner_texts()[::9]
    assert [name.removesuffix(" ◂") for name in names] == [*TRAINED]
    assert section.locator("figure svg").count() == 6
