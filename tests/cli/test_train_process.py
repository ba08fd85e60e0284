"""`cnnspec train` as a process: asked to stop, gone on with, refused, and left to learn the digits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

if any(find_spec(name) is None for name in ("torch", "safetensors", "sklearn")):
    pytest.skip("without torch, safetensors or scikit-learn there is nothing to train", allow_module_level=True)

ROOT = Path(__file__).parents[2]
NET = "INPUT(1x8x8) -> CONV(4) -> BN -> RELU -> DROPOUT(0.1) -> GAP -> FC(10)"
RUN = ["-e", NET, "--no-check", "--threads", "1", "--epochs", "12"]
STEPS = 12 * 22


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "cnnspec", "train", *arguments], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})


def done(*arguments: str) -> tuple[int, str, str]:
    """The exit code of a command that ends by itself, and what it has written."""
    child = command(*arguments)
    out, err = child.communicate(timeout=300)
    return child.returncode, out, err


def kept(folder: Path) -> dict[str, Any]:
    """All tensors of a run's checkpoint, as bytes, and how far it came."""
    from cnnspec.runtime.train import checkpoint

    found = checkpoint.read(str(folder / "checkpoint.safetensors"))
    return {"step": found.state["step"], **{name: value.numpy().tobytes() for tensors in (found.weights, found.rest)
                                            for name, value in tensors.items()}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert done(*RUN, "--out", str(folder))[0] == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_ends_with_130_and_goes_on_to_the_same_bits(
        number: int, tmp_path: Path, whole: Path) -> None:
    child = command(*RUN, "--out", str(tmp_path / "run"))
    journal, patience = tmp_path / "run" / "metrics.jsonl", monotonic() + 120
    while not (journal.exists() and journal.stat().st_size):
        assert monotonic() < patience
        assert child.poll() is None
        sleep(0.01)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in out
    assert 10 <= kept(tmp_path / "run")["step"] < STEPS
    code, out, _ = done("--resume", str(tmp_path / "run"), "--threads", "1", "--format", "json")
    assert (code, json.loads(out)["steps"]) == (0, STEPS)
    assert kept(tmp_path / "run") == kept(whole)


class Malicious:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.slow
def test_files_that_are_not_what_they_should_be_are_refused_in_a_line(tmp_path: Path) -> None:
    import torch

    spec = tmp_path / "net.cnn"
    spec.write_text(f"net n = {NET}\n", encoding="utf-8")
    run = tmp_path / "run"
    bounds = ["--steps", "3", "--no-check", "--threads", "1"]
    assert done(str(spec), *bounds, "--out", str(run))[0] == 0
    whole = (run / "checkpoint.safetensors").read_bytes()

    evil = tmp_path / "evil.pt"
    torch.save({"weight": Malicious(tmp_path / "mark")}, evil)
    refused(["-e", NET, *bounds, "--init", str(evil), "--out", str(tmp_path / "new")], "mkdir")
    assert not (tmp_path / "mark").exists()
    assert not (tmp_path / "new").exists()

    (run / "checkpoint.safetensors").write_bytes(whole[:-100])
    refused(["--resume", str(run)], "is no checkpoint of a run")
    (run / "checkpoint.safetensors").write_bytes(whole)
    spec.write_text(f"net n = {NET.replace('CONV(4)', 'CONV(5)')}\n", encoding="utf-8")
    refused(["--resume", str(run), "--steps", "6"], "was trained as another network")
    assert (run / "checkpoint.safetensors").read_bytes() == whole
    refused(["--resume", str(tmp_path / "nowhere")], "there is no run at")
    (tmp_path / "file").touch()
    refused(["-e", NET, *bounds, "--out", str(tmp_path / "file")], "cannot be written")


def refused(arguments: list[str], says: str) -> None:
    code, out, err = done(*arguments)
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert says in err


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_lenet_learns_the_digits(seed: int, tmp_path: Path) -> None:
    code, out, err = done("lenet", "--epochs", "20", "--seed", str(seed), "--threads", "1", "--format", "json",
                          "--out", str(tmp_path))
    found = json.loads(out)
    assert code == 0, err
    assert found["val_accuracy"] >= 0.97
    assert all(check["passed"] for check in found["checks"])
    assert (found["data"], found["steps"]) == ("digits", 440)
