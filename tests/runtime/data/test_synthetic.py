"""`synthetic`: as asked for, the same for a seed, and such that it can be learned."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from cnnspec.runtime.data.sources import open_data
from tests.runtime.data.files import everything, refusal, same


@pytest.mark.parametrize(("text", "classes", "shape", "count"), [
    ("synthetic", 10, (3, 32, 32), 2048), ("synthetic:4x1x9x7", 4, (1, 9, 7), 2048),
    ("synthetic::60", 10, (3, 32, 32), 60), ("synthetic:3x2x1x5:50", 3, (2, 1, 5), 50),
])
def test_all_is_as_asked_for(text: str, classes: int, shape: tuple[int, ...], count: int) -> None:
    found = open_data(text, None, 0)
    assert (len(found.classes), found.shape, found.name) == (classes, shape, text)
    assert len(found.train.images) + len(found.val.images) == count
    counts = found.train.labels.bincount()
    assert counts.max() - counts.min() <= 1
    judged = found.val.labels.bincount()
    assert judged.tolist() == [round(0.2 * each) for each in (judged + counts).tolist()]


def test_the_seed_decides_all() -> None:
    first = open_data("synthetic:3x3x8x8:60", None, 5)
    assert same(first, open_data("synthetic:3x3x8x8:60", None, 5))
    assert not same(first, open_data("synthetic:3x3x8x8:60", None, 6))
    assert first.says == ("60 images of 3x8x8 made from the seed: each class' pattern, moved, under noise",
                          "a fifth of each class, chosen by the seed, is judged by: 12 of 60")


def test_a_small_network_learns_to_tell_them_apart_and_what_is_near_by_means_does_not_suffice() -> None:
    found = open_data("synthetic:10x3x16x16:1200", None, 0)
    images, judged = (everything(part).float().div(255).sub(0.5).mul(4) for part in (found.train, found.val))
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(512, 10))
    descent = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(6):
        for places in torch.randperm(len(images)).split(64):
            descent.zero_grad()
            torch.nn.functional.cross_entropy(net(images[places]), found.train.labels[places]).backward()
            descent.step()
    assert float((net(judged).argmax(1) == found.val.labels).float().mean()) > 0.9
    brightness = images.mean((1, 2, 3))
    means = torch.stack([brightness[found.train.labels == label].mean() for label in range(10)])
    guessed = (judged.mean((1, 2, 3))[:, None] - means).abs().argmin(1)
    assert float((guessed == found.val.labels).float().mean()) < 0.6


@pytest.mark.parametrize("text", ["10", "10x3x32", "10x3x32x32x4", "0x3x32x32", "axbxcxd", "10x3x32x32:",
                                  "10x3x32x32:x", "10x3x32x32:5:5", "-1x3x4x4", "10x3x32x99999999999"])
def test_what_is_no_shape_is_told(text: str) -> None:
    assert refusal(lambda: open_data(f"synthetic:{text}", None, 0)) == (
        f"bad-data: `synthetic:{text}` is not `synthetic:CLASSESxCxHxW:COUNT`\n"
        "help: such as `synthetic:10x3x32x32:2048`, which is `synthetic` alone, or `synthetic:1000x3x224x224`")


@pytest.mark.parametrize(("text", "told"), [
    ("1x3x8x8", "`synthetic:1x3x8x8` has a single class: there is nothing to tell apart"),
    ("9x3x8x8:17", ("`synthetic:9x3x8x8:17` has 17 images for 9 classes; each needs one to train on and one "
                    "to judge by\n"
                   "help: 18 images or more: `synthetic:9x3x8x8:18`")),
    ("9x3x9999x9999", ("`synthetic:9x3x9999x9999` would take 614,277,126,144 bytes, more than 4,294,967,296\n"
                      "help: fewer images, or smaller ones: the network's input takes them resized")),
])
def test_what_cannot_be_made_is_told(text: str, told: str) -> None:
    assert refusal(lambda: open_data(f"synthetic:{text}", None, 0)) == f"bad-data: {told}"
