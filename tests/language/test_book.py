"""Every example, rule and trap of the language, as the book of cases tells it; and that the book can be wrong."""

from pathlib import Path

import pytest

from tests.language.book import FOLDER, Case, outcome, read

CASES = [case for path in sorted(FOLDER.glob("*.md")) for case in read(path)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_becomes_of_a_spec(case: Case, tmp_path: Path) -> None:
    layers, diagnostics = outcome(case, tmp_path)
    assert "\n".join(diagnostics) == "\n".join(case.diagnostics)
    assert layers == (None if case.layers is None else list(case.layers))
