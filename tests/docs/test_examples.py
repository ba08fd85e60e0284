"""The pictures and pages in `reports/` are what their commands make today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.examples import ROOT, examples, make, measured

LEAST = 6


@pytest.mark.parametrize(("file", "command"), [*examples()], ids=str)
def test_an_example_is_what_its_command_makes(file: str, command: str, tmp_path: Path) -> None:
    make(command, tmp_path)
    made, kept = ((folder / "reports" / file).read_bytes() for folder in (tmp_path, ROOT))
    same = made == kept  # compared here, since pytest would spend minutes on how such long texts differ
    assert same, "python -m tests.docs.examples makes it anew"


def test_the_page_names_every_example() -> None:
    named = {file for file, _ in examples()}
    kept = {path.name for path in (ROOT / "reports").iterdir() if path.suffix in {".svg", ".html"}}
    assert len(named) >= LEAST
    assert kept <= named | {*measured()}
