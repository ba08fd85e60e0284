"""Checkpoints: what is none is said to be none, and what cannot be written leaves what was there."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")
safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed: nothing is kept")

from cnnspec import SpecError, parse  # noqa: E402
from cnnspec.runtime.train import checkpoint, journal  # noqa: E402
from cnnspec.runtime.train.begin import begin  # noqa: E402
from cnnspec.runtime.train.checkpoint import Checkpoint, flattened, unflattened  # noqa: E402
from cnnspec.runtime.train.keeper import CHECKPOINT  # noqa: E402
from cnnspec.runtime.train.learner import Learner  # noqa: E402
from cnnspec.runtime.train.run import same_network, train  # noqa: E402
from tests.runtime.children import start  # noqa: E402
from tests.runtime.training import SMALL, WHOLE, Diary, never, setup  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A checkpoint as bytes."""
    folder = tmp_path_factory.mktemp("run")
    train(setup(WHOLE, str(folder), average=0.9), never)
    return (folder / CHECKPOINT).read_bytes()


def said(path: Path) -> str:
    """What is said of a file that is no checkpoint, in a line."""
    with pytest.raises(SpecError) as error:
        checkpoint.read(str(path))
    (diagnostic,) = error.value.diagnostics
    assert (diagnostic.code, "\n" in diagnostic.message) == ("bad-checkpoint", False)
    assert diagnostic.message.startswith(f"{path} is no checkpoint of a run: ")
    return diagnostic.message.removeprefix(f"{path} is no checkpoint of a run: ")


# ---------------------------------------------------------------------------------------------- damaged files


def test_a_file_that_is_cut_short_is_no_checkpoint(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    header = 8 + int.from_bytes(whole[:8], "little")
    for length in {*range(0, len(whole), len(whole) // 100), *range(0, header, 97), 7, 8, header, len(whole) - 1}:
        path.write_bytes(whole[:length])
        assert "damaged" in said(path)


def test_a_file_in_which_any_byte_has_changed_is_no_checkpoint(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "changed.safetensors"
    header = 8 + int.from_bytes(whole[:8], "little")
    for place in {*range(16), *range(0, header, 11), *range(header, len(whole), 301), len(whole) - 1}:
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        assert said(path)


@pytest.mark.parametrize(("content", "says"), [
    (b"", "no safetensors file"), (b"not at all", "no safetensors file"),
    (safetensors.save({"fc.weight": torch.ones(2)}), "it holds weights alone"),
    (safetensors.save({"fc.weight": torch.ones(2)}, {"format": "pt"}), "it holds weights alone"),
    (safetensors.save({}, {"schema": "cnnspec.checkpoint/9"}), "it is of another kind, cnnspec.checkpoint/9"),
    (safetensors.save({}, {"schema": checkpoint.SCHEMA}), "its metadata is damaged"),
    (safetensors.save({}, {"schema": checkpoint.SCHEMA, "spec": "{}", "state": "{}", "digest": "0"}), "it is damaged"),
], ids=["empty", "text", "weights", "weights of PyTorch", "newer", "without state", "another hash"])
def test_what_is_no_checkpoint(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    assert says in said(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read" in said(tmp_path / "missing.safetensors")
    assert "cannot be read" in said(tmp_path)


def test_a_checkpoint_of_another_network_is_said_to_be(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT
    path.write_bytes(whole)
    found = checkpoint.read(str(path))
    same_network(parse(WHOLE), found, str(path))
    same_network(parse(WHOLE.replace("FC(4)", "FC(4) as head")), found, str(path))
    for other in (SMALL, WHOLE.replace("0.2", "0.3"), WHOLE.replace("CONV(8)", "CONV(9)")):
        with pytest.raises(SpecError, match="was trained as another network than"):
            same_network(parse(other), found, str(path))


# ------------------------------------------------------------------------------------------------ what runs code


class Malicious:
    """Makes a file when it is read by `pickle`."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.bin", "model.safetensors"])
@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_file_is_run(name: str, zipped: bool, tmp_path: Path) -> None:
    mark, path = tmp_path / "run", tmp_path / name
    content = {"fc.weight": torch.ones(2), "other": Malicious(mark)}
    if zipped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(SpecError) as error:
        begin(parse(SMALL), CPU, init=str(path))
    assert error.value.diagnostics[0].code == "bad-weights"
    assert said(path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Malicious(mark)))  # noqa: S301  # whoever is careless runs it
    assert mark.exists()


# ------------------------------------------------------------------------------------------------------ full disks


def full(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Full(io.FileIO):
    """A file for half of whose content there is room."""

    def write(self, data: Any) -> int:
        super().write(data[: len(data) // 2])
        full()
        return 0


@pytest.mark.parametrize("broken", ["open", "write", "fsync", "replace"])
def test_a_full_disk_leaves_the_checkpoint_that_was_there(
        broken: str, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / CHECKPOINT
    path.write_bytes(whole)
    found = checkpoint.read(str(path))
    if broken in {"open", "write"}:
        monkeypatch.setattr(checkpoint, "open", full if broken == "open" else Full, raising=False)
    else:
        monkeypatch.setattr(os, broken, full)
    with pytest.raises(SpecError) as error:
        checkpoint.write(str(path), found.replace(spec={"name": "other"}))
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "not-writable"
    assert diagnostic.message == f"the checkpoint {path} cannot be written: No space left on device"
    assert [each.name for each in tmp_path.iterdir()] == [CHECKPOINT]
    assert path.read_bytes() == whole


def test_a_run_on_a_full_disk_ends_in_a_line_and_goes_on_where_there_is_room(tmp_path: Path, whole: bytes) -> None:
    expected = train(setup(WHOLE, str(tmp_path / "expected"), average=0.9), never)
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / CHECKPOINT
    for largest in (300, len(whole) // 2):  # for no more than a line of the journal; and for half a checkpoint
        child, told = start(str(tmp_path / "run"), WHOLE, {"average": 0.9}, largest=largest)
        assert told.recv() == "ready"
        *_, came = all_told(told)
        child.join(60)
        assert child.exitcode == 0
        assert [message.endswith("cannot be written: File too large") for message in came] == [True]
        assert not path.exists()
        assert list(path.parent.glob("*.part")) == []
    learned = train(setup(WHOLE, str(tmp_path / "run"), average=0.9), never)
    assert learned.history[-1].val_loss == expected.history[-1].val_loss


def all_told(told: Connection) -> list[Any]:
    """All that a child tells until it ends."""
    every = []
    while True:
        try:
            every.append(told.recv())
        except EOFError:
            return every


def test_a_journal_for_which_there_is_no_room_is_said_to_be_and_stays(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(setup(SMALL, str(tmp_path)), never)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SpecError, match=r"metrics\.jsonl cannot be written: No space left on device"):
        journal.Journal(str(tmp_path), 6, 1)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_is_full_while_the_journal_is_written_ends_a_run_in_a_line(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = journal.Journal.__init__

    def onto_nothing(self: journal.Journal, *where: Any) -> None:
        made(self, *where)
        self.file.close()
        self.file = open("/dev/full", "a", encoding="utf-8")  # noqa: SIM115

    monkeypatch.setattr(journal.Journal, "__init__", onto_nothing)
    diary = Diary()
    with pytest.raises(SpecError, match=r"metrics\.jsonl cannot be written: No space left on device"):
        train(setup(SMALL, str(tmp_path)), never, [diary])
    assert len(diary.losses) == 6, "the first epoch's line"


# ------------------------------------------------------------------------------------------ flat and whole again


DTYPES = [torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.bool, torch.uint8]


def drawn(shape: list[int], dtype: Any, seed: int) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


tensors = st.builds(drawn, st.lists(st.integers(0, 3), max_size=3), st.sampled_from(DTYPES), st.integers(0, 9))
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
#: Keys of an optimiser's state: places of parameters, and names of which none has the sign that parts names of tensors.
keys = st.integers(0, 99) | st.text("abcdefgh_", min_size=1)
values = st.recursive(
    plain | tensors, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and one == other


@given(st.dictionaries(keys, values, max_size=4))
def test_a_state_is_the_same_when_it_has_been_flat(state: dict[Any, Any]) -> None:
    flat, rest = flattened(state, "optimizer")
    assert equal(unflattened(json.loads(json.dumps(rest)), flat), state)


@given(st.dictionaries(st.text("abc./", min_size=1), tensors, max_size=4),
       st.dictionaries(st.text("abc./", min_size=1), tensors, max_size=4), st.text())
def test_a_checkpoint_is_read_as_it_was_written(weights: Any, rest: Any, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/new/{CHECKPOINT}"
        checkpoint.write(path, Checkpoint(weights, rest, {"text": text}, {"step": 7, "history": [0.1, float("inf")]}))
        found = checkpoint.read(path)
    assert equal(dict(sorted(found.weights.items())), dict(sorted(weights.items())))
    assert equal(dict(sorted(found.rest.items())), dict(sorted(rest.items())))
    assert (found.spec, found.state) == ({"text": text}, {"step": 7, "history": [0.1, float("inf")]})


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_an_optimizer_goes_on_from_its_flat_state(optimizer: str) -> None:
    made = setup(WHOLE, optimizer=optimizer)
    learners = []
    for _ in range(2):
        torch.manual_seed(0)
        learners.append(Learner(made.begin().module, made.regime, made.team))
    first, second = learners
    pixels, labels = made.feed.train(torch.arange(16), 0)
    first.step(pixels, labels, 0.01)
    kept, rest = flattened(first.optimizer.state_dict(), "optimizer")
    flat = {name: value.clone() for name, value in kept.items()}  # as a file does
    second.module.load_state_dict(first.module.state_dict())
    second.optimizer.load_state_dict(unflattened(json.loads(json.dumps(rest)), flat))
    for learner in learners:
        torch.manual_seed(1)
        learner.step(pixels, labels, 0.01)
    assert all(torch.equal(a, b) for a, b in zip(first.module.parameters(), second.module.parameters(), strict=True))
