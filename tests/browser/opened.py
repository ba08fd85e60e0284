"""A report that a browser shows, with all that it has said and asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Of each table: its rows in order, what they show, and whether they can be seen.
_ROWS = """all => all.map(row => ({
  label: row.cells[0].childNodes.length ? row.cells[0].textContent : "", path: row.cells[0].dataset.path,
  layers: row.dataset.layers, group: row.classList.contains("group"), cells: [...row.cells].map(c => c.textContent),
  seen: row.checkVisibility() && row.getBoundingClientRect().height > 0, marked: row.classList.contains("marked"),
}))"""

#: Pairs of texts of one picture that lie upon each other by more than a pixel and a half.
_OVERLAPS = """all => all.flatMap(svg => {
  const texts = [...svg.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()])
    .filter(([words, box]) => words.trim() && box.width && box.height);
  const least = 1.5;
  return texts.flatMap(([one, a], at) => texts.slice(at + 1).filter(([, b]) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > least
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > least + 2).map(([other]) => `${one} / ${other}`));
})"""


class Opened:
    """A page, its messages and requests; all scripts have run."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("dialog", lambda dialog: (self.messages.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)

    def rows(self, table: str = "table.layers") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.eval_on_selector_all(f"{table} > tbody > tr", _ROWS)
        return found

    def seen(self, table: str = "table.layers") -> list[dict[str, Any]]:
        """The rows that can be seen."""
        return [row for row in self.rows(table) if row["seen"]]

    def marked_shapes(self) -> list[str]:
        """The layers of what is marked in the drawing."""
        found: list[str] = self.page.eval_on_selector_all(
            ".drawing .marked", "all => all.map(one => one.dataset.layers)")
        return found

    def overlaps(self) -> list[str]:
        found: list[str] = self.page.eval_on_selector_all("svg", _OVERLAPS)
        return found

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wide

    def is_in_sight(self, selector: str) -> bool:
        """Whether an element lies within the window and the frame that it scrolls in."""
        found: bool = self.page.eval_on_selector(selector, """one => {
          const box = one.getBoundingClientRect(), frame = one.closest(".scroll").getBoundingClientRect();
          return box.bottom > Math.max(0, frame.top) && box.top < Math.min(innerHeight, frame.bottom);
        }""")
        return found


def layers(stretches: str) -> set[int]:
    """The layers of `data-layers`."""
    return {index for stretch in stretches.split(",") for index in range(*map(int, stretch.split(":")))}
