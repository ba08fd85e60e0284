"""Augmentation by name: `flip`, `crop` and `randaugment`; a function of the images and of one generator alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from cnnspec.layers.base import Shape, show
from cnnspec.runtime.data.feed import Augmentation
from cnnspec.runtime.data.labelled import bad
from cnnspec.runtime.data.randaugment import randaugment


def augmentation(names: tuple[str, ...], shape: Shape) -> Augmentation | None:
    """The augmentations of these names, one after another, for images of `shape`; None for no name.

    Raises `SpecError` where an image has other than two extents.
    """
    if not names:
        return None
    if len(shape) != 3:
        raise bad(f"`--augment {','.join(names)}` is for images of two extents, but the network takes {show(shape)}")
    changes = [AUGMENTATIONS[name] for name in names]

    def augment(images: Tensor, chance: torch.Generator) -> Tensor:
        for change in changes:
            images = change(images, chance)
        return images

    return augment


def flip(images: Tensor, chance: torch.Generator) -> Tensor:
    """Left and right exchanged in about half of the images."""
    flipped = torch.rand(len(images), generator=chance) < 0.5
    return torch.where(flipped.view(-1, 1, 1, 1), images.flip(3), images)


def crop(images: Tensor, chance: torch.Generator) -> Tensor:
    """Each image moved by up to an eighth of its extents, whole elements, with 0 (the mean) where nothing was."""
    count, _, height, width = images.shape
    down, across = ((extent + 7) // 8 for extent in (height, width))
    padded = functional.pad(images, (across, across, down, down))
    top, left = (torch.randint(2 * most + 1, (count, 1), generator=chance) for most in (down, across))
    rows, columns = top + torch.arange(height), left + torch.arange(width)
    image = torch.arange(count).view(-1, 1, 1, 1)
    channel = torch.arange(images.shape[1]).view(1, -1, 1, 1)
    return padded[image, channel, rows.view(count, 1, -1, 1), columns.view(count, 1, 1, -1)]


AUGMENTATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "flip": flip, "crop": crop, "randaugment": randaugment,
}
