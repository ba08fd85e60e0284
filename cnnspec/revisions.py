"""Spec files of a git revision: `main:specs/net.cnn`, `HEAD~2:./net.cnn`.

Paths are as git has them: from the top of the repository, or from the current folder where they begin with `./` or
`../`. Nothing is run but `git` with a list of arguments, and only commands that read objects.
"""

from __future__ import annotations

import os
import posixpath

from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.files import decode
from cnnspec.limits import Limits
from cnnspec.record import Record
from cnnspec.source import Source


class Place(Record):
    """A file of a revision; `path` as it was written, or from the top of the repository without `./`."""

    revision: str
    path: str

    def __str__(self) -> str:
        return f"{self.revision}:{self.path}"


class Revised(Source):
    """The text of a file as it was at a revision; its path is from the top of the repository."""

    __slots__ = ("place",)

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(str(place), text)
        self.place = place


def named(target: str) -> tuple[Place, str] | None:
    """The file and the net that a target names by a revision; None for what is no such target.

    A file wins that has this name, or has that of all before the last colon.
    """
    revision, colon, path = target.partition(":")
    path, _, net = path.rpartition(":") if ":" in path else (path, "", "")
    if not colon or revision.endswith(".cnn") or not (path.endswith(".cnn") or "/" in path):
        return None
    if any(map(os.path.exists, (revision, target, f"{revision}:{path}"))):
        return None
    return Place(revision, path), net


def read(place: Place, limits: Limits) -> Revised:
    """A file's text at a revision; raises `SpecError` where git, the repository, the revision or the file is missing.

    Also for a file that is too large or no UTF-8, as `files.read` does.
    """
    if place.revision.startswith("-") or not place.revision or "\0" in str(place):
        raise _error("unknown-revision", f"`{place.revision}` cannot name a revision",
                     "such as `main:specs/net.cnn` or `HEAD~1:./net.cnn`")
    prefix = _folder(place)
    if _git("rev-parse", "--verify", "--quiet", f"{place.revision}^{{tree}}") is None:
        raise _unknown(place.revision)
    found = Place(place.revision, _from_top(place.path, prefix))
    kind = _git("cat-file", "-t", str(found))
    if kind is None or kind.strip() != b"blob":
        raise _missing(found, prefix, is_folder=kind is not None)
    size = int(_git("cat-file", "-s", str(found)) or 0)
    data = b" " * size if size > limits.file_bytes else _git("cat-file", "blob", str(found)) or b""
    return Revised(found, decode(data, str(found), limits).text)


def beside(path: str, user: Revised, limits: Limits) -> Revised | None:
    """The file that a `use` names in a file of a revision, at the same revision; None where it has none.

    It is sought beside the file that uses it, then in the folder `specs` of the current folder. Raises `SpecError` for
    one that cannot be read.
    """
    near = posixpath.join(posixpath.dirname(user.place.path), path)
    far = _from_top(posixpath.join("./specs", path), _folder(user.place))
    for candidate in (near, far):
        found = Place(user.place.revision, posixpath.normpath(candidate))
        if found == user.place:
            return user  # a loop, which whoever loads it says
        if not found.path.startswith("../") and _git("cat-file", "-e", str(found)) is not None:
            return read(found, limits)
    return None


def _from_top(path: str, prefix: str) -> str:
    """A path from the top of the repository; one that begins with a dot stands for one from the current folder."""
    return posixpath.normpath(posixpath.join(prefix, path) if path.startswith(("./", "../")) else path)


def _folder(place: Place) -> str:
    """The current folder, from the top of the repository."""
    prefix = _git("rev-parse", "--show-prefix")
    if prefix is None:
        raise _error("no-repository", f"there is no file {place}, and no git repository here whose revision it could "
                     "name", "a file: `FILE` or `FILE:NET`")
    return prefix.decode("utf-8", "surrogateescape").rstrip("\n")


def _git(*arguments: str) -> bytes | None:
    """What a command of git prints; None where it fails. Raises `SpecError` without git."""
    import subprocess  # slow to start, and only revisions need it

    quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    none = subprocess.DEVNULL
    try:
        return subprocess.check_output(  # noqa: S603  # a list of arguments, no shell
            ["git", *arguments], stdin=none, stderr=none, env={**os.environ, **quiet})  # noqa: S607  # of the PATH
    except subprocess.CalledProcessError:
        return None
    except OSError:
        raise _error("no-git", "git, which reads revisions, is not installed") from None


def _unknown(revision: str) -> SpecError:
    refs = (_git("for-each-ref", "--format=%(refname:short)") or b"").decode("utf-8", "replace").split()
    match = closest(revision, [*refs, "HEAD"])
    return _error("unknown-revision", f"the repository has no revision `{revision}`",
                  f"did you mean `{match}`?" if match else "a branch, a tag, a commit, or `HEAD~1`")


def _missing(place: Place, prefix: str, *, is_folder: bool) -> SpecError:
    if is_folder:
        return _error("not-a-file", f"{place} is a folder", "name a file in it")
    near = Place(place.revision, posixpath.normpath(posixpath.join(prefix, place.path)))
    if _git("cat-file", "-e", str(near)) is not None:
        return _error("file-not-found", f"there is no file {place}: paths are from the top of the repository",
                      f"from the current folder: `{place.revision}:./{place.path}`")
    folder, name = posixpath.split(place.path)
    names = (_git("ls-tree", "-z", "--name-only", f"{place.revision}:{folder}") or b"").decode("utf-8", "replace")
    match = closest(name, filter(None, names.split("\0")))
    return _error("file-not-found", f"there is no file {place.path} at the revision {place.revision}",
                  f"did you mean `{place.revision}:{posixpath.join(folder, match)}`?" if match else "")


def _error(code: str, message: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, help=help)])
