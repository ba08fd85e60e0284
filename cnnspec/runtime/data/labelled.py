"""Images in memory with their labels: checked, parted where nothing is there to judge by, and made a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.layers.base import show
from cnnspec.record import Record
from cnnspec.runtime.data.images import Data, Loaded, Split, parted, spread

if TYPE_CHECKING:
    from torch import Tensor

#: The part of each class that is judged by where a source has none of its own.
SHARE = 0.2


class Labelled(Record):
    """Images, uint8 of N×C×H×W, and the number of each one's class, int64 of N."""

    images: Tensor
    labels: Tensor


def bad(message: str, help: str = "", notes: tuple[str, ...] = ()) -> SpecError:
    """What is wrong with data, to be raised."""
    return SpecError([Diagnostic("bad-data", message, notes=notes, help=help)])


def source(name: str, train: Labelled, val: Labelled | None, seed: int, classes: tuple[str, ...] | None = None,
           says: tuple[str, ...] = ()) -> Data:
    """A source of images that are all in memory.

    Without images to judge by, a part of each class, chosen by the seed, is taken for that. Without names of classes,
    their numbers are their names, and each number up to the largest must have an image. Raises `SpecError`.
    """
    parts = [train] if val is None else [train, val]
    check(name, [part.labels for part in parts], [len(part.images) for part in parts], classes)
    shapes = [tuple(part.images.shape[1:]) for part in parts]
    if len(set(shapes)) > 1:
        raise bad(f"{name}: an image to train on is {show(shapes[0])}, one to judge by {show(shapes[1])}")
    if val is None:
        train, val, said = apart(name, train, seed)
        says = (*says, said)
    mean, deviation = spread(Loaded(train.images))
    return Data(name, Split(Loaded(train.images), train.labels), Split(Loaded(val.images), val.labels),
                classes or numbers(train.labels), shapes[0], mean, deviation, says)


def apart(name: str, whole: Labelled, seed: int) -> tuple[Labelled, Labelled, str]:
    """What to train on, what to judge by, and a sentence about it."""
    here, there, said = places(name, whole.labels, seed)
    return (Labelled(whole.images[here], whole.labels[here]), Labelled(whole.images[there], whole.labels[there]), said)


def places(name: str, labels: Tensor, seed: int) -> tuple[Tensor, Tensor, str]:
    """Which images to train on, which to judge by, and a sentence about it; raises `SpecError` for too few."""
    here, there = parted(labels, SHARE, seed)
    if not len(there):
        raise bad(f"{name}: no class has two images, and so none can be judged by")
    fewest = int(labels.unique(return_counts=True)[1].min())
    least = ", at least one image," if SHARE * fewest < 0.5 else ","
    return here, there, (f"a fifth of each class{least} chosen by the seed, is judged by: {len(there):,} of "
                         f"{len(labels):,}")


def numbers(labels: Tensor) -> tuple[str, ...]:
    """The classes that labels without names are of."""
    return tuple(map(str, range(int(labels.max()) + 1)))


def check(name: str, labels: list[Tensor], images: list[int], classes: tuple[str, ...] | None = None) -> None:
    """Raise `SpecError` unless there is a label for each image, and an image to train on for each of several classes.

    The labels to train on come first. Where classes have names, some may be without an image.
    """
    for each, count in zip(labels, images, strict=True):
        if len(each) != count:
            raise bad(f"{name}: {count:,} images, but {len(each):,} labels")
        if not count:
            raise bad(f"{name} holds no image")
    for each in labels:
        least, most = int(each.min()), int(each.max())
        if least < 0:
            raise bad(f"{name}: a label is {least}; classes are numbered from 0",
                      f"label {int((each < 0).nonzero()[0])} is the first such (counting from 0)")
        if classes is not None and most >= len(classes):
            raise bad(f"{name}: a label is {most:,}, but there are {len(classes):,} classes, numbered from 0",
                      f"label {int((each >= len(classes)).nonzero()[0])} is the first such (counting from 0)")
    found = labels[0].unique()
    if len(found) < 2:
        raise bad(f"{name} has a single class: there is nothing to tell apart")
    if classes is None:
        _dense(name, labels, found)


def _dense(name: str, labels: list[Tensor], found: Tensor) -> None:
    """Raise `SpecError` where a number below the largest label has no image to train on."""
    most = max(int(each.max()) for each in labels)
    if len(found) == most + 1:
        return
    missing = next(number for number in range(most + 1) if number >= len(found) or int(found[number]) != number)
    least = int(found[0])
    raise bad(f"{name}: labels go up to {most:,}, but no image to train on is labelled {missing:,}",
              f"subtract {least} from the labels: the first class is 0" if least else
              "number the classes from 0 without a gap; leave images out that belong to none")
