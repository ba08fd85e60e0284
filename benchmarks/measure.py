"""What the benchmarks share: times taken in turns, what a result is held against, and the table that shows both."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Result(NamedTuple):
    """A figure, as it is shown, beside its target."""

    what: str
    measured: str
    target: str = ""
    #: None for a figure that is only reported.
    met: bool | None = None

    @property
    def verdict(self) -> str:
        return "" if self.met is None else "met" if self.met else "MISSED"


def in_turns(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each command takes, in every round once, so that a slow moment of the machine hits all of them.

    One round more comes first and is forgotten: it fills the caches of files and bytecode, which an installed package
    has. Raises `subprocess.CalledProcessError` for a command that fails.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
        for turn in range(rounds + 1):
            names = list(commands)
            for name in names[turn % len(names):] + names[: turn % len(names)]:
                begin = perf_counter()
                subprocess.run(commands[name], cwd=ROOT, env=environment, check=True, capture_output=True)
                if turn:
                    times[name].append(perf_counter() - begin)
    return times


def ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """The median over the rounds of one time divided by the other of the same round."""
    return statistics.median(a / b for a, b in zip(times, base, strict=True))


def repeated(work: Callable[[], object], times: int) -> float:
    """The median of the seconds that some work takes."""
    taken = []
    for _ in range(times):
        begin = perf_counter()
        work()
        taken.append(perf_counter() - begin)
    return statistics.median(taken)


def milliseconds(times: Sequence[float]) -> str:
    """The median, with the middle half of the times."""
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{1000 * middle:,.1f} ms ({1000 * low:,.1f} to {1000 * high:,.1f})"


def machine() -> str:
    """The machine in general terms."""
    model = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields = dict(map(str.strip, line.split(":", 1)) for line in info.read_text().splitlines() if ":" in line)
        model = fields.get("model name", model)
    return f"{model}, {os.cpu_count()} cores; Python {platform.python_version()} on {platform.system()}"


def show(title: str, results: Sequence[Result]) -> None:
    """Print a Markdown table; exit with 1 where a target is missed."""
    rows = [("what", "measured", "target", "verdict"), *((r.what, r.measured, r.target, r.verdict) for r in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    rows.insert(1, tuple("-" * width for width in widths))
    print(f"## {title}\n\n{machine()}\n")
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    sys.exit(any(result.met is False for result in results))
