"""The page of the language names everything that the language has: words, functions, figures, productions."""

from __future__ import annotations

import re

from cnnspec.analysis.figures import FIGURES
from cnnspec.diagnostics import WARNINGS
from cnnspec.grammar.tokens import EXTENTS, KEYWORDS
from cnnspec.graph.functions import FUNCTIONS
from tests.docs.pages import ROOT
from tests.docs.tables import grammar

TEXT = (ROOT / "docs/language.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_cells(text: str) -> list[str]:
    """The names in code in the first cells of a table's rows, without arguments."""
    cells = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w[\w-]*)", cell)]


def test_the_words_of_the_language_are_listed() -> None:
    text = " ".join(section("Files").split())
    listed = re.search(r"the words of the language \(`([^`]+)`\)", text)
    assert listed
    assert set(listed[1].split()) == KEYWORDS
    assert "the extents `C D H W L`" in text
    assert set("CDHWL") == EXTENTS


def test_the_functions_are_listed() -> None:
    listed = re.search(r"Functions: `([^`]+)`", section("Expressions"))
    assert listed
    assert {*listed[1].split(), "divisible"} == set(FUNCTIONS)


def test_the_figures_are_listed() -> None:
    assert set(first_cells(section("Expectations"))) == set(FIGURES)


def test_the_warnings_are_listed() -> None:
    assert set(first_cells(section("Diagnostics"))) == WARNINGS


def test_every_production_is_defined() -> None:
    rules = dict(rule.split(" = ", 1) for rule in grammar()[1:-1])
    tokens = {"digits", "exponent"}
    for name, rule in rules.items():
        bare = re.sub(r'"[^"]*"|, .*', "", rule)  # a remark in words follows a comma
        used = set(re.findall(r"\b[a-z]+\b", bare)) if name != "bare" else set()
        assert used <= rules.keys() | tokens, name
