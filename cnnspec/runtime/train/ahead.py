"""Batches fetched while the one before is computed: what files and augmentation take, a GPU does not wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from cnnspec.runtime.train.team import Team

#: Places of images, the images and their labels.
Batch = tuple[Tensor, Tensor, Tensor]

#: Batches that are fetched before they are asked for.
_DEPTH = 2


class Source(Protocol):
    """Images to train on, as a network takes them."""

    def train(self, places: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """This process's part of a batch, and its labels, on the device; `places` are the whole batch's."""
        ...


def fetched(source: Source, batches: Iterable[Tensor], epoch: int, team: Team) -> Iterator[Batch]:
    """For each batch its places, images and labels, in order.

    On a CPU they are fetched when it is their turn, since a second thread would take the first one's core. What goes
    wrong is raised at the batch that it concerns.
    """
    if team.device.type == "cpu":
        for places in batches:
            yield places, *source.train(places, epoch)
    else:
        yield from ahead(source, batches, epoch, team)


def ahead(source: Source, batches: Iterable[Tensor], epoch: int, team: Team) -> Iterator[Batch]:
    """As `fetched`, some batches ahead, in another thread; none is left running at the end."""

    def fetch(places: Tensor) -> tuple[Tensor, Tensor]:
        if team.device.type == "cuda":
            torch.cuda.set_device(team.device)  # each thread has its own
        return source.train(places, epoch)

    waiting: deque[tuple[Tensor, Future[tuple[Tensor, Tensor]]]] = deque()
    with ThreadPoolExecutor(1, "images") as thread:
        try:
            for places in batches:
                waiting.append((places, thread.submit(fetch, places)))
                if len(waiting) > _DEPTH:
                    first, coming = waiting.popleft()
                    yield first, *coming.result()
            while waiting:
                first, coming = waiting.popleft()
                yield first, *coming.result()
        finally:
            thread.shutdown(wait=False, cancel_futures=True)
