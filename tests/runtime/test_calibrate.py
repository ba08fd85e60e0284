"""Calibration: its passes by a clock that is made up, its stopwatches, its chains; and once really, in a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import cnnspec
from cnnspec import files, net
from cnnspec.environment import NoDevice

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to measure")

from cnnspec.analysis.prediction import predict  # noqa: E402  # behind the skip
from cnnspec.analysis.profile_data import as_data, from_data  # noqa: E402
from cnnspec.runtime import calibrate as calibration  # noqa: E402
from cnnspec.runtime.calibrate import PROBES, Plan, calibrate, gap, plan, points, precision  # noqa: E402
from cnnspec.runtime.gauges import Lap, Whole, sampled  # noqa: E402
from cnnspec.runtime.stopwatch import EventStopwatch, HostStopwatch  # noqa: E402
from cnnspec.runtime.walk import Walk  # noqa: E402

CPU = torch.device("cpu")


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Fake:
    """Something that takes the times that it is given, one after the other, again and again."""

    def __init__(self, clock: Clock, *seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.turns = 0

    def once(self) -> Sequence[float]:
        taken = self.seconds[self.turns % len(self.seconds)]
        self.turns += 1
        self.clock.now += taken
        return [taken, 2 * taken]


def test_the_lower_quartile_of_each_part_outlives_disturbances() -> None:
    clock = Clock()
    gauges = [Fake(clock, 1.0, 9.0, 1.0, 9.0, 9.0), Fake(clock, 2.0)]
    first, second = sampled(gauges, 0.0, clock, warm=0)
    assert (first.seconds, first.unrest) == ((1.0, 2.0), 8.0)
    assert (second.seconds, second.unrest) == ((2.0, 4.0), 0.0)
    assert [gauge.turns for gauge in gauges] == [5, 5]


def test_passes_go_on_until_the_time_is_gone_and_are_never_too_few() -> None:
    for seconds, passes in ((30.0, 10), (29.0, 10), (0.0, 5)):
        clock = Clock()
        gauges = [Fake(clock, 1.0), Fake(clock, 2.0)]
        told: list[float] = []
        sampled(gauges, seconds, clock, warm=2, told=told.append)
        assert [gauge.turns for gauge in gauges] == [passes + 2] * 2
        assert len(told) == passes
        assert told[-1] == 1.0
        assert told == sorted(told)


def test_a_whole_is_timed_when_it_is_done_a_second_time() -> None:
    clock, waits = Clock(), []

    def work() -> None:
        clock.now += 3.0 if not waits else 1.0

    assert Whole(work, clock, lambda: waits.append(clock.now)).once() == [1.0]
    assert len(waits) == 2


def test_a_host_stopwatch_gives_the_time_between_start_and_stop() -> None:
    times = iter([1.0, 3.0, 10.0, 14.0])
    watch = HostStopwatch(lambda: next(times))
    for _ in range(2):
        watch.start()
        watch.stop()
    assert watch.laps() == [2.0, 4.0]
    watch.reset()
    assert watch.laps() == []


def test_an_event_stopwatch_holds_the_device_and_reads_its_events_when_it_is_done() -> None:
    told: list[str] = []
    numbers: Iterator[int] = iter(range(100))

    class Event:
        def record(self) -> None:
            self.at = next(numbers)

        def elapsed_time(self, other: Any) -> float:
            told.append("read")
            return float(other.at - self.at) * 500  # milliseconds

    watch = EventStopwatch(Event, lambda: told.append("wait"), lambda: told.append("hold"))
    assert Lap(lambda: told.append("work"), watch).once() == [0.5]
    assert told == ["work", "wait", "hold", "work", "wait", "read"]


@pytest.mark.parametrize("name", ["lenet", "googlenet", "shufflenet_v2_x0_5"])
def test_a_walk_computes_what_the_module_computes(name: str) -> None:
    of = cnnspec.load(name)
    module = of.to_torch().eval()
    (index,) = of.graph.inputs.values()
    value = torch.randn(1, *of.graph.nodes[index].shape)
    walk = Walk(module)
    kept: list[Any] = []
    last = walk.steps[-1]
    call = last.call
    last.call = lambda *values, **settings: kept.append(call(*values, **settings)) or kept[-1]  # type: ignore[func-returns-value]  # of a list
    with torch.inference_mode():
        assert len(walk.run(value, HostStopwatch())) == len(walk.steps)
        assert torch.equal(kept[0], module(value))
    assert [step.layer for step in walk.steps] == [n.index for n in of.graph.nodes if n.inputs]


def test_layers_that_read_the_input_and_views_are_no_points() -> None:
    of = cnnspec.parse("INPUT(4x8x8) -> RELU -> CONV(8) -> FLATTEN -> FC(2)")
    found = list(points(of, 2, "float32", [1, 2, 3, 4], [1.0, 2.0, 3.0, 4.0]))
    assert [(point.task.kinds[0], point.task.images, point.seconds) for point in found] == [
        ("stem", 2, 2.0), ("linear", 2, 4.0)]


def test_the_gap_is_what_chains_take_beyond_their_layers() -> None:
    assert gap([[1.0], [2.0], [50.0]], [[0.25, 0.25], [1.0, 0.5, 0.2], [1.0]]) == pytest.approx(0.25)
    assert gap([[1.0]], [[2.0]]) == 0


def test_the_probes_cover_the_kinds_of_convolution_that_networks_use() -> None:
    names = files.nets_in(PROBES)
    kinds: dict[str, int] = {}
    for name in names:
        of = net.load(f"{PROBES}:{name}")
        assert of.diagnostics == ()
        layers = [node.index for node in of.graph.nodes if node.inputs]
        for point in points(of, 1, "float32", layers, [1.0] * len(layers)):
            kinds[point.task.kinds[0]] = kinds.get(point.task.kinds[0], 0) + 1
    wanted = {"windowed": 12, "pointwise": 15, "stem": 4, "depthwise": 8, "blockwise": 8, "transposed": 3, "linear": 3}
    assert {kind: kinds[kind] >= least for kind, least in wanted.items()} == dict.fromkeys(wanted, True)
    assert sum(kinds[kind] for kind in wanted) >= 45


def test_a_real_calibration_of_little_predicts_what_it_has_seen() -> None:
    threads = torch.get_num_threads()
    told: list[float] = []
    profile = calibrate(Plan(CPU, "float32", 1, 0.0, ("merges_7", "stem_3"), ("lenet",)), told.append)
    assert torch.get_num_threads() == threads
    assert told[-1] == 1.0
    assert (profile.kind, profile.dtype, profile.threads, profile.torch) == ("cpu", "float32", 1, torch.__version__)
    assert from_data(as_data(profile)) == profile
    assert [anchor.net for anchor in profile.anchors] == ["lenet"]
    found = predict(cnnspec.load("lenet").summary(), profile)
    assert found.seconds == pytest.approx(profile.anchors[0].measured)  # the factor is its own
    assert profile.peak > max(rate for _, rate in profile.copies) / 100


def test_a_dtype_or_device_that_cannot_be_calibrated_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoDevice, match="mps cannot be calibrated"):
        plan(torch.device("mps"), "float32", 1, 1.0)
    with pytest.raises(NoDevice, match="tf32 cannot be calibrated on cpu: it is a mode of CUDA devices"):
        plan(CPU, "tf32", 1, 1.0)
    with pytest.raises(NoDevice, match="int8 cannot be calibrated on cpu: PyTorch runs no convolutions in it"):
        plan(CPU, "int8", 1, 1.0)
    monkeypatch.setattr(calibration, "_measured", lambda *given: torch.ones(2) @ torch.ones(3))
    with pytest.raises(NoDevice, match="cpu does not compute in float32: inconsistent tensor size"):
        calibrate(Plan(CPU))


def test_a_plan_takes_the_threads_of_torch_where_none_are_given() -> None:
    assert plan(CPU, "float32", None, 1.0).threads == torch.get_num_threads()


@pytest.mark.parametrize("dtype", ["float32", "tf32"])
def test_tf32_is_on_for_its_own_dtype_alone(dtype: str) -> None:
    settings = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [setting.allow_tf32 for setting in settings]
    with precision(dtype):
        assert [setting.allow_tf32 for setting in settings] == [dtype == "tf32"] * 2
    assert [setting.allow_tf32 for setting in settings] == before
