"""Every kind of report as a page: silent, self-contained, complete, readable in all circumstances, and harmless."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

import cnnspec
from cnnspec.analysis.summary import Summary
from cnnspec.render import palette
from cnnspec.render.report.summary_page import summary_html
from tests.browser.opened import layers
from tests.browser.reports import ALL, SUMMARIES, report, summary

#: Pixels of A4 within a browser's margins.
SHEET = 718


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", ALL)
def test_a_page_says_nothing_asks_for_nothing_and_fits_the_window(name: str, width: int, show: Any) -> None:
    page = show(report(name), width)
    assert page.messages == []
    assert page.requests == [page.address]
    assert page.sideways() <= 0


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_layer_has_a_row_of_its_own(name: str, show: Any) -> None:
    leaves = [layers(row["layers"]) for row in show(report(name)).rows() if not row["group"]]
    assert [*map(list, leaves)] == [[layer.index] for layer in summary(name).layers]


@pytest.mark.parametrize("name", ALL)
def test_texts_of_a_picture_do_not_lie_upon_each_other(name: str, show: Any) -> None:
    assert show(report(name)).overlaps() == []


@pytest.mark.parametrize("name", ALL)
def test_without_scripts_every_row_can_be_read(name: str, show: Any) -> None:
    page = show(report(name), java_script_enabled=False)
    for folded in page.page.locator("details > summary").all():
        folded.click()
    rows = page.page.locator("tbody > tr")
    assert rows.count() > 0
    assert page.page.locator("tbody > tr:visible").count() == rows.count()
    assert page.page.locator("input, button").count() == 0


@pytest.mark.parametrize("name", ["resnet50", "profile-cuda"])
def test_on_paper_every_row_is_there_and_the_ground_is_light(name: str, show: Any) -> None:
    page = show(report(name), color_scheme="dark")
    folded = len(page.seen())
    page.page.emulate_media(media="print")
    assert folded < len(page.seen()) == len(page.rows())
    assert ground(page) == rgb(palette.PAGE.light)
    assert page.page.locator("nav:visible, .tools:visible, input:visible").count() == 0
    assert page.page.eval_on_selector_all("svg rect", "all => all.filter(one => !one.checkVisibility()).length") == 0
    cut = "all => all.filter(one => getComputedStyle(one).overflow !== 'visible').length"
    assert page.page.eval_on_selector_all(".scroll", cut) == 0


@pytest.mark.parametrize("name", ALL)
def test_on_paper_nothing_is_wider_than_the_sheet(name: str, show: Any) -> None:
    page = show(report(name), SHEET)
    page.page.emulate_media(media="print")
    assert page.sideways() <= 0


@pytest.mark.parametrize("name", ["vgg16", "compare-many"])
def test_what_scrolls_has_a_shadow_at_the_side_where_there_is_more(name: str, show: Any) -> None:
    page = show(report(name), 400).page
    chart = page.locator("figure > .scroll").first
    assert chart.evaluate("one => one.scrollWidth > one.clientWidth")
    ends = "one => getComputedStyle(one).backgroundAttachment"
    assert chart.evaluate(ends) == ", ".join(["local"] * 4 + ["scroll"] * 4)
    shaded = chart.screenshot()
    chart.evaluate("one => one.style.setProperty('--shade', 'transparent')")
    assert chart.screenshot() != shaded


def test_what_goes_on_below_has_a_shadow_there(show: Any) -> None:
    page = show(report("resnet50")).page
    drawing = page.locator(".drawing")
    assert drawing.evaluate("one => one.scrollHeight > one.clientHeight && one.scrollWidth <= one.clientWidth")
    shaded = drawing.screenshot()
    drawing.evaluate("one => one.style.setProperty('--shade', 'transparent')")
    assert drawing.screenshot() != shaded


@pytest.mark.parametrize(("scheme", "tone"), [("light", palette.PAGE.light), ("dark", palette.PAGE.dark)])
def test_it_is_light_or_dark_as_the_system_is(scheme: str, tone: str, show: Any) -> None:
    assert ground(show(report("unet"), color_scheme=scheme)) == rgb(tone)


def ground(page: Any) -> str:
    found: str = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return found


def rgb(tone: str) -> str:
    return f"rgb({', '.join(str(int(tone[at:at + 2], 16)) for at in (1, 3, 5))})"


@pytest.mark.parametrize("name", ALL)
def test_headings_are_in_order_and_tables_name_their_rows_and_columns(name: str, show: Any) -> None:
    page = show(report(name)).page
    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(one => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("svg:not([role=img])").count() == 0
    assert page.eval_on_selector_all("nav a", "all => all.every(one => document.querySelector(one.hash))")


# ---------------------------------------------------------------------------------------------- hostile names

SCRIPT = "</script><script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(2)>"


def hostile() -> Summary:
    """A network whose file, blocks, values and outputs have names that would run, were they not escaped."""
    text = "INPUT(3x8x8) -> CONV(4) as a -> [CONV(4) -> RELU]*2 -> FC(2)"
    found = cnnspec.parse(text, name=f"{SCRIPT}{IMAGE}.cnn").summary()
    renamed: Summary = found.replace(name=f"{IMAGE}{SCRIPT}\"'--><style>*{{display:none}}</style>")
    return renamed


def test_hostile_names_do_no_harm(show: Any) -> None:
    page = show(summary_html(hostile(), f"cnnspec summary '{SCRIPT}{IMAGE}'"))
    assert page.messages == []
    assert page.requests == [page.address]
    assert page.page.locator("img").count() == 0
    assert page.page.locator("script").count() == 1
    assert IMAGE in page.page.locator("h1").inner_text()
    assert len(page.seen()) > 2


def test_the_policy_of_a_page_would_stop_what_slips_through(show: Any) -> None:
    page = show(report("vgg16").replace("</main>", f"<script>document.title = 'run'</script>{IMAGE}</main>"))
    page.page.wait_for_timeout(100)
    assert page.page.title() == "vgg16 – summary"
    assert page.page.eval_on_selector("img", "one => one.naturalWidth") == 0
    assert sum("Content Security Policy" in message for message in page.messages) >= 3
