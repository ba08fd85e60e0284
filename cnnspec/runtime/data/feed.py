"""Images on their way into a network: fetched, adapted to its input, normalised, and moved to its device."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from cnnspec.layers.base import Shape
from cnnspec.runtime.data.images import Data, Loaded, Split
from cnnspec.runtime.train.team import Team, part

#: Images that are judged at once, at most; and bytes of images that are kept adapted rather than adapted anew.
_JUDGED = 500
_KEPT = 1 << 30

#: Changes a batch of adapted images, float32 of B×C×H×W, for training; draws from the generator alone.
Augmentation = Callable[[Tensor, torch.Generator], Tensor]


class ImageFeed:
    """A source's images for one network, as this process of a team gets them.

    On a CPU they are adapted there, small sources once. To a GPU they go as bytes, a quarter of what they become, and
    small sources once: then nothing is copied in a step that the GPU would wait for.
    """

    def __init__(self, data: Data, shape: Shape, team: Team, augment: Augmentation | None = None, seed: int = 0, *,
                 near: bool | None = None) -> None:
        """`shape` is the network's input, channels first.

        `near` says whether images are adapted on the team's device; if None, they are where that is no CPU.
        """
        self.data, self.shape, self.team, self.augment, self.seed = data, shape, team, augment, seed
        self.images = len(data.train.images)
        self.near = team.device.type != "cpu" if near is None else near
        values = (len(data.train.images) + len(data.val.images)) * torch.Size(shape).numel()
        self.kept: dict[int, Tensor] | None = {} if values * 4 <= _KEPT else None
        self.held: dict[int, Tensor] = {}
        host = tuple(torch.tensor(each).view(-1, 1, 1) for each in (data.mean, data.deviation))
        self.scales = {torch.device("cpu"): host, team.device: tuple(each.to(team.device) for each in host)}

    def train(self, places: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        mine = part(places, self.team)
        if self.augment is None:
            images = self._fetched(self.data.train, mine)
        else:
            chance = torch.Generator().manual_seed(self._moment(epoch, int(mine[0])))
            images = self._sent(self.augment(self._adapted(self.data.train, mine), chance))
        return images, self._sent(self.data.train.labels[mine])

    def plain(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Images to train on, without augmentation, and their labels; all of them in every process."""
        return self._fetched(self.data.train, places), self._sent(self.data.train.labels[places])

    def judge(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self.data.val.images)
        # Even parts, of which none is so small that a process would have nothing of it.
        for places in torch.arange(count).tensor_split(-(-count // _JUDGED)):
            mine = part(places, self.team)
            yield self._fetched(self.data.val, mine), self._sent(self.data.val.labels[mine])

    def _moment(self, epoch: int, place: int) -> int:
        """A seed for one batch: that of the run, the epoch, and the batch's first image."""
        return ((self.seed * 1_000_003 + epoch) * 1_000_003 + place) % (1 << 63)

    # ------------------------------------------------------------------------------------ to the device

    def _fetched(self, split: Split, places: Tensor) -> Tensor:
        """Images as the network takes them, float32 on the device."""
        if not self.near:
            return self._sent(self._adapted(split, places))
        held = self._held(split)
        return self.adapt(self._sent(split.images.batch(places)) if held is None else held[self._sent(places)])

    def _held(self, split: Split) -> Tensor | None:
        """All images of a small source, uint8 on the device; None where they are read from files, or many."""
        if not isinstance(split.images, Loaded) or split.images.values.numel() > _KEPT:
            return None
        if id(split) not in self.held:
            self.held[id(split)] = split.images.values.to(self.team.device)
        return self.held[id(split)]

    def _sent(self, values: Tensor) -> Tensor:
        """Values on the device, on their way there if it is a GPU: from pinned memory, nobody waits for them."""
        if self.team.device.type == "cuda":
            values = values.pin_memory()
        return values.to(self.team.device, non_blocking=True)

    # -------------------------------------------------------------------------------------- adaptation

    def _adapted(self, split: Split, places: Tensor) -> Tensor:
        """Images as the network takes them, float32 on the CPU; small sources are adapted once."""
        if self.kept is None:
            return self.adapt(split.images.batch(places))
        whole = self.kept.get(id(split))
        if whole is None:
            whole = torch.cat([self.adapt(split.images.batch(some))
                               for some in torch.arange(len(split.images)).split(_JUDGED)])
            self.kept[id(split)] = whole
        return whole[places]

    def adapt(self, images: Tensor) -> Tensor:
        """uint8 of B×C×H×W as float32 of the network's input: channels, extents, then mean 0 and deviation 1."""
        mean, deviation = self.scales[images.device]
        values = (images.float().div_(255) - mean) / deviation
        channels, *extents = self.shape
        if values.shape[1] != channels:
            values = values.mean(1, keepdim=True).expand(-1, channels, *values.shape[2:])
        if list(values.shape[2:]) != extents:
            values = functional.interpolate(values, tuple(extents), mode="bilinear", antialias=True)
        return values.contiguous()
