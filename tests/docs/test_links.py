"""Links within the project lead somewhere: to a file that exists, and to a heading that stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^()\s]+)\)")
EVERYWHERE = (*PAGES, ROOT / "CHANGELOG.md", *sorted((ROOT / "reports").glob("*.md")))


def prose(page: Path) -> str:
    """A page without its fenced blocks and code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"),
                                               flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in LINK.findall(prose(page)):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", EVERYWHERE, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_can_be_broken(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[1](#a-heading) [2](#b-heading) [3](gone.md) [4](page.md#a-heading) `[5](x)`\n")
    assert broken(page) == ["#b-heading", "gone.md"]
