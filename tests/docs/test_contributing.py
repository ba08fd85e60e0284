"""The walk through adding a layer works: its changes apply to this checkout, and the tests of layers then pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks

CHANGES = [block.text for block in blocks(ROOT / "CONTRIBUTING.md") if block.kind == "diff"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the walk changes and tests."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("cnnspec", "tests/layers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("tests/conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def change(checkout: Path, text: str) -> None:
    subprocess.run(["git", "apply", "-"], cwd=checkout, input=text, text=True, check=True)


def tried(checkout: Path) -> subprocess.CompletedProcess[str]:
    """The tests of the catalogue and of activations; those against PyTorch where it is installed."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/layers/test_catalogue.py",
               "tests/layers/test_activation.py", "-k", "not install"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def test_the_walk_ends_with_a_layer_that_passes(checkout: Path) -> None:
    first, second = CHANGES
    change(checkout, first)
    assert "FAILED tests/layers/test_catalogue.py::test_the_catalogue_is_whole" in tried(checkout).stdout
    change(checkout, second)
    done = tried(checkout)
    assert done.returncode == 0, done.stdout
    shown = subprocess.run([sys.executable, "-m", "cnnspec", "layers", "softsign"], cwd=checkout, capture_output=True,
                           text=True, check=True)
    assert "FLOPs: 3 per element (absolute value, sum, division)." in shown.stdout
