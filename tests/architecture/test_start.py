"""What a fresh interpreter loads: no command of the core loads heavy packages, and the watch would see one that did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.code import ROOT

#: Seconds to import, hundreds of megabytes to install: for the commands that cannot do without, when they are called.
HEAVY = {"torch", "numpy", "pandas", "fvcore", "pynvml", "scipy", "matplotlib", "ptflops", "torchinfo", "thop"}
#: Milliseconds that count in a check of one file.
SLOW = {
    "rich", "json", "dataclasses", "inspect", "enum", "typing_extensions", "difflib", "pathlib", "hashlib", "asyncio",
}


def loaded(code: str, path: Path | None = None) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after some code."""
    script = f"{code}\nimport sys\nprint('loaded', *{{name.partition('.')[0] for name in sys.modules}})"
    places = [str(ROOT), *([str(path)] if path else [])]
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(places)})
    return set(done.stdout.split("loaded ")[-1].split())


def command(*arguments: str) -> str:
    """Code that runs a command as the console script does."""
    return f"""
import sys
from cnnspec.cli import main
sys.argv = {["cnnspec", *arguments]!r}
try:
    main()
except SystemExit as exit:
    assert not exit.code, exit.code
"""


@pytest.mark.parametrize("arguments", [
    ("summary", "specs/vgg16.cnn"),
    ("summary", "resnet50", "--format", "json"),
    ("summary", "resnet50", "--format", "csv"),
    ("summary", "resnet50", "--format", "markdown"),
    ("summary", "resnet50", "--device", "h100"),
    ("predict", "resnet50", "vgg16", "--device", "h100"),
    ("check", "specs"),
    ("check", "specs", "--output-format", "json"),
    ("explain", "alexnet", "conv[0]"),
    ("explain", "shape-mismatch"),
    ("fmt", "--check", "specs"),
    ("layers",),
    ("layers", "CONV"),
    ("zoo",),
], ids=" ".join)
def test_no_command_of_the_core_loads_a_heavy_package(arguments: tuple[str, ...]) -> None:
    assert not loaded(command(*arguments)) & HEAVY


def test_the_python_interface_loads_no_heavy_package_and_nothing_that_prints() -> None:
    code = "import cnnspec; net = cnnspec.load('resnet18'); net.summary(); net.layers; cnnspec.parse('INPUT -> FC')"
    assert not loaded(code) & (HEAVY | {"rich", "click"})


def test_a_check_loads_nothing_that_is_slow_beside_what_click_loads() -> None:
    assert not (loaded(command("check", "specs/vgg16.cnn")) - loaded("import click")) & (HEAVY | SLOW)


@pytest.mark.parametrize("arguments", [("summary", "specs/vgg16.cnn"), ("check", "specs/vgg16.cnn")], ids=" ".join)
def test_a_command_that_did_load_one_would_be_seen(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    assert loaded("import torch" + command(*arguments), tmp_path) & HEAVY == {"torch"}


def test_a_check_that_did_load_rich_would_be_seen() -> None:
    assert "rich" in (loaded("import rich" + command("check", "specs/vgg16.cnn")) - loaded("import click")) & SLOW
