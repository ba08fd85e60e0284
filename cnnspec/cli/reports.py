"""Files under `reports/`, written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from errno import EISDIR

from cnnspec.diagnostics import Diagnostic, SpecError

FOLDER = "reports"


def write_report(net: str, device: str, date: str, text: str) -> str:
    """Write `reports/NET-DEVICE-DATE.json`; returns its path. Raises `SpecError` where that cannot be written.

    Where there is such a file, the new one has a number behind the date, from 2 on.
    """
    stem = os.path.join(FOLDER, f"{slug(net)}-{slug(device)}-{date}")
    names = (f"{stem}{number}.json" for number in ("", *(f"-{at}" for at in range(2, 10_000))))
    path = next(name for name in names if not os.path.lexists(name))
    write_whole(path, text)
    return path


def write_whole(path: str, content: str | bytes) -> None:
    """Write a file and the folder around it; raises `SpecError` where it cannot be, and leaves what was there.

    A symbolic link stays, and what it leads to is written.
    """
    data = content.encode() if isinstance(content, str) else content
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    made = ""
    try:
        if os.path.isdir(target) or not os.path.basename(path):
            raise IsADirectoryError(EISDIR, "it is a folder")
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            made = file.name
            file.write(data)
        os.chmod(made, 0o644)  # readable as other files are, not for its owner alone
        os.replace(made, target)
    except OSError as error:
        if made:
            with suppress(OSError):
                os.unlink(made)
        raise SpecError([Diagnostic("not-writable", f"{path} cannot be written: {error.strerror}")]) from None


def in_reports(path: str) -> str:
    """Where a report of this name goes: a bare file name into `reports/`, any other path where it says."""
    return path if os.path.dirname(path) else os.path.join(FOLDER, path)


def slug(name: str) -> str:
    """A name as a part of a file's: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-") or "net"
