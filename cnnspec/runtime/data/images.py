"""Labelled images in memory or on disk, as every source gives them."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.layers.base import Shape
from cnnspec.record import Record


class Images(Protocol):
    """Images of one shape, C×H×W (or C with other extents), with elements from 0 to 255."""

    def __len__(self) -> int: ...

    def batch(self, places: Tensor) -> Tensor:
        """The images at these places, uint8 of B×C×H×W, on the CPU."""
        ...


class Loaded:
    """Images that are all in memory."""

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, places: Tensor) -> Tensor:
        return self.values[places]


class Split(Record):
    """Images with the number of each one's class, int64 of N."""

    images: Images
    labels: Tensor


class Data(Record):
    """Images to train on, others to judge by, and the classes that both are of."""

    #: As it was named: `digits`, `folder:pets`.
    name: str
    train: Split
    val: Split
    classes: tuple[str, ...]
    #: Of every image, channels first.
    shape: Shape
    #: Per channel, of elements from 0 to 1, over the images to train on.
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    #: What to know about it, in sentences: where it lies, how it was parted.
    says: tuple[str, ...] = ()


def spread(images: Images, most: int = 10_000) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, of elements from 0 to 1, over at most so many images.

    Those are taken evenly from all of them. A channel that never changes has a deviation of 1, which no other has.
    Raises `SpecError` (`bad-data`) where none does: all images are the same.
    """
    places = torch.linspace(0, len(images) - 1, min(len(images), most), dtype=torch.float64).long()
    channels = images.batch(places[:1]).shape[1]
    counts = torch.zeros((channels, 256), dtype=torch.long)  # how often each byte occurs: exact, and small
    for part in places.split(500):
        found = images.batch(part)
        for channel in range(channels):
            counts[channel] += torch.bincount(found[:, channel].flatten(), minlength=256)
    if bool((counts.count_nonzero(1) == 1).all()):
        raise SpecError([_empty(counts.argmax(1).tolist())])
    shares, values = counts.double() / counts.sum(1, keepdim=True), torch.arange(256).double() / 255
    mean = shares @ values
    deviation = ((values - mean[:, None]).square() * shares).sum(1).sqrt()
    return tuple(mean.tolist()), tuple(torch.where(deviation > 1e-6, deviation, 1.0).tolist())


def _empty(values: list[int]) -> Diagnostic:
    """What is said of images whose channels have these values everywhere."""
    what = f"every element is {values[0]} of 255" if len(set(values)) == 1 else \
        f"the channels are {', '.join(map(str, values))} everywhere"
    return Diagnostic("bad-data", f"all images to train on are the same: {what}",
                      notes=("there is nothing to tell classes apart by",),
                      help="were they read, scaled and saved as they should be?")


def parted(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Places to train on and to judge by, int64 in order: of each class a share, at least one, is for the latter.

    The seed alone decides which. A class of a single image stays with the training.
    """
    chance = torch.Generator().manual_seed(seed)
    judged = []
    for number in labels.unique().tolist():
        places = (labels == number).nonzero().flatten()
        count = max(1, round(len(places) * share)) if len(places) > 1 else 0
        judged.append(places[torch.randperm(len(places), generator=chance)[:count]])
    val = torch.cat(judged).sort().values
    kept = torch.ones(len(labels), dtype=torch.bool)
    kept[val] = False
    return kept.nonzero().flatten(), val
