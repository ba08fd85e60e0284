"""`cnnspec fmt`: canonical files, links, shapes, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnnspec.cli import group

ROUGH = "net tiny=INPUT(3x32x32)->[CONV(8)->RELU]*2->POOL->FC(10) # small\n"
NEAT = "net tiny = INPUT(3x32x32) -> [CONV(8) -> RELU]*2 -> POOL -> FC(10)  # small\n"


def fmt(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(group, ["fmt", *arguments], input=text)


@pytest.fixture
def rough(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.cnn"
    path.write_text(ROUGH)
    return path


def test_a_file_is_rewritten_once(rough: Path) -> None:
    assert fmt(str(rough)).exit_code == 0
    assert rough.read_text() == NEAT
    assert fmt("--check", str(rough)).exit_code == 0


def test_check_and_diff_change_nothing(rough: Path) -> None:
    assert fmt("--check", str(rough)).exit_code == 1
    shown = fmt("--diff", str(rough))
    assert shown.exit_code == 1
    assert f"+{NEAT}" in shown.output
    assert rough.read_text() == ROUGH


def test_standard_input_goes_to_standard_output() -> None:
    assert fmt("-", text=ROUGH).output == NEAT


def test_a_link_stays_a_link(rough: Path) -> None:
    link = rough.with_name("link.cnn")
    link.symlink_to(rough)
    assert fmt(str(link)).exit_code == 0
    assert link.is_symlink()
    assert rough.read_text() == NEAT


def test_a_folder_stands_for_its_specs(rough: Path) -> None:
    assert fmt("--check", str(rough.parent)).exit_code == 1
    empty = rough.parent / "empty"
    empty.mkdir()
    assert fmt(str(empty)).exit_code == 2


def test_a_wrong_file_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "wrong.cnn"
    path.write_text("net a = INPUT -> [CONV\n")
    result = fmt(str(path))
    assert result.exit_code == 1
    assert "unclosed-bracket" in result.stderr
    assert path.read_text() == "net a = INPUT -> [CONV\n"


def test_a_missing_file_is_wrong_usage() -> None:
    assert fmt("nowhere.cnn").exit_code == 2


SHAPED = (
    "net a = INPUT(3x32x32) -> CONV(8) -> POOL : 8x16x16 -> [CONV(16) -> POOL]*2 : 16x4x4 -> FC(10) : 10\n"
)


def test_shapes_are_written_where_extents_change() -> None:
    plain = "net a = INPUT(3x32x32) -> CONV(8) -> POOL -> [CONV(16) -> POOL]*2 -> FC(10)\n"
    assert fmt("--shapes", "-", text=plain).output == SHAPED
    assert fmt("--shapes", "-", text=SHAPED).output == SHAPED


def test_a_wrong_shape_is_corrected_and_one_that_depends_on_names_is_left() -> None:
    wrong = "net a = INPUT(3x32x32) -> CONV(8) : 8x31x31 -> POOL : (C, H//2, W//2)\n"
    right = "net a = INPUT(3x32x32) -> CONV(8) : 8x32x32 -> POOL : (C, H//2, W//2)\n"
    assert fmt("--shapes", "-", text=wrong).output == right
