"""Spec files: reading them within limits, and the folders in which a bare name is looked up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.limits import Limits
from cnnspec.source import Source

_NET = re.compile(r"^[ \t]*net\s+([A-Za-z_]\w*)", re.MULTILINE)


def read(path: str, limits: Limits) -> Source:
    """The text of a spec file; raises `SpecError` for one that is missing, no file, too large or no UTF-8."""
    try:
        with open(path, "rb") as file:
            data = file.read(limits.file_bytes + 1)
    except FileNotFoundError:
        raise _error("file-not-found", f"there is no file {path}", _similar(path)) from None
    except IsADirectoryError:
        raise _error("not-a-file", f"{path} is a folder", f"`cnnspec check {path}` checks every spec in it") from None
    except (OSError, ValueError) as error:
        raise _error("file-not-found", f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return decode(data, path, limits)


def decode(data: bytes, name: str, limits: Limits) -> Source:
    """A spec's bytes as text (UTF-8, with or without a byte order mark); raises `SpecError`."""
    if len(data) > limits.file_bytes:
        raise _error("limit-file", f"{name} is larger than {limits.file_bytes:,} bytes",
                     "a larger limit: `--max-file-bytes N`")
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error("not-utf8", f"{name} is not UTF-8: byte {data[error.start]:#04x} on line {line}",
                     "save it as UTF-8") from None


def beside(path: str, source: Source) -> str:
    """A path in a `use`, relative to the folder of the file that it stands in."""
    return path if os.path.isabs(path) else os.path.join(os.path.dirname(source.name), path)


def spec_folders() -> list[str]:
    """Where bare names are looked up: `./specs`, then the packaged zoo."""
    here = os.path.dirname(os.path.abspath(__file__))
    packaged = os.path.join(here, "specs")
    zoo = packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(here), "specs")
    folders = ["specs"] if os.path.isdir("specs") else []
    if os.path.isdir(zoo) and not (folders and os.path.samefile(zoo, "specs")):
        folders.append(zoo)
    return folders


def specs_in(folder: str) -> Iterator[str]:
    """Every `.cnn` file below a folder, in order; hidden folders are passed over."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            if file.endswith(".cnn"):
                yield os.path.join(here, file)


def nets_in(path: str) -> list[str]:
    """The nets that a file defines, read off its text; a file without `net` stands for its own name."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            names = _NET.findall(file.read())
    except OSError:
        return []
    return names or [os.path.splitext(os.path.basename(path))[0]]


def find_net(name: str) -> str | None:
    """The spec file that a bare name stands for, as `every_net` has it."""
    return every_net().get(name)


def every_net() -> dict[str, str]:
    """Every bare name and the spec file that it stands for: one called like it, else one that defines such a net."""
    found: dict[str, str] = {}
    for folder in spec_folders():
        files = list(specs_in(folder))
        for path in files:
            found.setdefault(os.path.basename(path).removesuffix(".cnn"), path)
        for path in files:
            for name in nets_in(path):
                found.setdefault(name, path)
    return found


def known_nets() -> dict[str, str]:
    """Every net in the spec folders, with its file; the first folder's come first."""
    found: dict[str, str] = {}
    for folder in spec_folders():
        for path in specs_in(folder):
            for name in nets_in(path):
                found.setdefault(name, path)
    return found


def _similar(path: str) -> str:
    """A file with a similar name in the same folder, or a net of that name."""
    folder = os.path.dirname(path) or "."
    files = [f for f in os.listdir(folder) if f.endswith(".cnn")] if os.path.isdir(folder) else []
    match = closest(os.path.basename(path), files)
    return f"did you mean `{os.path.join(os.path.dirname(path), match)}`?" if match else ""


def _error(code: str, message: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, help=help)])
