"""The course of a run: step after step, epoch after epoch, until it has had enough or is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from time import monotonic
from typing import Any, Protocol

import torch
from torch import Tensor

from cnnspec.analysis.learning import Epoch, Regime
from cnnspec.analysis.schedule import share
from cnnspec.record import Record
from cnnspec.runtime.train.ahead import Source, fetched
from cnnspec.runtime.train.batches import batches, per_epoch
from cnnspec.runtime.train.checkpoint import Checkpoint, flattened, randomness, set_randomness, unflattened
from cnnspec.runtime.train.learner import Learner

#: Steps after which the loss is looked at on a device that would have to be waited for.
_LOOK = 50
#: Seconds after which a checkpoint is written, however long the epoch is.
_SAVE = 60.0
#: Why a run ends before its bounds.
STOPPED, NOT_A_NUMBER = "interrupted", "the loss is not a number"


class Feed(Source, Protocol):
    """Images to train on and to judge by, as a network takes them."""

    #: How many there are to train on, over all processes.
    images: int

    def judge(self) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's part of the validation images, in as many batches as each process has."""
        ...


class Tick(Record):
    """A step that is done, for whoever watches."""

    epoch: int
    step: int
    #: Of how many; None where time alone ends the run.
    steps: int | None
    #: How much of the run is done, from 0 to 1.
    progress: float
    #: What waits for the device when it is asked for its number.
    loss: Tensor
    #: Over this epoch so far: losses, right answers, images; likewise, and to be read before the next step.
    sums: Tensor
    rate: float
    seconds: float
    images: int


class Watcher(Protocol):
    """Who is told of a run as it goes on."""

    def stepped(self, tick: Tick) -> None:
        """Called behind each step."""
        ...

    def judged(self, epoch: Epoch) -> None:
        """Called behind each epoch."""
        ...


class Course:
    """One run: where it stands, and how it goes on."""

    def __init__(self, learner: Learner, feed: Feed, regime: Regime, clock: Callable[[], float] = monotonic) -> None:
        self.learner, self.feed, self.regime, self.clock = learner, feed, regime, clock
        #: Whole epochs that are done, batches of the one that is not, and steps in all.
        self.epoch, self.number, self.step = 0, 0, 0
        #: Seconds of training, before this process too.
        self.seconds = 0.0
        self.history: list[Epoch] = []
        #: Steps and seconds when the present epoch began.
        self.mark = (0, 0.0)
        #: Of the last step.
        self.rate = 0.0
        #: How much of the run is done, from 0 to 1, as all processes see it.
        self.progress = 0.0

    @property
    def steps(self) -> int | None:
        """How many steps the bounds allow; None where they name none."""
        known = [] if self.regime.steps is None else [self.regime.steps]
        if self.regime.epochs is not None:
            known.append(self.regime.epochs * per_epoch(self.feed.images, self.regime.batch))
        return min(known, default=None)

    @property
    def is_done(self) -> bool:
        """Whether its bounds are reached, and its last epoch is judged."""
        return self._share() >= 1 and not self.number

    def _share(self) -> float:
        """How much is done: the larger of the shares of steps and of time."""
        steps = self.step / self.steps if self.steps is not None else 0.0
        time = self.seconds / self.regime.seconds if self.regime.seconds is not None else 0.0
        return min(max(steps, time), 1.0)

    def run(self, watcher: Watcher, stopped: Callable[[], bool], save: Callable[[], None]) -> str:
        """Train until the bounds are reached; returns why it ended before them, or nothing.

        `save` is called behind each epoch and where the run is stopped, never with weights that are not numbers.
        """
        (self.progress,) = self.learner.team.most((self._share(),))
        while self.progress < 1 or self.number:
            # A run that was stopped while its last epoch was judged has no step left.
            ended = self._epoch(watcher, stopped, save) if self.progress < 1 else ""
            if ended == NOT_A_NUMBER:
                return ended
            judged = None if ended else self._judged(stopped)
            if judged is None:
                save()
                return STOPPED
            watcher.judged(judged)
            if not isfinite(judged.val_loss):  # the same in all processes; weights as large as that are no use
                return NOT_A_NUMBER
            save()
        return ""

    def _epoch(self, watcher: Watcher, stopped: Callable[[], bool], save: Callable[[], None]) -> str:
        """The rest of an epoch."""
        value: Tensor | None = None
        saved = began = self.clock()
        coming = batches(self.feed.images, self.regime.batch, self.regime.seed, self.epoch, self.number)
        for places, images, labels in fetched(self.feed, coming, self.epoch, self.learner.team):
            one = 1 / self.steps if self.steps else 0.0
            self.rate = self.regime.rate * share(self.regime, self.progress, one)
            self.learner.team.stir(self.regime.seed, self.step)
            value = self.learner.step(images, labels, self.rate)
            self.number, self.step = self.number + 1, self.step + 1
            lost = (value.device.type == "cpu" or self.step % _LOOK == 0) and not torch.isfinite(value)
            self.seconds += self.clock() - began
            self.progress, asked, broken = self.learner.team.most((self._share(), float(stopped()), float(lost)))
            if broken:
                return NOT_A_NUMBER
            watcher.stepped(Tick(self.epoch, self.step, self.steps, self.progress, value, self.learner.sums, self.rate,
                                 self.seconds, len(places)))
            if self.progress >= 1:
                break
            if asked:
                return STOPPED
            if self.clock() - saved > _SAVE:
                save()
                saved = self.clock()
            began = self.clock()
        began = self.clock()
        lost = value is not None and not torch.isfinite(value)  # which waits for what a device has still to do
        self.seconds += self.clock() - began
        (broken,) = self.learner.team.most((float(lost),))
        return NOT_A_NUMBER if broken else ""

    def _judged(self, stopped: Callable[[], bool]) -> Epoch | None:
        """The end of an epoch: its sums, and the validation images; None where it is stopped before all are seen."""
        found = self.learner.judge(self.feed.judge(), stopped)
        if found is None:
            return None
        val_loss, val_accuracy = found
        told, right, seen = self.learner.sums.tolist()
        steps, seconds = self.step - self.mark[0], self.seconds - self.mark[1]
        self.epoch, self.number, self.mark = self.epoch + 1, 0, (self.step, self.seconds)
        self.learner.sums.zero_()
        self.history.append(Epoch(
            epoch=self.epoch, step=self.step, seconds=self.seconds, train_loss=told / seen,
            train_accuracy=right / seen, val_loss=val_loss, val_accuracy=val_accuracy, rate=self.rate,
            images_per_second=steps * self.regime.batch / seconds if seconds else 0.0))
        return self.history[-1]

    # ------------------------------------------------------------------------------------------ checkpoints

    def checkpoint(self, spec: dict[str, Any]) -> Checkpoint:
        """Where it stands, whole."""
        learner = self.learner
        kept, optimizer = flattened(learner.optimizer.state_dict(), "optimizer")
        tensors = {**kept, **randomness(learner.team.device), "sums": learner.sums}
        if learner.average is not None:
            tensors.update({f"average/{name}": value for name, value in learner.average.items()})
        fields = [{name: getattr(epoch, name) for name in Epoch._fields} for epoch in self.history]
        state = {
            "regime": {name: getattr(self.regime, name) for name in Regime._fields},
            "epoch": self.epoch, "number": self.number, "step": self.step, "seconds": self.seconds,
            "rate": self.rate, "mark": list(self.mark), "history": fields, "optimizer": optimizer,
            "scaler": learner.scaler.state_dict(), "processes": learner.team.size,
        }
        return Checkpoint(learner.module.state_dict(), tensors, spec, state)

    def restore(self, found: Checkpoint) -> None:
        """Go on from a checkpoint of the same network and optimiser."""
        learner, state = self.learner, found.state
        learner.module.load_state_dict(dict(found.weights))
        learner.optimizer.load_state_dict(unflattened(state["optimizer"], found.rest))
        learner.scaler.load_state_dict(state["scaler"])
        learner.sums.copy_(found.rest["sums"])
        if learner.average is not None:
            for name, value in learner.average.items():
                value.copy_(found.rest[f"average/{name}"])
        set_randomness(found.rest, learner.team.device)
        self.epoch, self.number, self.step, self.seconds = (
            state["epoch"], state["number"], state["step"], state["seconds"])
        learner.steps = self.step
        self.mark, self.rate = (state["mark"][0], state["mark"][1]), state["rate"]
        self.history = [Epoch(**fields) for fields in state["history"]]
