"""`npz:PATH`: layouts, ranges and labels as they occur, what is refused, and that no Python object is ever made."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from cnnspec.runtime.data import arrays
from cnnspec.runtime.data.labelled import places
from cnnspec.runtime.data.sources import open_data
from tests.runtime.data.files import everything, gives, labelled, refusal, same

IMAGES, LABELS = labelled(40, 4, (8, 6, 3))


def opened(folder: Path, **held: Any) -> Any:
    np.savez(folder / "a.npz", **held)
    return open_data(f"npz:{folder / 'a.npz'}", None, 0)


def told(folder: Path, **held: Any) -> str:
    return refusal(lambda: opened(folder, **held), folder).replace("npz:…/a.npz", "NPZ").replace("…/a.npz", "PATH")


@pytest.mark.parametrize("names", [("x_train", "y_train", "x_test", "y_test"), ("X_train", "Y_train", "X_val", "Y_val"),
                                   ("train_images", "train_labels", "val_images", "val_labels"),
                                   ("images", "labels", "test_images", "test_labels")])
def test_arrays_are_found_by_their_names(names: tuple[str, ...], tmp_path: Path) -> None:
    found = opened(tmp_path, **dict(zip(names, (IMAGES, LABELS, IMAGES[:8], LABELS[:8]), strict=True)))
    assert np.array_equal(everything(found.train).numpy(), np.moveaxis(IMAGES, 3, 1))
    assert np.array_equal(everything(found.val).numpy(), np.moveaxis(IMAGES[:8], 3, 1))
    assert found.says == (f"`{names[0]}` taken as N×H×W×C, elements from 0 to 255", f"judged by `{names[2]}`")
    assert found.classes == ("0", "1", "2", "3")


def test_images_to_validate_with_come_before_those_to_test(tmp_path: Path) -> None:
    found = opened(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=LABELS, x_val=IMAGES[:8],
                   y_val=LABELS[:8])
    assert len(found.val.images) == 8


def test_without_images_to_judge_by_a_part_is_taken(tmp_path: Path) -> None:
    found = opened(tmp_path, images=IMAGES, labels=LABELS)
    assert found.val.labels.bincount().tolist() == [2] * 4
    assert found.says[-1] == "a fifth of each class, chosen by the seed, is judged by: 8 of 40"


@pytest.mark.parametrize(("shape", "layout"), [
    ((40, 8, 6), "N×H×W"), ((40, 8, 6, 1), "N×H×W×C"), ((40, 1, 8, 6), "N×C×H×W"), ((40, 3, 8, 6), "N×C×H×W"),
    ((40, 4, 4, 1), "N×H×W×C"), ((40, 1, 4, 4), "N×C×H×W"), ((40, 3, 3, 3), "N×H×W×C"), ((40, 3, 8, 3), "N×H×W×C"),
    ((40, 9, 8, 8), "N×C×H×W"), ((40, 8, 8, 9), "N×H×W×C"),
])
def test_where_the_channels_stand_is_seen(shape: tuple[int, ...], layout: str, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = opened(tmp_path, images=images, labels=LABELS)
    assert found.says[0] == f"`images` taken as {layout}, elements from 0 to 255"
    expected = images[:, None] if len(shape) == 3 else np.moveaxis(images, 3, 1) if layout.endswith("C") else images
    assert found.shape == expected.shape[1:]
    assert np.array_equal(everything(found.train).numpy(), expected[[i for i in range(40) if i not in judged(found)]])


def judged(found: Any) -> list[int]:
    """Places that were taken to judge by, as the seed 0 takes them from these labels."""
    import torch

    from cnnspec.runtime.data.images import parted

    return parted(torch.from_numpy(LABELS).long(), 0.2, 0)[1].tolist()


@pytest.mark.parametrize(("values", "range_"), [
    ((IMAGES / 255).astype(np.float32), "0 to 1 (float32)"), (IMAGES / 255, "0 to 1 (float64)"),
    (IMAGES.astype(np.float32), "0 to 255 (float32)"), (IMAGES.astype(np.int64), "0 to 255 (int64)"),
    (IMAGES.astype(">i2"), "0 to 255 (>i2)"),
])
def test_ranges_are_told_and_give_the_same(values: Any, range_: str, tmp_path: Path) -> None:
    found = opened(tmp_path, images=values, labels=LABELS)
    assert same(found, opened(tmp_path, images=IMAGES, labels=LABELS))
    assert found.says[0] == f"`images` taken as N×H×W×C, elements from {range_}"


def test_truth_values_are_black_and_white(tmp_path: Path) -> None:
    found = opened(tmp_path, images=IMAGES > 99, labels=LABELS)
    assert set(everything(found.train).unique().tolist()) == {0, 255}


def test_the_range_is_that_of_both_parts(tmp_path: Path) -> None:
    train, val = (IMAGES > 99).astype(float), IMAGES.astype(float)
    found = opened(tmp_path, x_train=train, y_train=LABELS, x_val=val, y_val=LABELS)
    assert int(everything(found.train).max()) == 1


@pytest.mark.parametrize("labels", [LABELS[:, None], LABELS.astype(float), LABELS.astype(">u8"), np.eye(4)[LABELS],
                                    np.eye(4, dtype=bool)[LABELS]])
def test_labels_may_be_columns_whole_fractions_or_rows_of_one_1(labels: Any, tmp_path: Path) -> None:
    assert same(opened(tmp_path, images=IMAGES, labels=labels), opened(tmp_path, images=IMAGES, labels=LABELS))


@pytest.mark.parametrize(("labels", "message"), [
    (LABELS[:39], "NPZ: 40 images, but 39 labels"),
    (LABELS.astype(int) - 1, ("NPZ: a label is -1; classes are numbered from 0\n"
                             "help: label 0 is the first such (counting from 0)")),
    (LABELS + 1, ("NPZ: labels go up to 4, but no image to train on is labelled 0\n"
                 "help: subtract 1 from the labels: the first class is 0")),
    (LABELS * 0, "NPZ has a single class: there is nothing to tell apart"),
    (LABELS / 2, "`labels` in PATH holds 0.5 (label 1, counting from 0), which numbers no class"),
    (np.where(LABELS == 2, np.nan, LABELS),
     "`labels` in PATH holds nan (label 2, counting from 0), which numbers no class"),
    (np.full(40, 2**60),
     "`labels` in PATH holds 1152921504606846976 (label 0, counting from 0), which numbers no class"),
    (np.array(["cat", "dog"] * 20), ("`labels` in PATH is of type <U3; a label is the number of a class, from 0 on\n"
     "help: `numpy.unique(labels, return_inverse=True)[1]` numbers names")),
    (np.eye(4)[LABELS] / 2, ("`labels` in PATH is 40x4; a label is the number of a class\n"
                            "help: one number for each image, or one 1 among zeros")),
])
def test_wrong_labels_are_told(labels: Any, message: str, tmp_path: Path) -> None:
    assert told(tmp_path, images=IMAGES, labels=labels) == f"bad-data: {message}"


NAN = IMAGES.astype(float)
NAN[31, 2, 2, 1] = np.nan


@pytest.mark.parametrize(("images", "message"), [
    (NAN, ("the images in PATH hold elements that are no numbers (NaN or infinite)\n"
          "help: `numpy.nan_to_num` puts numbers in their place; look first where they come from")),
    (IMAGES / 127.5 - 1, ("the images in PATH have elements from -1 to 1, not from 0 to 1 or 0 to 255\n"
     "help: images as they were before they were normalised: a run normalises them itself")),
    (IMAGES.astype(np.uint16) * 257, ("the images in PATH have elements from 0 to 65535, not from 0 to 1 or 0 to 255\n"
     "help: divide them by their largest possible element")),
    (IMAGES.astype(complex), "the images in PATH are of type complex128, not of numbers"),
    (IMAGES.reshape(40, -1), ("`images` in PATH has 2 axes (40x144); images have three or four\n"
                             "help: N×H×W, N×H×W×C or N×C×H×W")),
    (IMAGES[:, :, :, None].repeat(9, 3)[..., 0], ("`images` in PATH is 40x8x6x9: which axis is that of the channels?\n"
     "help: channels last, and at most four of them, are always understood")),
    (IMAGES[:, :0], "`images` in PATH is 40x0x6x3, no N×H×W×C"),
    (IMAGES[:0], "NPZ: 0 images, but 40 labels"),
])
def test_wrong_images_are_told(images: Any, message: str, tmp_path: Path) -> None:
    assert told(tmp_path, images=images, labels=LABELS) == f"bad-data: {message}"


def test_parts_that_do_not_go_together_are_told(tmp_path: Path) -> None:
    train = {"x_train": IMAGES, "y_train": LABELS, "y_val": LABELS}
    assert told(tmp_path, **train, x_val=IMAGES / 255) == (
        "bad-data: the images in PATH are of types uint8 and float64, not of one")
    assert told(tmp_path, **train, x_val=IMAGES[..., 0]) == "bad-data: `x_val` in PATH is 40x8x6, no N×H×W×C"
    assert told(tmp_path, **train, x_val=IMAGES[:, :4]) == (
        "bad-data: NPZ: an image to train on is 3x8x6, one to judge by 3x4x6")
    assert told(tmp_path, **{**train, "y_val": LABELS + 7}, x_val=IMAGES) == (
        "bad-data: NPZ: labels go up to 10, but no image to train on is labelled 4\n"
        "help: number the classes from 0 without a gap; leave images out that belong to none")


def test_arrays_of_other_names_are_told(tmp_path: Path) -> None:
    assert told(tmp_path, pictures=IMAGES, labels=LABELS) == (
        "bad-data: PATH holds `pictures`, `labels`, not images with labels\n"
        "help: arrays `images` and `labels`, or `x_train`, `y_train`, `x_val` and `y_val`")


class Malice:
    """Leaves a folder behind when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_malicious_pickle_is_not_run(name: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    evil = np.array([Malice(str(trace))] * 40, dtype=object)
    assert told(tmp_path, **{"images": IMAGES, "labels": LABELS, name: evil}) == (
        f"bad-data: `{name}` in PATH is an array of Python objects, which is not read: it could run code\n"
        "help: save numbers: `numpy.stack(images)` of images of one shape, `labels.astype(int)`")
    assert not trace.exists()
    with np.load(tmp_path / "a.npz", allow_pickle=True) as held:
        _ = held[name][:1] if not trace.exists() else None  # that it would have done harm
    assert trace.is_dir()


def test_an_array_of_objects_that_nobody_asks_for_is_left_alone(tmp_path: Path) -> None:
    evil = np.array([Malice(str(tmp_path / "trace"))], dtype=object)
    found = opened(tmp_path, images=IMAGES, labels=LABELS, notes=evil)
    assert len(found.train.images) == 32
    assert not (tmp_path / "trace").exists()


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    assert refusal(lambda: open_data(f"npz:{path}", None, 0), tmp_path) == (
        "bad-data: …/a.npz cannot be read: No such file or directory")
    np.save(tmp_path / "b.npy", IMAGES)
    path.write_bytes((tmp_path / "b.npy").read_bytes())
    assert refusal(lambda: open_data(f"npz:{path}", None, 0), tmp_path) == (
        "bad-data: …/a.npz is no archive of NumPy's (File is not a zip file)\n"
        "help: `numpy.savez(path, images=…, labels=…)` writes one")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"no array")
        archive.writestr("labels.npy", b"")
    assert refusal(lambda: open_data(f"npz:{path}", None, 0), tmp_path) == (
        "bad-data: …/a.npz cannot be read: the magic string is not correct; expected b'\\x93NUMPY', got b'no arr'")


def test_more_than_memory_holds_is_told_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "free_memory", lambda: 5_000)
    assert told(tmp_path, images=IMAGES, labels=LABELS) == (
        "bad-data: the arrays in PATH take 5,800 bytes, but 5,000 are free\n"
        "help: `folder:PATH` reads images from the disk when they are needed")


@pytest.mark.parametrize("compressed", [False, True])
def test_archives_with_any_byte_changed_are_read_or_told(compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    (np.savez_compressed if compressed else np.savez)(path, images=IMAGES, labels=LABELS)
    whole = path.read_bytes()
    chance = np.random.default_rng(0)
    read = 0
    for _ in range(400):
        anywhere, early, late = chance.integers((len(whole), 200, 200)).tolist()
        place = int(chance.choice([anywhere, early, len(whole) - 1 - late]))
        path.write_bytes(whole[:place] + bytes([chance.integers(256)]) + whole[place + 1:])
        read += gives(lambda: open_data(f"npz:{path}", None, 0))
    assert 0 < read < 400


def test_of_few_images_one_of_each_class_is_judged_by() -> None:
    _, there, said = places("few", torch.tensor([0, 0, 1, 1, 2, 2]), 0)
    assert sorted(there // 2) == [0, 1, 2]
    assert said == "a fifth of each class, at least one image, chosen by the seed, is judged by: 3 of 6"
