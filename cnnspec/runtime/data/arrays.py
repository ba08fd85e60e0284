"""`npz:PATH`: images and labels in NumPy's archive; an array of Python objects, which could run code, is refused."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from math import prod
from tokenize import TokenError

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cnnspec.layers.base import show
from cnnspec.runtime.batches import free_memory
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.data.labelled import Labelled, bad, source

Array = NDArray[np.generic]

#: Names of images and of their labels, in the order in which they are looked for.
_TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y"))
_VAL = (("x_val", "y_val"), ("val_images", "val_labels"), ("x_test", "y_test"), ("test_images", "test_labels"))
#: An axis of so many elements is one of channels.
_FEW = 4
#: Images that are converted at once.
_AT_ONCE = 1024
#: What broken archives and the heads of broken arrays raise; encrypted ones a RuntimeError.
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, TypeError, KeyError, IndexError, OverflowError,
           RuntimeError, MemoryError, SyntaxError, TokenError, struct.error)


def arrays(path: str, seed: int) -> Data:
    """The images of an archive: N×H×W, N×H×W×C or N×C×H×W, of elements from 0 to 1 or from 0 to 255.

    Where an axis of at most four elements does not tell where the channels stand, equal extents do. Raises `SpecError`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _source(path, archive, seed)
    except zipfile.BadZipFile as error:
        raise bad(f"{path} is no archive of NumPy's ({error})",
                  "`numpy.savez(path, images=…, labels=…)` writes one") from None
    except _BROKEN as error:
        raise bad(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _source(path: str, archive: zipfile.ZipFile, seed: int) -> Data:
    held = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    names = {name.lower(): name for name in held}
    train, val = (_pair(names, pairs) for pairs in (_TRAIN, _VAL))
    if train is None:
        raise bad(f"{path} holds {_listed(held)}, not images with labels",
                  "arrays `images` and `labels`, or `x_train`, `y_train`, `x_val` and `y_val`")
    wanted = [*train, *(val or ())]
    _refuse(path, archive, wanted)
    found = {name: _array(archive, name) for name in wanted}
    given = [found[pair[0]] for pair in (train, val) if pair is not None]
    first = _channels(path, train[0], given[0])
    scale, range_ = _scale(path, given)
    taken = [_labelled(path, pair, found, first, scale) for pair in (train, val) if pair is not None]
    said = (f"`{train[0]}` taken as {_AXES[first]}, {range_}", *((f"judged by `{val[0]}`",) if val else ()))
    return source(f"npz:{path}", taken[0], taken[1] if val else None, seed, None, said)


def _pair(names: dict[str, str], pairs: tuple[tuple[str, str], ...]) -> tuple[str, str] | None:
    return next(((names[one], names[other]) for one, other in pairs if one in names and other in names), None)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown or "nothing"


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(f"{name}.npy") as member:
        found: Array = np.lib.format.read_array(member, allow_pickle=False)
        return found


def _refuse(path: str, archive: zipfile.ZipFile, names: list[str]) -> None:
    """Raise `SpecError`, by what the heads of arrays tell, for Python objects and for more than memory holds."""
    bytes_ = 0
    for name in names:
        with archive.open(f"{name}.npy") as member:
            version = np.lib.format.read_magic(member)
            head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = head(member)
        if dtype.hasobject:
            raise bad(f"`{name}` in {path} is an array of Python objects, which is not read: it could run code",
                      "save numbers: `numpy.stack(images)` of images of one shape, `labels.astype(int)`")
        bytes_ += prod(shape) * dtype.itemsize
    if bytes_ > (free := free_memory()):
        raise bad(f"the arrays in {path} take {bytes_:,} bytes, but {free:,} are free",
                  "`folder:PATH` reads images from the disk when they are needed")


#: How the axes of images stand, by which one has the channels (0: none).
_AXES = {0: "N×H×W", 1: "N×C×H×W", 3: "N×H×W×C"}


def _channels(path: str, name: str, images: Array) -> int:
    """The axis of the channels, 0 for none; raises `SpecError` where there is no telling."""
    if images.ndim == 3:
        return 0
    if images.ndim != 4:
        raise bad(f"`{name}` in {path} has {images.ndim} axes ({show(images.shape)}); images have three or four",
                  "N×H×W, N×H×W×C or N×C×H×W")
    _, first, second, last = images.shape
    few = {axis for axis, extent in ((1, first), (3, last)) if extent <= _FEW}
    square = {axis for axis, equal in ((1, second == last), (3, first == second)) if equal}
    for told in (few, few & square or square):
        if len(told) == 1:
            return min(told)
    if few:
        return 3
    raise bad(f"`{name}` in {path} is {show(images.shape)}: which axis is that of the channels?",
              "channels last, and at most four of them, are always understood")


def _scale(path: str, given: list[Array]) -> tuple[float, str]:
    """What elements are multiplied by to be from 0 to 255, and a phrase about it; raises `SpecError`."""
    if len({images.dtype for images in given}) > 1:
        raise bad(f"the images in {path} are of types {given[0].dtype} and {given[1].dtype}, not of one")
    for images in given:
        if images.dtype.kind not in "buif":
            raise bad(f"the images in {path} are of type {images.dtype}, not of numbers")
        if images.dtype.kind == "f" and not all(np.isfinite(part).all() for part in _parts(images)):
            raise bad(f"the images in {path} hold elements that are no numbers (NaN or infinite)",
                      "`numpy.nan_to_num` puts numbers in their place; look first where they come from")
    filled = [images for images in given if images.size]
    least = min((float(images.min()) for images in filled), default=0.0)
    most = max((float(images.max()) for images in filled), default=0.0)
    if given[0].dtype == np.uint8:
        return 1.0, "elements from 0 to 255"
    if least < 0 or most > 255:
        raise bad(f"the images in {path} have elements from {least:.6g} to {most:.6g}, not from 0 to 1 or 0 to 255",
                  "images as they were before they were normalised: a run normalises them itself" if least < 0 else
                  "divide them by their largest possible element")
    return (255.0, f"elements from 0 to 1 ({given[0].dtype})") if most <= 1 else (
        1.0, f"elements from 0 to 255 ({given[0].dtype})")


def _parts(images: Array) -> list[Array]:
    return [images[at:at + _AT_ONCE] for at in range(0, len(images), _AT_ONCE)]


def _labelled(path: str, pair: tuple[str, str], found: dict[str, Array], channels: int, scale: float) -> Labelled:
    images = found[pair[0]]
    if images.ndim != (3 if channels == 0 else 4) or 0 in images.shape[1:]:
        raise bad(f"`{pair[0]}` in {path} is {show(images.shape)}, no {_AXES[channels]}")
    ordered = images[:, None] if channels == 0 else np.moveaxis(images, channels, 1)
    taken = np.empty(ordered.shape, np.uint8)
    for at, part in zip(range(0, len(ordered), _AT_ONCE), _parts(ordered), strict=True):
        taken[at:at + _AT_ONCE] = part if part.dtype == np.uint8 else np.rint(part.astype(np.float64) * scale)
    return Labelled(torch.from_numpy(taken), _labels(path, pair[1], found[pair[1]]))


def _labels(path: str, name: str, labels: Array) -> Tensor:
    """Numbers of classes, int64 of N; N×1 is taken, and rows of one 1 among zeros. Raises `SpecError` for others."""
    if labels.dtype.kind not in "buif":
        raise bad(f"`{name}` in {path} is of type {labels.dtype}; a label is the number of a class, from 0 on",
                  "`numpy.unique(labels, return_inverse=True)[1]` numbers names")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and len(labels) and ((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all():
        labels = labels.argmax(1)
    if labels.ndim != 1:
        raise bad(f"`{name}` in {path} is {show(labels.shape)}; a label is the number of a class",
                  "one number for each image, or one 1 among zeros")
    whole = labels.astype(np.float64)
    wrong = ~np.isfinite(whole) | (whole != np.rint(whole)) | (np.abs(whole) > 2**31)
    if wrong.any():
        place = int(wrong.argmax())
        raise bad(f"`{name}` in {path} holds {labels[place]} (label {place}, counting from 0), which numbers no class")
    return torch.from_numpy(labels.astype(np.int64))


