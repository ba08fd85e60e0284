"""CIFAR-10 and CIFAR-100 as their authors give them: folders or archives of binary files, or of Python's pickles.

The formats stand on the data sets' page (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009):
https://www.cs.toronto.edu/~kriz/cifar.html. A pickle is a program, which unpickling would run; here its instructions
are read without running any, for the numbers and the bytes among them.
"""

from __future__ import annotations

import os
import pickletools
import tarfile
import zlib
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from cnnspec.record import Record
from cnnspec.runtime.data.labelled import Labelled, bad

#: Of every image: channels, rows, columns.
_SHAPE = (3, 32, 32)
_ELEMENTS = 3072
#: Bytes of the largest file that is read: six times what the authors' are.
_MOST = 1 << 30


class Form(Record):
    """One way in which a set is given."""

    #: The folder, which is inside the archive as well.
    folder: str
    archive: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    #: Bytes before the elements of each image, of which the last is its class; 0 for pickles.
    before: int = 0
    #: The name of the labels in a pickle.
    labels: str = ""


_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
FORMS = {
    "cifar10": (
        Form("cifar-10-batches-bin", "cifar-10-binary.tar.gz", tuple(f"{name}.bin" for name in _BATCHES),
             ("test_batch.bin",), before=1),
        Form("cifar-10-batches-py", "cifar-10-python.tar.gz", _BATCHES, ("test_batch",), labels="labels")),
    "cifar100": (
        Form("cifar-100-binary", "cifar-100-binary.tar.gz", ("train.bin",), ("test.bin",), before=2),
        Form("cifar-100-python", "cifar-100-python.tar.gz", ("train",), ("test",), labels="fine_labels")),
}

#: Gives the bytes of a file of the set.
_Reader = Callable[[str], bytes]


def find(name: str, root: str) -> tuple[Labelled, Labelled, str] | None:
    """Images to train on, to judge by, and where they lie under `root`; None where they do not. Raises `SpecError`."""
    for form in FORMS[name]:
        folder = root if os.path.basename(os.path.abspath(root)) == form.folder else os.path.join(root, form.folder)
        if os.path.isdir(folder):
            return *_read(form, partial(_bytes, folder), folder), folder
    for form in FORMS[name]:
        path = os.path.join(root, form.archive)
        if os.path.isfile(path):
            return *_unpacked(form, path), path
    return None


def _bytes(folder: str, name: str) -> bytes:
    path = os.path.join(folder, name)
    try:
        with open(path, "rb") as file:
            return file.read(_MOST)
    except OSError as error:
        raise bad(f"{path} cannot be read: {error.strerror}") from None


def _unpacked(form: Form, path: str) -> tuple[Labelled, Labelled]:
    """The images of an archive, of which nothing is written to the disk."""
    wanted = {f"{form.folder}/{name}": name for name in (*form.train, *form.val)}
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name in wanted and (file := archive.extractfile(member)) is not None:
                    found[wanted[member.name]] = file.read(_MOST)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise bad(f"{path} cannot be read: {error}", "download it again") from None
    missing = next((name for name in wanted.values() if name not in found), None)
    if missing is not None:
        raise bad(f"{path} lacks {form.folder}/{missing}", "download it again")
    return _read(form, found.__getitem__, path)


def _read(form: Form, reader: _Reader, where: str) -> tuple[Labelled, Labelled]:
    train, val = ([_file(form, reader(name), os.path.join(where, name)) for name in names]
                  for names in (form.train, form.val))
    return _joined(train), _joined(val)


def _joined(parts: list[Labelled]) -> Labelled:
    return Labelled(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))


def _file(form: Form, data: bytes, path: str) -> Labelled:
    return _binary(data, form.before, path) if form.before else _pickled(data, form.labels, path)


def _binary(data: bytes, before: int, path: str) -> Labelled:
    size = before + _ELEMENTS
    if not data or len(data) % size:
        raise bad(f"{path} is {len(data):,} bytes long, which are no whole images of {size:,}", "download it again")
    rows = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, size)
    return Labelled(rows[:, before:].reshape(-1, *_SHAPE), rows[:, before - 1].long())


def _pickled(data: bytes, key: str, path: str) -> Labelled:
    """Labels and elements off a pickle's instructions.

    It makes a dictionary: behind the string that is the labels' name stand their numbers, up to the next string; the
    elements are the one string that is long enough for all of them.
    """
    labels: list[int] = []
    elements = b""
    current = ""
    try:
        for operation, value, _ in pickletools.genops(data):
            if isinstance(value, str | bytes | bytearray) and operation.name not in {"GLOBAL", "INST"}:
                held = value.encode("latin-1") if isinstance(value, str) else bytes(value)
                current = held.decode("latin-1") if len(held) < 64 else ""
                elements = max(elements, held, key=len)
            elif isinstance(value, int) and current == key and operation.name in _NUMBERS:
                labels.append(value)
    except (ValueError, UnicodeError, OverflowError) as error:
        raise bad(f"{path} is no pickle of images: {error}", "download it again") from None
    if not labels or len(elements) != len(labels) * _ELEMENTS:
        raise bad(f"{path} holds {len(labels):,} labels and {len(elements):,} bytes of elements, "
                  f"not {_ELEMENTS:,} for each", "download it again")
    images = torch.frombuffer(bytearray(elements), dtype=torch.uint8).view(-1, *_SHAPE)
    return Labelled(images, _numbers(labels, path))


#: Instructions that put a whole number on the stack.
_NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"}


def _numbers(labels: list[int], path: str) -> Tensor:
    if min(labels) < 0 or max(labels) > 255:
        raise bad(f"{path} holds a label of {min(labels) if min(labels) < 0 else max(labels)}", "download it again")
    return torch.tensor(labels)
