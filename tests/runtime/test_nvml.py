"""NVML's readings through a made-up pynvml: every reading, every reason for a slowdown, every failure."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cnnspec.environment import CudaDevice, Nvml, Unavailable
from cnnspec.runtime import nvml

GPU = CudaDevice(0, "NVIDIA H200", "d3b0-1", "00000000:1B:00.0", 150_000_000_000, (9, 0), 132)
#: NVML's numbers of errors, with a word of what is said about each.
FAILURES = {3: "not support", 4: "permission", 9: "driver is not loaded", 12: "libnvidia-ml", 13: "too old",
            15: "lost", 18: "different versions", 999: "unknown error"}


class NVMLError(Exception):
    """As pynvml raises it, with the number of the error."""

    def __init__(self, value: int) -> None:
        super().__init__(f"error {value}")
        self.value = value


class FakeNvml:
    """A pynvml that has the functions it is given: each returns a value, raises an error, or computes."""

    NVMLError = NVMLError

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        if name not in self.answers:
            raise AttributeError(name)

        def function(*arguments: Any) -> Any:
            self.asked.append((name, *arguments))
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer(*arguments) if callable(answer) else answer

        return function


def fields(value: int, code: int = 0) -> list[Any]:
    return [SimpleNamespace(nvmlReturn=code, value=SimpleNamespace(uiVal=value))]


def process(number: int, used: int | None) -> Any:
    return SimpleNamespace(pid=number, usedGpuMemory=used)


READINGS: dict[str, Any] = {
    "nvmlDeviceGetTotalEnergyConsumption": 9_876_543_210, "nvmlDeviceGetPowerUsage": 121_500,
    "nvmlDeviceGetFieldValues": fields(130_250), "nvmlDeviceGetEnforcedPowerLimit": 700_000,
    "nvmlDeviceGetClockInfo": 1980, "nvmlDeviceGetTemperatureV": 41, "nvmlDeviceGetCurrentClocksEventReasons": 0x4,
    "nvmlDeviceGetComputeRunningProcesses_v3": [process(7, 1 << 30), process(8, None)],
    "nvmlDeviceGetMigMode": [0, 0], "nvmlDeviceGetHandleByUUID": "gpu",
}
#: How each reading is asked for, and what it is where all goes well.
METHODS: dict[str, Any] = {
    "energy": 9_876_543_210, "power": 121_500, "instant_power": 130_250, "power_limit": 700_000, "sm_clock": 1980,
    "temperature": 41, "slowdowns": ("power cap",),
}


def monitor(**changes: Any) -> nvml.Monitor:
    seen = nvml.monitor(FakeNvml(**{**READINGS, **changes}), GPU)
    assert isinstance(seen, nvml.Monitor)
    return seen


def why(reading: object) -> str:
    assert isinstance(reading, Unavailable)
    return reading.why


# -------------------------------------------------------------------------------------------- readings


@pytest.mark.parametrize(("name", "value"), METHODS.items())
def test_a_reading_is_what_nvml_says(name: str, value: object) -> None:
    assert getattr(monitor(), name)() == value


def test_the_sensor_the_clock_and_the_field_are_named_by_number() -> None:
    seen = monitor()
    seen.sensors()
    seen.instant_power()
    asked = {name: arguments for name, *arguments in seen.nvml.asked}
    assert asked["nvmlDeviceGetTemperatureV"] == ["gpu", 0]
    assert asked["nvmlDeviceGetClockInfo"] == ["gpu", 1]
    assert asked["nvmlDeviceGetFieldValues"] == ["gpu", [186]]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("number", "word"), FAILURES.items())
def test_a_reading_that_fails_says_why(name: str, number: int, word: str) -> None:
    failing = {function: NVMLError(number) for function in READINGS
               if function not in {"nvmlDeviceGetHandleByUUID", "nvmlDeviceGetMigMode"}}
    seen = monitor(**failing)
    assert word in why(getattr(seen, name)())
    assert word in why(seen.process_memory(7))


def test_an_error_that_nobody_foresaw_is_told_in_nvmls_words() -> None:
    assert why(monitor(nvmlDeviceGetPowerUsage=NVMLError(77)).power()) == "NVML says: error 77"


def test_a_field_has_an_error_of_its_own() -> None:
    assert "not support" in why(monitor(nvmlDeviceGetFieldValues=fields(0, 3)).instant_power())
    assert why(monitor(nvmlDeviceGetFieldValues=fields(0, 77)).instant_power()) == "NVML's error 77"


@pytest.mark.parametrize(("name", "newer", "older"), [
    ("slowdowns", "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"),
    ("temperature", "nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"),
])
def test_an_older_function_stands_in_where_the_newer_is_in_neither_pynvml_nor_the_driver(
        name: str, newer: str, older: str) -> None:
    answers = {key: value for key, value in READINGS.items() if key != newer}
    pynvml_lacks_it = nvml.monitor(FakeNvml(**answers, **{older: 0x20}), GPU)
    driver_lacks_it = nvml.monitor(FakeNvml(**answers, **{older: 0x20, newer: NVMLError(13)}), GPU)
    for seen in (pynvml_lacks_it, driver_lacks_it):
        assert isinstance(seen, nvml.Monitor)
        assert getattr(seen, name)() == {"slowdowns": ("thermal slowdown",), "temperature": 32}[name]
    other_failure = nvml.monitor(FakeNvml(**answers, **{older: 0x20, newer: NVMLError(4)}), GPU)
    assert "permission" in why(getattr(other_failure, name)())


def test_a_function_that_no_version_has_is_named() -> None:
    bare = nvml.Monitor(FakeNvml(), "gpu", "gpu", mig=False)
    assert why(bare.energy()) == "this version of pynvml has no nvmlDeviceGetTotalEnergyConsumption"


def test_all_sensors_at_once() -> None:
    read = monitor().sensors()
    assert (read.mig, read.temperature, read.energy, read.slowdowns) == (False, 41, 9_876_543_210, ("power cap",))


# ------------------------------------------------------------------------------------- slowdowns in words


@pytest.mark.parametrize(("bit", "word"), nvml.SLOWDOWNS.items())
def test_every_reason_has_its_word(bit: int, word: str) -> None:
    assert monitor(nvmlDeviceGetCurrentClocksEventReasons=bit).slowdowns() == (word,)


def test_reasons_add_up_and_unknown_ones_are_told_by_their_bit() -> None:
    assert nvml.words(0) == ()
    assert nvml.words(0x4 | 0x40) == ("power cap", "hardware thermal slowdown")
    assert nvml.words(0x20 | 0x8000) == ("thermal slowdown", "reason 0x8000")


def test_what_spoils_a_measurement_is_heat_and_hardware_but_no_power_cap() -> None:
    spoiling = {bit for bit, word in nvml.SLOWDOWNS.items() if word in nvml.INVALIDATING}
    assert spoiling == {0x8, 0x20, 0x40, 0x80}


# ----------------------------------------------------------------------------------------- memory, MIG


def test_the_memory_of_a_process() -> None:
    assert monitor().process_memory(7) == 1 << 30
    assert "WDDM" in why(monitor().process_memory(8))
    assert "process 9 is not among the 2" in why(monitor().process_memory(9))


def test_the_memory_of_this_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 7)
    assert monitor().process_memory() == 1 << 30


def test_an_instance_has_its_own_memory_and_shares_the_board() -> None:
    def by_uuid(key: bytes) -> str:
        if key != b"MIG-d3b0-1":
            raise NVMLError(6)
        return "instance"

    seen = monitor(nvmlDeviceGetHandleByUUID=by_uuid, nvmlDeviceGetDeviceHandleFromMigDeviceHandle="board")
    assert (seen.mig, seen.device, seen.board) == (True, "instance", "board")
    for reading in (seen.energy(), seen.power(), seen.instant_power()):
        assert "other instances" in why(reading)
    assert seen.temperature() == 41
    assert seen.process_memory(7) == 1 << 30
    asked = {name: arguments for name, *arguments in seen.nvml.asked}
    assert asked["nvmlDeviceGetTemperatureV"] == ["board", 0]
    assert asked["nvmlDeviceGetComputeRunningProcesses_v3"] == ["instance"]


def test_a_split_gpu_whose_instance_is_not_known_tells_no_energy_either() -> None:
    assert "other instances" in why(monitor(nvmlDeviceGetMigMode=[1, 1]).energy())


def test_a_gpu_that_cannot_be_split_is_whole() -> None:
    assert monitor(nvmlDeviceGetMigMode=NVMLError(3)).mig is False
    assert "permission" in why(monitor(nvmlDeviceGetMigMode=NVMLError(4)).mig)


def test_a_device_is_found_by_its_place_on_the_bus_where_its_identity_is_not_known() -> None:
    seen = monitor(nvmlDeviceGetHandleByUUID=NVMLError(6), nvmlDeviceGetHandleByPciBusId="by bus")
    assert seen.device == "by bus"
    assert seen.nvml.asked[2] == ("nvmlDeviceGetHandleByPciBusId", b"00000000:1B:00.0")


def test_a_device_that_nvml_does_not_know() -> None:
    unknown = FakeNvml(nvmlDeviceGetHandleByUUID=NVMLError(6), nvmlDeviceGetHandleByPciBusId=NVMLError(4))
    assert "permission" in why(nvml.monitor(unknown, GPU))
    assert why(nvml.monitor(Unavailable("no NVML"), GPU)) == "no NVML"


# ----------------------------------------------------------------------------------- starting, observing


def test_without_pynvml_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "nvidia-ml-py" in why(nvml.start())


@pytest.mark.parametrize(("number", "word"), FAILURES.items())
def test_nvml_that_does_not_start_says_why(number: int, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(nvmlInit=NVMLError(number)))
    started = nvml.start()
    assert word in why(started)
    assert nvml.observe(started) == started


def test_nvml_that_starts_is_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml(nvmlInit=None)
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    assert nvml.start() is fake


def machine(**changes: Any) -> FakeNvml:
    """Two GPUs, the second split into three instances; versions as bytes, as old versions of pynvml have them."""

    def instance(board: str, slot: int) -> str:
        if slot > 2:
            raise NVMLError(6)
        return f"{board}/{slot}"

    return FakeNvml(**{
        "nvmlSystemGetDriverVersion": b"580.65.06", "nvmlSystemGetNVMLVersion": "13.580.65.06", "nvmlDeviceGetCount": 2,
        "nvmlDeviceGetHandleByIndex": lambda index: f"gpu{index}",
        "nvmlDeviceGetMigMode": lambda board: [int(board == "gpu1")] * 2, "nvmlDeviceGetMaxMigDeviceCount": 7,
        "nvmlDeviceGetMigDeviceHandleByIndex": instance, **changes})


def test_the_machines_gpus_are_counted() -> None:
    assert nvml.observe(machine()) == Nvml("580.65.06", "13.580.65.06", 2, 1, 3)
    assert nvml.observe(machine(nvmlDeviceGetMigMode=NVMLError(3))) == Nvml("580.65.06", "13.580.65.06", 2)
    assert nvml.observe(machine(nvmlDeviceGetMaxMigDeviceCount=NVMLError(4))) == Nvml("580.65.06", "13.580.65.06", 2, 1)
    assert nvml.observe(machine(nvmlDeviceGetHandleByIndex=NVMLError(15))) == Nvml("580.65.06", "13.580.65.06", 2)
    assert "lost" in why(nvml.observe(machine(nvmlDeviceGetCount=NVMLError(15))))


# ---------------------------------------------------------------------------------------- the real pynvml


@pytest.fixture
def pynvml() -> Any:
    return pytest.importorskip("pynvml", reason="pynvml is not installed: nothing to compare with")


def test_every_function_that_is_called_is_one_of_pynvmls(pynvml: Any) -> None:
    source = Path(nvml.__file__).read_text(encoding="utf-8")
    called = set(re.findall(r'"(nvml[A-Z]\w+)"', source))
    called |= {"nvmlDeviceGetHandleByUUID", "nvmlDeviceGetHandleByPciBusId"}
    assert len(called) > 15
    assert {name for name in called if not callable(getattr(pynvml, name, None))} == set()


def test_the_numbers_are_pynvmls(pynvml: Any) -> None:
    named = [name for name in dir(pynvml) if re.match("nvmlClocks(Throttle|Event)Reason[A-Z]", name)]
    known = {getattr(pynvml, name): name for name in named if not name.endswith(("All", "None"))}
    assert set(known) == set(nvml.SLOWDOWNS)
    assert known[0x20].endswith("SwThermalSlowdown")
    assert (pynvml.NVML_TEMPERATURE_GPU, pynvml.NVML_CLOCK_SM, pynvml.NVML_FI_DEV_POWER_INSTANT) == (0, 1, 186)
    numbers = [pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_NO_PERMISSION, pynvml.NVML_ERROR_NOT_FOUND,
               pynvml.NVML_ERROR_DRIVER_NOT_LOADED, pynvml.NVML_ERROR_LIBRARY_NOT_FOUND,
               pynvml.NVML_ERROR_FUNCTION_NOT_FOUND, pynvml.NVML_ERROR_GPU_IS_LOST,
               pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, pynvml.NVML_ERROR_UNKNOWN]
    assert numbers == list(nvml.ERRORS)


@pytest.mark.parametrize("name", ["NotSupported", "LibraryNotFound", "DriverNotLoaded", "NoPermission", "Unknown"])
def test_the_errors_that_pynvml_raises_are_understood(name: str, pynvml: Any) -> None:
    kind = getattr(pynvml, f"NVMLError_{name}")
    error = next(error for error in map(pynvml.NVMLError, nvml.ERRORS) if type(error) is kind)
    fake = FakeNvml(nvmlDeviceGetPowerUsage=error)
    fake.NVMLError = pynvml.NVMLError
    assert why(nvml.Monitor(fake, "gpu", "gpu", mig=False).power()) == nvml.ERRORS[error.value]


def test_the_real_one_never_raises(pynvml: Any) -> None:
    seen = nvml.observe(nvml.start())
    assert isinstance(seen, Nvml | Unavailable)
    if isinstance(seen, Unavailable):
        assert seen.why in nvml.ERRORS.values() or seen.why.startswith("NVML says")
