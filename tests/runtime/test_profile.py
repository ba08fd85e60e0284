"""Measured runs on a CPU: what they consist of, what ends them, and what stays of them then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.analysis.profile import Options, Profile, Run
from cnnspec.environment import Unavailable

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to measure")

from cnnspec.render.profile import as_json, as_markdown  # noqa: E402
from cnnspec.runtime import batches, instruments, replay, room  # noqa: E402  # behind the skip
from cnnspec.runtime.chrome_trace import write_trace  # noqa: E402
from cnnspec.runtime.profile import Request, profile  # noqa: E402
from cnnspec.runtime.sampling import Rules  # noqa: E402
from cnnspec.runtime.surroundings import surroundings  # noqa: E402
from cnnspec.runtime.workload import Workload, is_out_of_memory, precision, threads  # noqa: E402
from tests.analysis.devices import steady  # noqa: E402

CPU = torch.device("cpu")
#: Enough to see that it is measured.
BRIEF = Rules(block=2, warm_seconds=0.0, warm_limit=0.01, samples=6, seconds=0.0, spread=1e9, limit=0.1)
QUICK = Request(CPU, threads=1, energy=False, rules=BRIEF, spend=0.01)


def measured(options: Options, batches: tuple[int, ...] | None = (2,), name: str = "lenet", **changes: Any) -> Profile:
    return profile(cnnspec.load(name), options, batches, QUICK.replace(**changes))


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_a_run_has_everything_that_a_cpu_can_tell(mode: str) -> None:
    found = measured(Options(mode))
    (run,) = found.runs
    assert run.options == Options(mode, batch=2)
    assert run.latency.samples >= 6
    assert run.throughput == pytest.approx(2 / run.latency.median)
    assert run.memory.predicted.peak == run.memory.measured
    assert run.memory.difference == 0
    assert isinstance(run.memory.process, Unavailable)
    assert isinstance(run.energy, Unavailable)
    assert run.energy.why == "not asked for"
    assert isinstance(run.device_latency, Unavailable)
    assert {layer.index for layer in run.layers} == {layer.index for layer in found.summary.layers if layer.node.inputs}
    assert run.times.total == pytest.approx(run.times.whole, rel=1e-3)
    assert sum(layer.share for layer in run.layers) < 1
    assert all(layer.backward == 0 for layer in run.layers) == (mode == "inference")


@pytest.mark.parametrize(("change", "why"), [
    ({"autocast": True, "dtype": "bfloat16"}, "autocast"), ({"channels_last": True}, "rows")])
def test_memory_is_not_predicted_where_the_rules_do_not_hold(change: dict[str, Any], why: str) -> None:
    (run,) = measured(Options(**change)).runs
    assert isinstance(run.memory.predicted, Unavailable)
    assert why in run.memory.predicted.why
    assert run.memory.measured > 0
    assert run.memory.difference is None
    assert run.predicted is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_every_type_that_a_cpu_computes(dtype: str) -> None:
    (run,) = measured(Options(dtype=dtype)).runs
    assert run.memory.predicted.peak == run.memory.measured


def test_a_cold_run_is_measured_too() -> None:
    (run,) = measured(Options(cold=True), layers=False).runs
    assert run.latency.samples >= 6
    assert isinstance(run.times, Unavailable)


def test_several_batches_in_order() -> None:
    assert [run.options.batch for run in measured(Options(), (4, 1, 2), layers=False).runs] == [4, 1, 2]


def test_what_does_not_fit_is_a_row_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Workload.run

    def run(work: Workload) -> Any:
        if work.options.batch == 4:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return plain(work)

    monkeypatch.setattr(Workload, "run", run)
    found = measured(Options(), (2, 4, 8), layers=False)
    assert [run.failure.partition(" needs ")[0] for run in found.runs] == ["", "out of memory: it", ""]
    assert found.runs[1].failure.endswith("GiB are free")
    failed = found.runs[1]
    assert failed.throughput is None
    assert isinstance(failed.latency, Unavailable)
    assert not found.interrupted


def test_on_a_cpu_nothing_is_tried_that_cannot_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_memory", lambda: 1000)
    monkeypatch.delattr(Workload, "run")
    (run,) = measured(Options()).runs
    assert run.failure.startswith("out of memory: it needs")


def test_a_batch_that_nothing_is_learned_from_is_a_row() -> None:
    net = cnnspec.parse("INPUT(3x1x1) -> CONV(4, 1) -> BN")
    found = profile(net, Options("training"), (1, 2), QUICK.replace(layers=False))
    assert [run.failure for run in found.runs] == [
        "normalisation has a single value per channel, and training needs more", ""]
    assert found.runs[1].seconds


def test_a_sweep_goes_on_behind_a_batch_that_nothing_is_learned_from() -> None:
    gone = Unavailable("the run was given up")
    found = batches.sweep(lambda batch: run_of(batch, 100.0) if batch > 1 else Run(
        Options(), gone, gone, gone, gone, gone, failure="too few values"))
    assert [run.options.batch for run in found] == [1, 2, 4, 8]


def test_an_operator_that_a_type_does_not_have_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(work: Workload) -> Any:
        raise NotImplementedError('"conv" not implemented for \'Half\'\nat line 3')

    monkeypatch.setattr(Workload, "run", run)
    (found,) = measured(Options()).runs
    assert found.failure == '"conv" not implemented for \'Half\''


def test_an_input_alone_is_measured_and_not_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnspec.runtime.profile.known", lambda *given: steady())
    found = profile(cnnspec.parse("INPUT(3x8x8)"), Options(), (1,), QUICK)
    assert found.runs[0].predicted is None
    assert "latency" in as_markdown(found)


def test_a_disturbed_calibration_is_said_beside_what_rests_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for unrest in (0.02, 0.4):
        monkeypatch.setattr("cnnspec.runtime.profile.known", lambda *given, unrest=unrest: steady(unrest=unrest))
        found = measured(Options(), layers=False)
        assert ("- calibration: disturbed: the same runs took 40% longer" in as_markdown(found)) == (unrest == 0.4)
        assert (json.loads(as_json(found))["runs"][0]["rates"]["doubt"] is None) == (unrest < 0.1)


def test_another_mistake_is_none_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(work: Workload) -> Any:
        raise RuntimeError("expected scalar type")

    monkeypatch.setattr(Workload, "run", run)
    with pytest.raises(RuntimeError, match="scalar"):
        measured(Options())


def test_the_words_of_an_allocator_that_has_nothing_left() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)
    assert not is_out_of_memory(RuntimeError("shape"))


def test_ctrl_c_keeps_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, calls = Workload.run, [0]

    def run(work: Workload) -> Any:
        calls[0] += work.options.batch == 4
        if calls[0] == 8:  # amid the samples of the second batch
            raise KeyboardInterrupt
        return plain(work)

    monkeypatch.setattr(Workload, "run", run)
    found = measured(Options(), (2, 4, 8))
    assert found.interrupted
    assert [run.options.batch for run in found.runs] == [2, 4]
    assert found.runs[0].latency.samples >= 6
    assert found.runs[1].memory.measured > 0


def test_ctrl_c_amid_the_samples_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, calls = Workload.run, [0]

    def run(work: Workload) -> Any:
        calls[0] += 1
        if calls[0] == 40:
            raise KeyboardInterrupt
        return plain(work)

    monkeypatch.setattr(Workload, "run", run)
    (run_,) = measured(Options(), (2,), rules=BRIEF.replace(samples=1000, limit=1000.0)).runs
    assert run_.latency.interrupted
    assert 0 < run_.latency.samples < 40


def run_of(batch: int, rate: float | None) -> Run:
    """A run with this throughput; None: out of memory."""
    from cnnspec.analysis.latency import summarize

    gone = Unavailable("the run was given up")
    latency = gone if rate is None else summarize([batch / rate] * 6)
    return Run(Options(batch=batch), latency, gone, gone, gone, gone, failure="" if rate else "out of memory")


@pytest.mark.parametrize(("rates", "tried", "saturated"), [
    ([100, 190, 300, 310, 311, 312], 6, 4),  # two steps that bring next to nothing
    ([100, 200, 400, None], 4, 4),  # it does not fit
    ([100, 90, 80], 3, 1),
    ([100, 101, 140, 141, 141], 5, 4),  # a plateau of one step is none
    ([0.1], 1, 1),  # a run of ten seconds
    ([None], 1, None),
])
def test_where_throughput_saturates(rates: list[float | None], tried: int, saturated: int | None) -> None:
    runs = batches.sweep(lambda batch: run_of(batch, rates[batch.bit_length() - 1]))
    assert len(runs) == tried
    assert batches.saturated(runs) == saturated


@pytest.mark.parametrize(("most", "found"), [(0, None), (1, 1), (2, 2), (3, 3), (7, 7), (100, 100), (1000, 992)])
def test_the_largest_batch_that_fits(most: int, found: int | None) -> None:
    assert batches.largest(lambda batch: batch <= most) == found


def test_on_a_cpu_the_largest_batch_is_the_one_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    net = cnnspec.load("lenet")
    one, two = (net.summary(batch).totals.inference_peak_bytes for batch in (1, 2))
    monkeypatch.setattr(batches, "free_memory", lambda: int((one + 9 * (two - one)) / batches.FILL) + 1)
    assert batches.largest(batches.fits(net, Options(), CPU)) == 10


def test_a_sweep_ends_with_the_batch_that_saturates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "QUICK", BRIEF)
    monkeypatch.setattr(batches, "SLOW", 0.0)  # a single step
    found = measured(Options(), None)
    assert [run.options.batch for run in found.runs] == [1, 1]
    assert found.sweep.saturated == 1
    assert found.sweep.largest > 1
    assert not found.runs[0].layers
    assert found.runs[1].layers


def test_the_same_numbers_enter_every_run() -> None:
    net = cnnspec.load("lenet")
    first, second = (Workload(net, Options(batch=2), CPU) for _ in range(2))
    assert torch.equal(first.inputs[0], second.inputs[0])
    assert all(torch.equal(a, b) for a, b in zip(first.module.parameters(), second.module.parameters(), strict=True))
    assert first.inputs[0].abs().sum() > 0


def test_the_random_state_of_the_caller_stays() -> None:
    before = torch.random.get_rng_state()
    Workload(cnnspec.load("lenet"), Options(), CPU)
    assert torch.equal(before, torch.random.get_rng_state())


def test_settings_are_as_they_were_afterwards() -> None:
    number, rounded = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    with threads(number + 1), precision("tf32"):
        assert torch.get_num_threads() == number + 1
        assert torch.backends.cudnn.allow_tf32
        assert torch.backends.cuda.matmul.allow_tf32
    with precision("float32"):
        assert not torch.backends.cudnn.allow_tf32
    assert (torch.get_num_threads(), torch.backends.cudnn.allow_tf32) == (number, rounded)


def test_heads_of_training_are_trained() -> None:
    net = cnnspec.load("googlenet_aux", input=(3, 96, 96))
    work = Workload(net, Options("training", batch=2), CPU)
    loss, made = work.run()
    assert len(made) == len(work.labels) == 3
    assert loss.isfinite()
    assert Workload(net, Options(batch=2), CPU).labels == []


def test_channels_last_values_are_laid_so() -> None:
    work = Workload(cnnspec.load("lenet"), Options(batch=2, channels_last=True), CPU)
    assert work.inputs[0].is_contiguous(memory_format=torch.channels_last)


def test_the_surroundings_are_ready_for_json() -> None:
    found = surroundings(CPU)
    assert json.loads(json.dumps(found))["packages"]["torch"] == torch.__version__
    assert found["device"] == {"name": "cpu"}
    assert found["threads"] == torch.get_num_threads()


class Event:
    """An event on a device whose clock only work moves."""

    now = 0.0

    def __init__(self) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = Event.now

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, other: Event) -> float:
        return 1000 * (other.at - self.at)


def test_clearing_caches_is_no_part_of_a_time_between_events() -> None:
    def work(seconds: float) -> None:
        Event.now += seconds

    run = replay.between_events(lambda: work(0.25), lambda: work(9.0), Event)
    assert [run(), run()] == [0.25, 0.25]


def test_caches_are_cleared_by_writing_twice_their_size() -> None:
    made = replay.flusher(CPU, cold=True)()
    assert made.nbytes == 2 * (replay.last_cache() or replay.CACHE)
    assert replay.flusher(CPU, cold=False)() is None


def test_a_trace_names_the_layers(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    write_trace(cnnspec.load("lenet"), Options(), CPU, str(path))
    names = {event.get("name") for event in json.loads(path.read_text())["traceEvents"]}
    assert {"conv[0]", "fc[1]", "aten::convolution"} <= names
    assert [*tmp_path.iterdir()] == [path]


def test_a_trace_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(cnnspec.SpecError) as error:
        write_trace(cnnspec.load("lenet"), Options(), CPU, str(tmp_path / "file" / "trace.json"))
    assert error.value.diagnostics[0].code == "not-writable"


def test_no_gpu_is_measured_as_one() -> None:
    assert isinstance(instruments.monitor(CPU), Unavailable)
    assert isinstance(instruments.meter(torch.device("mps"), Unavailable("no NVML")), Unavailable)
