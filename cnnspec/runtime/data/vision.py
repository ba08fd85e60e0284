"""`mnist`, `fashion-mnist`, `cifar10`, `cifar100`: found on disk, else downloaded as torchvision would."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.record import Record
from cnnspec.runtime.data import cifar, idx
from cnnspec.runtime.data.images import Data
from cnnspec.runtime.data.labelled import source
from cnnspec.runtime.profile_files import cache

#: Where sets lie unless `--root` says otherwise, and in the user's cache.
_HERE = "data"
#: Seconds without an answer after which a download is given up.
_SILENT = 20.0


class Known(Record):
    """A set that has a name."""

    classes: tuple[str, ...]
    #: Its class in `torchvision.datasets`, which is also the folder of MNIST and its like there.
    torchvision: str
    #: What to put where, if it cannot be downloaded.
    files: str


_IDX = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or .gz)"
KNOWN = {
    "mnist": Known(tuple(map(str, range(10))), "MNIST", _IDX),
    "fashion-mnist": Known(
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        "FashionMNIST", _IDX),
    "cifar10": Known(("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
                     "CIFAR10", "cifar-10-binary.tar.gz or cifar-10-python.tar.gz, packed or unpacked"),
    "cifar100": Known(tuple((
        "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can "
        "castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin "
        "elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster "
        "man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck "
        "pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk "
        "skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger "
        "tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm").split()),
        "CIFAR100", "cifar-100-binary.tar.gz or cifar-100-python.tar.gz, packed or unpacked"),
}


def vision(name: str, root: str | None, seed: int) -> Data:
    """A set that has a name, the authors' test images to judge by.

    It is looked for under `root`, or in ./data and the user's cache, and else downloaded to `root` or that cache. MNIST
    and its like may lie anywhere below, though for Fashion-MNIST the path has to tell it from MNIST. Raises
    `SpecError` where it is not to be had.
    """
    cached = os.path.join(cache(), "data")
    roots = [root] if root else [_HERE, cached]
    for place in roots:
        found = _find(name, place, seed)
        if found is not None:
            return found
    download(name, roots[-1])
    found = _find(name, roots[-1], seed, downloaded=True)
    assert found is not None, "what was downloaded is where it is looked for"
    return found


def _find(name: str, root: str, seed: int, *, downloaded: bool = False) -> Data | None:
    """The set under a folder; None where it is not there."""
    known = KNOWN[name]
    how = "downloaded to" if downloaded else "from"
    if name in cifar.FORMS:
        found = cifar.find(name, root)
        if found is None:
            return None
        train, val, where = found
        return source(name, train, val, seed, known.classes, (f"{how} {where}",))
    for folder in _folders(root, known.torchvision):
        pairs = idx.find(folder) if _is_of(name, folder, root) else None
        if pairs is not None and pairs[1] is not None:
            return idx.read(name, *pairs, seed, known.classes, (f"{how} {folder}",))
    return None


def _folders(root: str, own: str) -> Iterator[str]:
    """Where files may lie: torchvision's own place, then `root` and all below it, in order."""
    yield os.path.join(root, own, "raw")
    for here, folders, _ in os.walk(root):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        yield here


def _is_of(name: str, folder: str, root: str) -> bool:
    """Whether files in a folder are of a set, by its path: the files of all sets like MNIST are called alike."""
    path = os.path.relpath(folder, os.path.dirname(os.path.abspath(root))).lower()
    if name == "fashion-mnist":
        return "fashion" in path
    return not any(other in path for other in ("fashion", "kmnist", "emnist", "qmnist", "kuzushiji"))


#: What lets a set be downloaded.
_INSTALL = "`pip install torchvision`"
_BUILT = "a build of torchvision for the PyTorch that is installed (pytorch.org, Get Started)"


def download(name: str, root: str) -> None:
    """Put the files of a set below `root`, each whole and with the sum that torchvision knows; raises `SpecError`."""
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:
        for_another = isinstance(error, RuntimeError)  # PyTorch, whose operators are others
        raise _missing(name, root, "no-package", f"torchvision, which would download it, does not import ({error})",
                       f"{_BUILT if for_another else _INSTALL} downloads it; or ") from None
    known = getattr(datasets, KNOWN[name].torchvision)
    if name in cifar.FORMS:
        folder, wanted = root, [((known.url,), known.filename, known.tgz_md5)]
    else:
        folder = os.path.join(root, KNOWN[name].torchvision, "raw")
        wanted = [(tuple(mirror + file for mirror in known.mirrors), file, md5) for file, md5 in known.resources]
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as apart, patience():
            for addresses, file, md5 in wanted:
                _fetch(addresses, apart, file, md5)
            for file in os.listdir(apart):
                shutil.move(os.path.join(apart, file), os.path.join(folder, file))
    except (OSError, RuntimeError, ValueError) as error:
        raise _missing(name, root, "bad-data", f"it cannot be downloaded ({error})") from None


def _fetch(addresses: tuple[str, ...], folder: str, file: str, md5: str) -> None:
    """One file from the first address that gives it; raises what the last one raised."""
    from torchvision.datasets.utils import download_url

    for number, address in enumerate(addresses, 1):
        try:
            download_url(address, folder, file, md5)
            break
        except (OSError, RuntimeError):
            if number == len(addresses):
                raise


@contextmanager
def patience() -> Iterator[None]:
    """A bound on how long a connection may be silent: torchvision has none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _missing(name: str, root: str, code: str, why: str, before: str = "") -> SpecError:
    return SpecError([Diagnostic(code, f"{name} is not under {root}, and {why}",
                                 help=f"{before}put {KNOWN[name].files} there, or name their folder with `--root`")])
