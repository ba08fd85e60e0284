"""`--report`: where pages go, what they say, and what is refused before anything is done."""

from __future__ import annotations

import os
import tempfile
from errno import EACCES
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnnspec.cli import group
from cnnspec.cli.report_option import require_writable
from cnnspec.diagnostics import SpecError

SMALL = "INPUT(3x8x8) -> [CONV(4) -> RELU]*2 -> FC(2)"


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(group, [*arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def files() -> set[str]:
    return {path.as_posix() for path in Path().rglob("*") if path.is_file()}


def test_a_bare_name_goes_into_reports_and_a_path_where_it_says() -> None:
    plain = run("summary", "-e", SMALL)
    result = run("summary", "-e", SMALL, "--report", "net.html", "--report", "here/net.md", "--report=./net.HTML")
    assert result.exit_code == 0
    assert result.stdout == plain.stdout
    assert result.stderr == "wrote reports/net.html\nwrote here/net.md\nwrote ./net.HTML\n"
    assert files() == {"reports/net.html", "here/net.md", "net.HTML"}
    assert Path("net.HTML").read_text().startswith("<!doctype html>")


def test_a_page_tells_the_command_that_makes_it_and_no_folder_of_this_machine(tmp_path: Path) -> None:
    Path("net.cnn").write_text(SMALL, encoding="utf-8")
    first = run("summary", str(tmp_path / "net.cnn"), "--batch", "8", "--report", str(tmp_path / "a" / "net.html"))
    second = run("summary", str(tmp_path / "net.cnn"), "--batch", "8", f"--report={tmp_path / 'b' / 'net.html'}")
    assert first.exit_code == second.exit_code == 0
    one, other = Path("a/net.html").read_text(), Path("b/net.html").read_text()
    assert "<code>cnnspec summary net.cnn --batch 8 --report net.html</code>" in one
    assert "<code>cnnspec summary net.cnn --batch 8 --report=net.html</code>" in other
    assert one.replace("--report net", "--report=net") == other
    assert str(tmp_path) not in one


def test_markdown_has_the_table_the_drawing_and_the_memory() -> None:
    assert run("summary", "-e", SMALL, "--report", "net.md").exit_code == 0
    text = Path("reports/net.md").read_text()
    for wanted in ("## Layers", "| \\[CONV 3×3 → RELU\\] ×2 |", "```mermaid\n", "| peak |", "cnnspec summary -e"):
        assert wanted in text, wanted
    assert text.count("# ") == 1 + 3 * 1


def test_a_report_shows_what_the_options_ask_for() -> None:
    result = run("summary", "alexnet", "--device", "h100", "--input", "3x227x227", "--report", "net.html")
    assert result.exit_code == 0
    text = Path("reports/net.html").read_text()
    assert "3×227×227" in text
    assert "datasheet" in text
    assert ">bound by<" in text


@pytest.mark.parametrize("name", ["net.pdf", "net", ".html", "folder/", "net.html.gz"])
def test_other_kinds_of_files_are_refused(name: str) -> None:
    result = run("summary", "-e", SMALL, "--report", name)
    assert result.exit_code == 2
    assert ".html" in result.stderr
    assert ".md" in result.stderr
    assert result.stdout == ""
    assert files() == set()


@pytest.mark.parametrize("command", [("summary",), ("profile", "--no-energy")])
def test_what_cannot_be_written_is_refused_before_anything_is_done(command: tuple[str, ...]) -> None:
    Path("reports/net.html").mkdir(parents=True)
    Path("file").write_text("", encoding="utf-8")
    for name in ("net.html", "file/net.html", "file/deeper/net.html"):
        result = run(*command, "-e", SMALL, "--report", name)
        assert result.exit_code == 1, name
        assert "error[not-writable]" in result.stderr
        assert result.stdout == ""
    assert files() == {"file"}


def test_a_folder_that_may_not_be_written_to_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("shut").mkdir()
    made = tempfile.NamedTemporaryFile

    def refusing(*, dir: str) -> object:  # root, as whom tests may run, may do all
        if os.path.basename(dir) == "shut":
            raise PermissionError(EACCES, "no")
        return made(dir=dir)

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refusing)
    require_writable("open/net.html")
    with pytest.raises(SpecError, match="shut may not be written to; name another folder"):
        require_writable("shut/deeper/net.html")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no folder of processes")
def test_a_folder_that_only_says_that_it_is_writable_is_refused() -> None:
    with pytest.raises(SpecError, match="/proc may not be written to; name another folder"):
        require_writable("/proc/x.html")


def test_of_a_link_its_target_is_written_and_the_link_stays() -> None:
    Path("there").mkdir()
    Path("net.html").symlink_to("there/page.html")
    for text in (SMALL, "INPUT(3x8x8) -> FC(7)"):
        assert run("summary", "-e", text, "--report", "./net.html").exit_code == 0
        assert Path("net.html").is_symlink()
    assert ">7<" in Path("there/page.html").read_text()
    assert files() == {"net.html", "there/page.html"}


def test_nothing_is_made_by_asking_whether_it_could_be() -> None:
    require_writable("one/two/net.html")
    assert files() == set()
    assert not Path("one").exists()


def test_comparisons_have_reports_too() -> None:
    plain = run("compare", "lenet", "alexnet")
    result = run("compare", "lenet", "alexnet", "--report", "two.html", "--report", "two.md")
    assert result.exit_code == 0
    assert (result.stdout, result.stderr) == (plain.stdout, "wrote reports/two.html\nwrote reports/two.md\n")
    assert "<h1>lenet and alexnet</h1>" in Path("reports/two.html").read_text()
    assert Path("reports/two.md").read_text().startswith("# lenet · alexnet\n")
    refused = run("compare", "lenet", "alexnet", "--input", "3x227x227", "--report", "two.pdf")
    assert refused.exit_code == 2


def test_a_profile_of_several_networks_has_no_report() -> None:
    result = run("profile", "lenet", "vgg16", "--report", "net.html")
    assert result.exit_code == 2
    assert "--report go with one network" in result.stderr
