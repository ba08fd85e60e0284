"""`synthetic`: images that can be learned, made from the seed, for when speed is the question."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from cnnspec.layers.base import Shape, show
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.data.labelled import Labelled, bad, numbers, source

#: Classes, the shape of an image, and how many there are, unless something else is asked for.
_CLASSES, _SHAPE, _COUNT = 10, (3, 32, 32), 2048
#: Bytes of all images together, at most: they are kept in memory.
_MOST = 1 << 32
#: Points of a pattern along an axis, between which it is smooth.
_POINTS = 6
#: Deviations of a pattern's points and of the noise, in elements from 0 to 255.
_PATTERN, _NOISE = 50.0, 30.0


def synthetic(text: str, seed: int) -> Data:
    """Images of `CLASSESxCxHxW:COUNT`, either part of which may be missing; raises `SpecError`.

    Each class has a smooth random pattern. An image is that of its class, moved by up to an eighth of its extent along
    each axis (what leaves on one side enters on the other), at a contrast from a half to one and a half, under noise.
    """
    classes, shape, count = _read(text)
    chance = torch.Generator().manual_seed(seed)
    points = torch.randn((classes, shape[0], _POINTS, _POINTS), generator=chance)
    labels = torch.arange(count) % classes
    images = torch.empty((count, *shape), dtype=torch.uint8)
    for place, label in enumerate(labels.tolist()):
        images[place] = _image(points[label], shape, chance)
    name = f"synthetic:{text}" if text else "synthetic"
    return source(name, Labelled(images, labels), None, seed, numbers(labels),
                  (f"{count:,} images of {show(shape)} made from the seed: each class' pattern, moved, under noise",))


def _image(points: Tensor, shape: Shape, chance: torch.Generator) -> Tensor:
    """One image of the class that a pattern's points are of, uint8 of C×H×W."""
    pattern = functional.interpolate(points[None], shape[1:], mode="bicubic")[0] * _PATTERN
    moves = [int(torch.randint(-(extent // 8), extent // 8 + 1, (), generator=chance)) for extent in shape[1:]]
    contrast = 0.5 + float(torch.rand((), generator=chance))
    noise = torch.randn(shape, generator=chance) * _NOISE
    return (128 + pattern.roll(moves, (1, 2)) * contrast + noise).round_().clamp_(0, 255).to(torch.uint8)


def _read(text: str) -> tuple[int, Shape, int]:
    """Classes, shape and number of images; raises `SpecError`."""
    first, _, last = text.partition(":")
    sizes = _whole(first.split("x")) if first else [_CLASSES, *_SHAPE]
    count = _whole([last]) if last else [_COUNT]
    if len(sizes) != 4 or len(count) != 1 or (":" in text and not last):
        raise bad(f"`synthetic:{text}` is not `synthetic:CLASSESxCxHxW:COUNT`",
                  "such as `synthetic:10x3x32x32:2048`, which is `synthetic` alone, or `synthetic:1000x3x224x224`")
    classes, *shape = sizes
    if classes < 2:
        raise bad(f"`synthetic:{text}` has a single class: there is nothing to tell apart")
    if count[0] < 2 * classes:
        raise bad(f"`synthetic:{text}` has {count[0]:,} images for {classes:,} classes; each needs one to train on and "
                  "one to judge by", f"{2 * classes:,} images or more: `synthetic:{first}:{2 * classes}`")
    if count[0] * prod(shape) > _MOST:
        raise bad(f"`synthetic:{text}` would take {count[0] * prod(shape):,} bytes, more than {_MOST:,}",
                  "fewer images, or smaller ones: the network's input takes them resized")
    return classes, tuple(shape), count[0]


def _whole(parts: list[str]) -> list[int]:
    """Whole numbers from 1 on; none at all where a part is no such number."""
    good = all(part.isascii() and part.isdecimal() and len(part) < 10 and int(part) for part in parts)
    return [int(part) for part in parts] if good else []
