"""Training on a CUDA device; they need one."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")

if not torch.cuda.is_available():
    pytest.skip("there is no CUDA device", allow_module_level=True)

from cnnspec.analysis.learning import Learning, Regime  # noqa: E402  # behind the skip
from cnnspec.runtime.data.augment import augmentation  # noqa: E402
from cnnspec.runtime.data.feed import ImageFeed  # noqa: E402
from cnnspec.runtime.train import checkpoint  # noqa: E402
from cnnspec.runtime.train.batch_size import largest_batch  # noqa: E402
from cnnspec.runtime.train.keeper import CHECKPOINT  # noqa: E402
from cnnspec.runtime.train.run import Setup, train  # noqa: E402
from cnnspec.runtime.train.team import Alone  # noqa: E402
from tests.runtime.training import WHOLE, Diary, images, never, setup  # noqa: E402

CUDA = torch.device("cuda", 0)


def there(folder: str = "", augment: str | None = None, **regime: object) -> Setup:
    """The small run, on the device."""
    here = setup(WHOLE, folder, **regime)
    team = Alone(CUDA, here.regime.dtype)
    change = augmentation((augment,), (1, 8, 8)) if augment else None
    feed = ImageFeed(here.data, (1, 8, 8), team, change, here.regime.seed)
    begin = here.begin.func  # type: ignore[attr-defined]  # a partial, of which the device changes
    return here.replace(team=team, feed=feed, begin=lambda: begin(here.net, CUDA))


def accuracy(learned: Learning) -> float:
    assert learned.best is not None
    return learned.best.val_accuracy


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_it_learns_in_every_type(dtype: str) -> None:
    learned = train(there(epochs=8, rate=0.02, dtype=dtype), never)
    assert accuracy(learned) > 0.95
    assert learned.device == "cuda:0"


@pytest.mark.parametrize("augment", [None, "crop"])
def test_losses_are_nearly_those_of_the_cpu(augment: str | None) -> None:
    spec = "INPUT(1x8x8) -> CONV(6) -> BN -> RELU -> GAP -> FC(4)"  # nothing in it draws numbers
    here, other = setup(spec, epochs=1), there(epochs=1)
    begin = here.begin.func  # type: ignore[attr-defined]  # as above
    change = augmentation((augment,), (1, 8, 8)) if augment else None
    diaries = Diary(), Diary()
    train(here.replace(feed=ImageFeed(here.data, (1, 8, 8), here.team, change, 0)), never, [diaries[0]])
    train(other.replace(net=here.net, begin=lambda: begin(here.net, CUDA),
                        feed=ImageFeed(here.data, (1, 8, 8), other.team, change, 0)), never, [diaries[1]])
    assert diaries[0].losses == pytest.approx(diaries[1].losses, abs=2e-3)


def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(there(str(whole), deterministic=True), never)
    asked = iter([False] * 5 + [True])
    train(there(str(parts), deterministic=True), lambda: next(asked, True))
    train(there(str(parts), deterministic=True), never, (), checkpoint.read(str(parts / CHECKPOINT)))
    one, other = (checkpoint.read(str(folder / CHECKPOINT)) for folder in (whole, parts))
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())


def test_the_largest_batch_is_tried() -> None:
    assert largest_batch(setup(WHOLE).net, Regime(), CUDA, 96) == 12
    assert len(images().train.labels) == 96
