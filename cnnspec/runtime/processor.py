"""The processor: its model, its cores, its memory, as far as the operating system tells."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cnnspec.environment import Cpu, Reading, Unavailable

_UNTOLD = Unavailable("this operating system does not tell")
#: Linux describes each processor in a folder.
_PROCESSORS = Path("/sys/devices/system/cpu")


def observe() -> Cpu:
    """This machine's processor."""
    if sys.platform == "darwin":
        system = ctypes.CDLL(None)
        named, physical = sysctl_text(system, b"machdep.cpu.brand_string"), sysctl_number(system, b"hw.physicalcpu")
    else:
        named, physical = model(_text(Path("/proc/cpuinfo"))), cores(_siblings())
    return Cpu(named or platform.processor() or platform.machine(), physical, os.cpu_count() or _UNTOLD, _allowed(),
               _memory())


def model(cpuinfo: str) -> str:
    """The model in the text of `/proc/cpuinfo`; empty where it is not named, as on ARM."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return ""


def cores(siblings: Iterable[str]) -> Reading:
    """How many cores there are, from the list of threads that each thread shares its core with: `0,64`, `0-1`."""
    return len(set(siblings)) or _UNTOLD


def _siblings() -> list[str]:
    return [_text(path) for path in _PROCESSORS.glob("cpu[0-9]*/topology/thread_siblings_list")]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _allowed() -> Reading:
    """Threads that this process may run on: fewer than there are in many containers and batch jobs."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _UNTOLD


def _memory() -> Reading:
    """Bytes of main memory."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # no such function on Windows, no such name elsewhere
        return _UNTOLD


def sysctl_number(system: Any, name: bytes) -> Reading:
    """A whole number that macOS knows by name."""
    value = ctypes.c_int32()
    failed = system.sysctlbyname(name, ctypes.byref(value), ctypes.byref(ctypes.c_size_t(4)), None, 0)
    return _UNTOLD if failed else value.value


def sysctl_text(system: Any, name: bytes) -> str:
    """A text that macOS knows by name; empty where it knows none."""
    value = ctypes.create_string_buffer(256)
    failed = system.sysctlbyname(name, value, ctypes.byref(ctypes.c_size_t(len(value))), None, 0)
    return "" if failed else value.value.decode(errors="replace")
