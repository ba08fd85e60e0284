"""The catalogue of messages: complete, and every example says what the catalogue claims."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from cnnspec.analysis.check import check
from cnnspec.codes import COMMAND, SPEC, Code, Example, catalogue
from cnnspec.diagnostics import WARNINGS, Diagnostic
from cnnspec.limits import Limits
from cnnspec.render.codes import FILE, page
from cnnspec.source import Source

ROOT = Path(__file__).parents[2]
CODES = catalogue()
#: What makes a diagnostic, its code first.
RAISING = {"Diagnostic", "Problem", "LayerError", "Unfit", "fail", "report", "_error", "_unmet"}


def modules() -> Iterator[ast.Module]:
    for path in sorted((ROOT / "cnnspec").rglob("*.py")):
        if path.name not in {"codes.py", "diagnostics.py"}:
            yield ast.parse(path.read_text(encoding="utf-8"))


def raised(module: ast.Module) -> set[str]:
    """The codes that a module raises by name."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in RAISING and isinstance(node.args[0].value, str):
                found.add(node.args[0].value)
    return found


def texts(module: ast.Module) -> set[str]:
    return {node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_code_that_is_raised_is_catalogued() -> None:
    assert set().union(*map(raised, modules())) - set(CODES) == set()


def test_every_code_that_is_catalogued_is_raised() -> None:
    assert set(CODES) - set().union(*map(texts, modules())) == set()


def test_every_warning_is_catalogued() -> None:
    assert {code.name for code in CODES.values() if code.severity == "warning"} == WARNINGS


def test_codes_are_words_in_order_under_their_topic() -> None:
    topics: dict[str, list[str]] = {}
    for code in CODES.values():
        assert code.name.replace("-", "").isalnum()
        assert code.name == code.name.lower()
        topics.setdefault(code.topic, []).append(code.name)
    assert all(names == sorted(names) for names in topics.values())


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_every_code_has_a_meaning_and_an_example(code: Code) -> None:
    assert code.meaning.endswith(".")
    assert "\n" not in code.meaning
    assert code.wrong.text.strip()
    assert code.right is not None or code.wrong.kind not in {SPEC, COMMAND}


def found(example: Example) -> tuple[Diagnostic, ...]:
    limits = Limits(**{name.removeprefix("max-").replace("-", "_"): value for name, value in example.limits.items()})
    return check(Source(FILE, example.text), limits)


@pytest.mark.parametrize("code", [c for c in CODES.values() if c.wrong.kind == SPEC], ids=lambda code: code.name)
def test_the_wrong_spec_gives_its_one_message_and_the_mended_one_none(code: Code) -> None:
    assert code.right is not None
    assert found(code.right) == ()
    (diagnostic,) = found(code.wrong)
    assert diagnostic.code == code.name
    assert diagnostic.span is not None
    assert diagnostic.span.line in changed_lines(code.wrong, code.right)


def changed_lines(wrong: Example, right: Example) -> set[int]:
    """The lines, from 1, in which the two differ: where the mistake is."""
    pairs = zip_longest(wrong.text.splitlines(), right.text.splitlines())
    return {number for number, (before, after) in enumerate(pairs, start=1) if before != after}


@pytest.mark.parametrize("code", [c for c in CODES.values() if c.wrong.kind == COMMAND], ids=lambda code: code.name)
def test_the_wrong_command_gives_its_message_and_the_mended_one_none(code: Code, tmp_path: Path) -> None:
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    (tmp_path / "empty").mkdir()
    wrong, right = run(code.wrong, tmp_path), run(code.right, tmp_path)
    assert f"error[{code.name}]" in wrong.stdout + wrong.stderr
    assert wrong.returncode in {1, 2, 3}
    assert (right.returncode, right.stderr) == (0, "")


def run(example: Example | None, folder: Path) -> subprocess.CompletedProcess[str]:
    assert example is not None
    line = example.text.removeprefix("$ ").replace("cnnspec ", f"{sys.executable} -m cnnspec ")
    return subprocess.run(["sh", "-c", line], cwd=folder, text=True, capture_output=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)


def test_the_page_is_made_from_the_catalogue() -> None:
    written = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert written == page(), "run `python -m cnnspec.render.codes > docs/diagnostics.md`"
