"""Files of images: what their heads tell, and their elements, brought to one shape when they are needed."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from cnnspec.layers.base import Shape
from cnnspec.record import Record
from cnnspec.runtime.data.labelled import bad

#: Ends of names, and what Pillow calls the formats.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp")
_FORMATS = ("PNG", "JPEG", "BMP", "PPM", "WEBP")
#: Modes without colours.
_GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "I;16N"}
#: The tag of EXIF that tells how an image is to be turned; from 5 on its sides change places.
_ORIENTATION, _SIDEWAYS = 274, 5
#: What Pillow raises for broken files.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, OverflowError, struct.error,
           zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning)
#: Bytes of decoded images that are kept.
_KEPT = 1 << 29
#: Files that a message names.
_NAMED = 5


class Head(Record):
    """What is known of an image before it is decoded."""

    height: int
    width: int
    grey: bool
    #: Whether it has transparency.
    clear: bool


class Broken(Exception):
    """A file that is no whole image; says why."""


def head(path: str) -> Head:
    """What an image's head tells, its sides as it is to be looked at; raises `Broken`."""
    try:
        if not os.path.getsize(path):
            raise Broken("it is empty")
        with warnings.catch_warnings():
            # Pillow's limit: beyond it, a small file might take all of the memory.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                sides = (image.width, image.height) if _turned(image) >= _SIDEWAYS else (image.height, image.width)
                return Head(*sides, image.mode in _GREY, "A" in image.mode or "transparency" in image.info)
    except _BROKEN as error:
        raise Broken(_reason(path, error)) from None


def _turned(image: Image.Image) -> int:
    """How the image is to be turned, 1 for not at all, after the EXIF in its head."""
    told = Image.Image.getexif(image).get(_ORIENTATION, 1)  # PNG's own would decode the image to look behind it
    return told if isinstance(told, int) else 1


def _reason(path: str, error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no image of PNG, JPEG, BMP, PPM or WebP"
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(told).replace(path, "it").rstrip(".")


def picture(path: str, shape: Shape) -> Tensor:
    """An image, uint8 of `shape` (C×H×W, C 1 or 3): its middle, as large as fits, resized; raises `Broken`."""
    channels, height, width = shape
    mode = "L" if channels == 1 else "RGB"
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if _turned(image) == 1:
                image.draft(mode, (width, height))  # JPEG can be decoded at a half, a quarter, an eighth
            upright = ImageOps.exif_transpose(image)
            plain = _plain(upright, mode)
            fitted = plain if plain.size == (width, height) else ImageOps.fit(plain, (width, height),
                                                                              Image.Resampling.BILINEAR)
            values = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8)
            return values.view(height, width, channels).permute(2, 0, 1)
    except _BROKEN as error:
        raise Broken(_reason(path, error)) from None


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """Eight bits of grey or of each colour. Transparency is left out, and the lower half of sixteen bits."""
    if image.mode == "F":
        raise Broken("its elements are fractions")
    if image.mode.startswith("I"):
        image = image.point(lambda value: value * (1 / 256))
    if image.mode in {"P", "PA"}:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


class Pictures:
    """Images in files, decoded when they are asked for; the first ones that are fit into half a gigabyte are kept.

    Which ones are kept makes no difference to what a pass over all of them costs, however it is shuffled.
    """

    def __init__(self, paths: Sequence[str], shape: Shape, kept: int = _KEPT) -> None:
        self.paths, self.shape = paths, shape
        count = min(len(paths), kept // torch.Size(shape).numel())
        self.kept = torch.empty((count, *shape), dtype=torch.uint8)
        self.known = torch.zeros(len(paths), dtype=torch.bool)
        self.pool = ThreadPoolExecutor(_threads())

    def __len__(self) -> int:
        return len(self.paths)

    def batch(self, places: Tensor) -> Tensor:
        """The images at these places, uint8 of B×C×H×W; raises `SpecError` where one is broken."""
        found = torch.empty((len(places), *self.shape), dtype=torch.uint8)
        broken = list(self.read(places, found))
        if broken:
            raise bad_files(broken, f"{len(broken):,} of these {len(places):,} images")
        return found

    def broken(self, places: Tensor) -> Iterator[tuple[str, str]]:
        """The files among these that are no whole images, and why."""
        for some in places.split(256):
            yield from self.read(some, torch.empty((len(some), *self.shape), dtype=torch.uint8))

    def read(self, places: Tensor, found: Tensor) -> Iterator[tuple[str, str]]:
        """Write images into `found`; gives the files that are broken, and why."""
        known = self.known[places]
        found[known] = self.kept[places[known]]
        missing = (~known).nonzero().flatten()
        paths = [self.paths[place] for place in places[missing].tolist()]
        for row, path, image in zip(missing.tolist(), paths, self.pool.map(self._one, paths), strict=True):
            if isinstance(image, str):
                yield path, image
                continue
            found[row] = image
            place = int(places[row])
            if place < len(self.kept):
                self.kept[place] = image
                self.known[place] = True

    def _one(self, path: str) -> Tensor | str:
        try:
            return picture(path, self.shape)
        except Broken as error:
            return str(error)


def _threads() -> int:
    """Threads that decode: as many as this process may run on, eight at most."""
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def heads(paths: Iterable[str]) -> tuple[list[Head], list[tuple[str, str]]]:
    """The heads of all files, and those files that have none, and why."""
    found, broken = [], []
    for path in paths:
        try:
            found.append(head(path))
        except Broken as error:
            broken.append((path, str(error)))
    return found, broken


def bad_files(broken: Sequence[tuple[str, str]], what: str) -> Exception:
    """That files are broken: how many, and the first ones."""
    return bad(f"{what} cannot be read", "remove them, or put whole images in their place",
               (*(f"{path}: {why}" for path, why in broken[:_NAMED]),
                *((f"and {len(broken) - _NAMED:,} more",) if len(broken) > _NAMED else ())))
