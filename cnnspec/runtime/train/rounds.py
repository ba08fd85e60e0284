"""Trains networks against each other: the same images, order, bounds and seeds for all, in turns A B, B A."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from cnnspec.analysis.learning import Regime
from cnnspec.analysis.rounds import Lost, Rival, Rounds, Run
from cnnspec.diagnostics import SpecError
from cnnspec.net import Net
from cnnspec.record import Record
from cnnspec.runtime.data.augment import augmentation
from cnnspec.runtime.data.feed import ImageFeed
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.instruments import first_line
from cnnspec.runtime.room import clean
from cnnspec.runtime.surroundings import surroundings
from cnnspec.runtime.train.batch_size import bounded, largest_batch
from cnnspec.runtime.train.begin import begin
from cnnspec.runtime.train.claim import claim
from cnnspec.runtime.train.course import NOT_A_NUMBER, STOPPED, Watcher
from cnnspec.runtime.train.fit import fit
from cnnspec.runtime.train.loss import further
from cnnspec.runtime.train.run import Setup, train
from cnnspec.runtime.train.team import Team
from cnnspec.runtime.train.trace import Trace
from cnnspec.runtime.workload import is_out_of_memory

if TYPE_CHECKING:
    import torch


class Entrant(Record):
    """A network that is to be trained."""

    name: str
    net: Net
    #: What makes it again, for whoever goes on with one of its runs: plain values.
    spec: Mapping[str, Any] = {}
    #: Whether the number of its classes was given, and stays.
    classes_given: bool = False
    #: Where its runs are kept, each with its seed behind this; empty for nowhere.
    folder: str = ""
    #: Whether runs that are there give way.
    overwrite: bool = False

    def kept(self, seed: int) -> str:
        """The folder of the run with this seed; empty for none."""
        return f"{self.folder}-{seed}" if self.folder else ""


class Listener(Protocol):
    """Who is told of the runs as they go on."""

    def begins(self, name: str, seed: int, regime: Regime) -> Sequence[Watcher]:
        """Called before each run; returns who watches it."""
        ...

    def loses(self, name: str, why: str) -> None:
        """Called where a network cannot be trained, or a run has not reached its bounds."""
        ...


def rounds(entrants: Sequence[Entrant], data: Callable[[int], Data], regime: Regime, seeds: Sequence[int], team: Team,
           stopped: Callable[[], bool], listener: Listener) -> Rounds:
    """Train every network with every seed, which takes the place of the regime's.

    `data` gives the images of a seed, which may part them. Odd turns go through the networks in reverse, so that a
    machine that slows down meets all alike. A batch of 0 is the largest that fits all networks. A network that cannot
    be trained is told and left out, a run whose loss is no number lost; the others go on. When it is asked to stop, or
    a run cannot be kept, it ends with what is done. Raises `SpecError` where nothing could begin.
    """
    first = data(seeds[0])
    field = _Field(entrants, first, regime.replace(seed=seeds[0]), team, stopped, listener)
    for turn, seed in enumerate(seeds):
        try:
            field.take_turn(seed, first if turn == 0 else data(seed), reverse=bool(turn % 2))
        except SpecError as error:  # what is done does not get lost for what cannot be read or kept any more
            if not any(one.runs for one in field.members):
                raise
            field.ended = error.diagnostics[0].message
        if field.ended:
            break
    return Rounds(first.name, len(first.val.images), field.regime, tuple(seeds), str(team.device),
                  surroundings(team.device), tuple(one.rival() for one in field.members), field.ended)


class _Member:
    """A network, and what has come of it so far."""

    def __init__(self, entrant: Entrant, data: Data) -> None:
        self.entrant = entrant
        self.runs: list[Run] = []
        self.lost: list[Lost] = []
        self.failure, self.net = "", entrant.net
        self.says: tuple[str, ...] = ()
        try:
            self.net, self.says = fit(entrant.net, data, classes_given=entrant.classes_given)
        except SpecError as error:
            self.failure = error.diagnostics[0].message
        self.summary = self.net.summary()

    def largest_batch(self, regime: Regime, device: torch.device, images: int) -> int:
        """The most images of a step that fit; 0 for a network that cannot be trained, for which that may be why."""
        try:
            return 0 if self.failure else largest_batch(self.net, regime, device, images)
        except SpecError as error:
            self.failure = error.diagnostics[0].message
            return 0

    def rival(self) -> Rival:
        whole = self.summary.totals
        params, macs = (0, 0) if self.failure else (whole.params, whole.macs)
        return Rival(self.entrant.name, self.failure, self.says, params, macs, tuple(self.runs), tuple(self.lost))


class _Field:
    """All networks, turn by turn."""

    def __init__(self, entrants: Sequence[Entrant], data: Data, regime: Regime, team: Team,
                 stopped: Callable[[], bool], listener: Listener) -> None:
        self.team, self.stopped, self.listener = team, stopped, listener
        self.members = [_Member(entrant, data) for entrant in entrants]
        if not regime.batch:
            sizes = [one.largest_batch(regime, team.device, len(data.train.images)) for one in self.members]
            regime = regime.replace(batch=min((size for size in sizes if size), default=1))
        self.regime, _ = bounded(regime, len(data.train.images))  # the regime is told with what was found
        for one in self.members:
            if one.failure:
                listener.loses(one.entrant.name, one.failure)
        #: Why it goes no further.
        self.ended = ""

    def take_turn(self, seed: int, data: Data, *, reverse: bool) -> None:
        """Every network once."""
        for one in reversed(self.members) if reverse else self.members:
            if self.stopped():
                self.ended = STOPPED
            if self.ended:
                return
            if not one.failure:
                self._train(one, data, self.regime.replace(seed=seed))
                clean(self.team.device)

    def _train(self, one: _Member, data: Data, regime: Regime) -> None:
        """One run, and what comes of it."""
        trace = Trace()
        watchers = [trace, *self.listener.begins(one.entrant.name, regime.seed, regime)]
        try:
            setup = self._setup(one, data, regime)
            with claim(setup.folder, empty=not one.entrant.overwrite) if setup.folder else nullcontext():
                learned = train(setup, self.stopped, watchers)
        except RuntimeError as error:  # also an operator that a device does not have
            one.failure = "out of memory" if is_out_of_memory(error) else first_line(error)
            self._lose(one, regime.seed, one.failure)
        else:
            if learned.ended:
                self.ended = "" if learned.ended == NOT_A_NUMBER else learned.ended
                kept = f"; kept in {os.path.dirname(learned.checkpoint)}" if learned.checkpoint else ""
                self._lose(one, regime.seed, learned.ended + kept)
            else:
                one.runs.append(Run(regime.seed, learned, trace.stretches()))

    def _lose(self, one: _Member, seed: int, why: str) -> None:
        one.lost.append(Lost(seed, why))
        self.listener.loses(f"{one.entrant.name}, seed {seed}", why)

    def _setup(self, one: _Member, data: Data, regime: Regime) -> Setup:
        shape = next(iter(one.summary.inputs.values()))
        feed = ImageFeed(data, shape, self.team, augmentation(regime.augment, shape), regime.seed)
        return Setup(one.net, data, regime, self.team, partial(begin, one.net, self.team.device), feed,
                     one.entrant.spec, one.entrant.kept(regime.seed), (), (*one.says, *further(one.net, regime)))
