"""`folder:PATH`: layouts, shapes and colours as they occur, what is broken, and memory that stays bounded."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL.Image")

import torch
from PIL import Image

from cnnspec.runtime.data import folder as module
from cnnspec.runtime.data import pictures
from cnnspec.runtime.data.pictures import Pictures, picture
from cnnspec.runtime.data.sources import open_data
from tests.runtime.data.files import everything, gives, refusal, same


def save(path: Path, size: tuple[int, int] = (8, 6), mode: str = "RGB", seed: int = 0) -> Any:
    """Write a random image of height and width; gives its elements."""
    values = np.random.default_rng(seed).integers(0, 256, (*size, *((3,) if mode == "RGB" else ())), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return values


def fill(root: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 5, **how: Any) -> None:
    for number, name in enumerate(classes):
        for image in range(count):
            save(root / name / f"{image}.png", seed=100 * number + image, **how)


def opened(root: Path, seed: int = 0, shape: tuple[int, ...] | None = None) -> Any:
    return open_data(f"folder:{root}", None, seed, shape)


def told(root: Path) -> str:
    return refusal(lambda: opened(root), root)


def test_a_folder_is_a_class_and_a_fifth_of_each_is_judged_by(tmp_path: Path) -> None:
    fill(tmp_path, ("dog", "cat", "Ape"), 10)
    found = opened(tmp_path, 1)
    assert (found.classes, found.shape) == (("Ape", "cat", "dog"), (3, 8, 6))
    assert found.val.labels.bincount().tolist() == [2, 2, 2]
    assert found.train.labels.bincount().tolist() == [8, 8, 8]
    assert found.says == ("a fifth of each class, chosen by the seed, is judged by: 6 of 30",)
    assert same(found, opened(tmp_path, 1))
    assert not same(found, opened(tmp_path, 2))
    values = everything(found.train).double() / 255
    assert found.mean == pytest.approx(values.mean((0, 2, 3)).tolist())
    assert found.deviation == pytest.approx(values.std((0, 2, 3), correction=0).tolist())


@pytest.mark.parametrize(("train", "val"), [("train", "val"), ("training", "test"), ("train", "valid")])
def test_train_and_val_are_kept_apart(train: str, val: str, tmp_path: Path) -> None:
    fill(tmp_path / train, ("cat", "dog", "elk"))
    expected = save(tmp_path / val / "elk" / "a.bmp", seed=7)
    save(tmp_path / val / "deep.png")
    (tmp_path / val / "deep.png").unlink()
    found = opened(tmp_path)
    assert (len(found.train.images), found.val.labels.tolist()) == (15, [2])
    assert np.array_equal(everything(found.val)[0].permute(1, 2, 0).numpy(), expected)
    assert found.says == (f"judged by {tmp_path / val}",)


def test_val_is_taken_before_test_and_train_alone_is_parted(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    assert opened(tmp_path).classes == ("cat", "dog")
    fill(tmp_path / "test", count=3)
    fill(tmp_path / "val", count=2)
    assert opened(tmp_path).says == (f"judged by {tmp_path}/val",)


def test_folders_called_train_that_hold_images_are_classes(tmp_path: Path) -> None:
    fill(tmp_path, ("bus", "train", "val"))
    assert opened(tmp_path).classes == ("bus", "train", "val")


def test_folders_in_classes_links_and_hidden_files(tmp_path: Path) -> None:
    fill(tmp_path)
    save(tmp_path / "cat" / "more" / "deep" / "x.PNG")
    (tmp_path / "cat" / "more" / "loop").symlink_to(tmp_path / "cat")
    (tmp_path / "dog" / "loop").symlink_to(".")
    (tmp_path / "dog" / ".hidden.png").write_bytes(b"nothing")
    (tmp_path / "dog" / "notes.txt").write_text("a dog")
    (tmp_path / "dog" / "Thumbs.db").write_text("")
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / "dog" / "pipe.png")
    found = opened(tmp_path)
    assert sum(len(part.images) for part in (found.train, found.val)) == 11
    assert found.classes == ("cat", "dog")
    assert found.says[0] == "files of other kinds are left out: 1 .db, 1 .png, 1 .txt"


@pytest.mark.parametrize("suffix", ["png", "bmp", "ppm", "webp", "jpg", "jpeg"])
def test_formats(suffix: str, tmp_path: Path) -> None:
    colours = {"a": (200, 100, 50), "b": (50, 200, 100)}
    for name, colour in colours.items():
        for image in range(2):
            Image.new("RGB", (9, 7), colour).save(tmp_path / f"{name}{image}.{suffix}", lossless=True)
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / f"{name}{image}.{suffix}").rename(tmp_path / name / f"{image}.{suffix}")
    found = opened(tmp_path)
    assert found.shape == (3, 7, 9)
    assert (everything(found.train).float().mean((2, 3)) - torch.tensor([*colours.values()])).abs().max() < 2


def test_grey_images_have_one_channel_unless_one_has_colours(tmp_path: Path) -> None:
    fill(tmp_path, mode="L")
    assert opened(tmp_path).shape == (1, 8, 6)
    save(tmp_path / "dog" / "colour.png")
    assert opened(tmp_path).shape == (3, 8, 6)


def test_sixteen_bits_palettes_and_transparency(tmp_path: Path) -> None:
    wide = np.arange(48, dtype=np.uint16).reshape(8, 6) * 1365
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert np.abs(picture(str(tmp_path / "wide.png"), (1, 8, 6))[0].numpy() - wide / 257).max() <= 1
    plain = Image.new("RGB", (6, 8), (10, 20, 30))
    for name, image in {"palette": plain.convert("P", palette=Image.Palette.ADAPTIVE), "clear": plain.convert("RGBA"),
                        "ink": plain}.items():
        image.save(tmp_path / f"{name}.png", **({"transparency": 0} if name == "palette" else {}))
        assert picture(str(tmp_path / f"{name}.png"), (3, 8, 6)).flatten(1)[:, 0].tolist() == [10, 20, 30], name
    for name in ("a", "b"):
        fill(tmp_path / "set", (name,))
        plain.convert("RGBA").save(tmp_path / "set" / name / "clear.png")
    assert opened(tmp_path / "set").says[0] == "transparency is left out"


def test_images_that_were_turned_are_looked_at_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 6))
    image.paste((255, 255, 255), (0, 0, 8, 3))  # the upper half, which is the right one when it is turned
    exif = Image.Exif()
    exif[274] = 6
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(2):
            image.save(tmp_path / name / f"{number}.jpg", exif=exif, quality=100)
    found = opened(tmp_path)
    assert found.shape == (3, 8, 6)
    assert everything(found.train)[0, 0, :, 5].min() > 250
    assert everything(found.train)[0, 0, :, 0].max() < 5


def test_images_of_many_sizes_cover_a_square_of_the_median_side(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number, size in enumerate(((20, 30), (40, 24), (30, 30))):
            save(tmp_path / name / f"{number}.png", size, seed=number)
    found = opened(tmp_path)
    assert found.shape == (3, 24, 24)
    assert found.says[0] == "images of 3 sizes brought to 24x24: resized to cover it, and cut off on both sides"
    found = opened(tmp_path, shape=(3, 16, 12))
    assert found.shape == (3, 16, 12)
    assert found.says[0] == "images of 3 sizes brought to 16x12: resized to cover it, and cut off on both sides"


def test_one_size_stays_unless_it_is_large_or_of_another_form_than_the_input(tmp_path: Path) -> None:
    fill(tmp_path, count=2, size=(20, 40))
    assert opened(tmp_path).shape == (3, 20, 40)
    assert opened(tmp_path, shape=(3, 10, 20)).shape == (3, 20, 40)
    assert opened(tmp_path, shape=(3, 30, 30)).shape == (3, 30, 30)
    large = tmp_path / "large"
    fill(large, count=2, size=(600, 300), mode="L")
    found = opened(large)
    assert (found.shape, found.says[0]) == (
        (1, 256, 256), "images of 600x300 brought to 256x256: resized to cover it, and cut off on both sides")


def test_the_middle_is_what_is_left(tmp_path: Path) -> None:
    image = Image.new("L", (30, 10))
    image.paste(255, (10, 0, 20, 10))
    image.save(tmp_path / "x.png")
    assert picture(str(tmp_path / "x.png"), (1, 10, 10)).float().mean() == 255
    assert picture(str(tmp_path / "x.png"), (1, 5, 15))[0, 2].tolist()[::7] == [0, 255, 0]


def test_what_is_kept_is_bounded_and_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, count=20)
    paths = sorted(map(str, tmp_path.rglob("*.png")))
    some, every = Pictures(paths, (3, 8, 6), kept=7 * 144), Pictures(paths, (3, 8, 6))
    assert (len(some.kept), len(every.kept)) == (7, 40)
    for seed in range(3):
        places = torch.randperm(40, generator=torch.Generator().manual_seed(seed))
        assert some.batch(places).equal(every.batch(places))
    opened_files = []
    monkeypatch.setattr(pictures, "picture", lambda path, shape: opened_files.append(path) or torch.zeros(shape))
    every.batch(torch.arange(40))
    assert opened_files == []
    some.batch(torch.arange(40))
    assert len(opened_files) == 33


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def bomb(path: Path) -> None:
    """A PNG that tells of a billion elements in a hundred bytes."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", 30000, 30000, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b""))


BREAKS = {
    "it is empty": lambda path: path.write_bytes(b""),
    "it is no image of PNG, JPEG, BMP, PPM or WebP": lambda path: path.write_text("no image"),
    "No such file or directory": lambda path: (path.unlink(), path.symlink_to("nowhere.png")),
    "Image size (900000000 pixels) exceeds limit of 178956970 pixels, could be decompression bomb DOS attack": bomb,
}


@pytest.mark.parametrize("why", BREAKS)
def test_a_broken_file_is_told(why: str, tmp_path: Path) -> None:
    fill(tmp_path)
    BREAKS[why](tmp_path / "dog" / "3.png")
    assert told(tmp_path) == (f"bad-data: 1 of 10 images in … cannot be read\n…/dog/3.png: {why}\n"
                              "help: remove them, or put whole images in their place")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "ppm", "webp"])
def test_a_file_that_is_cut_off_is_told(suffix: str, tmp_path: Path) -> None:
    fill(tmp_path, size=(64, 48))
    save(tmp_path / "cat" / f"x.{suffix}", (64, 48))
    opened(tmp_path)
    cut(tmp_path / "cat" / f"x.{suffix}")
    assert told(tmp_path).startswith(f"bad-data: 1 of 11 images in … cannot be read\n…/cat/x.{suffix}: ")


def test_of_many_broken_files_the_first_are_named(tmp_path: Path) -> None:
    fill(tmp_path, count=8)
    for path in (tmp_path / "dog").iterdir():
        path.write_bytes(b"")
    assert told(tmp_path) == (
        "bad-data: 8 of 16 images in … cannot be read\n"
        + "".join(f"…/dog/{number}.png: it is empty\n" for number in range(5))
        + "and 3 more\nhelp: remove them, or put whole images in their place")


def test_a_file_that_breaks_later_ends_the_batch_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TRIED", 2)
    monkeypatch.setattr(module, "_MEASURED", 2)
    fill(tmp_path, size=(64, 48))
    cut(tmp_path / "cat" / "2.png")
    found = opened(tmp_path)
    assert found.says[-1] == "2 images were decoded to see whether they are whole"
    message = refusal(lambda: everything(found.train), tmp_path)
    assert message.startswith("bad-data: 1 of these 8 images cannot be read\n…/cat/2.png: "), message


def test_files_with_any_byte_changed_are_read_or_told(tmp_path: Path) -> None:
    fill(tmp_path, ("a", "b"), 3, size=(24, 16))
    chance = np.random.default_rng(0)
    read = 0
    for suffix in ("png", "jpg", "bmp", "ppm", "webp"):
        path = tmp_path / "a" / f"x.{suffix}"
        save(path, (24, 16))
        whole = path.read_bytes()
        for _ in range(80):
            place = int(chance.choice([chance.integers(len(whole)), chance.integers(60)]))
            path.write_bytes(whole[:place] + bytes([chance.integers(256)]) + whole[place + 1:])
            read += gives(lambda: opened(tmp_path))
        path.unlink()
    assert 0 < read < 400


def test_a_place_that_is_no_folder_of_folders_is_told(tmp_path: Path) -> None:
    help = "help: PATH/cat/1.png, PATH/dog/2.png: a class is a folder"
    assert told(tmp_path) == f"bad-data: … holds no folders of images\n{help}"
    save(tmp_path / "1.png")
    assert told(tmp_path) == f"bad-data: … holds 1 images, but no folder for each class\n{help}"
    assert refusal(lambda: opened(tmp_path / "none"), tmp_path) == "bad-data: there is no folder …/none"
    assert refusal(lambda: opened(tmp_path / "1.png"), tmp_path) == (
        "bad-data: …/1.png is a file, not a folder\nhelp: `npz:PATH` and `idx:PATH` read files")


def test_classes_without_images_and_a_single_class_are_told(tmp_path: Path) -> None:
    fill(tmp_path, ("cat",))
    assert told(tmp_path) == "bad-data: folder:… has a single class: there is nothing to tell apart"
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "1.gif").write_text("")
    (tmp_path / "elk").mkdir()
    assert told(tmp_path) == (
        "bad-data: 2 of 3 folders in … hold no image: dog, elk\n"
        "help: images are files of .png, .jpg, .jpeg, .bmp, .ppm, .pgm, .webp; there are 1 .gif. "
        "Remove the folders, or fill them")


def test_a_class_that_is_only_judged_by_is_told(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "val", ("cat", "dogs", "elk"))
    assert told(tmp_path) == ("bad-data: …/val has classes that …/train lacks: dogs, elk\n"
                              "help: a class is called alike in both")


def test_single_images_leave_nothing_to_judge_by(tmp_path: Path) -> None:
    fill(tmp_path, count=1)
    assert told(tmp_path) == "bad-data: folder:…: no class has two images, and so none can be judged by"


def test_an_unreadable_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    scan = os.scandir

    def guarded(path: str) -> Any:
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(module.os, "scandir", guarded)
    assert told(tmp_path) == "bad-data: …/dog cannot be read: Permission denied"
