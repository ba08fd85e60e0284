"""`--data`: what it names is opened, and what it does not name is told."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch")

from cnnspec.runtime.data.sources import WRITTEN, open_data
from tests.runtime.data.files import refusal, same

ALL = "There are digits, mnist, fashion-mnist, cifar10, cifar100, folder:PATH, npz:PATH, idx:PATH, synthetic"


@pytest.mark.parametrize(("text", "told"), [
    ("mnsit", f"there is no source of images called `mnsit`\nhelp: did you mean `mnist`? {ALL}"),
    ("CIFAR10", f"there is no source of images called `CIFAR10`\nhelp: did you mean `cifar10`? {ALL}"),
    ("floder:pets", f"there is no source of images called `floder`\nhelp: did you mean `folder:PATH`? {ALL}"),
    ("", f"there is no source of images called ``\nhelp: {ALL}"),
    ("/home/me/pets", f"there is no source of images called `/home/me/pets`\nhelp: {ALL}"),
    ("folder", "`folder` needs a path\nhelp: `--data folder:PATH`"),
    ("npz:", "`npz` needs a path\nhelp: `--data npz:PATH`"),
    ("digits:x", "`digits` takes no path, but `digits:x` has one\nhelp: `--data digits`"),
    ("mnist:sets", "`mnist` takes no path, but `mnist:sets` has one\nhelp: `--data mnist --root sets`"),
])
def test_what_is_no_source_is_told(text: str, told: str) -> None:
    assert refusal(lambda: open_data(text, None, 0)) == f"bad-data: {told}"


def test_every_source_is_named_once() -> None:
    assert f"There are {', '.join(WRITTEN.values())}" == ALL


def test_digits_are_real_and_parted_evenly() -> None:
    pytest.importorskip("sklearn")
    found = open_data("digits", None, 0)
    assert (found.shape, found.classes) == ((1, 8, 8), tuple("0123456789"))
    assert len(found.train.images) + len(found.val.images) == 1797
    shares = found.val.labels.bincount() / (found.val.labels.bincount() + found.train.labels.bincount())
    assert float((shares - 0.2).abs().max()) < 0.005
    assert same(found, open_data("digits", None, 0))
    assert not same(found, open_data("digits", None, 1))


def test_without_pillow_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cnnspec.runtime.data.folder", "cnnspec.runtime.data.pictures"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert refusal(lambda: open_data("folder:pets", None, 0)) == (
        "no-package: images in files are read by Pillow, which does not import "
        "(import of PIL halted; None in sys.modules)\nhelp: `pip install 'cnnspec[train]'`")


def test_without_scikit_learn_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert refusal(lambda: open_data("digits", None, 0)).startswith("no-package: ")
