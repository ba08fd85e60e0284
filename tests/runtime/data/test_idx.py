"""`idx:PATH`: the files are found and read, plain and packed, and those that are broken are told."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from cnnspec.runtime.data.sources import open_data
from tests.runtime.data.files import everything, labelled, refusal, same, write_idx, write_mnist


@pytest.mark.parametrize("packed", [False, True])
def test_images_and_labels_are_those_of_the_files(packed: bool, tmp_path: Path) -> None:
    train, val = labelled(30, 3), labelled(9, 3, seed=1)
    write_mnist(tmp_path, train, val, packed=packed)
    found = open_data(f"idx:{tmp_path}", None, 0)
    assert np.array_equal(everything(found.train)[:, 0].numpy(), train[0])
    assert np.array_equal(everything(found.val)[:, 0].numpy(), val[0])
    assert found.train.labels.tolist() == train[1].tolist()
    assert (found.shape, found.classes, found.says) == ((1, 6, 5), ("0", "1", "2"), ())
    assert found.mean == pytest.approx([train[0].mean() / 255], abs=1e-9)
    assert found.deviation == pytest.approx([train[0].std() / 255], abs=1e-9)


def test_without_images_to_judge_by_a_fifth_of_each_class_is_taken_by_the_seed(tmp_path: Path) -> None:
    write_mnist(tmp_path, labelled(50, 5))
    found = open_data(f"idx:{tmp_path}", None, 3)
    assert found.val.labels.bincount().tolist() == [2] * 5
    assert found.train.labels.bincount().tolist() == [8] * 5
    assert found.says == ("a fifth of each class, chosen by the seed, is judged by: 10 of 50",)
    assert same(found, open_data(f"idx:{tmp_path}", None, 3))
    assert not same(found, open_data(f"idx:{tmp_path}", None, 4))


def test_a_prefix_of_the_names_and_dots_in_them_are_understood(tmp_path: Path) -> None:
    images, labels = labelled(20, 2)
    write_idx(tmp_path / "letters-train-images.idx3-ubyte", images)
    write_idx(tmp_path / "letters-train-labels.idx1-ubyte", labels)
    write_idx(tmp_path / "letters-test-images-idx3-ubyte.gz", images[:4], packed=True)
    write_idx(tmp_path / "letters-test-labels-idx1-ubyte", labels[:4])
    for path in (tmp_path / "letters", f"{tmp_path}/letters-"):
        found = open_data(f"idx:{path}", None, 0)
        assert (len(found.train.images), len(found.val.images)) == (20, 4)


HEAD = struct.pack(">4B3I", 0, 0, 8, 3, 10, 6, 5)


@pytest.mark.parametrize(("data", "told"), [
    (b"", ("bad-data: PATH is no idx file: it begins with nothing, not with 00 00\n"
          "help: MNIST's own files, unpacked or as .gz, are of this format")),
    (b"PNG\r", ("bad-data: PATH is no idx file: it begins with 50 4e 47 0d, not with 00 00\n"
               "help: MNIST's own files, unpacked or as .gz, are of this format")),
    (b"\0\0\x0d\3", "bad-data: PATH holds elements of type 0x0d; images and labels are bytes, 0x08"),
    (HEAD[:10], "bad-data: PATH is cut off in its head"),
    (HEAD + bytes(299), ("bad-data: PATH tells of 10x6x5 elements, but holds 299 of 300: it is cut off\n"
                        "help: download or copy it again")),
    (HEAD + bytes(301), "bad-data: PATH tells of 10x6x5 elements, but holds more than 300"),
    (struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 1),
     "bad-data: PATH tells of 4294967295x4294967295x1 elements, more than 17,179,869,184"),
    (struct.pack(">4B3I", 0, 0, 8, 3, 2**20, 2**13, 1),
     ("bad-data: PATH tells of 1048576x8192x1 elements, but holds 0 of 8,589,934,592: it is cut off\n"
     "help: download or copy it again")),
    (struct.pack(">4B1I", 0, 0, 8, 1, 3) + bytes(3), "bad-data: PATH holds elements of 3, not images of N×H×W"),
    (struct.pack(">4B3I", 0, 0, 8, 3, 3, 0, 4), "bad-data: PATH holds elements of 3x0x4, not images of N×H×W"),
    (gzip.compress(HEAD + bytes(300), mtime=0)[:-12],
     "bad-data: PATH cannot be read: Compressed file ended before the end-of-stream marker was reached"),
    (b"\x1f\x8b" + bytes(30), "bad-data: PATH cannot be read: Unknown compression method"),
])
def test_a_broken_file_is_told(data: bytes, told: str, tmp_path: Path) -> None:
    write_mnist(tmp_path, labelled(10, 2))
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(data)
    assert refusal(lambda: open_data(f"idx:{tmp_path}", None, 0)).replace(str(path), "PATH") == told


@pytest.mark.parametrize(("labels", "told"), [
    (np.arange(9) % 2, "bad-data: idx:…: 10 images, but 9 labels"),
    (np.zeros(10), "bad-data: idx:… has a single class: there is nothing to tell apart"),
    (1 + np.arange(10) % 2, ("bad-data: idx:…: labels go up to 2, but no image to train on is labelled 0\n"
                            "help: subtract 1 from the labels: the first class is 0")),
    (np.array([0, 1, 255] * 3 + [0]), ("bad-data: idx:…: labels go up to 255, but no image to train on is labelled 2\n"
     "help: number the classes from 0 without a gap; leave images out that belong to none")),
    (np.arange(10), "bad-data: idx:…: no class has two images, and so none can be judged by"),
    (np.zeros((10, 1)), "bad-data: …/train-labels-idx1-ubyte holds elements of 10x1, not one label for each image"),
])
def test_wrong_labels_are_told(labels: np.ndarray, told: str, tmp_path: Path) -> None:
    write_mnist(tmp_path, (labelled(10, 2)[0], labels.astype(np.uint8)))
    assert refusal(lambda: open_data(f"idx:{tmp_path}", None, 0), tmp_path) == told


def test_a_label_that_nothing_to_train_on_has_is_told(tmp_path: Path) -> None:
    images, labels = labelled(10, 2)
    write_mnist(tmp_path, (images, labels), (images, labels + 1))
    assert refusal(lambda: open_data(f"idx:{tmp_path}", None, 0), tmp_path) == (
        "bad-data: idx:…: labels go up to 2, but no image to train on is labelled 2\n"
        "help: number the classes from 0 without a gap; leave images out that belong to none")


def test_images_of_two_shapes_and_no_images_are_told(tmp_path: Path) -> None:
    write_mnist(tmp_path, labelled(10, 2), labelled(10, 2, (5, 6)))
    assert refusal(lambda: open_data(f"idx:{tmp_path}", None, 0), tmp_path) == (
        "bad-data: idx:…: an image to train on is 1x6x5, one to judge by 1x5x6")
    write_mnist(tmp_path, labelled(0, 2))
    assert refusal(lambda: open_data(f"idx:{tmp_path}", None, 0), tmp_path) == "bad-data: idx:… holds no image"


def test_a_place_without_such_files_is_told(tmp_path: Path) -> None:
    assert refusal(lambda: open_data(f"idx:{tmp_path}/none", None, 0), tmp_path) == (
        "bad-data: there are no images and labels in idx files at …/none\n"
        "help: a folder with train-images-idx3-ubyte and train-labels-idx1-ubyte (.gz as well), and t10k-… to judge "
        "by; or what stands before `train-images` in their names")
