"""Files of labelled images for the tests of sources, and what a refusal says."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec.diagnostics import SpecError


def refusal(ask: Callable[[], object], folder: Path | None = None) -> str:
    """What a source says that refuses: code, message, notes and help, a line each, with `folder` as `…`."""
    with pytest.raises(SpecError) as caught:
        ask()
    (found,) = caught.value.diagnostics
    lines = [f"{found.code}: {found.message}", *found.notes, *([f"help: {found.help}"] if found.help else [])]
    text = "\n".join(lines)
    return text.replace(str(folder), "…") if folder else text


def gives(ask: Callable[[], Any]) -> bool:
    """Whether a source has images to train on; where it has not, it must refuse with `bad-data`."""
    try:
        return len(ask().train.images) > 0
    except SpecError as error:
        if {one.code for one in error.diagnostics} != {"bad-data"}:
            raise
        return False


def same(one: Any, other: Any) -> bool:
    """Whether two sources give the same images in the same parts, with the same labels, and tell the same of them."""
    told = [(data.classes, data.shape, data.mean, data.deviation) for data in (one, other)]
    return told[0] == told[1] and all(a.labels.equal(b.labels) and everything(a).equal(everything(b))
                                      for a, b in ((one.train, other.train), (one.val, other.val)))


def everything(split: Any) -> Any:
    """All images of one part."""
    import torch

    return split.images.batch(torch.arange(len(split.images)))


def labelled(count: int, classes: int, shape: tuple[int, ...] = (6, 5), seed: int = 0) -> tuple[Any, Any]:
    """Random images of bytes, and the numbers of their classes, each class as often as another."""
    chance = np.random.default_rng(seed)
    return chance.integers(0, 256, (count, *shape), np.uint8), np.arange(count, dtype=np.uint8) % classes


def write_idx(path: Path, values: Any, *, packed: bool = False) -> None:
    """An idx file of bytes, as MNIST's page tells its format."""
    head = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(head + values.tobytes()) if packed else head + values.tobytes())


def write_mnist(folder: Path, train: Any, val: Any | None = None, *, packed: bool = False) -> None:
    """The files of a set like MNIST."""
    for name, part in (("train", train), ("t10k", val)):
        for what, values in zip(("images-idx3", "labels-idx1"), part or (), strict=False):
            write_idx(folder / f"{name}-{what}-ubyte{'.gz' if packed else ''}", values, packed=packed)
