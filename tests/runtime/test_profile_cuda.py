"""Measured runs on a CUDA device; they need one."""

from __future__ import annotations

import pytest

import cnnspec
from cnnspec.analysis.memory import CUDA_BLOCK
from cnnspec.analysis.profile import Options
from cnnspec.environment import Unavailable

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to measure")

if not torch.cuda.is_available():
    pytest.skip("there is no CUDA device", allow_module_level=True)

from cnnspec.runtime.profile import Request, profile  # noqa: E402  # behind the skip
from cnnspec.runtime.workload import Workload  # noqa: E402

CUDA = torch.device("cuda", 0)
NETWORKS = ("alexnet", "vgg16", "resnet50", "mobilenet_v2")


@pytest.mark.parametrize("mode", ["inference", "training"])
@pytest.mark.parametrize("name", NETWORKS)
def test_memory_is_what_was_predicted(name: str, mode: str) -> None:
    """Within 1 % without the workspaces that libraries keep, within 5 % with them."""
    request = Request(CUDA, energy=False, layers=False)
    (run,) = profile(cnnspec.load(name), Options(mode), (32,), request).runs
    use = run.memory
    assert (use.measured - use.workspace) / use.predicted.peak == pytest.approx(1, abs=0.01)
    assert use.measured / use.predicted.peak == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("mode", ["inference", "training"])
@pytest.mark.parametrize("dtype", ["float32", "tf32", "float16", "bfloat16"])
def test_every_type_is_measured(dtype: str, mode: str) -> None:
    (run,) = profile(cnnspec.load("resnet18"), Options(mode, dtype=dtype), (8,), Request(CUDA)).runs
    assert run.latency.median > 0
    assert not isinstance(run.device_latency, Unavailable)
    assert run.device_latency.median <= run.latency.median
    assert run.times.total == pytest.approx(run.times.whole, rel=1e-3)
    assert run.energy.gross > 0


def test_what_does_not_fit_is_a_row() -> None:
    request = Request(CUDA, energy=False, layers=False)
    found = profile(cnnspec.load("vgg16"), Options("training"), (1, 100_000, 2), request)
    assert [run.failure.partition(":")[0] for run in found.runs] == ["", "out of memory", ""]


def test_what_is_held_is_what_the_allocator_gave() -> None:
    before = torch.cuda.memory_allocated(CUDA)
    work = Workload(cnnspec.load("resnet18"), Options(batch=4), CUDA)
    assert torch.cuda.memory_allocated(CUDA) - before == work.held(CUDA_BLOCK)
