"""Specs with mistakes, and the whole of what `cnnspec check` prints of them.

`python -m tests.diagnostics.test_corpus` writes what is printed today beside the specs; look at the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnspec.analysis.check import check
from cnnspec.limits import Limits
from cnnspec.render.diagnostics import full
from cnnspec.source import Source

CORPUS = Path(__file__).parent / "corpus"
SPECS = sorted(CORPUS.glob("*.cnn"))


def printed(spec: Path) -> str:
    return full(check(Source(spec.name, spec.read_text(encoding="utf-8")), Limits())) + "\n"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_what_is_printed(spec: Path) -> None:
    assert printed(spec) == spec.with_suffix(".txt").read_text(encoding="utf-8")


def test_every_text_has_its_spec() -> None:
    assert {path.stem for path in CORPUS.glob("*.txt")} == {spec.stem for spec in SPECS}


if __name__ == "__main__":
    for spec in SPECS:
        spec.with_suffix(".txt").write_text(printed(spec), encoding="utf-8")
