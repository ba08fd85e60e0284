"""A whole run: the network made, the data fed, the course gone, and what is left of it in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from cnnspec.analysis.fingerprint import fingerprint
from cnnspec.analysis.learning import Check, Epoch, Learning, Regime
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.net import Net
from cnnspec.record import Record
from cnnspec.runtime.data.feed import ImageFeed
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.surroundings import surroundings
from cnnspec.runtime.train.begin import Begun
from cnnspec.runtime.train.checkpoint import Checkpoint
from cnnspec.runtime.train.course import Course, Tick, Watcher
from cnnspec.runtime.train.journal import Journal
from cnnspec.runtime.train.keeper import Keeper
from cnnspec.runtime.train.learner import Learner
from cnnspec.runtime.train.team import Team


class Setup(Record):
    """What is trained, on what, and how."""

    net: Net
    data: Data
    regime: Regime
    team: Team
    #: Makes the module, when the seed is set: initialised, or with weights from a file.
    begin: Callable[[], Begun]
    feed: ImageFeed
    #: What makes the same net again, for whoever resumes: plain values.
    spec: Mapping[str, Any]
    #: Where the run is kept; empty for nowhere.
    folder: str = ""
    #: What was found before it began.
    checks: tuple[Check, ...] = ()
    says: tuple[str, ...] = ()


class _Watchers:
    """Several watchers as one."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self.watchers = watchers

    def stepped(self, tick: Tick) -> None:
        for watcher in self.watchers:
            watcher.stepped(tick)

    def judged(self, epoch: Epoch) -> None:
        for watcher in self.watchers:
            watcher.judged(epoch)


def train(setup: Setup, stopped: Callable[[], bool], watchers: Sequence[Watcher] = (),
          resumed: Checkpoint | None = None) -> Learning:
    """Train, from a checkpoint on where there is one; raises `SpecError` where the folder cannot be written."""
    torch.manual_seed(setup.regime.seed)
    with determinism(on=setup.regime.deterministic):
        begun = setup.team.agreed(setup.begin)
        learner = Learner(begun.module, setup.regime, setup.team, begun.still)
        course = Course(learner, setup.feed, setup.regime)
        if resumed is not None:
            course.restore(resumed)
        keeper = None
        if setup.folder and setup.team.rank == 0:
            spec = {**setup.spec, "fingerprint": fingerprint(setup.net.graph)}
            keeper = Keeper(setup.folder, course, spec, anew=resumed is None)
        journal = Journal(setup.folder, course.step, course.epoch) if keeper and not course.is_done else None
        try:
            ended = course.run(_Watchers([*watchers, *([journal] if journal else [])]), stopped,
                               keeper.save if keeper else lambda: None)
        finally:
            if journal is not None:
                journal.close()
    says = (*setup.says, *begun.says, *_regrouped(setup.team, resumed))
    return _learning(setup, course, says, ended, keeper)


def untrained(setup: Setup) -> Learning:
    """What is known of a network that was only asked whether it could learn."""
    return Learning(
        net=setup.net.name, data=setup.data.name, says=setup.says, regime=setup.regime, device=str(setup.team.device),
        epochs=0, steps=0, seconds=0.0, images_per_second=0.0, history=(), checks=setup.checks,
        environment=surroundings(setup.team.device))


def _regrouped(team: Team, resumed: Checkpoint | None) -> tuple[str, ...]:
    """What changes where other processes go on than began."""
    before = team.size if resumed is None else resumed.state["processes"]
    if before == team.size:
        return ()
    began = f"{before} process{'es' if before > 1 else ''} began the run, {team.size} went on"
    return (f"{began}: dropout and augmentation draw other numbers than they would have",)


def _learning(setup: Setup, course: Course, says: tuple[str, ...], ended: str, keeper: Keeper | None) -> Learning:
    images = course.step * setup.regime.batch
    return Learning(
        net=setup.net.name, data=setup.data.name, says=says, regime=setup.regime,
        device=str(setup.team.device), epochs=course.epoch, steps=course.step, seconds=course.seconds,
        images_per_second=images / course.seconds if course.seconds else 0.0, history=tuple(course.history),
        checks=setup.checks, environment=surroundings(setup.team.device), ended=ended,
        checkpoint=keeper.checkpoint if keeper else "", best_weights=keeper.best_weights if keeper else "")


def same_network(net: Net, found: Checkpoint, path: str) -> None:
    """Raise `SpecError` where a checkpoint is of another network."""
    if found.spec.get("fingerprint") != fingerprint(net.graph):
        raise SpecError([Diagnostic(
            "bad-checkpoint", f"{path} was trained as another network than {net.source} holds now",
            notes=(f"it is of {found.spec.get('name')}, as {found.spec.get('source')} was then",),
            help="`--init FILE` takes the weights that fit, and begins a run anew")])


@contextmanager
def determinism(*, on: bool) -> Iterator[None]:
    """Operators that give the same bits each time, or an error where there is none; as it was afterwards."""
    if not on:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    # cuBLAS takes this into account when CUDA starts: https://docs.nvidia.com/cuda/cublas, Results reproducibility.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
