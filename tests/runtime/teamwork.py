"""Several processes that train together, as a launcher would begin them, without the seconds that each import takes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

#: Seconds after which processes hang.
PATIENCE = 60.0


def together(size: int, act: Callable[..., Any], *given: Any) -> list[Any]:
    """What `act(team, *given)` returns in each of so many processes, by rank, or the codes of its `SpecError`.

    A process that ended without a word gives None; raises `TimeoutError` where one is still there after `PATIENCE`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "torch._dynamo", "accelerate", "safetensors.torch",
                                    "torch.utils.tensorboard", "tests.runtime.training"])
    port, pairs, children = free_port(), [context.Pipe(duplex=False) for _ in range(size)], []
    for rank, (_, theirs) in enumerate(pairs):
        child = context.Process(target=_member, args=(theirs, rank, size, port, act, given), daemon=True)
        child.start()
        theirs.close()
        children.append(child)
    until = time.monotonic() + PATIENCE
    try:
        return [_told(ours, until) for ours, _ in pairs]
    finally:
        for child in children:
            child.kill()
            child.join()


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _told(ours: Connection, until: float) -> Any:
    if not ours.poll(max(until - time.monotonic(), 0)):
        raise TimeoutError("a process hangs")
    try:
        return ours.recv()
    except EOFError:
        return None


def _member(told: Connection, rank: int, size: int, port: int, act: Callable[..., Any], given: Sequence[Any]) -> None:
    import torch

    from cnnspec import SpecError
    from cnnspec.runtime.train.teams import team_of

    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(size), LOCAL_WORLD_SIZE=str(size),
                      MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), OMP_NUM_THREADS="1")
    team = team_of(torch.device("cpu"), "float32")
    try:
        with team.working():
            found = act(team, *given)
    except SpecError as error:
        found = [type(error).__name__, *(diagnostic.code for diagnostic in error.diagnostics)]
    told.send(found)


# ------------------------------------------------------------------------------------------ what they may do


def run(team: Any, spec: str, folder: str, regime: dict[str, Any], trouble: tuple[str, int, int] = ("", 0, 0),
        resume: bool = False) -> dict[str, Any]:
    """A run on the stripes; `trouble` is a kind, the rank that has it, and the step behind which it comes."""
    from cnnspec.runtime.data.feed import ImageFeed
    from cnnspec.runtime.train import checkpoint
    from cnnspec.runtime.train.keeper import CHECKPOINT
    from cnnspec.runtime.train.run import train
    from cnnspec.runtime.train.stop import stopping
    from tests.runtime.training import setup

    given = setup(spec, folder, **regime)
    feed = ImageFeed(given.data, given.feed.shape, team, None, given.regime.seed)
    diary = Troubled(feed, trouble[0] if trouble[1] in {team.rank, -1} else "", trouble[2])
    found = checkpoint.read(os.path.join(folder, CHECKPOINT)) if resume else None
    with stopping() as stopped:
        learned = train(given.replace(team=team, feed=feed), stopped, [diary], found)
    return {"losses": diary.losses, "ended": learned.ended, "steps": learned.steps, "says": learned.says,
            "history": [(epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy)
                        for epoch in learned.history], "checkpoint": learned.checkpoint}


class Troubled:
    """A watcher that notes losses, and makes trouble behind a step."""

    def __init__(self, feed: Any, kind: str, step: int) -> None:
        self.losses: list[float] = []
        self.feed, self.kind, self.step = feed, kind, step

    def stepped(self, tick: Any) -> None:
        self.losses.append(float(tick.loss))
        if tick.step != self.step:
            return
        if self.kind == "signal":
            os.kill(os.getpid(), signal.SIGTERM)
        elif self.kind == "death":
            os._exit(1)
        elif self.kind == "error":
            from cnnspec.diagnostics import Diagnostic, SpecError

            raise SpecError([Diagnostic("not-writable", "the disk is full")])
        elif self.kind == "nan":
            train = self.feed.train
            self.feed.train = lambda places, epoch: (train(places, epoch)[0] * float("nan"), train(places, epoch)[1])

    def judged(self, epoch: Any) -> None:
        pass


def numbers(team: Any, seed: int) -> list[list[float]]:
    """What layers would draw in three steps."""
    import torch

    drawn = []
    for step in range(3):
        team.stir(seed, step)
        drawn.append(torch.rand(4).tolist())
    return drawn


def agree(team: Any, rank: int) -> Any:
    """Something that one process cannot do."""
    from cnnspec.diagnostics import Diagnostic, SpecError

    def act() -> int:
        if team.rank == rank:
            raise SpecError([Diagnostic("bad-data", "an image cannot be read")])
        return int(team.rank)

    return team.agreed(act)


def fetch(team: Any, path: str) -> Any:
    """A file that the first process brings, and others find."""
    def act() -> str:
        if not os.path.exists(path):
            time.sleep(0.3)
            with open(path, "x", encoding="utf-8") as file:
                file.write(f"by {team.rank}")
        with open(path, encoding="utf-8") as file:
            return file.read()

    return team.first(act)


def normalise(team: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """A batch norm over all processes, and its gradients, in float64; images are drawn by the seed of the rank."""
    import torch

    from cnnspec.runtime.train.batch_norm import synchronise

    kind = {2: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}[len(shape)]
    module = torch.nn.Sequential(kind(shape[1], momentum=0.3)).double()
    synchronise(module, (), team.device)
    whole = torch.randn(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    mine = whole[team.rank :: team.size].clone().requires_grad_()
    target = torch.arange(whole.numel(), dtype=torch.float64).view(shape)[team.rank :: team.size].sin()
    ((module(mine) - target) ** 2).mean().backward()
    assert mine.grad is not None
    found = {"input": mine.grad, **dict(module.state_dict()),
             **{f"{name}.grad": weight.grad for name, weight in module.named_parameters()}}
    return {name: value.tolist() for name, value in found.items() if value is not None}
