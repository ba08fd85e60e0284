"""Files under `reports/`, written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile

from cnnspec.diagnostics import Diagnostic, SpecError

FOLDER = "reports"


def write_report(net: str, device: str, date: str, text: str) -> str:
    """Write `reports/NET-DEVICE-DATE.json`; returns its path. Raises `SpecError` where that cannot be written."""
    path = os.path.join(FOLDER, f"{slug(net)}-{slug(device)}-{date}.json")
    try:
        os.makedirs(FOLDER, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=FOLDER, encoding="utf-8", delete=False) as file:
            file.write(text)
        os.chmod(file.name, 0o644)  # readable as other files are, not for its owner alone
        os.replace(file.name, path)
    except OSError as error:
        raise SpecError([Diagnostic("not-writable", f"{path} cannot be written: {error.strerror}")]) from None
    return path


def slug(name: str) -> str:
    """A name as a part of a file's: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-") or "net"
