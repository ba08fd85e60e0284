"""Networks measured against each other on a CUDA device; they need one."""

from __future__ import annotations

import pytest

import cnnspec
from cnnspec.analysis.contest import Heat
from cnnspec.analysis.energy import Energy
from cnnspec.analysis.profile import Options

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to measure")

if not torch.cuda.is_available():
    pytest.skip("there is no CUDA device", allow_module_level=True)

from cnnspec.runtime.contest import contest  # noqa: E402  # behind the skip
from cnnspec.runtime.profile import Request  # noqa: E402

CUDA = torch.device("cuda", 0)


def test_the_same_network_costs_the_same_in_every_place() -> None:
    """Also its memory: what libraries took for the first is not there for the others."""
    nets = [cnnspec.load("resnet18")] * 3
    found = contest(nets, Options(batch=8), Request(CUDA))
    uses = [run.memory for run in found.runs]
    assert len({use.measured for use in uses}) == len({use.workspace for use in uses}) == 1
    for heat in (found.host, found.replays):
        assert isinstance(heat, Heat)
        assert [heat.comparison(place).ratio for place in (1, 2)] == pytest.approx([1, 1], abs=0.03)
    for run in found.runs:
        assert isinstance(run.energy, Energy)
        assert len(run.energy.windows) == 6
    assert [found.energy(place).ratio for place in (1, 2)] == pytest.approx([1, 1], abs=0.05)


def test_networks_that_do_not_fit() -> None:
    found = contest([cnnspec.load(name) for name in ("vgg16", "lenet")], Options("training", batch=30_000),
                    Request(CUDA, energy=False))
    assert [run.failure for run in found.runs] == ["out of memory", ""]
    assert found.runs[1].latency.median > 0
