"""Spec files of a git revision: `main:specs/net.cnn`, `HEAD~2:./net.cnn`.

Paths are as git has them: from the top of the repository, or from the current folder where they begin with `./` or
`../`. Nothing is run but `git` with a list of arguments, and only commands that read objects.
"""

from __future__ import annotations

import os
import posixpath

from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.files import decode, find_net
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

    A file wins that has this name, or has that of all before the last colon. What follows the colon may be no path, as
    in `HEAD:resnet18`; where what stands before it looks like no file, it is taken for a revision, to be told so.
    """
    revision, colon, path = target.partition(":")
    path, _, net = path.rpartition(":") if ":" in path else (path, "", "")
    if not colon or revision.endswith(".cnn"):
        return None
    if any(map(os.path.exists, (revision, target, f"{revision}:{path}"))):
        return None
    if path.endswith(".cnn") or "/" in path or _is_head(revision) or (_may_be_one(revision) and (
            _has(revision) or (path and _git("rev-parse", "--git-dir") is not None))):
        return Place(revision, path), net
    return None


def _is_head(text: str) -> bool:
    """Whether everyone knows it for a revision."""
    return text == "HEAD" or text.startswith(("HEAD~", "HEAD^", "HEAD@"))


def _may_be_one(text: str) -> bool:
    """Whether a text that no colon has cut looks like a revision rather than a file, and git is there to ask."""
    looks = bool(text) and text[0] not in "-." and "\0" not in text and os.sep not in text
    return looks and not os.path.splitext(text)[1][1:2].isalpha() and _has_git()


def _has_git() -> bool:
    from shutil import which  # only a target that may be a mistake asks

    return which("git") is not None


def _has(revision: str) -> bool:
    return _git("rev-parse", "--verify", "--quiet", f"{revision}^{{tree}}") is not None


def read(place: Place, limits: Limits) -> Revised:
    """A file's text at a revision; raises `SpecError` where git, the repository, the revision or the file is missing.

    Also for a file that is too large or no UTF-8, as `files.read` does.
    """
    if place.revision.startswith("-") or not place.revision or "\0" in str(place):
        raise _error("unknown-revision", f"`{place.revision}` cannot name a revision",
                     "such as `main:specs/net.cnn` or `HEAD~1:./net.cnn`")
    prefix = _folder(place)
    if not _has(place.revision):
        raise _unknown(place)
    found = Place(place.revision, _from_top(place.path, prefix))
    kind = _git("cat-file", "-t", str(found))
    if kind is None or kind.strip() != b"blob":
        raise _missing(place, found, prefix, is_folder=kind is not None)
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
    here = path.startswith(("./", "../")) or path in {".", ".."}
    normal = posixpath.normpath(posixpath.join(prefix, path) if here else path)
    return "" if normal == "." else normal


def _folder(place: Place) -> str:
    """The current folder, from the top of the repository."""
    prefix = _git("rev-parse", "--show-prefix")
    if prefix is None:
        raise _error("no-repository", f"there is no file {place}, and no git repository here whose revision it could "
                     "name", _now(place.path) or "a file: `FILE` or `FILE:NET`")
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


# -------------------------------------------------------------------------------------------- mistakes


def _unknown(place: Place) -> SpecError:
    """The repository has no such revision: none at all, none so old, or none of this name."""
    revision = place.revision
    refs = _lines("for-each-ref", "--format=%(refname:short)")
    base, steps = _base(revision)
    if not refs and not _has("HEAD"):
        return _error("unknown-revision", f"the repository has no commits yet, so it has no revision `{revision}`",
                      _now(place.path) or "`git add` and `git commit` make the first")
    if base == "HEAD" and not _has("HEAD"):
        return _error("unknown-revision", f"the current branch has no commits yet, so there is no `{revision}`",
                      f"another branch: `{refs[0]}:{place.path}`")
    if steps and _has(base):
        count = (_git("rev-list", "--count", "--first-parent", base) or b"?").decode().strip()
        is_shallow = (_git("rev-parse", "--is-shallow-repository") or b"").strip() == b"true"
        return _error("unknown-revision",
                      f"there is no revision `{revision}`: `{base}` has {count} commit{'' if count == '1' else 's'}"
                      f"{' in this shallow clone' if is_shallow else ''}",
                      "`git fetch --unshallow` fetches the others" if is_shallow else f"`{base}:{place.path}`")
    if not place.path.endswith(".cnn") and os.path.isfile(f"{revision}.cnn"):
        return _error("unknown-revision", f"there is neither a file nor a revision `{revision}`",
                      f"did you mean `{revision}.cnn:{place.path}`?")
    match = closest(base, [*refs, "HEAD"])
    return _error("unknown-revision", f"the repository has no revision `{revision}`",
                  f"did you mean `{match}{steps}:{place.path}`?" if match and match != base else
                  "a branch, a tag or a commit: `git branch --all` and `git tag` list them")


def _base(revision: str) -> tuple[str, str]:
    """A revision's name, and the steps from there: `HEAD`, `~2`."""
    at = min((at for sign in "~^@" if (at := revision.find(sign)) > 0), default=len(revision))
    return revision[:at], revision[at:]


def _missing(written: Place, place: Place, prefix: str, *, is_folder: bool) -> SpecError:
    """There is no file: a folder, no path at all, one outside, the name of a net, or none of this name."""
    revision, path = place.revision, place.path
    if is_folder:
        folder = f"{place} is a folder" if path else f"`{written}` names no file: a path is missing" \
            if not written.path else f"`{written}` is the folder of the repository"
        return _error("not-a-file", folder, _such_as(place))
    if path.startswith("../") or path == "..":
        return _error("file-not-found", f"there is no file {written.path} at the revision {revision}: "
                      "the path leads out of the repository", _such_as(Place(revision, "")))
    near = Place(revision, posixpath.normpath(posixpath.join(prefix, path)))
    if near != place and _git("cat-file", "-e", str(near)) is not None:
        return _error("file-not-found", f"there is no file {place}: paths are from the top of the repository",
                      f"from the current folder: `{revision}:./{path}`")
    return _error("file-not-found", f"there is no file {path} at the revision {revision}"
                  f"{', which is followed by a path and not by a name' if find_net(path) else ''}",
                  _meant(place, prefix))


def _meant(place: Place, prefix: str) -> str:
    """What was probably meant: the file with its ending, the file that defines a net of this name, one like it."""
    revision, path = place.revision, place.path
    folder, name = posixpath.split(path)
    names = _lines("ls-tree", "-z", "--name-only", f"{revision}:{folder}")
    if f"{name}.cnn" in names:
        return f"did you mean `{place}.cnn`?"
    file = find_net(path)
    if file is not None:  # a net's name, which stands for a file; at a revision only files are looked up
        inside = Place(revision, _from_top(f"./{file}", prefix))
        is_there = not os.path.isabs(file) and _git("cat-file", "-e", str(inside)) is not None
        return f"the net of a file: `{inside}:{path}`" if is_there else _now(path)
    match = closest(name, names)
    return f"did you mean `{revision}:{posixpath.join(folder, match)}`?" if match else _such_as(Place(revision, ""))


def _now(path: str) -> str:
    """The file or net that stands behind a revision, without it; empty where there is none."""
    is_file = os.path.isfile(path)
    return f"the {'file' if is_file else 'net'} as it is now: `{path}`" if is_file or find_net(path) else ""


def _such_as(folder: Place) -> str:
    """A spec that can be named, below a folder of a revision."""
    below = [folder.path] if folder.path else []
    files = _lines("ls-tree", "-r", "-z", "--full-tree", "--name-only", folder.revision, "--", *below)
    spec = next((file for file in files if file.endswith(".cnn")), None)
    if spec is None:
        return f"there is no spec{' in it' if below else ' at this revision'}: `git add` and `git commit` put one there"
    return f"a file in it: `{Place(folder.revision, spec)}`" if below else f"such as `{Place(folder.revision, spec)}`"


def _lines(*arguments: str) -> list[str]:
    """The names that a command of git prints, by line or, with `-z`, by NUL."""
    listed = (_git(*arguments) or b"").decode("utf-8", "replace")
    return [name for name in (listed.split("\0") if "-z" in arguments else listed.splitlines()) if name]


def _error(code: str, message: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, help=help)])
