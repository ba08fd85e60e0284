"""`folder:PATH`: a folder of images for each class, or `train/` and `val/` with such folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import torch

from cnnspec.layers.base import Shape, show
from cnnspec.record import Record
from cnnspec.runtime.data.images import Data, Split, spread
from cnnspec.runtime.data.labelled import bad, check, places
from cnnspec.runtime.data.pictures import SUFFIXES, Head, Pictures, bad_files, heads

#: Names of the folder to train on, and of that to judge by, in the order in which they are looked for.
_TRAIN, _VAL = ("train", "training"), ("val", "valid", "validation", "test")
#: The longest side of images of one size that are taken as they are, and the side to which others are brought.
_LARGE, _SIDE = 512, 256
#: Files that are decoded to see whether they can be, and images of which mean and deviation are taken.
_TRIED, _MEASURED = 4_000, 2_000


class Files(Record):
    """The images of some classes."""

    paths: tuple[str, ...]
    #: Places in the names of classes.
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    #: Ends of names that are no images', with how many files have each.
    others: Mapping[str, int]


def folder(path: str, seed: int, shape: Shape | None = None) -> Data:
    """The images below a folder, its folders' names in order as classes.

    Without a folder to judge by, a part of each class is taken for that. Images of one size stay as they are; others
    are resized to cover the extents of `shape`, or else a square, and what stands over is cut off on both sides.
    Images are decoded when they are needed. Raises `SpecError`.
    """
    name = f"folder:{path}"
    parts = _parts(path)
    train = _files(parts[0])
    says = [f"files of other kinds are left out: {_listed(train.others)}"] if train.others else []
    val = None
    if len(parts) > 1:
        val = _known(_files(parts[1]), train, parts)
        says.append(f"judged by {parts[1]}")
    paths = (*train.paths, *(val.paths if val else ()))
    found, broken = heads(paths)
    if broken:
        raise bad_files(broken, f"{len(broken):,} of {len(paths):,} images in {path}")
    extents, said = _extents(found, shape)
    channels = 1 if all(one.grey for one in found) else 3
    if any(one.clear for one in found):
        says.append("transparency is left out")
    labels = [torch.tensor(part.labels) for part in (train, val) if part is not None]
    check(name, labels, [len(each) for each in labels], train.classes)
    return _data(name, paths, labels, train.classes, (channels, *extents), seed, [*says, *said])


def _data(name: str, paths: Sequence[str], labels: list[torch.Tensor], classes: tuple[str, ...], shape: Shape,
          seed: int, says: list[str]) -> Data:
    """A source of files, of which a part has been decoded to see whether they can be."""
    if len(labels) > 1:
        numbers = torch.arange(len(paths)).split([len(each) for each in labels])
        judged = labels[1]
    else:
        *numbers, said = places(name, labels[0], seed)
        says.append(said)
        judged = labels[0][numbers[1]]
    everything = torch.cat(labels)
    train, val = (Pictures([paths[place] for place in some.tolist()], shape) for some in numbers)
    broken = [file for images in (train, val) for file in images.broken(_some(len(images), _TRIED))]
    if broken:
        raise bad_files(broken, f"{len(broken):,} of {len(paths):,} images in {name.partition(':')[2]}")
    if max(len(train), len(val)) > _TRIED:
        says.append(f"{_TRIED:,} images were decoded to see whether they are whole")
    mean, deviation = spread(train, _MEASURED)
    return Data(name, Split(train, everything[numbers[0]]), Split(val, judged), classes, shape, mean, deviation,
                tuple(says))


def _some(count: int, most: int) -> torch.Tensor:
    """At most so many places, evenly from all."""
    return torch.linspace(0, count - 1, min(count, most), dtype=torch.float64).long()


def _parts(path: str) -> list[str]:
    """The folder to train on, and that to judge by where there is one; raises `SpecError`.

    A folder `train` that holds images itself is a class, such as one of vehicles.
    """
    if not os.path.isdir(path):
        raise bad(f"{path} is a file, not a folder" if os.path.exists(path) else f"there is no folder {path}",
                  "`npz:PATH` and `idx:PATH` read files" if os.path.exists(path) else "")
    held = [next((os.path.join(path, name) for name in names if _holds_folders(os.path.join(path, name))), None)
            for names in (_TRAIN, _VAL)]
    train, val = held
    if train is None:
        return [path]
    return [train] if val is None else [train, val]


def _holds_folders(path: str) -> bool:
    """Whether it is a folder with folders in it, and no image beside them."""
    if not os.path.isdir(path):
        return False
    entries = _entries(path)
    return any(entry.is_dir() for entry in entries) and not any(_is_image(entry) for entry in entries)


def _entries(path: str) -> list[os.DirEntry[str]]:
    """What a folder holds, in order; hidden entries are passed over. Raises `SpecError`."""
    try:
        with os.scandir(path) as found:
            return sorted((entry for entry in found if not entry.name.startswith((".", "__MACOSX"))),
                          key=lambda entry: entry.name)
    except OSError as error:
        raise bad(f"{path} cannot be read: {error.strerror}") from None


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Whether it is called like an image and is a file, or a link that leads nowhere, which is told later."""
    return entry.name.lower().endswith(SUFFIXES) and (entry.is_file() or not os.path.exists(entry.path))


def _files(path: str) -> Files:
    """The images of each folder in a folder; raises `SpecError` where there are none."""
    entries = _entries(path)
    folders = [entry for entry in entries if entry.is_dir()]
    if not folders:
        images = sum(map(_is_image, entries))
        raise bad(f"{path} holds {images:,} images, but no folder for each class" if images else
                  f"{path} holds no folders of images", "PATH/cat/1.png, PATH/dog/2.png: a class is a folder")
    others: Counter[str] = Counter()
    found = {entry.name: list(_below(entry.path, others, set())) for entry in folders}
    empty = [name for name, paths in found.items() if not paths]
    if empty:
        raise bad(f"{len(empty):,} of {len(found):,} folders in {path} hold no image: " + ", ".join(empty[:5])
                  + (", …" if len(empty) > 5 else ""),
                  f"images are files of {', '.join(SUFFIXES)}"
                  + (f"; there are {_listed(others)}" if others else "") + ". Remove the folders, or fill them")
    return Files(tuple(path for paths in found.values() for path in paths),
                 tuple(number for number, paths in enumerate(found.values()) for _ in paths), tuple(found), others)


def _below(path: str, others: Counter[str], seen: set[str]) -> Iterator[str]:
    """The images in a folder and all below it; one that links lead back to is entered once."""
    place = os.path.realpath(path)
    if place in seen:
        return
    seen.add(place)
    for entry in _entries(path):
        if entry.is_dir():
            yield from _below(entry.path, others, seen)
        elif _is_image(entry):
            yield entry.path
        else:
            others[os.path.splitext(entry.name)[1].lower() or entry.name] += 1


def _listed(others: Mapping[str, int]) -> str:
    most = sorted(others.items(), key=lambda one: (-one[1], one[0]))[:5]
    return ", ".join(f"{count:,} {suffix}" for suffix, count in most)


def _known(val: Files, train: Files, parts: list[str]) -> Files:
    """The images to judge by, with the numbers that their classes have in training; raises `SpecError`."""
    strange = [name for name in val.classes if name not in train.classes]
    if strange:
        raise bad(f"{parts[1]} has classes that {parts[0]} lacks: {', '.join(strange[:5])}"
                  + (", …" if len(strange) > 5 else ""), "a class is called alike in both")
    numbers = [train.classes.index(name) for name in val.classes]
    return Files(val.paths, tuple(numbers[label] for label in val.labels), train.classes, val.others)


def _extents(found: list[Head], shape: Shape | None) -> tuple[tuple[int, int], list[str]]:
    """The height and width to which all images are brought, and sentences about it."""
    sizes = Counter((one.height, one.width) for one in found)
    (height, width), _ = sizes.most_common(1)[0]
    wanted = shape[1:] if shape is not None and len(shape) == 3 else None
    alike = wanted is None or height * wanted[1] == width * wanted[0]
    if len(sizes) == 1 and max(height, width) <= _LARGE and alike:
        return (height, width), []
    side = min(_SIDE, sorted(min(one.height, one.width) for one in found)[len(found) // 2])
    to = (wanted[0], wanted[1]) if wanted else (side, side)
    sized = f"{len(sizes):,} sizes" if len(sizes) > 1 else f"{show((height, width))}"
    return to, [f"images of {sized} brought to {show(to)}: resized to cover it, and cut off on both sides"]
