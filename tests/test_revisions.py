"""Specs as they were at a git revision: `main:specs/tiny.cnn`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cnnspec
from cnnspec.cli import group
from cnnspec.revisions import named

BLOCKS = "block b(c) = CONV(c) -> RELU\n"
NET = 'use "blocks.cnn"\nnet tiny = INPUT(3x8x8) -> b(4) -> FC(10)\nnet other = INPUT(3x8x8) -> b(8)\n'


def git(*arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two commits on `main`; the later one has another block, and the files now say another still."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    here = tmp_path / "here"
    (here / "specs").mkdir(parents=True)
    monkeypatch.chdir(here)
    git("init", "-q", "-b", "main")
    (here / "specs/tiny.cnn").write_text(NET, encoding="utf-8")
    for number, kernel in enumerate(("3", "5", "7")):
        (here / "specs/blocks.cnn").write_text(BLOCKS.replace("CONV(c)", f"CONV(c, {kernel})"), encoding="utf-8")
        top = f'use "specs/blocks.cnn"\nnet top = INPUT(3x8x8) -> b({number + 1})\n'
        (here / "top.cnn").write_text(top, encoding="utf-8")
        if kernel != "7":
            git("add", ".")
            git("commit", "-q", "-m", f"kernel {kernel}")
    return here


def run(*arguments: str) -> Any:
    return CliRunner().invoke(group, [*arguments])


def kernel(target: str) -> object:
    return cnnspec.load(target).layers[1].args["kernel"]


@pytest.mark.parametrize(("target", "size"), [
    ("specs/tiny.cnn", 7), ("main:specs/tiny.cnn", 5), ("HEAD:specs/tiny.cnn", 5), ("HEAD~1:specs/tiny.cnn", 3),
    ("main^:./specs/tiny.cnn", 3), ("main~1:specs/tiny.cnn:tiny", 3), ("main:top.cnn", 5), ("main:./top.cnn:top", 5),
    ("HEAD^{/kernel 3}:top.cnn", 3),
])
def test_a_file_and_what_it_uses_are_read_at_the_revision(target: str, size: int, repository: Path) -> None:
    assert kernel(target) == size


def test_nets_of_the_file_can_be_named(repository: Path) -> None:
    assert cnnspec.load("main:specs/tiny.cnn").name == "tiny"
    assert cnnspec.load("main:specs/tiny.cnn:other").name == "other"
    assert cnnspec.load("main:top.cnn").name == "top"
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.load("main:specs/tiny.cnn:otter")
    assert caught.value.diagnostics[0].help == "did you mean `main:specs/tiny.cnn:other`?"


def test_paths_may_begin_where_one_stands(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "specs")
    assert kernel("main:specs/tiny.cnn") == kernel("main:./tiny.cnn") == kernel("main:../specs/tiny.cnn") == 5
    assert kernel("main:../top.cnn") == 5
    done = run("summary", "main:tiny.cnn")
    assert done.exit_code == 2
    assert "paths are from the top of the repository" in done.stderr
    assert "`main:./tiny.cnn`" in done.stderr


def test_places_name_the_revision(repository: Path) -> None:
    layer = cnnspec.load("HEAD~1:./specs/tiny.cnn").layers[1]
    assert str(layer.node.span) == "HEAD~1:specs/blocks.cnn:1:14"


def test_diff_tells_what_changed_since(repository: Path) -> None:
    done = run("diff", "main~1:specs/tiny.cnn", "specs/tiny.cnn")
    assert done.exit_code == 1
    assert "before  tiny  main~1:specs/tiny.cnn:2" in done.stdout
    assert "~ b: CONV 3×3 → 7×7" in done.stdout
    assert "blocks.cnn:1" in done.stdout
    assert run("diff", "main:specs/tiny.cnn", "HEAD:specs/tiny.cnn").exit_code == 0


def test_what_is_used_is_sought_in_the_specs_of_the_revision_then_in_the_zoo(repository: Path) -> None:
    (repository / "far").mkdir()
    spec = 'use "blocks.cnn"\nuse "resnet.cnn"\nnet a = INPUT(3x8x8) -> b(4) -> basic(4)\n'
    (repository / "far/a.cnn").write_text(spec, encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "far")
    (repository / "specs/blocks.cnn").unlink()
    (repository / "specs/resnet.cnn").write_text("block basic(c) = BN\n", encoding="utf-8")  # not as it was
    layers = cnnspec.load("HEAD:far/a.cnn").layers
    assert layers[1].args["kernel"] == 7
    assert layers[3].path == "basic.conv_bn[0].conv"


def test_a_file_that_has_the_name_wins(repository: Path) -> None:
    (repository / "main:x.cnn").write_text("net x = INPUT(3x8x8) -> CONV(4, 1)\n", encoding="utf-8")
    assert kernel("main:x.cnn") == 1
    assert kernel("main:x.cnn:x") == 1


@pytest.mark.parametrize("target", [
    "specs/tiny.cnn:tiny", "tiny.cnn:tiny", "specs/tiny.cnn", "alexnet", "file.txt:net", "main:net",
    "resnet.cnn:a/b.cnn",
])
def test_other_targets_are_no_revisions(target: str) -> None:
    assert named(target) is None


@pytest.mark.parametrize(("target", "code", "says"), [
    ("mian:specs/tiny.cnn", "unknown-revision", "did you mean `main`?"),
    ("0123456789:specs/tiny.cnn", "unknown-revision", "the repository has no revision `0123456789`"),
    ("main:specs/tinyy.cnn", "file-not-found", "did you mean `main:specs/tiny.cnn`?"),
    ("main:spec/tiny.cnn", "file-not-found", "there is no file spec/tiny.cnn at the revision main"),
    ("main:../../tiny.cnn", "file-not-found", "at the revision main"),
    ("main:specs/", "not-a-file", "main:specs is a folder"),
    ("--output=x:specs/tiny.cnn", "unknown-revision", "`--output=x` cannot name a revision"),
    (":specs/tiny.cnn", "unknown-revision", "cannot name a revision"),
    ("main\0:specs/tiny.cnn", "unknown-revision", "cannot name a revision"),
])
def test_what_is_missing_is_said(target: str, code: str, says: str, repository: Path) -> None:
    before = sorted(os.listdir())
    done = run("summary", "--", target)
    assert done.exit_code == 2
    assert f"error[{code}]" in done.stderr
    assert says in done.stderr
    assert sorted(os.listdir()) == before


def test_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    done = run("diff", "main:specs/tiny.cnn", "lenet")
    assert (done.exit_code, "error[no-repository]" in done.stderr) == (2, True)


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    done = run("summary", "main:specs/tiny.cnn")
    assert (done.exit_code, "error[no-git]" in done.stderr) == (2, True)


def test_limits_hold_for_revisions(repository: Path) -> None:
    done = run("summary", "main:specs/tiny.cnn", "--max-file-bytes", "40")
    assert done.exit_code == 1
    assert "limit-file" in done.stderr


def test_a_use_that_is_missing_is_a_mistake_of_the_spec(repository: Path) -> None:
    (repository / "specs/lost.cnn").write_text('use "gone.cnn"\nnet lost = INPUT(3x8x8) -> RELU\n', encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "lost")
    done = run("summary", "HEAD:specs/lost.cnn")
    assert done.exit_code == 1
    assert "there is no file HEAD:specs/gone.cnn" in done.stderr
    assert "--> HEAD:specs/lost.cnn:1:5" in done.stderr


def test_files_that_use_each_other_are_a_loop(repository: Path) -> None:
    one = 'use "two.cnn"\nnet one = INPUT(3x8x8) -> RELU\n'
    (repository / "specs/one.cnn").write_text(one, encoding="utf-8")
    (repository / "specs/two.cnn").write_text('use "one.cnn"\nblock t = RELU\n', encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "loop")
    assert "use-loop" in run("summary", "HEAD:specs/one.cnn").stderr
