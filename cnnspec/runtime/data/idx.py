"""`idx:PATH`: images and labels as MNIST's own files hold them, plain or compressed with gzip.

The format stands on MNIST's page (LeCun, Cortes and Burges, 1998): two bytes of 0, one for the type of an element, one
for the number of axes, each axis' length as four bytes, the highest first; then the elements, the last axis running
fastest.
"""

from __future__ import annotations

import gzip
import os
import zlib
from io import BufferedIOBase
from math import prod

import torch
from torch import Tensor

from cnnspec.layers.base import show
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.data.labelled import Labelled, bad, source

#: What may stand between `train-images` and its end: MNIST's own name, and what others have made of it.
_ENDINGS = ("-idx{axes}-ubyte", ".idx{axes}-ubyte", "-idx{axes}-ubyte.gz", ".idx{axes}-ubyte.gz")
#: What the images to train on and to judge by are called.
_TRAIN, _VAL = ("train",), ("t10k", "test")
#: The only type of element that images and labels have: bytes without a sign.
_BYTES = 8
#: Elements of the largest file that is read.
_MOST = 1 << 34
#: Bytes that are read at once: a head that promises too much costs no memory.
_AT_ONCE = 1 << 24

#: Paths of images and of their labels.
Pair = tuple[str, str]


def idx(path: str, seed: int) -> Data:
    """The images of a folder, or of files whose names begin with `path`; raises `SpecError`."""
    found = find(path)
    if found is None:
        raise bad(f"there are no images and labels in idx files at {path}",
                  "a folder with train-images-idx3-ubyte and train-labels-idx1-ubyte (.gz as well), and t10k-… to "
                  "judge by; or what stands before `train-images` in their names")
    return read(f"idx:{path}", *found, seed)


def find(path: str) -> tuple[Pair, Pair | None] | None:
    """The files to train on and to judge by, in a folder or behind a prefix."""
    prefixes = [os.path.join(path, "")] if os.path.isdir(path) else [path, f"{path}-"]
    for prefix in prefixes:
        train = _pair(prefix, _TRAIN)
        if train is not None:
            return train, _pair(prefix, _VAL)
    return None


def _pair(prefix: str, names: tuple[str, ...]) -> Pair | None:
    for name in names:
        images, labels = (_file(f"{prefix}{name}-{what}", axes) for what, axes in (("images", 3), ("labels", 1)))
        if images and labels:
            return images, labels
    return None


def _file(stem: str, axes: int) -> str | None:
    paths = (stem + ending.format(axes=axes) for ending in _ENDINGS)
    return next((path for path in paths if os.path.isfile(path)), None)


def read(name: str, train: Pair, val: Pair | None, seed: int, classes: tuple[str, ...] | None = None,
         says: tuple[str, ...] = ()) -> Data:
    """A source of these files; raises `SpecError`."""
    return source(name, _labelled(train), None if val is None else _labelled(val), seed, classes, says)


def _labelled(pair: Pair) -> Labelled:
    images, labels = map(elements, pair)
    if images.dim() not in (3, 4) or 0 in images.shape[1:]:
        raise bad(f"{pair[0]} holds elements of {show(images.shape)}, not images of N×H×W")
    if labels.dim() != 1:
        raise bad(f"{pair[1]} holds elements of {show(labels.shape)}, not one label for each image")
    return Labelled(images.unsqueeze(1) if images.dim() == 3 else images, labels.long())


def elements(path: str) -> Tensor:
    """What one file holds, uint8; raises `SpecError` for one that is no whole idx file of bytes."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.open(file) as unpacked:
                    return _elements(path, unpacked)
            return _elements(path, file)
    except (OSError, EOFError, zlib.error) as error:
        raise bad(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _elements(path: str, file: BufferedIOBase) -> Tensor:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or not head[3]:
        raise bad(f"{path} is no idx file: it begins with {head.hex(' ') or 'nothing'}, not with 00 00",
                  "MNIST's own files, unpacked or as .gz, are of this format")
    if head[2] != _BYTES:
        raise bad(f"{path} holds elements of type {head[2]:#04x}; images and labels are bytes, 0x08")
    sizes = file.read(4 * head[3])
    shape = [int.from_bytes(sizes[at:at + 4], "big") for at in range(0, len(sizes) - 3, 4)]
    told = f"{path} tells of {show(tuple(shape))} elements"
    if len(shape) < head[3] or prod(shape) > _MOST:
        raise bad(f"{path} is cut off in its head" if len(shape) < head[3] else f"{told}, more than {_MOST:,}")
    data = bytearray()
    while len(data) < prod(shape) and (more := file.read(min(_AT_ONCE, prod(shape) - len(data)))):
        data += more
    if len(data) < prod(shape):
        raise bad(f"{told}, but holds {len(data):,} of {prod(shape):,}: it is cut off", "download or copy it again")
    if file.read(1):
        raise bad(f"{told}, but holds more than {prod(shape):,}")
    return torch.frombuffer(data, dtype=torch.uint8).view(shape) if data else torch.empty(shape, dtype=torch.uint8)
