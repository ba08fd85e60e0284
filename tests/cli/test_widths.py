"""No line is wider than the terminal, whatever is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cnnspec.analysis.devices import Anchor
from cnnspec.cli import group
from cnnspec.render.snippet import width
from cnnspec.runtime import profile_files
from tests.analysis.devices import steady

#: A command line, and the columns that it has to do with.
LINES = (
    ("predict googlenet --device a100-80 --batch 512 --dtype float16", 80),
    ("predict inception_v3 --device t4 --depth all", 80), ("predict lenet alexnet --device h100", 80),
    ("predict lenet --device DEVICE", 80), ("predict lenet --device DEVICE", 60), ("summary vgg16 --device h100", 80),
    ("explain resnet50", 80), ("explain googlenet", 60), ("summary lenet --memory", 80), ("summary lenet --memory", 40),
    ("summary vgg16 --memory --optimizer adam", 40), ("doctor", 80), ("doctor", 40),
)


@pytest.mark.parametrize(("line", "columns"), LINES)
def test_lines_fit_the_terminal(line: str, columns: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv(profile_files.FOLDER, str(tmp_path))
    device = tmp_path / "device.json"
    profile_files.write(steady(unrest=0.4, anchors=(Anchor("mobilenet_v2", 1.0, 1.7),)), str(device))
    done = CliRunner().invoke(group, line.replace("DEVICE", str(device)).split())
    assert done.exit_code == 0, done.output
    assert [one for one in done.stdout.splitlines() if width(one) > columns] == []
