"""`cnnspec draw`: files by their suffix, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cnnspec import load
from cnnspec.cli import group
from cnnspec.render.draw import svg
from tests.render.drawings import parsed


def run(*arguments: str) -> Any:
    return CliRunner().invoke(group, ["draw", *arguments])


def test_without_a_file_the_svg_goes_to_standard_output() -> None:
    result = run("lenet")
    assert result.exit_code == 0
    assert result.stdout == svg(load("lenet").summary())
    assert result.stderr == ""


def test_a_terminal_gets_no_svg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnspec.cli.draw.sys", type("", (), {"stdout": type("", (), {"isatty": lambda: True})}))
    result = run("lenet")
    assert result.exit_code == 2
    assert "give a file with -o" in result.stderr


@pytest.mark.parametrize(("name", "begins"), [
    ("a.svg", b"<svg "), ("a.SVG", b"<svg "), ("a.png", b"\x89PNG"), ("a.dot", b"digraph"), ("a.gv", b"digraph"),
    ("a.mmd", b""),
])
def test_the_suffix_chooses_the_format(tmp_path: Path, name: str, begins: bytes) -> None:
    result = run("lenet", "-o", str(tmp_path / name))
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert result.stderr == f"wrote {tmp_path / name}\n"
    content = (tmp_path / name).read_bytes()
    assert content.startswith(begins)
    assert b"CONV 5" in content or name == "a.png"


def test_several_files_are_written_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / "n.svg", tmp_path / "below" / "n.dot", tmp_path / "n.mmd"]
    result = run("vgg16", *(part for path in paths for part in ("-o", str(path))))
    assert result.exit_code == 0
    assert all(path.stat().st_size > 500 for path in paths)


def test_options_reach_the_drawing(tmp_path: Path) -> None:
    summary = load("vgg16").summary()
    assert run("vgg16", "--size-by", "params").stdout == svg(summary, size_by="params")
    assert run("vgg16", "--depth", "all").stdout == svg(summary, depth=-1)
    assert run("vgg16", "--depth", "1").stdout == svg(summary, depth=1)
    assert run("vgg16", "--style", "volumes").stdout == svg(summary, style="volumes")
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    for path, scale in ((small, "0.5"), (large, "2")):
        assert run("lenet", "-o", str(path), "--scale", scale).exit_code == 0
    widths = [int.from_bytes(path.read_bytes()[16:20], "big") for path in (small, large)]
    assert widths[1] == pytest.approx(4 * widths[0], abs=4)


def test_an_expression_is_drawn() -> None:
    result = run("-e", "INPUT(3x8x8) -> CONV(4) -> ADD{ CONV(4) | ID } -> FC(2)", "--depth", "1")
    assert result.exit_code == 0
    parsed(result.stdout)


@pytest.mark.parametrize(("arguments", "said"), [
    (["lenet", "-o", "net.pdf"], "`net.pdf` ends in none of .svg, .png, .dot, .gv, .mmd"),
    (["lenet", "-o", "net"], "`net` ends in none of .svg"),
    (["lenet", "-o", "n.dot", "--style", "volumes"], "--style volumes goes with .svg and .png, not .dot"),
    (["lenet", "-o", "n.mmd", "--style", "volumes"], "--style volumes goes with .svg and .png, not .mmd"),
    (["lenet", "--style", "volumes", "--size-by", "macs"], "--size-by goes with --style graph"),
    (["lenet", "-o", "n.dot", "--size-by", "macs"], "--size-by goes with --style graph"),
    (["lenet", "-o", "n.svg", "--scale", "3"], "--scale goes with .png"),
    (["lenet", "-o", "n.png", "--scale", "0"], "0 is not in the range"),
    (["lenet", "--depth", "deep"], "`deep` is neither a number of levels nor `all`"),
    ([], "give one TARGET"),
])
def test_what_cannot_be_meant_is_wrong_usage(arguments: list[str], said: str, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert [*tmp_path.iterdir()] == []


def test_an_unknown_net_is_said(tmp_path: Path) -> None:
    result = run("lennet", "-o", str(tmp_path / "n.svg"))
    assert result.exit_code == 2
    assert "did you mean `lenet`?" in result.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_folder_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "n.svg").mkdir()
    result = run("lenet", "-o", str(tmp_path / "n.svg"))
    assert result.exit_code == 1
    assert "cannot be written: it is a folder" in result.stderr
    assert [*tmp_path.iterdir()] == [tmp_path / "n.svg"]


def test_where_one_cannot_be_made_none_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    result = run("lenet", "-o", str(tmp_path / "n.svg"), "-o", str(tmp_path / "n.png"))
    assert result.exit_code == 1
    assert "error[no-png]" in result.stderr
    assert "pip install 'cnnspec[png]'" in result.stderr
    assert [*tmp_path.iterdir()] == []


def test_warnings_are_printed_beside() -> None:
    result = run("-e", "INPUT(3x8x8) -> CONV(4) as unused -> FC(2)")
    assert result.exit_code == 0
    assert "warning[unused-name]" in result.stderr
    parsed(result.stdout)
