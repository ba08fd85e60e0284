"""Drawing, charts and table of a report point at each other's layers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.opened import layers
from tests.browser.reports import report

NAMES = ("vgg16", "resnet50", "unet", "profile-cuda")


def marked_rows(page: Any) -> list[set[int]]:
    return [layers(row["layers"]) for row in page.rows() if row["marked"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_box_marks_the_rows_of_its_layers(name: str, show: Any) -> None:
    page = show(report(name))
    boxes = page.page.locator(".drawing [data-layers]")
    assert boxes.count() > 5
    for at in (1, boxes.count() // 2, boxes.count() - 1):
        boxes.nth(at).scroll_into_view_if_needed()
        boxes.nth(at).hover()
        shown = layers(boxes.nth(at).get_attribute("data-layers"))
        rows = marked_rows(page)
        assert rows
        assert all(row & shown for row in rows)
        assert shown <= set.union(*rows)
    page.page.mouse.move(2, 2)
    assert marked_rows(page) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_row_marks_its_boxes_and_brings_them_in_sight(name: str, show: Any) -> None:
    page = show(report(name))
    page.page.evaluate("document.querySelector('#layers').scrollIntoView()")
    rows = page.page.locator("table.layers > tbody > tr:visible:not(.open)")
    for at in (1, rows.count() - 1):
        rows.nth(at).locator("td").first.hover()
        shown = layers(rows.nth(at).get_attribute("data-layers"))
        boxes = [layers(one) for one in page.marked_shapes()]
        assert boxes
        assert all(box & shown for box in boxes)
        assert shown <= set.union(*boxes)
        assert page.is_in_sight(".drawing .marked")
        assert len(marked_rows(page)) == 1


def test_a_heading_that_is_open_marks_what_stands_below_it(show: Any) -> None:
    page = show(report("vgg16"))
    row = page.page.locator("tr.group.open").first
    row.locator("td").first.hover()
    assert set.union(*(layers(one) for one in page.marked_shapes())) == layers(row.get_attribute("data-layers"))


def test_a_click_on_a_box_scrolls_to_its_row_and_back(show: Any) -> None:
    page = show(report("resnet50"), 700)
    box = page.page.locator(".drawing [data-layers]").last
    box.scroll_into_view_if_needed()
    box.click()
    assert page.is_in_sight("tr.marked")
    page.page.locator("table.layers tr:has-text('bottleneck(256') td").first.click()
    assert page.is_in_sight(".drawing .marked")


def test_a_click_on_a_box_shows_a_row_that_was_searched_away(show: Any) -> None:
    page = show(report("vgg16"))
    page.page.locator("input[type=search]").fill("nothing like it")
    page.page.locator(".drawing [data-layers]").nth(2).click()
    assert page.is_in_sight("tr.marked")


def test_charts_point_at_rows_and_boxes(show: Any) -> None:
    page = show(report("vgg16"))
    bar = page.page.locator("figure svg [data-layers]").nth(1)
    bar.scroll_into_view_if_needed()
    bar.hover()
    assert marked_rows(page)
    assert page.marked_shapes()


def test_keys_go_through_the_boxes(show: Any) -> None:
    page = show(report("vgg16"))
    page.page.locator(".drawing [data-layers]").first.focus()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("ArrowDown")
    (marked,) = page.marked_shapes()
    assert layers(marked) == layers(page.page.locator(".drawing [data-layers]").nth(2).get_attribute("data-layers"))
    assert all(row & layers(marked) for row in marked_rows(page))
    page.page.keyboard.press("Enter")
    assert page.is_in_sight("tr.marked")


def test_a_focused_row_marks_its_boxes(show: Any) -> None:
    page = show(report("vgg16"))
    page.page.locator("table.layers > tbody > tr").first.focus()
    page.page.keyboard.press("ArrowDown")
    first = page.marked_shapes()
    assert first
    page.page.keyboard.press("Enter")
    assert page.marked_shapes() == first
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("ArrowDown")
    assert page.marked_shapes() not in ([], first)
