"""Networks trained against each other: the same for all, in turns; stopped, broken, and the same again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")

from cnnspec import SpecError, parse  # noqa: E402
from cnnspec.analysis.learning import Regime  # noqa: E402
from cnnspec.analysis.rounds import Rounds  # noqa: E402
from cnnspec.diagnostics import Diagnostic  # noqa: E402
from cnnspec.runtime.data.images import Data  # noqa: E402
from cnnspec.runtime.train import checkpoint  # noqa: E402
from cnnspec.runtime.train.batch_size import largest_batch  # noqa: E402
from cnnspec.runtime.train.course import Tick, Watcher  # noqa: E402
from cnnspec.runtime.train.keeper import CHECKPOINT  # noqa: E402
from cnnspec.runtime.train.rounds import Entrant, rounds  # noqa: E402
from cnnspec.runtime.train.run import train  # noqa: E402
from cnnspec.runtime.train.team import Alone  # noqa: E402
from cnnspec.runtime.train.trace import FEWEST, Trace  # noqa: E402
from tests.runtime.training import SMALL, WHOLE, After, Diary, images, never, setup  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

TINY = "INPUT(1x8x8) -> POOL(4) -> FLATTEN -> FC(4)"


class Notes:
    """Notes who was trained when, and what was lost."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.lost: list[tuple[str, str]] = []
        self.diaries: list[Diary] = []

    def begins(self, name: str, seed: int, regime: Regime) -> Sequence[Watcher]:
        assert regime.seed == seed
        self.begun.append((name, seed))
        self.diaries.append(Diary())
        return [self.diaries[-1]]

    def loses(self, name: str, why: str) -> None:
        self.lost.append((name, why))


def entrant(name: str, spec: str, folder: Path | None = None) -> Entrant:
    return Entrant(name, parse(spec), {"name": name}, folder=str(folder / name) if folder else "")


def take(*entrants: Entrant, seeds: Sequence[int] = (0, 1), stopped: Callable[[], bool] = never,
         notes: Notes | None = None, data: Callable[[int], Data] = lambda seed: images(), **regime: Any) -> Rounds:
    asked = Regime(**{"epochs": 2, "batch": 16, "rate": 0.01, **regime})
    return rounds(entrants, data, asked, seeds, Alone(torch.device("cpu")), stopped, notes or Notes())


def accuracies(found: Rounds) -> list[list[float]]:
    return [[epoch.val_accuracy for run in rival.runs for epoch in run.learning.history] for rival in found.rivals]


def test_turns_go_back_and_forth_and_every_run_is_the_one_that_train_makes() -> None:
    notes = Notes()
    found = take(entrant("a", SMALL), entrant("b", WHOLE), seeds=(0, 1, 2), notes=notes)
    assert notes.begun == [("a", 0), ("b", 0), ("b", 1), ("a", 1), ("a", 2), ("b", 2)]
    assert [[run.seed for run in rival.runs] for rival in found.rivals] == [[0, 1, 2], [0, 1, 2]]
    for spec, rival in zip((SMALL, WHOLE), found.rivals, strict=True):
        for run in rival.runs:
            alone = train(setup(spec, seed=run.seed), never)
            assert [(epoch.step, epoch.train_loss, epoch.val_accuracy) for epoch in run.learning.history] == \
                [(epoch.step, epoch.train_loss, epoch.val_accuracy) for epoch in alone.history]
    assert found.rivals[0].macs == parse(SMALL).summary().totals.macs
    assert (found.data, found.images, found.seeds, found.ended) == ("stripes", 48, (0, 1, 2), "")


def test_the_same_rounds_give_the_same_accuracies() -> None:
    once, again = (take(entrant("a", SMALL), entrant("b", WHOLE)) for _ in range(2))
    assert accuracies(once) == accuracies(again)
    assert [one.loss for one in once.rivals[1].runs[0].losses] == [one.loss for one in again.rivals[1].runs[0].losses]


def test_the_same_network_twice_shows_no_difference_and_another_one_does() -> None:
    found = take(entrant("a", WHOLE), entrant("again", WHOLE), entrant("blind", TINY), seeds=(0, 1, 2), epochs=8,
                 rate=0.02)
    same, better = found.difference(0, 1), found.difference(0, 2)
    assert same is not None
    assert better is not None
    assert (same.mean, same.seen) == (0.0, False)
    assert better.mean > 0
    assert accuracies(found)[0] == accuracies(found)[1]


def test_losses_are_means_of_stretches_of_steps() -> None:
    notes = Notes()
    found = take(entrant("a", SMALL), seeds=(0,), epochs=3, notes=notes)
    losses = found.rivals[0].runs[0].losses
    assert [one.loss for one in losses] == pytest.approx(notes.diaries[0].losses)
    assert [one.step for one in losses] == [*range(1, 19)]


def test_a_trace_keeps_a_bounded_number_of_stretches() -> None:
    trace = Trace()
    steps = 10 * FEWEST + 7
    for step in range(1, steps + 1):
        trace.stepped(Tick(0, step, None, 0.0, torch.tensor(float(step)), torch.ones(3), 0.0, step / 10, 16))
    found = trace.stretches()
    assert FEWEST <= len(found) < 2 * FEWEST
    length = found[0].step
    assert [one.step for one in found] == [length * (number + 1) for number in range(len(found))]
    assert [one.loss for one in found] == pytest.approx([one.step - (length - 1) / 2 for one in found])
    assert steps - found[-1].step < length


def test_a_seed_parts_the_images_where_they_are_parted_by_it() -> None:
    asked = []

    def data(seed: int) -> Data:
        asked.append(seed)
        return images(96 if seed == 5 else 80)

    found = take(entrant("a", TINY), entrant("b", TINY), seeds=(5, 6), data=data)
    assert asked == [5, 6]
    assert [run.learning.steps for run in found.rivals[0].runs] == [12, 10]


def test_a_network_that_takes_no_such_images_is_told_and_the_others_go_on() -> None:
    notes = Notes()
    few = entrant("few", "INPUT(1x8x8) -> GAP -> FC(3)")
    deep = entrant("deep", "INPUT(8) -> FC(4)")
    found = take(few, entrant("a", SMALL), deep, notes=notes)
    assert notes.begun == [("a", 0), ("a", 1)]
    assert [name for name, _ in notes.lost] == ["few", "deep"]
    assert "4" in found.rivals[0].failure
    assert "1x8x8" in found.rivals[2].failure
    assert [len(rival.runs) for rival in found.rivals] == [0, 2, 0]
    assert found.leader == 1
    assert found.confidence == 0.95


def test_a_run_whose_loss_is_no_number_is_lost_and_the_others_go_on() -> None:
    notes = Notes()
    found = take(entrant("a", SMALL), entrant("b", TINY), notes=notes, rate=1e30, optimizer="sgd", seeds=(3, 4))
    assert {why for _, why in notes.lost} == {"the loss is not a number"}
    assert notes.begun == [("a", 3), ("b", 3), ("b", 4), ("a", 4)]
    assert [lost.seed for lost in found.rivals[0].lost] == [3, 4]
    assert not found.ended


def test_an_operator_that_fails_ends_its_network_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnspec.runtime.train import rounds as module

    def failing(given: Any, *rest: Any) -> Any:
        if given.net.summary().totals.params > 100:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train(given, *rest)

    monkeypatch.setattr(module, "train", failing)
    notes = Notes()
    found = take(entrant("a", SMALL), entrant("b", TINY), notes=notes)
    assert notes.begun == [("a", 0), ("b", 0), ("b", 1)]
    assert found.rivals[0].failure == "out of memory"
    assert len(found.rivals[1].runs) == 2


@pytest.mark.parametrize("after", [1, 9, 40])
def test_a_stop_ends_it_with_what_is_done(after: int) -> None:
    found = take(entrant("a", SMALL), entrant("b", SMALL), stopped=After(after))
    assert found.ended == "interrupted"
    assert sum(len(rival.runs) for rival in found.rivals) < 4
    whole = take(entrant("a", SMALL), entrant("b", SMALL))
    for stopped, complete in zip(found.rivals, whole.rivals, strict=True):
        done = [run.end.val_accuracy for run in stopped.runs]
        assert done == [run.end.val_accuracy for run in complete.runs][:len(done)]


def test_runs_are_kept_each_in_its_folder(tmp_path: Path) -> None:
    found = take(entrant("a", SMALL, tmp_path), entrant("b", WHOLE, tmp_path))
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["a-0", "a-1", "b-0", "b-1"]
    for rival in found.rivals:
        for run in rival.runs:
            kept = checkpoint.read(str(tmp_path / f"{rival.name}-{run.seed}" / CHECKPOINT))
            assert run.learning.checkpoint == str(tmp_path / f"{rival.name}-{run.seed}" / CHECKPOINT)
            assert (kept.spec["name"], kept.state["regime"]["seed"]) == (rival.name, run.seed)


def test_what_cannot_be_kept_or_read_at_first_is_an_error_and_later_an_end(tmp_path: Path) -> None:
    (tmp_path / "a-0").write_text("in the way")
    with pytest.raises(SpecError, match="cannot be written"):
        take(entrant("a", SMALL, tmp_path), entrant("b", SMALL))
    found = take(entrant("b", SMALL), entrant("a", SMALL, tmp_path))
    assert "cannot be written" in found.ended
    assert [len(rival.runs) for rival in found.rivals] == [1, 0]

    def data(seed: int) -> Data:
        if seed:
            raise SpecError([Diagnostic("bad-data", "the folder is gone")])
        return images()

    gone = take(entrant("a", SMALL), entrant("b", SMALL), data=data)
    assert gone.ended == "the folder is gone"
    assert [len(rival.runs) for rival in gone.rivals] == [1, 1]


def test_an_automatic_batch_is_the_same_for_all() -> None:
    found = take(entrant("a", SMALL), entrant("b", WHOLE), seeds=(0,), batch=0)
    sizes = [largest_batch(parse(spec), Regime(), torch.device("cpu"), 96) for spec in (SMALL, WHOLE)]
    assert found.regime.batch == min(sizes) > 1
    assert {run.learning.regime.batch for rival in found.rivals for run in rival.runs} == {min(sizes)}
