"""Every example, rule and trap of the language, as the book of cases tells it; and that the book can be wrong."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnspec.grammar.tokens import KEYWORDS
from cnnspec.graph.functions import FUNCTIONS
from cnnspec.layers import LAYERS
from tests.language.book import FOLDER, Case, outcome, read

ROOT = Path(__file__).parents[2]
CASES = [case for path in sorted(FOLDER.glob("*.md")) for case in read(path)]
#: Codes of what no short text shows: of files and targets (`test_targets.py`), a broken package, a hundred mistakes.
ELSEWHERE = {
    "file-not-found", "not-a-file", "not-utf8", "limit-file", "no-net", "unknown-net", "plug-in", "too-many-mistakes",
    "bad-report", "no-counterpart", "no-dtype", "no-report", "other-network",
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_becomes_of_a_spec(case: Case, tmp_path: Path) -> None:
    layers, diagnostics = outcome(case, tmp_path)
    assert "\n".join(diagnostics) == "\n".join(case.diagnostics)
    assert layers == (None if case.layers is None else list(case.layers))


def test_the_book_shows_every_layer_function_and_keyword() -> None:
    text = "\n".join(text for case in CASES for text in case.files.values())
    words = set(re.findall(r"\w+", re.sub(r"#.*", "", text)))
    assert {layer.keyword for layer in LAYERS} <= words
    assert set(FUNCTIONS) <= words
    assert set(KEYWORDS) <= words


def test_the_book_shows_every_mistake() -> None:
    shown = {code for case in CASES for line in case.diagnostics for code in re.findall(r"^\S* ?\w+\[([\w-]+)\]", line)}
    assert sorted(set(codes()) - shown - ELSEWHERE) == []


def codes() -> Iterator[str]:
    """The codes of all diagnostics that the core makes, read off its source."""
    for folder in ("grammar", "graph", "layers", "analysis"):
        for path in (ROOT / "cnnspec" / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    if name in {"Diagnostic", "Problem", "LayerError", "Unfit", "fail", "report"}:
                        yield str(node.args[0].value)


@pytest.mark.parametrize(("told", "differs"), [
    ("```layers\ninput INPUT 1x4x4\nrelu RELU 1x4x4\n```", False),
    ("```layers\ninput INPUT 1x4x4\nrelu RELU 2x4x4\n```", True),
    ("```layers\ninput INPUT 1x4x4\nrelu RELU 1x4x4 <- relu\n```", True),
    ("```layers\ninput INPUT 1x4x4\n```", True),
    ("```diagnostics\n1:1 error[unknown-layer] there is no layer `INPT`\n```", True),
    ("```layers\ninput INPUT 1x4x4\nrelu RELU 1x4x4\n```\n```diagnostics\n1:1 warning[dead-branch] it is\n```", True),
])
def test_a_case_that_tells_otherwise_differs(told: str, differs: bool, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n## Case\n```cnn\nINPUT(1x4x4) -> RELU\n```\n{told}\n", encoding="utf-8")
    (case,) = read(page)
    layers, diagnostics = outcome(case, tmp_path)
    same = layers == (None if case.layers is None else list(case.layers)) and diagnostics == list(case.diagnostics)
    assert same is not differs


@pytest.mark.parametrize("page", [
    "## Without a spec\n```layers\ninput INPUT 1x4x4\n```\n",
    "## Without an end\n```cnn\nINPUT -> RELU\n```\n",
    "## With something else\n```cnn\nINPUT -> RELU\n```\n```shapes\n1x4x4\n```\n",
])
def test_a_page_that_is_not_understood_is_refused(page: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page, encoding="utf-8")
    with pytest.raises(ValueError, match="page:1"):
        list(read(path))
