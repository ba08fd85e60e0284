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
    "specs/tiny.cnn:tiny", "tiny.cnn:tiny", "specs/tiny.cnn", "alexnet", "file.txt:net", "specs/main:net", "lenet:",
    "resnet.cnn:a/b.cnn", ":", ":net",
])
def test_other_targets_are_no_revisions(target: str, repository: Path) -> None:
    assert named(target) is None


def test_a_name_before_a_colon_is_a_file_where_there_is_no_repository(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert named("main:net") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert named("main:net") is None


@pytest.mark.parametrize(("target", "code", "says"), [
    ("mian:specs/tiny.cnn", "unknown-revision", "did you mean `main:specs/tiny.cnn`?"),
    ("mian~1:specs/tiny.cnn", "unknown-revision", "did you mean `main~1:specs/tiny.cnn`?"),
    ("zzz:specs/tiny.cnn", "unknown-revision", "`git branch --all` and `git tag` list them"),
    ("v1.0:lenet", "unknown-revision", "the repository has no revision `v1.0`"),
    ("top:top", "unknown-revision", "did you mean `top.cnn:top`?"),
    ("HEAD~7:top.cnn", "unknown-revision", "there is no revision `HEAD~7`: `HEAD` has 2 commits"),
    ("HEAD~7:top.cnn", "unknown-revision", "help: `HEAD:top.cnn`"),
    ("HEAD:specs", "not-a-file", "help: a file in it: `HEAD:specs/blocks.cnn`"),
    ("HEAD:", "not-a-file", "`HEAD:` names no file: a path is missing"),
    ("HEAD:", "not-a-file", "help: such as `HEAD:specs/blocks.cnn`"),
    ("HEAD::tiny", "not-a-file", "`HEAD:` names no file: a path is missing"),
    ("main:", "not-a-file", "`main:` names no file: a path is missing"),
    ("HEAD:.", "not-a-file", "`HEAD:.` is the folder of the repository"),
    ("HEAD:..", "file-not-found", "the path leads out of the repository"),
    ("HEAD:tiny", "file-not-found", "the net of a file: `HEAD:specs/tiny.cnn:tiny`"),
    ("HEAD:other", "file-not-found", "no file other at the revision HEAD, which is followed by a path"),
    ("HEAD:resnet18", "file-not-found", "the net as it is now: `resnet18`"),
    ("HEAD:specs/tiny", "file-not-found", "did you mean `HEAD:specs/tiny.cnn`?"),
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


@pytest.mark.parametrize(("target", "help_"), [
    ("HEAD:lenet", "the net as it is now: `lenet`"), ("HEAD:", "a file: `FILE` or `FILE:NET`"),
    ("HEAD~1:net.cnn", "the file as it is now: `net.cnn`"),
])
def test_head_is_a_revision_even_without_a_repository(
        target: str, help_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.cnn").write_text("INPUT(3x8x8) -> RELU", encoding="utf-8")
    done = run("diff", target, "lenet")
    assert done.exit_code == 2
    assert "error[no-repository]" in done.stderr
    assert help_ in done.stderr


@pytest.mark.parametrize(("target", "help_"), [
    ("HEAD:net.cnn", "the file as it is now: `net.cnn`"), ("HEAD:sub", "`git add` and `git commit` make the first"),
    ("HEAD:resnet18", "the net as it is now: `resnet18`"), ("HEAD:", "`git add` and `git commit` make the first"),
    ("main:net.cnn", "the file as it is now: `net.cnn`"),
])
def test_a_repository_without_commits(
        target: str, help_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    (tmp_path / "sub").mkdir()
    (tmp_path / "net.cnn").write_text("INPUT(3x8x8) -> RELU", encoding="utf-8")
    done = run("diff", target, "lenet")
    assert done.exit_code == 2
    assert "error[unknown-revision]: the repository has no commits yet" in done.stderr
    assert help_ in done.stderr
    assert "did you mean `HEAD`" not in done.stderr


def test_a_branch_without_commits_beside_others(repository: Path) -> None:
    git("checkout", "-q", "--orphan", "fresh")
    done = run("diff", "HEAD:top.cnn", "lenet")
    assert done.exit_code == 2
    assert "the current branch has no commits yet, so there is no `HEAD`" in done.stderr
    assert "another branch: `main:top.cnn`" in done.stderr


def test_a_shallow_clone_is_said(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("clone", "-q", "--depth", "1", repository.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    done = run("diff", "HEAD~1:top.cnn", "top.cnn")
    assert done.exit_code == 2
    assert "`HEAD` has 1 commit in this shallow clone" in done.stderr
    assert "help: `git fetch --unshallow`" in done.stderr


def test_a_revision_without_specs(repository: Path) -> None:
    (repository / "docs").mkdir()
    (repository / "docs/a.txt").write_text("a", encoding="utf-8")
    git("add", "docs")
    git("commit", "-q", "-m", "docs")
    assert "there is no spec in it" in run("diff", "HEAD:docs", "lenet").stderr


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
