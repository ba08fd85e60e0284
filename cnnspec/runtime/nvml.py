"""NVML through pynvml, for one device: each reading is a number or says why there is none, and nothing is raised."""

from __future__ import annotations

import os
from typing import Any

from cnnspec.environment import CudaDevice, Nvml, Reading, Sensors, Unavailable
from cnnspec.record import Record

#: The clock event reasons, by bit (NVML API Reference Guide, "NvmlClocksEventReasons"). The names of pynvml's constants
#: changed with its versions; the bits do not.
SLOWDOWNS = {
    0x1: "idle",
    0x2: "clocks set by the user",
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "synchronised with another GPU",
    0x20: "thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "clocks held by a display",
    0x200: "board limit",
    0x400: "reliability limit",
}
#: Those that spoil a measurement, which is then repeated. A power cap is a property of the device, and only reported.
INVALIDATING = frozenset({"hardware slowdown", "thermal slowdown", "hardware thermal slowdown", "hardware power brake"})

#: NVML's numbers of errors, where its own words do not say what they mean here.
ERRORS = {
    3: "the device does not support it",
    4: "this user has no permission to read it",
    6: "NVML does not find it",
    9: "NVIDIA's kernel driver is not loaded",
    12: "NVML's library (libnvidia-ml) is not found",
    13: "the driver is too old for it",
    15: "the GPU is lost: it fell off the bus",
    18: "NVML and the kernel driver have different versions: a driver was updated without a restart",
    999: "NVML meets an unknown error",
}
_NOT_SUPPORTED, _FUNCTION_NOT_FOUND = 3, 13
#: Numbers of a sensor, a clock, and a field that NVML reads (nvml.h).
_GPU_SENSOR, _SM_CLOCK, _INSTANT_POWER = 0, 1, 186

#: Stands for what only the whole board counts, where a MIG instance is a part of it.
SHARED = Unavailable("MIG: it is of the whole GPU, and other instances may be at work there")


def start() -> Any:
    """The module pynvml with NVML initialised, or `Unavailable`; every other function takes what this returns."""
    try:
        import pynvml
    except ImportError:
        return Unavailable("pynvml is not installed: `pip install nvidia-ml-py`")
    begun = call(pynvml, ("nvmlInit",))
    return begun if isinstance(begun, Unavailable) else pynvml


def call(nvml: Any, names: tuple[str, ...], *arguments: Any) -> Any:
    """What the first function that pynvml and the driver both have returns; `Unavailable` for its failure."""
    failure = Unavailable(f"this version of pynvml has no {names[0]}")
    for name in names:
        function = getattr(nvml, name, None)
        if function is None:
            continue
        try:
            return function(*arguments)
        except nvml.NVMLError as error:
            number = getattr(error, "value", 0)
            failure = Unavailable(ERRORS.get(number) or f"NVML says: {error}")
            if number != _FUNCTION_NOT_FOUND:
                break
    return failure


def observe(nvml: Any) -> Nvml | Unavailable:
    """The driver's version, and the GPUs of the machine; takes what `start` returned."""
    if isinstance(nvml, Unavailable):
        return nvml
    found = [call(nvml, (name,)) for name in ("nvmlSystemGetDriverVersion", "nvmlSystemGetNVMLVersion",
                                              "nvmlDeviceGetCount")]
    for value in found:
        if isinstance(value, Unavailable):
            return value
    driver, version, count = found
    modes = [_instances(nvml, call(nvml, ("nvmlDeviceGetHandleByIndex",), index)) for index in range(count)]
    split = [number for number in modes if number is not None]
    return Nvml(_text(driver), _text(version), count, len(split), sum(split))


def _instances(nvml: Any, board: Any) -> int | None:
    """The MIG instances of a GPU; None where it is not split."""
    if isinstance(board, Unavailable) or _split(nvml, board) is not True:
        return None
    most = call(nvml, ("nvmlDeviceGetMaxMigDeviceCount",), board)
    slots = range(0 if isinstance(most, Unavailable) else most)
    handles = [call(nvml, ("nvmlDeviceGetMigDeviceHandleByIndex",), board, slot) for slot in slots]
    return sum(not isinstance(handle, Unavailable) for handle in handles)


def _split(nvml: Any, board: Any) -> bool | Unavailable:
    """Whether a GPU is in MIG mode."""
    mode = call(nvml, ("nvmlDeviceGetMigMode",), board)
    if isinstance(mode, Unavailable):
        return False if mode.why == ERRORS[_NOT_SUPPORTED] else mode  # a GPU that cannot be split is whole
    return bool(mode[0])


def _text(value: str | bytes) -> str:
    """Old versions of pynvml return bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


class Monitor(Record):
    """The readings of one device. A MIG instance has its own memory, and shares all the rest with its board."""

    nvml: Any
    #: NVML's handles of the device that CUDA uses, and of the GPU; for a whole GPU, the same.
    device: Any
    board: Any
    #: Whether the GPU is split into instances.
    mig: bool | Unavailable

    def energy(self) -> Reading:
        """Millijoules since the driver was loaded; from Volta on."""
        return SHARED if self.mig is True else self._read("nvmlDeviceGetTotalEnergyConsumption")

    def power(self) -> Reading:
        """Milliwatts; from Ampere on (but GA100) the mean of the last second."""
        return SHARED if self.mig is True else self._read("nvmlDeviceGetPowerUsage")

    def instant_power(self) -> Reading:
        """Milliwatts at this moment, for sampling; not every driver knows it."""
        if self.mig is True:
            return SHARED
        fields = call(self.nvml, ("nvmlDeviceGetFieldValues",), self.board, [_INSTANT_POWER])
        if isinstance(fields, Unavailable):
            return fields
        if fields[0].nvmlReturn:
            return Unavailable(ERRORS.get(fields[0].nvmlReturn) or f"NVML's error {fields[0].nvmlReturn}")
        return int(fields[0].value.uiVal)

    def power_limit(self) -> Reading:
        """Milliwatts: the lowest of all limits in force, for the whole board."""
        return self._read("nvmlDeviceGetEnforcedPowerLimit")

    def sm_clock(self) -> Reading:
        """MHz of the multiprocessors."""
        return self._read("nvmlDeviceGetClockInfo", of=(_SM_CLOCK,))

    def temperature(self) -> Reading:
        """Degrees Celsius of the chip."""
        return self._read("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature", of=(_GPU_SENSOR,))

    def slowdowns(self) -> tuple[str, ...] | Unavailable:
        """What holds the clocks down now, in words; empty for nothing."""
        bits = self._read("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
        return bits if isinstance(bits, Unavailable) else words(bits)

    def process_memory(self, process: int | None = None) -> Reading:
        """Bytes of the device that a process uses (this one, unless another is named), CUDA's context among them."""
        number = os.getpid() if process is None else process
        # The function without a version raises an error of its own where pynvml and the driver do not match.
        listed = call(self.nvml, ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"),
                      self.device)
        if isinstance(listed, Unavailable):
            return listed
        for one in listed:
            if one.pid == number:
                unknown = Unavailable("the driver does not tell how much a process uses (WDDM)")
                return unknown if one.usedGpuMemory is None else int(one.usedGpuMemory)
        return Unavailable(f"process {number} is not among the {len(listed)} that NVML lists: it has not used the "
                           "device yet, or runs in a container, where it has another number")

    def sensors(self) -> Sensors:
        """All that is read from the device at once."""
        return Sensors(self.mig, self.temperature(), self.power_limit(), self.power(), self.energy(), self.sm_clock(),
                       self.slowdowns())

    def _read(self, *names: str, of: tuple[int, ...] = ()) -> Reading:
        """A number of the board, by the first function that there is; `of` names the sensor or clock."""
        reading: Reading = call(self.nvml, names, self.board, *of)
        return reading


def monitor(nvml: Any, device: CudaDevice) -> Monitor | Unavailable:
    """NVML's view of a device of CUDA's, found by its identity: NVML numbers devices in another order than CUDA."""
    if isinstance(nvml, Unavailable):
        return nvml
    failure = Unavailable("NVML does not know this device")
    for name, key in (("UUID", f"GPU-{device.uuid}"), ("UUID", f"MIG-{device.uuid}"), ("PciBusId", device.bus)):
        # Some versions of pynvml hand the text to C as it is, which takes bytes alone.
        handle = call(nvml, (f"nvmlDeviceGetHandleBy{name}",), key.encode())
        if isinstance(handle, Unavailable):
            failure = handle
        elif key.startswith("MIG-"):
            board = call(nvml, ("nvmlDeviceGetDeviceHandleFromMigDeviceHandle",), handle)
            return board if isinstance(board, Unavailable) else Monitor(nvml, handle, board, mig=True)
        else:
            return Monitor(nvml, handle, handle, _split(nvml, handle))
    return failure


def words(bits: int) -> tuple[str, ...]:
    """The clock event reasons in a number; a bit that is not known by its place."""
    known = [word for bit, word in SLOWDOWNS.items() if bits & bit]
    return (*known, *(f"reason {1 << place:#x}" for place in range(bits.bit_length())
                      if bits >> place & 1 and 1 << place not in SLOWDOWNS))
