"""Stamps of CUDA, by a made-up device: it works eagerly or from a graph; and by a real one where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

import cnnspec

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to time")

from cnnspec.runtime import layer_times, stamps, stamps_cuda  # noqa: E402  # behind the skip
from cnnspec.runtime.build import build  # noqa: E402

NET = cnnspec.parse("INPUT(3x8x8) -> CONV(3) as a -> ADD{ ID | SIGMOID as b } -> GAP -> FC(2) as c")
#: Milliseconds that the device works on a layer.
WORK = {"a": 1.0, "b": 2.0, "c": 4.0}


class Device:
    """Has a clock of its own, and does what is given to it: at once, or when its graph is replayed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.graph: list[Callable[[], None]] | None = None
        self.done = self.captured = True
        self.slept: list[int] = []
        self.pools: list[object] = []
        self.refusal: Exception | None = None

    def give(self, work: Callable[[], None]) -> None:
        self.done = False
        if self.graph is None:
            work()
        else:
            self.graph.append(work)

    def work(self, milliseconds: float) -> Callable[..., None]:
        def passes() -> None:
            self.now += milliseconds

        return lambda *_: self.give(passes)

    def synchronize(self) -> None:
        assert self.graph is None, "CUDA forbids it during a capture"
        self.done = True

    @contextmanager
    def capture(self, graph: Graph, pool: object) -> Iterator[None]:
        self.pools.append(pool)
        if self.refusal:
            raise self.refusal
        self.graph = graph.nodes
        yield
        self.graph = None


class Graph:
    def __init__(self, device: Device) -> None:
        self.device = device
        self.nodes: list[Callable[[], None]] = []

    def replay(self) -> None:
        for node in self.nodes:
            self.device.give(node)


class Event:
    def __init__(self, device: Device, external: bool) -> None:
        self.device, self.external, self.at = device, external, -1.0

    def record(self) -> None:
        assert self.external == (self.device.graph is not None), "external events are for captures alone"
        self.device.give(self._reached)

    def _reached(self) -> None:
        self.at = self.device.now

    def elapsed_time(self, other: Event) -> float:
        assert self.device.done
        return other.at - self.at


class Stream:
    def wait_stream(self, other: Stream) -> None:
        assert isinstance(other, Stream)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    made = Device()

    def event(*, enable_timing: bool, external: bool = False) -> Event:
        assert enable_timing
        return Event(made, external)

    for name, value in {"Event": event, "synchronize": made.synchronize, "CUDAGraph": lambda: Graph(made),
                        "graph": made.capture, "Stream": Stream, "current_stream": Stream,
                        "stream": lambda _: nullcontext(), "device": lambda _: nullcontext(),
                        "graph_pool_handle": object, "_sleep": made.slept.append}.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return made


def working(device: Device) -> Any:
    module = build(NET.graph).eval()
    for name, milliseconds in WORK.items():
        module.get_submodule(name).register_forward_hook(device.work(milliseconds))
        module.get_parameter(f"{name}.weight").register_hook(device.work(8 * milliseconds)) if name != "b" else None
    return module


def named(found: Any) -> dict[str, float]:
    return {NET.layers[index].path: pytest.approx(1000 * seconds) for index, seconds in found.items() if seconds}


def batch() -> list[Any]:
    return [torch.randn(2, 3, 8, 8)]


def test_a_graph_is_captured_once_and_each_replay_has_its_times(device: Device) -> None:
    run = stamps_cuda.inference(working(device), batch())
    warm_up = device.now
    assert warm_up == stamps_cuda.WARM_UP * 7
    for replay in (1, 2):
        found = run()
        assert (named(found.forward), found.whole, found.clock) == (WORK, pytest.approx(0.007), "CUDA graph")
        assert set(found.forward) == set(range(len(NET.layers)))
        assert device.now == warm_up + 7 * replay


def test_what_cannot_be_captured_is_given_to_a_sleeping_device(device: Device) -> None:
    device.refusal = RuntimeError("operation not permitted when stream is capturing")
    found = stamps_cuda.inference(working(device), batch())()
    assert (named(found.forward), found.clock) == (WORK, "CUDA events")
    assert len(device.slept) == 1
    assert device.slept[0] > 0


def test_memory_that_does_not_suffice_is_no_reason_to_try_again(device: Device) -> None:
    device.refusal = torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(torch.OutOfMemoryError):
        stamps_cuda.inference(working(device), batch())
    assert device.slept == []


def test_the_device_sleeps_for_as_long_as_a_run_takes_the_host(device: Device) -> None:
    run = stamps_cuda.behind_sleep(lambda: stamps.trace([], [0.0]), iter([10.0, 10.5]).__next__)
    run()
    run()
    assert device.slept == [1_500_000_000] * 2


def test_a_step_of_training(device: Device) -> None:
    module = working(device).train()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    found = stamps_cuda.training(module, batch(), lambda value: value.sum(), optimizer)()
    assert named(found.forward) == WORK
    assert named(found.backward) == {"a": 8.0, "c": 32.0}
    assert found.whole == pytest.approx(0.047)


def test_times_add_up_to_the_whole(device: Device) -> None:
    times = stamps.measure(stamps_cuda.inference(working(device), batch()))
    assert times.total == pytest.approx(times.whole, rel=1e-9)
    assert (times.clock, times.plain, times.overhead) == ("CUDA graph", None, None)


class OnCuda:
    """Stands for inputs on a CUDA device, which only their device tells."""

    device = torch.device("cuda", 0)


def test_runs_with_stamps_and_without_take_turns(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here stamps cost nothing. The graphs share their memory."""
    made = batch()
    for name in ("inference", "training"):
        plain = getattr(stamps_cuda, name)
        monkeypatch.setattr(stamps_cuda, name, lambda module, _, *rest, plain=plain, **named: plain(
            module, made, *rest, **named))
    module = working(device)
    times = layer_times.inference(module, [OnCuda()], spend=0)  # type: ignore[list-item]
    assert (times.clock, times.plain) == ("CUDA graph", pytest.approx(0.007))
    assert times.overhead == pytest.approx(0)
    assert len(device.pools) == 2
    assert device.pools[0] is device.pools[1]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    times = layer_times.training(module, [OnCuda()], lambda value: value.sum(), optimizer, 0)  # type: ignore[list-item]
    assert (times.clock, times.plain) == ("CUDA events", pytest.approx(0.047))


def test_each_device_has_its_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append(True))
    module = build(NET.graph).eval()
    for kind, stamped in (("cpu", 0), ("mps", 2 + len(NET.layers))):
        run = stamps.inference(module, batch(), layer_times.host(torch.device(kind)))
        assert run().clock.endswith("device") == bool(stamped)
        assert len(waited) == stamped


def test_on_a_cpu() -> None:
    module = build(NET.graph).eval()
    times = layer_times.inference(module, batch(), spend=0)
    assert (set(times.layers), times.backward) == (set(range(len(NET.layers))), {})
    assert times.overhead is not None
    assert times.plain == pytest.approx(times.whole - times.overhead)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    times = layer_times.training(module, batch(), lambda value: value.sum(), optimizer, spend=0)
    assert set(times.backward) == set(range(1, len(NET.layers)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: nothing to measure")
@pytest.mark.parametrize("training", [False, True])
def test_on_a_real_device(training: bool) -> None:
    module, given = build(NET.graph).cuda().train(training), [value.cuda() for value in batch()]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    times = layer_times.training(module, given, lambda value: value.sum(), optimizer, spend=0) if training else \
        layer_times.inference(module, given, spend=0)
    assert times.clock == ("CUDA events" if training else "CUDA graph")
    assert set(times.forward) == set(range(len(NET.layers)))
    assert min(times.forward[layer.index] for layer in NET.layers if layer.params) > 0
    assert times.total == pytest.approx(times.whole, rel=1e-3)
