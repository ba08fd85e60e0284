"""Images on their way: the same wherever they are adapted, fetched ahead in their order, and not too many of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to feed")

from cnnspec.runtime.data import feed as feeding  # noqa: E402  # behind what they need
from cnnspec.runtime.data.augment import augmentation  # noqa: E402
from cnnspec.runtime.data.feed import ImageFeed  # noqa: E402
from cnnspec.runtime.data.images import Data, Loaded, Split  # noqa: E402
from cnnspec.runtime.train.ahead import ahead, fetched  # noqa: E402
from cnnspec.runtime.train.team import Alone  # noqa: E402
from tests.runtime.training import images  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

CPU = Alone(torch.device("cpu"))
PLACES = torch.tensor([5, 0, 17, 40])


class FromFiles:
    """Images that are read when they are asked for."""

    def __init__(self, loaded: Loaded) -> None:
        self.batch = loaded.batch
        self.count = len(loaded)

    def __len__(self) -> int:
        return self.count


def from_files(data: Data) -> Data:
    assert isinstance(data.train.images, Loaded)
    assert isinstance(data.val.images, Loaded)
    return data.replace(train=Split(FromFiles(data.train.images), data.train.labels),
                        val=Split(FromFiles(data.val.images), data.val.labels))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 12, 5), (3, 16, 16)], ids=str)
@pytest.mark.parametrize("data", [images(), from_files(images())], ids=["in memory", "from files"])
@pytest.mark.parametrize("augment", [None, "flip"])
def test_images_are_the_same_wherever_they_are_adapted(shape: tuple[int, ...], data: Data, augment: str | None) -> None:
    change = augmentation((augment,), shape) if augment else None
    far, near = (ImageFeed(data, shape, CPU, change, 3, near=where) for where in (False, True))
    for one, other in (far.train(PLACES, 2), near.train(PLACES, 2)), (far.plain(PLACES), near.plain(PLACES)), \
            *zip(far.judge(), near.judge(), strict=True):
        assert torch.allclose(one[0], other[0], atol=1e-6)
        assert one[0].shape[1:] == shape
        assert torch.equal(one[1], other[1])


def test_a_source_that_is_too_large_is_sent_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "_KEPT", 100)
    feed = ImageFeed(images(), (1, 8, 8), CPU, near=True)
    whole = ImageFeed(images(), (1, 8, 8), CPU, near=False)
    assert torch.allclose(feed.train(PLACES, 0)[0], whole.train(PLACES, 0)[0], atol=1e-6)
    assert feed.held == {}


# ------------------------------------------------------------------------------------------------- ahead


class Numbered:
    """Gives a batch's places as its images, and notes which threads have asked."""

    def __init__(self, broken: int = -1) -> None:
        self.broken, self.asked = broken, 0
        self.threads: set[str] = set()

    def train(self, places: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        self.threads.add(threading.current_thread().name)
        self.asked += 1
        if int(places[0]) == self.broken:
            raise ValueError("no image")
        return places.float(), places + epoch


def numbers(count: int = 9) -> Iterator[Tensor]:
    return (torch.tensor([number]) for number in range(count))


def test_batches_that_are_fetched_ahead_come_in_their_order() -> None:
    plain, other = Numbered(), Numbered()
    one = [(int(places), float(values), int(labels)) for places, values, labels in fetched(plain, numbers(), 4, CPU)]
    two = [(int(places), float(values), int(labels)) for places, values, labels in ahead(other, numbers(), 4, CPU)]
    assert one == two == [(number, float(number), number + 4) for number in range(9)]
    assert plain.threads == {threading.current_thread().name}
    assert other.threads == {"images_0"}


def test_only_some_batches_are_fetched_ahead_and_none_is_left_running() -> None:
    source = Numbered()
    batches = ahead(source, numbers(100), 0, CPU)
    next(batches)
    batches.close()
    assert source.asked <= 4
    assert not any(thread.name.startswith("images") for thread in threading.enumerate())


def test_an_error_is_raised_at_its_batch() -> None:
    batches = ahead(Numbered(broken=5), numbers(), 0, CPU)
    for number in range(5):
        assert int(next(batches)[0]) == number
    with pytest.raises(ValueError, match="no image"):
        next(batches)
