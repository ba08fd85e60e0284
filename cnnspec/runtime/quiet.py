"""Keeps PyTorch's profiler from writing notes of its own on stderr."""

from __future__ import annotations

import os

#: Read by Kineto, the profiler's library, when it is first used: above every level that it has.
_SILENT = ("KINETO_LOG_LEVEL", "99")


def silence() -> None:
    """To be called before the profiler is used; who has set a level, keeps it."""
    os.environ.setdefault(*_SILENT)
