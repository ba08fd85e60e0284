"""Augmentation: a function of images and generator alone, each operation as it is known from elsewhere."""

from __future__ import annotations

from math import atan, degrees
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from cnnspec.runtime.data import randaugment
from cnnspec.runtime.data.augment import AUGMENTATIONS, augmentation
from tests.runtime.data.files import refusal

NAMES = [(name,) for name in AUGMENTATIONS] + [tuple(AUGMENTATIONS)]
SHAPES = [(3, 20, 24), (1, 8, 8), (4, 1, 3), (3, 2, 2)]


def images(count: int, shape: tuple[int, ...] = (3, 20, 24), seed: int = 0) -> Any:
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(seed))


def chance(seed: int = 0) -> Any:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("names", NAMES, ids=",".join)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_generator_decides_all_and_shape_and_range_are_kept(names: tuple[str, ...], shape: tuple[int, ...]) -> None:
    augment = augmentation(names, shape)
    given = images(40, shape)
    before, state = given.clone(), torch.get_rng_state()
    changed = augment(given, chance(1))
    assert changed.equal(augment(given, chance(1)))
    assert given.equal(before)
    assert torch.get_rng_state().equal(state)
    assert (changed.shape, changed.dtype) == (given.shape, torch.float32)
    assert bool(changed.isfinite().all())
    least, most = min(0, float(given.min())), max(0, float(given.max()))
    assert least - 1e-5 <= float(changed.min())
    assert float(changed.max()) <= most + 1e-5
    assert not changed.equal(augment(given, chance(2)))


def test_no_name_is_no_augmentation() -> None:
    assert augmentation((), (3, 8, 8)) is None


def test_images_of_other_than_two_extents_are_told() -> None:
    assert refusal(lambda: augmentation(("flip", "crop"), (3, 8, 8, 8))) == (
        "bad-data: `--augment flip,crop` is for images of two extents, but the network takes 3x8x8x8")


def test_names_are_taken_in_their_order() -> None:
    both = augmentation(("crop", "flip"), (3, 20, 24))
    generator = chance(3)
    expected = AUGMENTATIONS["flip"](AUGMENTATIONS["crop"](images(9), generator), generator)
    assert both(images(9), chance(3)).equal(expected)


def test_flip_exchanges_left_and_right_in_about_half() -> None:
    given = images(1000, (3, 4, 5))
    changed = AUGMENTATIONS["flip"](given, chance())
    kept = (changed == given).flatten(1).all(1)
    flipped = (changed == given.flip(3)).flatten(1).all(1)
    assert bool((kept ^ flipped).all())
    assert 450 < int(flipped.sum()) < 550


def test_crop_moves_by_all_of_an_eighth_and_no_further() -> None:
    marked = torch.zeros((4000, 1, 16, 33))
    marked[:, 0, 8, 16] = 1
    places = AUGMENTATIONS["crop"](marked, chance())[:, 0].flatten(1).argmax(1)
    assert set((places // 33 - 8).tolist()) == set(range(-2, 3))
    assert set((places % 33 - 16).tolist()) == set(range(-5, 6))


def test_crop_moves_whole_images_and_puts_0_where_nothing_was() -> None:
    given = images(20, (2, 8, 8)) + 10
    for image, changed in zip(given, AUGMENTATIONS["crop"](given, chance()), strict=True):
        padded = torch.nn.functional.pad(image, (1, 1, 1, 1))
        assert any(changed.equal(padded[:, row:row + 8, column:column + 8]) for row in range(3) for column in range(3))


BYTES = torch.randint(0, 256, (6, 3, 20, 24), generator=chance(), dtype=torch.uint8)
BYTES[0] = BYTES[0] // 2 + 30
BYTES[1] = 77


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("name", randaugment.SHADES)
def test_shades_are_those_of_torchvision(name: str, sign: float, torchvision: Any) -> None:
    from torchvision.transforms.v2 import functional

    assert torchvision
    values, factor = BYTES / 255, 1 + sign * 0.27
    expected = {
        "autocontrast": lambda: functional.autocontrast(values),
        "equalize": lambda: functional.equalize(BYTES) / 255,
        "solarize": lambda: functional.solarize(values, 0.7),
        "posterize": lambda: functional.posterize(BYTES, 7) / 255,
        "color": lambda: functional.adjust_saturation(values, factor),
        "contrast": lambda: functional.adjust_contrast(values, factor),
        "brightness": lambda: functional.adjust_brightness(values, factor),
        "sharpness": lambda: functional.adjust_sharpness(values, factor),
    }[name]()
    found = randaugment.SHADES[name](values, torch.full((6, 1, 1, 1), sign))
    # torchvision's weights of red, green and blue have four digits.
    assert torch.allclose(found, expected, atol=1e-4)
    assert not found.equal(values)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("name", ["rotate", "shear-x", "shear-y"])
def test_moves_are_those_of_torchvision(name: str, sign: float, torchvision: Any) -> None:
    from torchvision.transforms.v2 import InterpolationMode, functional

    assert torchvision
    values = BYTES / 255
    slope = sign * degrees(atan(0.09))
    if name == "rotate":
        expected = functional.rotate(values, sign * 9, InterpolationMode.BILINEAR)
    else:
        shear = [slope, 0.0] if name == "shear-x" else [0.0, slope]
        expected = functional.affine(values, 0, [0, 0], 1.0, shear, InterpolationMode.BILINEAR)
    found = randaugment.moved(values, randaugment.MOVES[name], torch.full((6,), sign))
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("name", "axis"), [("translate-x", 3), ("translate-y", 2)])
def test_translations_are_by_their_share_of_the_extent(name: str, axis: int) -> None:
    values = torch.zeros((2, 1, 100, 200))
    values[:, :, 50, 100] = 1
    moved = randaugment.moved(values, randaugment.MOVES[name], torch.tensor([1.0, -1.0]))
    places = torch.arange(values.shape[axis]).double()
    centres = (moved.double().sum((1, 2 if axis == 3 else 3)) * places).sum(1)
    shift = 150 / 331 * 0.3 * values.shape[axis]
    assert centres.tolist() == pytest.approx([values.shape[axis] / 2 - shift, values.shape[axis] / 2 + shift], abs=1e-3)


def test_every_operation_is_drawn_as_often_as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(randaugment.OPERATIONS) == 14
    drawn = dict.fromkeys(randaugment.OPERATIONS, 0)

    def counted(name: str, shade: Any) -> Any:
        def count(values: Any, signs: Any) -> Any:
            drawn[name] += len(values)
            assert 0.35 < float((signs > 0).float().mean()) < 0.65
            return shade(values, signs)
        return count

    for name, shade in list(randaugment.SHADES.items()):
        monkeypatch.setitem(randaugment.SHADES, name, counted(name, shade))
    given = images(2800, (3, 6, 6))
    changed = randaugment.randaugment(given, chance())
    for name in randaugment.SHADES:
        assert 320 < drawn[name] < 480, name
    # Twice identity: one in 196, and then to the bit.
    assert 5 <= int((changed == given).flatten(1).all(1).sum()) <= 40


def test_an_image_without_contrast_stays_a_number() -> None:
    assert bool(randaugment.randaugment(torch.full((200, 3, 8, 8), 0.3), chance()).isfinite().all())
