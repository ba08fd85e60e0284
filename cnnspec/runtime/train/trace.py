"""The loss of a run as it falls, in a bounded number of stretches, however long the run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.analysis.learning import Epoch
from cnnspec.analysis.rounds import Stretch
from cnnspec.runtime.train.course import Tick

if TYPE_CHECKING:
    from torch import Tensor

#: Stretches that remain of a run: so many to twice as many, unless it has fewer steps.
FEWEST = 30


class Trace:
    """Sums losses where they are, so that no step waits for the device; two stretches become one as the run goes on."""

    def __init__(self) -> None:
        #: Steps of a stretch, and those of the one that is open.
        self.length, self.count = 1, 0
        self.sum: Tensor | None = None
        #: Of each stretch: its last step, the seconds until then, the sum of its losses.
        self.found: list[tuple[int, float, Tensor]] = []

    def stepped(self, tick: Tick) -> None:
        """Note a step."""
        self.sum = tick.loss if self.sum is None else self.sum + tick.loss
        self.count += 1
        if self.count == self.length:
            self.found.append((tick.step, tick.seconds, self.sum))
            self.sum, self.count = None, 0
        if len(self.found) == 2 * FEWEST:
            pairs = zip(self.found[::2], self.found[1::2], strict=True)
            self.found = [(step, seconds, first + second) for (_, _, first), (step, seconds, second) in pairs]
            self.length *= 2

    def judged(self, epoch: Epoch) -> None:
        """Epochs are the run's own matter."""

    def stretches(self) -> tuple[Stretch, ...]:
        """What was noted; steps behind the last whole stretch are left out."""
        return tuple(Stretch(step, seconds, float(total) / self.length) for step, seconds, total in self.found)
