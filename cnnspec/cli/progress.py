"""Progress on stderr: a line that is written over and over on a terminal, a line for each step elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from cnnspec.cli.terminal import CLEAR, is_followed

if TYPE_CHECKING:
    from cnnspec.analysis.profile import Options
    from cnnspec.runtime.sampling import Progress as Step


class Progress:
    """What is measured now; standard output stays as it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.live = is_followed()
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self.live and self._last:
            click.echo(CLEAR, err=True, nl=False)

    def tell(self, options: Options, step: str, progress: Step | None) -> None:
        """Show a step, and how far it is."""
        text = f"{self.name}  batch {options.batch}  {step}"
        if not self.live:
            if text != self._last:
                click.echo(text, err=True)
        else:
            click.echo(CLEAR + text + (far(progress) if progress else ""), err=True, nl=False)
        self._last = text


def far(progress: Step) -> str:
    """How far a step is."""
    known = "" if progress.spread is None else f", median known to ±{progress.spread:.1%}"
    return f"  {progress.runs} runs, {progress.seconds:.1f} s{known}"
