"""A training run on stderr while it goes on: a line that moves on a terminal, a line for each epoch elsewhere."""

from __future__ import annotations

import os
from shutil import get_terminal_size
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from cnnspec.analysis.learning import Check, Epoch, Regime
from cnnspec.cli.terminal import CLEAR, is_followed
from cnnspec.render import train as page

if TYPE_CHECKING:
    from cnnspec.runtime.train.course import Tick
    from cnnspec.runtime.train.run import Setup

#: Seconds between two looks at the loss: each waits for the device.
_EVERY = 0.2


class Live:
    """Tells of a run as it goes on; standard output stays as it is."""

    def __init__(self, regime: Regime, *, on: bool = True) -> None:
        """`on`: whether to tell anything; of several processes only one does."""
        self.regime, self.on = regime, on
        self.moves = on and is_followed()
        self.shown = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self.moves:
            click.echo(CLEAR, err=True, nl=False)

    def say(self, sentence: str) -> None:
        """A line that stays."""
        if self.on:
            click.echo((CLEAR if self.moves else "") + sentence, err=True)

    def begins(self, setup: Setup) -> None:
        """What is trained on what and how, before the time is spent; and the titles of what `judged` tells."""
        self.regime = setup.regime
        for line in page.head(setup.net.name, setup.data.name, str(setup.team.device), setup.regime, setup.says):
            self.say("".join(part.text for part in line))

    def check(self, check: Check) -> None:
        """What was found before the run."""
        for line in page.check_lines(check, room()):
            self.say("".join(part.text for part in line))

    def stepped(self, tick: Tick) -> None:
        """Called behind each step."""
        now = monotonic()
        if self.moves and now - self.shown >= _EVERY:
            self.shown = now
            _, right, seen = tick.sums.tolist()
            click.echo(CLEAR + page.tick(tick.epoch, tick.step, tick.steps, float(tick.loss), right / seen,
                                          tick.progress, tick.seconds, self.regime.batch), err=True, nl=False)

    def judged(self, epoch: Epoch) -> None:
        """Called behind each epoch."""
        self.say(page.epoch_text(epoch))


def room() -> int | None:
    """Cells of a line on stderr; None where it is no terminal and nothing says."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() else get_terminal_size().columns if is_followed() else None
