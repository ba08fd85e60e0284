"""The energy of a run, from windows of time in which it was repeated: `runtime.energy` measures them."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.environment import Reading, Unavailable
from cnnspec.record import Record

#: A figure, or why there is none: never 0 for what was not measured.
Figure = float | Unavailable

#: How energy was had: from a counter of the device, or from samples of its power over time.
COUNTER, SAMPLED = "counter", "sampled"


class Window(Record):
    """One stretch of repeated runs."""

    seconds: float
    images: int
    #: Gross.
    joules: float


class Conditions(Record):
    """What the device was like while it was measured."""

    #: Before the first window and after the last one: degrees Celsius, and MHz of the multiprocessors.
    temperature: tuple[Reading, Reading]
    sm_clock: tuple[Reading, Reading]
    #: All that held the clocks down in the windows, in words, in the order in which it was first seen.
    slowdowns: tuple[str, ...] | Unavailable
    #: Whether none of that spoils the measurement, as heat does and a power cap does not.
    valid: bool = True


class Energy(Record):
    """What a run takes, and how that was found. All joules are for one image."""

    #: Whose energy it is: `GPU`, `processor package`.
    scope: str
    #: `COUNTER` or `SAMPLED`.
    how: str
    #: Everything that the device takes while it runs, and what of it is beyond its idle power.
    gross: Figure
    net: Figure
    #: Gross, of the windows: (most − least) / mean.
    spread: Figure
    #: Watts: the mean over the windows, and without work, before them.
    power: Figure
    idle: Figure
    #: Those that were measured, also where one failed behind them.
    windows: tuple[Window, ...]
    conditions: Conditions

    @property
    def images(self) -> int:
        """In all windows."""
        return sum(window.images for window in self.windows)

    @property
    def seconds(self) -> float:
        """Of all windows."""
        return sum(window.seconds for window in self.windows)


def energy(scope: str, how: str, idle: Figure, windows: Sequence[Window], conditions: Conditions,
           failure: Unavailable | None = None) -> Energy:
    """The figures of some windows; with the `failure` of a window, there are none, and it says why."""
    if failure is not None:
        return Energy(scope, how, failure, failure, failure, failure, idle, tuple(windows), conditions)
    joules, images = sum(window.joules for window in windows), sum(window.images for window in windows)
    seconds = sum(window.seconds for window in windows)
    each = [window.joules / window.images for window in windows]
    gross, power = joules / images, joules / seconds
    net = idle if isinstance(idle, Unavailable) else (power - idle) * seconds / images
    return Energy(scope, how, gross, net, (max(each) - min(each)) * len(each) / sum(each), power, idle, tuple(windows),
                  conditions)
