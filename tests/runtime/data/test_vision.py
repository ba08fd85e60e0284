"""The sets that have a name: where they are looked for, that no pickle is run, and what is said where they are not."""

from __future__ import annotations

import io
import os
import pickle
import socket
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from cnnspec.runtime.data import vision
from cnnspec.runtime.data.sources import open_data
from tests.runtime.data.files import everything, gives, labelled, refusal, same, write_mnist


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder and a cache of one's own, both empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


MNIST = labelled(40, 10), labelled(20, 10, seed=1)


@pytest.mark.parametrize("place", ["MNIST/raw", "", "deep/below/it"])
@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_found_anywhere_under_the_root_and_is_what_idx_gives(place: str, packed: bool, tmp_path: Path) -> None:
    write_mnist(tmp_path / place, *MNIST, packed=packed)
    found = open_data("mnist", str(tmp_path), 0)
    assert same(found, open_data(f"idx:{tmp_path / place}", None, 0))
    assert found.name == "mnist"
    assert found.says == (f"from {tmp_path / place}{'/' * (place == '')}".rstrip("/"),)


def test_here_and_in_the_cache_it_is_found_without_a_root(nowhere: Path) -> None:
    cached = nowhere / "cache" / "cnnspec" / "data" / "MNIST" / "raw"
    write_mnist(cached, *MNIST)
    assert open_data("mnist", None, 0).says == (f"from {cached}",)
    write_mnist(nowhere / "data", *MNIST)
    assert open_data("mnist", None, 0).says == ("from data",)


def test_sets_whose_files_are_called_alike_are_told_apart_by_their_path(tmp_path: Path) -> None:
    other = labelled(30, 10, seed=2), labelled(10, 10, seed=3)
    write_mnist(tmp_path / "FashionMNIST" / "raw", *other)
    write_mnist(tmp_path / "a-kmnist", *other)
    write_mnist(tmp_path / "plain", *MNIST)
    assert open_data("mnist", str(tmp_path), 0).says == (f"from {tmp_path}/plain",)
    fashion = open_data("fashion-mnist", str(tmp_path), 0)
    assert fashion.says == (f"from {tmp_path}/FashionMNIST/raw",)
    assert fashion.classes[0] == "T-shirt/top"


def test_some_classes_may_be_without_images_but_no_label_is_out_of_range(tmp_path: Path) -> None:
    write_mnist(tmp_path, labelled(40, 4), labelled(20, 4))
    assert open_data("mnist", str(tmp_path), 0).classes == tuple("0123456789")
    images, labels = labelled(40, 12)
    write_mnist(tmp_path, (images, labels), (images, labels))
    assert refusal(lambda: open_data("mnist", str(tmp_path), 0)) == (
        "bad-data: mnist: a label is 11, but there are 10 classes, numbered from 0\n"
        "help: label 10 is the first such (counting from 0)")


NAMES = {"cifar10": [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"], "cifar100": ["train", "test"]}
FOLDERS = {"cifar10": ("cifar-10-batches-bin", "cifar-10-batches-py"),
           "cifar100": ("cifar-100-binary", "cifar-100-python")}


def cifar(name: str, *, pickled: bool, protocol: int = 2) -> dict[str, bytes]:
    """The set's files with a few random images, as its page tells the two formats."""
    files = {}
    for number, file in enumerate(NAMES[name]):
        images, labels = labelled(20, 10, (3072,), number)
        if pickled:
            key = "labels" if name == "cifar10" else "fine_labels"
            more = {} if name == "cifar10" else {"coarse_labels": [99] * 20}
            held = {"batch_label": file, "filenames": [f"{n}.png" for n in range(20)], key: labels.tolist(), **more,
                    "data": images}
            files[file] = pickle.dumps(held, protocol)
        else:
            before = [labels[:, None]] if name == "cifar10" else [labels[:, None] * 0 + 7, labels[:, None]]
            files[f"{file}.bin"] = np.concatenate([*before, images], 1).tobytes()
    return files


def put(files: dict[str, bytes], root: Path, folder: str, *, archive: bool = False) -> None:
    if archive:
        name = {"cifar-10-batches-bin": "cifar-10-binary", "cifar-10-batches-py": "cifar-10-python"}.get(folder, folder)
        with tarfile.open(root / f"{name}.tar.gz", "w:gz") as held:
            for file, data in files.items():
                member = tarfile.TarInfo(f"{folder}/{file}")
                member.size = len(data)
                held.addfile(member, io.BytesIO(data))
        return
    (root / folder).mkdir(parents=True, exist_ok=True)
    for file, data in files.items():
        (root / folder / file).write_bytes(data)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("archive", [False, True])
@pytest.mark.parametrize(("pickled", "protocol"), [(False, 0), (True, 2), (True, 4), (True, 5)])
def test_cifar_is_read_from_binary_files_and_from_pickles(name: str, archive: bool, pickled: bool, protocol: int,
                                                          tmp_path: Path) -> None:
    put(cifar(name, pickled=pickled, protocol=protocol), tmp_path, FOLDERS[name][pickled], archive=archive)
    found = open_data(name, str(tmp_path), 0)
    parts = [labelled(20, 10, (3072,), number) for number in range(len(NAMES[name]))]
    assert np.array_equal(everything(found.train).flatten(1).numpy(), np.concatenate([each[0] for each in parts[:-1]]))
    assert np.array_equal(everything(found.val).flatten(1).numpy(), parts[-1][0])
    assert found.val.labels.tolist() == parts[-1][1].tolist()
    assert found.shape == (3, 32, 32)
    assert (len(found.classes), len(set(found.classes))) == ((10, 10) if name == "cifar10" else (100, 100))


def test_pickles_as_python_2_wrote_them_are_read(tmp_path: Path) -> None:
    """Strings of eight bits, as the authors' own files hold them; `pickle` writes none, so they are put together."""
    files = {}
    for number, file in enumerate(NAMES["cifar10"]):
        images, labels = labelled(20, 10, (3072,), number)
        data = images.tobytes()
        files[file] = (
            b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05("
            + b"".join(b"K" + bytes([label]) for label in labels.tolist())
            + b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\t"
            + b"(K\x01K\x14M\x00\x0c\x86cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xff"
            + b"J\xff\xff\xff\xffK\x00tb\x89T" + len(data).to_bytes(4, "little") + data + b"tb"
            + b"U\tfilenamesq\x0c]q\r(U\x05a.pngU\x05b.pngeu.")
    held = pickle.loads(files["test_batch"], encoding="latin1")  # noqa: S301  # made above: that it is a whole pickle
    assert np.array_equal(held["data"], labelled(20, 10, (3072,), 5)[0])
    put(files, tmp_path, "cifar-10-batches-py")
    other = tmp_path / "other"
    put(cifar("cifar10", pickled=False), other, "cifar-10-batches-bin")
    assert same(open_data("cifar10", str(tmp_path), 0), open_data("cifar10", str(other), 0))


class Malice:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_malicious_pickle_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    files = cifar("cifar10", pickled=True)
    files["data_batch_1"] = pickle.dumps({"labels": [1, 2], "data": Malice(trace)}, 2)
    put(files, tmp_path, "cifar-10-batches-py")
    assert refusal(lambda: open_data("cifar10", str(tmp_path), 0), tmp_path) == (
        f"bad-data: …/cifar-10-batches-py/data_batch_1 holds 2 labels and {len(str(trace))} bytes of elements, "
        "not 3,072 for each\nhelp: download it again")
    images, labels = labelled(20, 10, (3072,))
    files["data_batch_1"] = pickle.dumps({"evil": Malice(trace), "labels": labels.tolist(), "data": images}, 2)
    put(files, tmp_path, "cifar-10-batches-py")
    assert len(open_data("cifar10", str(tmp_path), 0).train.images) == 100
    assert not trace.exists()
    pickle.loads(files["data_batch_1"])  # noqa: S301  # that it would have done harm
    assert trace.is_dir()


@pytest.mark.parametrize(("data", "told"), [
    (b"", "bad-data: FILE is no pickle of images: pickle exhausted before seeing STOP\nhelp: download it again"),
    (b"\x80\x02]q\0.", ("bad-data: FILE holds 0 labels and 0 bytes of elements, not 3,072 for each\n"
                         "help: download it again")),
    (b"\x80\x02U\x06labels", ("bad-data: FILE is no pickle of images: pickle exhausted before seeing STOP\n"
                             "help: download it again")),
])
def test_a_broken_pickle_is_told(data: bytes, told: str, tmp_path: Path) -> None:
    put({**cifar("cifar10", pickled=True), "data_batch_3": data}, tmp_path, "cifar-10-batches-py")
    found = refusal(lambda: open_data("cifar10", str(tmp_path), 0), tmp_path)
    assert found.replace("…/cifar-10-batches-py/data_batch_3", "FILE") == told


def test_pickles_with_any_byte_changed_are_read_or_told(tmp_path: Path) -> None:
    files = cifar("cifar10", pickled=True)
    put(files, tmp_path, "cifar-10-batches-py")
    whole = files["data_batch_1"]
    chance = np.random.default_rng(0)
    read = 0
    for _ in range(300):
        anywhere, early, late = chance.integers((len(whole), 400, 200)).tolist()
        place = int(chance.choice([anywhere, early, len(whole) - 1 - late]))
        wrong = whole[:place] + bytes([chance.integers(256)]) + whole[place + 1:chance.choice([place + 50, len(whole)])]
        put({"data_batch_1": wrong}, tmp_path, "cifar-10-batches-py")
        read += gives(lambda: open_data("cifar10", str(tmp_path), 0))
    assert 0 < read < 300


def test_broken_binary_files_and_archives_are_told(tmp_path: Path) -> None:
    files = cifar("cifar10", pickled=False)
    put({**files, "test_batch.bin": bytes(3072)}, tmp_path, "cifar-10-batches-bin")
    assert refusal(lambda: open_data("cifar10", str(tmp_path), 0), tmp_path) == (
        "bad-data: …/cifar-10-batches-bin/test_batch.bin is 3,072 bytes long, which are no whole images of 3,073\n"
        "help: download it again")
    (tmp_path / "cifar-10-batches-bin" / "test_batch.bin").unlink()
    assert refusal(lambda: open_data("cifar10", str(tmp_path), 0), tmp_path) == (
        "bad-data: …/cifar-10-batches-bin/test_batch.bin cannot be read: No such file or directory")
    other = tmp_path / "other"
    other.mkdir()
    del files["test_batch.bin"]
    put(files, other, "cifar-10-batches-bin", archive=True)
    assert refusal(lambda: open_data("cifar10", str(other), 0), other) == (
        "bad-data: …/cifar-10-binary.tar.gz lacks cifar-10-batches-bin/test_batch.bin\nhelp: download it again")
    whole = (other / "cifar-10-binary.tar.gz").read_bytes()
    (other / "cifar-10-binary.tar.gz").write_bytes(whole[:len(whole) // 2])
    assert refusal(lambda: open_data("cifar10", str(other), 0), other) == (
        "bad-data: …/cifar-10-binary.tar.gz cannot be read: Compressed file ended before the end-of-stream marker was "
        "reached\nhelp: download it again")


HELP = ("put train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte "
        "(or .gz) there, or name their folder with `--root`")


def test_without_torchvision_it_is_told_where_to_put_the_files(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert refusal(lambda: open_data("mnist", "sets", 0)) == (
        "no-package: mnist is not under sets, and torchvision, which would download it, does not import "
        "(import of torchvision halted; None in sys.modules)\n"
        f"help: `pip install torchvision` downloads it; or {HELP}")


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize("name", sorted(vision.KNOWN))
def test_without_a_network_it_is_told_where_to_put_the_files(name: str, nowhere: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "no such host")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("no_proxy", "*")
    told = refusal(lambda: open_data(name, "sets", 0))
    assert told.startswith(f"bad-data: {name} is not under sets, and it cannot be downloaded (<urlopen error "), told
    assert told.endswith(f"\nhelp: put {vision.KNOWN[name].files} there, or name their folder with `--root`")
    assert [path for path in nowhere.rglob("*") if path.is_file()] == []
    assert socket.getdefaulttimeout() is None


@pytest.mark.usefixtures("torchvision")
def test_what_is_downloaded_is_whole_before_it_is_found(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(nowhere / "web", *MNIST, packed=True)
    asked = []

    def fetch(address: str, folder: str, file: str, md5: str) -> None:
        asked.append((address.rpartition("/")[2], file))
        assert len(md5) == 32
        if len(asked) == 1:
            raise RuntimeError("this mirror is down")
        (Path(folder) / file).write_bytes((nowhere / "web" / file).read_bytes())
        assert not list((nowhere / "sets" / "MNIST" / "raw").glob("*.gz"))

    monkeypatch.setattr("torchvision.datasets.utils.download_url", fetch)
    found = open_data("mnist", "sets", 0)
    assert found.says == ("downloaded to sets/MNIST/raw",)
    assert same(found, open_data(f"idx:{nowhere / 'web'}", None, 0))
    assert [file for _, file in asked[1:]] == sorted([file for _, file in asked[1:]], key=lambda name: name[:2] != "tr")
    before = len(asked)
    assert open_data("mnist", "sets", 0).says == ("from sets/MNIST/raw",)
    assert len(asked) == before


def test_without_a_root_sets_are_downloaded_to_the_cache(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert f"mnist is not under {nowhere}/cache/cnnspec/data, and" in refusal(lambda: open_data("mnist", None, 0))
