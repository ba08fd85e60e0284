"""The energy of runs on a made-up GPU with a made-up NVML: known joules, and a reason for whatever goes wrong."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnspec.analysis.energy import Energy, Window
from cnnspec.environment import Unavailable
from cnnspec.runtime import energy, meters, nvml
from cnnspec.runtime.energy import Rules
from cnnspec.runtime.meters import Counter, Sampled, Together
from cnnspec.runtime.sampling import Progress
from tests.runtime.test_nvml import FAILURES, GPU, READINGS, FakeNvml, NVMLError, fields, why

#: Two images in a tenth of a second, at 300 W where the GPU idles at 100 W: 15 J an image, 10 J of them beyond idling.
IMAGES, BATCH, IDLE, BUSY = 2, 0.1, 100.0, 300.0


class Machine:
    """A GPU that is given work, takes its time and its power for it, and counts millijoules; and the host's clock."""

    def __init__(self, **answers: Any) -> None:
        self.now = self.waiting = self.joules = 0.0
        #: When each batch was given; when the device was waited for.
        self.given: list[float] = []
        self.waited: list[float] = []
        self.nvml = FakeNvml(**{**READINGS, "nvmlDeviceGetTotalEnergyConsumption": self.counter, **answers})

    def counter(self, _: object = None) -> int:
        return round(1000 * self.joules)

    def clock(self) -> float:
        return self.now

    def passes(self, seconds: float, watts: float) -> None:
        self.now += seconds
        self.joules += seconds * watts

    def sleep(self, seconds: float) -> None:
        self.passes(seconds, IDLE)

    def run(self) -> None:
        """Returns at once: the device works when it is waited for."""
        self.given.append(self.now)
        self.waiting += BATCH

    def synchronize(self) -> None:
        self.passes(self.waiting, BUSY)
        self.waiting = 0.0
        self.waited.append(self.now)

    def monitor(self) -> nvml.Monitor:
        seen = nvml.monitor(self.nvml, GPU)
        assert isinstance(seen, nvml.Monitor)
        return seen

    def measure(self, **settings: Any) -> Energy | Unavailable:
        monitor = self.monitor()
        named = {"meter": meters.gpu(monitor, self.clock), "chance": lambda: 0.5, **settings}
        return energy.measure(named.pop("meter"), self.run, IMAGES, synchronize=self.synchronize, monitor=monitor,
                              clock=self.clock, sleep=self.sleep, **named)


def measured(machine: Machine, **settings: Any) -> Energy:
    found = machine.measure(**settings)
    assert isinstance(found, Energy)
    return found


# ------------------------------------------------------------------------------------------ known answers


def test_the_joules_of_an_image() -> None:
    found = measured(Machine())
    assert (found.scope, found.how) == ("GPU", "counter")
    assert [found.gross, found.net, found.power, found.idle] == pytest.approx([15.0, 10.0, 300.0, 100.0])
    assert found.spread == pytest.approx(0, abs=1e-6)
    assert len(found.windows) == 3
    assert all(5 <= window.seconds < 5.5 for window in found.windows)
    assert found.images == sum(window.images for window in found.windows) == pytest.approx(found.seconds * 20)


def test_the_conditions() -> None:
    temperatures, clocks = iter([41, 63]), iter([1980, 1755])
    found = measured(Machine(nvmlDeviceGetTemperatureV=lambda *_: next(temperatures),
                             nvmlDeviceGetClockInfo=lambda *_: next(clocks)))
    assert (found.conditions.temperature, found.conditions.sm_clock) == ((41, 63), (1980, 1755))
    assert (found.conditions.slowdowns, found.conditions.valid) == (("power cap",), True)


def test_the_spread_is_between_windows() -> None:
    machine = Machine()
    powers = iter([200.0, 300.0, 400.0])

    def window_begins() -> Callable[[], Any]:
        if machine.given:
            machine.power = next(powers)
        return real()

    machine.power = BUSY
    machine.synchronize = lambda: _work(machine)  # type: ignore[method-assign]
    meter = meters.gpu(machine.monitor())
    real = meter.start
    found = measured(machine, meter=_Meter("GPU", "counter", window_begins))
    assert found.spread == pytest.approx((20 - 10) / 15)
    assert found.gross == pytest.approx(15.0)


class _Meter:
    def __init__(self, scope: str, how: str, start: Callable[[], Any]) -> None:
        self.scope, self.how, self.start = scope, how, start


def _work(machine: Machine) -> None:
    machine.passes(machine.waiting, machine.power)
    machine.waiting = 0.0


def test_windows_begin_by_chance() -> None:
    """Work goes on before each of them for a part of the longest time."""
    calls: list[float] = []

    def begun(chance: float) -> list[float]:
        machine = Machine()
        meter = meters.gpu(machine.monitor())
        calls.clear()

        def start() -> Any:
            calls.append(machine.now)
            return meter.start()

        measured(machine, meter=_Meter("GPU", "counter", start), chance=lambda: chance)
        return calls[1:]  # the first is of the idle device

    early, late = begun(0.0), begun(1.0)
    assert [after - before for before, after in zip(early, late, strict=True)] == pytest.approx(
        [0.6, 1.2, 1.8], abs=0.2)


def test_the_device_is_ready_at_both_ends_and_waited_for_in_between() -> None:
    machine = Machine()
    meter = meters.gpu(machine.monitor())
    ends: list[float] = []

    def start() -> Any:
        ends.append(machine.waiting)
        finish = meter.start()
        return lambda: (ends.append(machine.waiting), finish())[1]

    measured(machine, meter=_Meter("GPU", "counter", start))
    assert ends == [0.0] * 8
    stretches = [after - before for before, after in zip(machine.waited, machine.waited[1:], strict=False)]
    assert max(stretches[1:]) < 0.3 + 6.1  # the rest and the idle window lie in the first one
    assert sorted(stretches)[len(stretches) // 2] == pytest.approx(0.2)  # two batches go into a quarter of a second


def test_idle_power_comes_first() -> None:
    machine = Machine()
    found = measured(machine, rules=Rules(rest=2.0, idle=4.0))
    assert machine.given[0] == 6.0
    assert found.idle == pytest.approx(IDLE)


def test_progress_is_told() -> None:
    told: list[Progress] = []
    measured(Machine(), progress=told.append)
    assert {one.phase for one in told} == {"energy"}
    assert len(told) > 10
    assert told[-1].seconds > 14


@pytest.mark.parametrize("rules", [Rules(windows=2), Rules(seconds=0.9), Rules(idle=0.9)])
def test_windows_that_tell_nothing_are_refused(rules: Rules) -> None:
    with pytest.raises(ValueError, match="at least 3 windows of 1 s"):
        Machine().measure(rules=rules)


def test_a_run_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="an image"):
        energy.measure(Unavailable("none"), print, 0)


def test_a_run_that_takes_no_time_on_the_clock_is_still_measured() -> None:
    machine = Machine()
    work = energy.Work(lambda: machine.passes(0.0, 0.0), lambda: None, machine.clock)
    work.begin(0.0, 0.25)
    assert work.times == 1


def test_a_run_that_fails_ends_the_thread_that_samples() -> None:
    machine = Machine(nvmlDeviceGetTotalEnergyConsumption=NVMLError(3))
    plain = machine.run

    def run() -> None:
        if machine.now > 10:
            raise KeyboardInterrupt
        plain()

    machine.run = run  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        machine.measure()
    assert machine.now > 10
    assert [thread for thread in threading.enumerate() if thread.name == "power samples"] == []


# ---------------------------------------------------------------------------------- slowdowns, failures


@pytest.mark.parametrize(("bit", "word"), nvml.SLOWDOWNS.items())
def test_every_slowdown_is_told_and_some_spoil_the_figures(bit: int, word: str) -> None:
    found = measured(Machine(nvmlDeviceGetCurrentClocksEventReasons=bit)).conditions
    assert found.slowdowns == (() if word == "idle" else (word,))
    assert found.valid == (word not in nvml.INVALIDATING)


def test_slowdowns_of_all_windows_are_collected() -> None:
    machine = Machine()
    machine.nvml.answers["nvmlDeviceGetCurrentClocksEventReasons"] = lambda _: 0x4 if machine.now < 14 else 0x20
    found = measured(machine).conditions
    assert (found.slowdowns, found.valid) == (("power cap", "thermal slowdown"), False)


@pytest.mark.parametrize(("number", "word"), FAILURES.items())
def test_sensors_that_fail_say_why(number: int, word: str) -> None:
    failing = dict.fromkeys(("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature", "nvmlDeviceGetClockInfo",
                             "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"),
                            NVMLError(number))
    found = measured(Machine(**failing))
    for reading in (*found.conditions.temperature, *found.conditions.sm_clock, found.conditions.slowdowns):
        assert word in why(reading)
    assert found.gross == pytest.approx(15.0)


@pytest.mark.parametrize(("number", "word"), FAILURES.items())
def test_without_counter_and_power_there_is_a_reason_and_no_figure(number: int, word: str) -> None:
    error = NVMLError(number)
    found = Machine(nvmlDeviceGetTotalEnergyConsumption=error, nvmlDeviceGetPowerUsage=error,
                    nvmlDeviceGetFieldValues=error).measure()
    assert word in why(found)


def test_both_reasons_are_told_where_they_differ() -> None:
    found = Machine(nvmlDeviceGetTotalEnergyConsumption=NVMLError(3), nvmlDeviceGetPowerUsage=NVMLError(4),
                    nvmlDeviceGetFieldValues=NVMLError(3)).measure()
    assert "does not support" in why(found)
    assert "no permission" in why(found)


def test_an_instance_of_a_gpu_has_no_energy_of_its_own() -> None:
    assert "other instances" in why(Machine(nvmlDeviceGetMigMode=[1, 1]).measure())


def test_without_nvml_there_is_its_reason() -> None:
    assert why(meters.gpu(Unavailable("no NVML"))) == "no NVML"


def at(counters: list[Any]) -> Machine:
    """A machine whose counter is tried first, and then read at both ends of the idle time and of each window."""
    numbers = iter([0, *counters])

    def counter(_: object) -> int:
        number = next(numbers)
        if isinstance(number, Exception):
            raise number
        return int(number)

    return Machine(nvmlDeviceGetTotalEnergyConsumption=counter)


@pytest.mark.parametrize(("counters", "word", "windows"), [
    ([0, 500, 1000, 2000, 2000, 1999], "went back, from 2000 to 1999", 1),
    ([0, 500, 1000, 2000, 2**64 - 5, 7], "it was set anew", 1),
    ([0, 500, 1000, 1000], "does not move: it stays at 1000", 0),
    ([0, 500, 1000, 2000, 2000, 3000, 4000, NVMLError(15)], "lost", 2),
    ([0, 500, NVMLError(999)], "unknown error", 0),
])
def test_a_counter_that_fails_in_a_window(counters: list[Any], word: str, windows: int) -> None:
    found = measured(at(counters))
    for figure in (found.gross, found.net, found.power, found.spread):
        assert word in why(figure)
        assert f"in window {windows + 1} of 3" in why(figure)
    assert len(found.windows) == windows
    assert found.idle == pytest.approx(0.1)


@pytest.mark.parametrize(("counters", "word"), [
    ([9, 9], "does not move"), ([9, 8], "went back"), ([NVMLError(4)], "permission"), ([9, NVMLError(4)], "permission"),
])
def test_without_idle_power_only_the_net_energy_is_missing(counters: list[Any], word: str) -> None:
    found = measured(at([*counters, 0, 75_000, 75_000, 150_000, 150_000, 225_000]))
    assert word in why(found.idle)
    assert found.net == found.idle
    assert found.gross == pytest.approx(225 / found.images)


# ------------------------------------------------------------------------------------------ sampled power


@pytest.mark.parametrize(("answers", "watts"), [
    ({"nvmlDeviceGetFieldValues": fields(250_000)}, 250.0),
    ({"nvmlDeviceGetFieldValues": NVMLError(3), "nvmlDeviceGetPowerUsage": 125_000}, 125.0),
])
def test_without_a_counter_power_is_sampled(answers: dict[str, Any], watts: float) -> None:
    found = measured(Machine(nvmlDeviceGetTotalEnergyConsumption=NVMLError(3), **answers))
    assert found.how == "sampled"
    assert [found.power, found.idle, found.net] == pytest.approx([watts, watts, 0.0])
    assert found.gross == pytest.approx(watts * BATCH / IMAGES)


def test_power_is_summed_up_by_trapezoids() -> None:
    assert meters.integral([(0.0, 100_000), (1.0, 300_000), (3.0, 300_000)]) == pytest.approx(200 + 600)
    assert meters.integral([(0.0, 0), (4.0, 100_000)]) == pytest.approx(200)


def test_samples_that_give_no_energy() -> None:
    lost = Unavailable("lost")
    for samples in ([(0.0, lost), (1.0, 5)], [(0.0, 5), (1.0, lost)], [(0.0, 5), (1.0, lost), (2.0, 5)]):
        assert meters.integral(samples) == lost  # type: ignore[arg-type]
    assert "0 all the time" in why(meters.integral([(0.0, 0), (1.0, 0)]))


def test_a_thread_samples_until_the_window_ends() -> None:
    """The window ends when the thread has had its turns; the last sample of all is the one at the end."""
    turns = threading.Event()
    powers: list[int] = []

    def read() -> int:
        powers.append(1000 * len(powers))
        if len(powers) == 5:
            turns.set()
        return powers[-1]

    times = iter(range(1_000_000))
    finish = Sampled("GPU", read, every=0.0001, clock=lambda: float(next(times))).start()
    assert turns.wait(60)
    joules = finish()
    count = len(powers)
    assert count >= 6
    assert joules == pytest.approx((count - 1) ** 2 / 2)  # a second for each sample, and a watt more
    assert len(powers) == count


# ------------------------------------------------------------------------------------------ the processor


PACKAGE = {"intel-rapl:0": ("package-0", "100")}


def zones(folder: Path, found: dict[str, tuple[str, str]]) -> Path:
    """Linux's powercap folder: zones with their name and their counter."""
    for zone, (name, counter) in found.items():
        place = folder / zone
        place.mkdir()
        for file, text in (("name", name), ("energy_uj", counter), ("max_energy_range_uj", "1000000")):
            (place / file).write_text(text + "\n", encoding="ascii")
    return folder


def test_the_packages_of_a_processor_count_together(tmp_path: Path) -> None:
    folder = zones(tmp_path, {
        "intel-rapl:0": ("package-0", "100"), "intel-rapl:0:0": ("core", "7"), "intel-rapl:1": ("package-1", "999000"),
        "intel-rapl:2": ("psys", "5"), "intel-rapl-mmio:0": ("package-0", "9")})
    meter = meters.processor("linux", folder)
    assert isinstance(meter, Together)
    assert (len(meter.parts), meter.how) == (2, "counter")
    finish = meter.start()
    (folder / "intel-rapl:0/energy_uj").write_text("500100", encoding="ascii")
    (folder / "intel-rapl:1/energy_uj").write_text("1000", encoding="ascii")  # once around
    assert finish() == pytest.approx(0.5 + 0.002)


def test_a_package_whose_counter_stands_still_or_goes(tmp_path: Path) -> None:
    folder = zones(tmp_path, PACKAGE)
    meter = meters.processor("linux", folder)
    assert isinstance(meter, Together)
    assert "does not move" in why(meter.start()())
    finish = meter.start()
    (folder / "intel-rapl:0/energy_uj").unlink()
    assert "cannot be read" in why(finish())


def test_a_counter_for_root_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = zones(tmp_path, PACKAGE)
    plain = Path.read_text

    def read(path: Path, *given: Any, **named: Any) -> str:
        if path.name == "energy_uj":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return plain(path, *given, **named)

    monkeypatch.setattr(Path, "read_text", read)
    assert "only root may read" in why(meters.processor("linux", folder))


@pytest.mark.parametrize(("system", "word"), [("linux", "Linux shows no energy counter"), ("darwin", "powermetrics"),
                                              ("win32", "this operating system")])
def test_a_processor_without_a_counter(system: str, word: str, tmp_path: Path) -> None:
    assert word in why(meters.processor(system, tmp_path))


def test_a_counter_that_is_no_number(tmp_path: Path) -> None:
    assert "cannot be read" in why(meters.processor("linux", zones(tmp_path, {"intel-rapl:0": ("package-0", "?")})))
    (tmp_path / "intel-rapl:0/max_energy_range_uj").write_text("?", encoding="ascii")
    assert "cannot be read" in why(meters.processor("linux", tmp_path))


def test_this_processor_tells_or_says_why_not() -> None:
    found = meters.processor()
    assert found.how == "counter" if isinstance(found, Together) else why(found)


def test_a_processor_works_while_it_is_asked_to() -> None:
    """Nothing has to be waited for, and no sensor is read."""
    machine = Machine()
    found = energy.measure(Counter("processor", machine.counter, 0.001), lambda: machine.passes(BATCH, BUSY), IMAGES,
                           clock=machine.clock, sleep=machine.sleep)
    assert isinstance(found, Energy)
    assert [found.gross, found.net] == pytest.approx([15.0, 10.0])
    assert "no sensor" in why(found.conditions.slowdowns)
    assert found.conditions.valid


def test_figures_are_of_all_windows_together() -> None:
    found = measured(Machine()).replace(windows=(Window(5.0, 100, 1000.0), Window(6.0, 150, 1500.0)))
    assert (found.images, found.seconds) == (250, 11.0)


# ------------------------------------------------------------------------------------------------- several runs


class Several(Machine):
    """Runs of different power on one GPU that heats up: it takes 1 W more with each second that passes."""

    def __init__(self, *watts: float) -> None:
        super().__init__()
        self.watts, self.working, self.turns = watts, 0, []

    def one(self, number: int) -> Callable[[], None]:
        def run() -> None:
            if self.turns[-1:] != [number]:
                self.turns.append(number)
            self.working = number
            self.run()

        return run

    def synchronize(self) -> None:
        self.passes(self.waiting, self.watts[self.working] + self.now)
        self.waiting = 0.0

    def measure_all(self, **settings: Any) -> tuple[Energy | Unavailable, ...]:
        monitor = self.monitor()
        named = {"meter": meters.gpu(monitor, self.clock), **settings}
        return energy.measure_all(named.pop("meter"), [self.one(number) for number in range(len(self.watts))], IMAGES,
                                  synchronize=self.synchronize, monitor=monitor, clock=self.clock, sleep=self.sleep,
                                  chance=lambda: 0.5, **named)


def test_windows_of_several_runs_take_turns() -> None:
    machine = Several(300.0, 300.0, 600.0)
    a, b, c = machine.measure_all(rules=Rules(windows=4))
    # All lead in; then A B C, C B A, and again, where the second of two windows in a row has no turn of its own.
    assert machine.turns == [0, 1, 2, 0, 1, 2, 1, 0, 1, 2, 1, 0]
    assert all(isinstance(one, Energy) and len(one.windows) == 4 for one in (a, b, c))
    assert a.gross == pytest.approx(b.gross, rel=1e-3)
    assert c.gross - a.gross == pytest.approx(300 * BATCH / IMAGES, rel=0.01)
    assert a.idle == b.idle == c.idle == pytest.approx(IDLE)


def test_drift_fools_who_takes_all_windows_of_one_first() -> None:
    """The twin of the one above."""
    machine = Several(300.0, 300.0)
    a, b = (energy.measure(meters.gpu(machine.monitor(), machine.clock), machine.one(number), IMAGES,
                           synchronize=machine.synchronize, clock=machine.clock, sleep=machine.sleep)
            for number in range(2))
    assert isinstance(a, Energy)
    assert isinstance(b, Energy)
    assert b.gross > a.gross * 1.05


def test_a_window_that_fails_ends_the_windows_of_that_run_alone() -> None:
    machine = Several(300.0, 300.0)
    begun = [0]

    def start() -> Callable[[], Any]:
        begun[0] += 1
        return (lambda: Unavailable("broken")) if begun[0] == 3 else real()  # the first is idle, the second A's

    meter = meters.gpu(machine.monitor())
    real = meter.start
    a, b = machine.measure_all(meter=_Meter("GPU", "counter", start))
    assert len(a.windows) == 3
    assert b.gross == Unavailable("in window 1 of 3: broken")


def test_without_a_meter_none_of_several_is_measured() -> None:
    gone = Unavailable("no meter")
    assert Several(300.0, 300.0).measure_all(meter=gone) == (gone, gone)
