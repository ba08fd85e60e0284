"""Runs in processes of their own, to be killed, stopped, or kept from writing."""

from __future__ import annotations

import io
import multiprocessing
import os
import resource
import signal
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn

#: What every child would import, loaded once by the process that they are forked from, which itself computes nothing.
LOADED = ["torch", "torch._dynamo", "torch.utils.tensorboard", "safetensors.torch", "tests.runtime.training"]


def start(folder: str, spec: str, regime: dict[str, Any], *, dies: str = "",
          largest: int | None = None) -> tuple[BaseProcess, Connection]:
    """A run that goes on from its folder's checkpoint, if there is one, and writes one behind each step.

    The connection tells `ready` before the run, `stepped` behind its first step, and at its end what came of it: its
    `ended` and steps, or the messages of a `SpecError`. `dies` is a moment of writing (see `DEATHS`) at which the
    process kills itself; `largest` bounds the bytes of a file, as a full disk does.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(theirs, folder, spec, regime, dies, largest), daemon=True)
    child.start()
    theirs.close()
    return child, ours


def _run(told: Connection, folder: str, spec: str, regime: dict[str, Any], dies: str, largest: int | None) -> None:
    import torch

    from cnnspec import SpecError
    from cnnspec.runtime.train import checkpoint, course
    from cnnspec.runtime.train.keeper import CHECKPOINT
    from cnnspec.runtime.train.run import train
    from cnnspec.runtime.train.stop import stopping
    from tests.runtime.training import Diary, setup

    class Telling(Diary):
        def stepped(self, tick: course.Tick) -> None:
            if not self.losses:
                told.send("stepped")
            super().stepped(tick)

    torch.set_num_threads(1)
    course._SAVE = -1.0  # so that as many kills as may be fall into writes
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    if dies:
        DEATHS[dies]()
    path = os.path.join(folder, CHECKPOINT)
    found = checkpoint.read(path) if os.path.exists(path) else None
    told.send("ready")
    with stopping() as stopped:
        try:
            learned = train(setup(spec, folder, **regime), stopped, [Telling()], found)
            told.send((learned.ended, learned.steps))
        except SpecError as error:
            told.send([diagnostic.message for diagnostic in error.diagnostics])


# ------------------------------------------------------------------------------------------ moments to die at


def _die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it is dead")


class _Half(io.FileIO):
    """A file of which a half is on the disk when the process dies."""

    def write(self, data: Any) -> int:
        super().write(data[: len(data) // 2])
        _die()


def _half() -> None:
    from cnnspec.runtime.train import checkpoint

    checkpoint.open = _Half  # type: ignore[attr-defined]


def _behind() -> None:
    from cnnspec.runtime.train import checkpoint

    checkpoint._settle = _die


#: What makes a process die, by the moment: with half of a checkpoint written, with all of it, when it has its name, but
#: the folder is not yet on the disk; and before the journal has its name, cut to where the run goes on.
DEATHS = {"half": _half, "unnamed": lambda: setattr(os, "fsync", _die), "named": _behind,
          "journal": lambda: setattr(os, "replace", _die)}
