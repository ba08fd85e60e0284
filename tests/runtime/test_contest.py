"""Networks measured against each other on a CPU: what is measured, what ends it, and what stays of it then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import pytest

import cnnspec
from cnnspec.analysis.contest import Contest, Heat
from cnnspec.analysis.profile import NOT_ASKED, Options
from cnnspec.environment import Unavailable
from cnnspec.net import Net

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to measure")

from cnnspec.runtime import contest as contests  # noqa: E402  # behind the skip
from cnnspec.runtime import instruments, room  # noqa: E402
from cnnspec.runtime.contest import contest  # noqa: E402
from cnnspec.runtime.paired import Turns  # noqa: E402
from cnnspec.runtime.profile import Request  # noqa: E402
from cnnspec.runtime.sampling import Rules  # noqa: E402
from cnnspec.runtime.workload import Workload  # noqa: E402

CPU = torch.device("cpu")
#: Enough to see that it is measured.
BRIEF = Rules(block=2, warm_seconds=0.0, warm_limit=0.01, samples=2, seconds=0.0, spread=1e9, limit=0.1)
QUICK = Request(CPU, threads=1, energy=False, rules=BRIEF)
FEW = Turns(seconds=0.0, blocks=6)

SMALL, WIDE, DEEP = (cnnspec.parse(f"INPUT(3x8x8) -> {layers} -> GAP -> FC(4)", name=name) for name, layers in [
    ("small", "CONV(4) -> RELU"), ("wide", "CONV(16) -> RELU"), ("deep", "[CONV(4) -> RELU]*3")])
NETS = (SMALL, WIDE, DEEP)


def measured(nets: Sequence[Net] = NETS, options: Options = Options(), **changes: Any) -> Contest:  # noqa: B008
    return contest(nets, options, QUICK.replace(**changes), turns=FEW)


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_it_has_everything_that_a_cpu_can_tell(mode: str) -> None:
    found = measured(options=Options(mode, batch=2))
    assert isinstance(found.host, Heat)
    assert found.host.places == (0, 1, 2)
    assert found.comparison(0) is None
    assert found.comparison(1).pairs == found.comparison(2).pairs == len(found.host.rounds.blocks) >= 6
    assert found.replays == instruments.ELSEWHERE
    assert found.converged
    assert not found.interrupted
    assert (found.device, found.environment["threads"]) == ("cpu", 1)
    for run in found.runs:
        assert (run.options, run.failure) == (Options(mode, batch=2), "")
        assert run.latency.samples >= 12
        assert run.throughput == pytest.approx(2 / run.latency.median)
        assert run.memory.predicted.peak == run.memory.measured
        assert run.energy == run.times == NOT_ASKED
        assert not run.layers


class Named(Workload):
    """A workload that knows whose it is."""

    def __init__(self, net: Net, options: Options, device: torch.device) -> None:
        super().__init__(net, options, CPU)
        self.name = net.name
        self.device = device


class Bench:
    """What networks do, by their names: how long they say they take, and what they raise in which of their runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds: dict[str, float] = {}
        self.raises: dict[tuple[str, int], BaseException] = {}
        self.runs: dict[str, int] = {}
        monkeypatch.setattr(contests, "Workload", Named)
        monkeypatch.setattr(contests, "clean", lambda device: None)
        monkeypatch.setattr(contests, "surroundings", lambda device: {"cpu": {"model": "made up"}})
        monkeypatch.setattr(contests, "by_host", lambda work, flush: lambda: self.take(work))

        def run(work: Named) -> Any:
            return self.run(work)

        monkeypatch.setattr(Named, "run", run)

    def run(self, work: Named) -> Any:
        """Two of each, to measure memory, come before those that are timed."""
        number = self.runs[work.name] = self.runs.get(work.name, -1) + 1
        if (work.name, number) in self.raises:
            raise self.raises[work.name, number]
        return Workload.run(work)

    def take(self, work: Named) -> float:
        work.run()
        return self.seconds.get(work.name, 1.0)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


# --------------------------------------------------------------------------------------------------- what differs


def test_a_delay_is_found(bench: Bench) -> None:
    bench.seconds = {"small": 1.0, "wide": 1.05, "deep": 0.5}
    found = measured()
    assert [found.comparison(place).ratio for place in (1, 2)] == [1.05, 0.5]
    assert [found.comparison(place).different for place in (1, 2)] == [True, True]
    assert [run.latency.median for run in found.runs] == [1.0, 1.05, 0.5]


def test_the_same_network_is_not_different(bench: Bench) -> None:
    found = measured([SMALL, SMALL, SMALL])
    assert [found.comparison(place).different for place in (1, 2)] == [False, False]


# ----------------------------------------------------------------------------------------------- what is given up


GONE = torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")


@pytest.mark.parametrize(("error", "failure"), [
    (GONE, "out of memory"), (RuntimeError("conv has no kernel for this\nat line 3"), "conv has no kernel for this"),
    (ValueError("more than one value is needed"), "more than one value is needed")])
def test_one_that_fails_is_said_and_the_others_go_on(bench: Bench, error: Exception, failure: str) -> None:
    bench.raises = {("wide", 0): error}
    found = measured()
    assert [run.failure for run in found.runs] == ["", failure, ""]
    assert isinstance(found.host, Heat)
    assert found.host.places == (0, 2)
    assert found.comparison(1) is None
    assert found.comparison(2).ratio == 1
    gone = found.runs[1]
    assert gone.latency == gone.memory == gone.energy == instruments.GIVEN_UP


def test_without_the_first_there_is_no_ratio_to_it(bench: Bench) -> None:
    bench.raises = {("small", 0): GONE}
    found = measured()
    assert [found.comparison(place) for place in range(3)] == [None] * 3
    assert [found.runs[place].latency.median for place in (1, 2)] == [1, 1]
    assert isinstance(found.host, Heat)
    assert found.host.comparison(2, 1).ratio == 1


def test_one_that_is_left_is_measured(bench: Bench) -> None:
    bench.raises = {("small", 0): GONE, ("deep", 1): GONE}
    found = measured()
    assert [run.failure for run in found.runs] == ["out of memory", "", "out of memory"]
    assert found.runs[1].latency.median == 1
    assert found.host == contests.ALONE
    assert not found.converged


def test_where_all_fail_nothing_is_compared(bench: Bench) -> None:
    bench.raises = {(net.name, 0): GONE for net in NETS}
    found = measured()
    assert found.host == found.replays == contests.ALONE
    assert all(run.failure for run in found.runs)


def test_a_step_that_nothing_is_learned_from_is_such_a_failure() -> None:
    single = cnnspec.parse("INPUT(3x8x8) -> CONV(4) -> GAP -> BN -> FC(4)")
    found = measured([single, SMALL, WIDE], Options("training"))
    assert "more than 1 value per channel" in found.runs[0].failure
    assert found.host.places == (1, 2)


def test_one_too_large_for_main_memory_is_not_tried(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    small, wide = (net.summary().totals.inference_peak_bytes for net in (SMALL, WIDE))
    assert small < wide
    monkeypatch.setattr(room, "free_memory", lambda: wide - 1)
    found = measured([SMALL, WIDE])
    assert found.runs[1].failure == "out of memory: it needs 0.0 GiB, and 0.0 GiB are free"
    assert "wide" not in bench.runs


def test_networks_that_do_not_fit_at_once_are_not_timed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sum(net.summary().totals.inference_peak_bytes for net in NETS)
    monkeypatch.setattr(room, "free_memory", lambda: int(whole / room.FILL) - 1)
    found = measured()
    assert isinstance(found.host, Unavailable)
    assert "at once" in found.host.why
    assert [run.latency for run in found.runs] == [found.host] * 3
    assert all(run.memory.measured for run in found.runs)
    assert not any(run.failure for run in found.runs)
    monkeypatch.setattr(room, "free_memory", lambda: int(whole / room.FILL) + 1)
    assert isinstance(measured().host, Heat)


def test_where_trying_shows_that_they_do_not_fit_at_once(bench: Bench) -> None:
    bench.raises = {("deep", 5): GONE}
    found = measured()
    assert found.host == Unavailable("out of memory with all networks at once; each alone fits")
    assert [run.latency for run in found.runs] == [found.host] * 3
    assert all(run.memory.measured for run in found.runs)


def test_another_mistake_amid_the_turns_is_none_of_memory(bench: Bench) -> None:
    bench.raises = {("deep", 5): RuntimeError("expected scalar type")}
    with pytest.raises(RuntimeError, match="scalar"):
        measured()


# ----------------------------------------------------------------------------------------------------- broken off


def test_ctrl_c_keeps_whole_blocks(bench: Bench) -> None:
    # Two runs for the memory, and at least two to warm up: the eighth that is timed is past the first block.
    bench.raises = {("deep", 2 + 40): KeyboardInterrupt()}
    found = contest(NETS, Options(), QUICK.replace(rules=BRIEF.replace(warm_limit=0.0, spread=-1.0, limit=60.0)),
                    turns=FEW)
    assert found.interrupted
    assert isinstance(found.host, Heat)
    assert len(found.host.rounds.blocks) == found.comparison(2).pairs > 6
    assert all(run.latency.interrupted for run in found.runs)
    assert not found.converged
    assert found.replays == instruments.BROKEN_OFF
    assert found.runs[0].energy == NOT_ASKED


def test_ctrl_c_before_keeps_the_memory(bench: Bench) -> None:
    bench.raises = {("wide", 0): KeyboardInterrupt()}
    found = measured()
    assert found.interrupted
    assert found.runs[0].memory.measured > 0
    assert found.runs[1].memory == found.runs[2].memory == found.host == instruments.BROKEN_OFF


def test_ctrl_c_keeps_the_samples_of_one_that_is_left(bench: Bench) -> None:
    bench.raises = {("small", 0): GONE, ("deep", 0): GONE, ("wide", 2 + 40): KeyboardInterrupt()}
    found = measured(rules=BRIEF.replace(warm_limit=0.0, samples=1000))
    assert found.interrupted
    assert found.runs[1].latency.interrupted


# --------------------------------------------------------------------------------------------------------- energy


def test_energy_is_asked_for_all_in_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def measure_all(meter: Any, runs: Sequence[Callable[[], object]], images: int, **given: Any) -> tuple[Any, ...]:
        for run in runs:
            run()
        asked.append((meter, images, given["rules"].windows))
        return tuple(Unavailable(f"meter {number}") for number in range(len(runs)))

    monkeypatch.setattr(contests.energy, "measure_all", measure_all)
    monkeypatch.setattr(contests, "meter", lambda device, seen: "meter")
    bench.raises = {("small", 0): GONE}
    found = measured(options=Options(batch=2), energy=True)
    assert asked == [("meter", 2, 6)]
    assert [run.energy for run in found.runs] == [instruments.GIVEN_UP, Unavailable("meter 0"), Unavailable("meter 1")]


# -------------------------------------------------------------------------------------------- graphs, without CUDA


@pytest.fixture
def cuda(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A device that is said to be CUDA's, and is the CPU: graphs are runs, and events say what runs do."""
    for name, stand_in in {
        "current": lambda device: nullcontext(), "together_too_large": lambda uses, device: "",
        "name": lambda device, environment: "made-up GPU", "monitor": lambda device: Unavailable("no NVML"),
        "memory": lambda graph, work, monitor, before: (work.run(), Unavailable("not told"))[1],
        "replayed": lambda work: Unavailable("not captured") if work.name == "wide" else lambda: bench.take(work),
        "between_events": lambda replay, flush: lambda: replay() / 2, "flusher": lambda device, cold: lambda: None,
    }.items():
        monkeypatch.setattr(contests, name, stand_in)
    monkeypatch.setattr(Named, "synchronize", lambda work: None)
    return bench


def test_graphs_take_turns_of_their_own(cuda: Bench) -> None:
    cuda.seconds = {"deep": 3.0}
    found = contest(NETS, Options(), QUICK.replace(device=torch.device("cuda", 0)), turns=FEW)
    assert found.host.places == (0, 1, 2)
    assert found.replays.places == (0, 2)
    assert found.comparison(2).ratio == 3
    assert [one if isinstance(one, Unavailable) else one.median for one in (run.device_latency for run in found.runs)
            ] == [0.5, Unavailable("not captured"), 1.5]
    assert found.heat == found.host
    assert found.replace(options=Options(cuda_graph=True)).heat == found.replays


def test_energy_of_graphs_where_those_are_what_runs(cuda: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(contests.energy, "measure_all", lambda meter, runs, images, **given: asked.extend(
        run() for run in runs) or (Unavailable("tried"),) * len(runs))
    cuda.seconds = {"small": 2.0, "deep": 3.0}
    contest(NETS, Options(cuda_graph=True), QUICK.replace(device=torch.device("cuda", 0), energy=True), turns=FEW)
    assert [asked[0], asked[2]] == [2.0, 3.0]
    assert isinstance(asked[1], torch.Tensor)  # the one that is no graph runs as it is
