"""What is kept of a run in its folder as it goes on: where it stands, and the weights of its best epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cnnspec.analysis.learning import Epoch
from cnnspec.runtime.train import checkpoint
from cnnspec.runtime.train.course import Course

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"


class Keeper:
    """Keeps a run, so that one that is killed at any moment goes on to the same files.

    The checkpoint is written before the weights of an epoch that is the best so far: whoever goes on from it has them,
    and writes them where they were not.
    """

    def __init__(self, folder: str, course: Course, spec: Mapping[str, Any], *, anew: bool) -> None:
        """Writes a first checkpoint of a run that begins `anew`, in whose folder no other stays.

        Raises `SpecError` where the folder cannot be written.
        """
        self.course, self.spec = course, dict(spec)
        self.checkpoint, self.best = os.path.join(folder, CHECKPOINT), os.path.join(folder, BEST)
        for path in (self.checkpoint, self.best):
            checkpoint.sweep(path)
        if anew:
            checkpoint.write(self.checkpoint, course.checkpoint(self.spec))
        if not course.history:
            with suppress(OSError):  # another run's, of which the checkpoint is gone
                os.unlink(self.best)
        self._keep_best()

    def save(self) -> None:
        """Keep where the run stands, and the weights of an epoch behind which it is the best."""
        checkpoint.write(self.checkpoint, self.course.checkpoint(self.spec))
        self._keep_best()

    @property
    def best_weights(self) -> str:
        """The file of the best epoch's weights; empty where that epoch's are not in it."""
        best = _best(self.course)
        return self.best if best is not None and self._holds(best) else ""

    def _keep_best(self) -> None:
        best, learner = _best(self.course), self.course.learner
        if best is None or best is not self.course.history[-1] or self.course.number or self._holds(best):
            return
        fields = {name: getattr(best, name) for name in Epoch._fields}
        with learner.averaged():
            checkpoint.write_weights(self.best, learner.module.state_dict(), self.spec,
                                     {"epoch": fields, "averaged": learner.average is not None})

    def _holds(self, epoch: Epoch) -> bool:
        found = checkpoint.state(self.best).get("epoch")
        return isinstance(found, Mapping) and found.get("epoch") == epoch.epoch


def _best(course: Course) -> Epoch | None:
    """As `Learning.best` has it: of equals the first."""
    return max(course.history, key=lambda epoch: epoch.val_accuracy, default=None)
