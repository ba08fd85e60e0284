"""NVIDIA's driver, asked through libcuda itself: needs no torch, and takes no memory on any device."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from cnnspec.environment import CudaDevice, Driver, Unavailable

#: The driver's library, by `sys.platform`.
LIBRARIES = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}
#: Numbers of `CUdevice_attribute` (CUDA Driver API, "Data types used by CUDA driver").
MULTIPROCESSORS, CAPABILITY_MAJOR, CAPABILITY_MINOR = 16, 75, 76


def observe(system: str = sys.platform) -> Driver | Unavailable:
    """The driver and its devices, or why there is none."""
    library = load(system)
    return library if isinstance(library, Unavailable) else look(library)


def load(system: str) -> Any:
    """The driver's library, or `Unavailable`."""
    if system not in LIBRARIES:
        return Unavailable(f"NVIDIA has no CUDA driver for {system}")
    try:
        return ctypes.CDLL(LIBRARIES[system])
    except OSError as error:
        absent = "No such file" in str(error)  # else it is there, and the loader says what is wrong with it
        return Unavailable(f"{LIBRARIES[system]} is not found" if absent else str(error))


def look(cuda: Any) -> Driver:
    """What a loaded library says. `cuInit` makes no context; CUDA_VISIBLE_DEVICES is read by it, once a process."""
    version = _number(cuda.cuDriverGetVersion)
    newest = (version // 1000, version % 1000 // 10)
    code = cuda.cuInit(0)
    if code:
        return Driver(newest, code=code, error=_word(cuda, code))
    count = _number(cuda.cuDeviceGetCount)
    return Driver(newest, tuple(_device(cuda, index) for index in range(count)))


def _device(cuda: Any, index: int) -> CudaDevice:
    handle = _number(cuda.cuDeviceGet, index)
    name, bus, uuid, memory = (ctypes.create_string_buffer(256), ctypes.create_string_buffer(32),
                               ctypes.create_string_buffer(16), ctypes.c_size_t())
    cuda.cuDeviceGetName(name, len(name), handle)
    cuda.cuDeviceGetPCIBusId(bus, len(bus), handle)
    # From CUDA 11.4 on, the second version tells the identity of a MIG instance rather than that of its GPU.
    getattr(cuda, "cuDeviceGetUuid_v2", cuda.cuDeviceGetUuid)(uuid, handle)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), handle)
    major, minor, multiprocessors = (_number(cuda.cuDeviceGetAttribute, number, handle)
                                     for number in (CAPABILITY_MAJOR, CAPABILITY_MINOR, MULTIPROCESSORS))
    return CudaDevice(index, name.value.decode(errors="replace"), hyphenated(uuid.raw.hex()), bus.value.decode(),
                      memory.value, (major, minor), multiprocessors)


def hyphenated(digits: str) -> str:
    """32 hexadecimal digits as a UUID is written."""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _number(function: Any, *arguments: Any) -> int:
    """The number that a function leaves in its first argument."""
    number = ctypes.c_int()
    function(ctypes.byref(number), *arguments)
    return number.value


def _word(cuda: Any, code: int) -> str:
    """The name of an error, `CUDA_ERROR_NO_DEVICE`."""
    text = ctypes.c_char_p()
    cuda.cuGetErrorName(code, ctypes.byref(text))
    return text.value.decode() if text.value else f"CUDA error {code}"
