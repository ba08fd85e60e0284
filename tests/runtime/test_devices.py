"""The choice of a device: every reason against one, from made-up facts; what is observed, from made-up libraries."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cnnspec.diagnostics import SpecError
from cnnspec.environment import CudaDevice, Driver, Facts, NoDevice, Nvml, Obstacle, Torch, Unavailable
from cnnspec.runtime import devices, driver, processor
from cnnspec.runtime.obstacles import hides_all, obstacle, runs_on
from tests.layers.oracle import needs_torch

H200 = CudaDevice(0, "NVIDIA H200", "d3b0", "00000000:1B:00.0", 150_000_000_000, (9, 0), 132)
BUILD = Torch("2.13.0+cu130", "13.0", cudnn="9.12.0", architectures=("sm_80", "sm_90", "sm_100", "compute_100"))
CPU_BUILD = Torch("2.13.0+cpu")
DRIVER = Driver((13, 0), (H200, H200.replace(index=1)))
NVML = Nvml("580.65.06", "13.580.65.06", gpus=2)
GOOD = Facts("linux", BUILD, DRIVER, NVML)
MAC = Facts("darwin", Torch("2.13.0", mps_built=True, mps_available=True))
NONE = Driver((13, 0), code=100, error="CUDA_ERROR_NO_DEVICE")
SPLIT = Nvml("580.65.06", "13.580.65.06", gpus=2, mig_gpus=2)


def text(found: Obstacle | None) -> str:
    """Reason, remedy and notes."""
    assert found is not None
    return " | ".join([found.why, found.remedy, *found.notes])


# ---------------------------------------------------------------------------------------------- reasons


@pytest.mark.parametrize(("kind", "index", "facts"), [
    ("cpu", 0, GOOD), ("cpu", 0, Facts("linux", CPU_BUILD)), ("cpu", 0, MAC), ("cuda", 0, GOOD), ("cuda", 1, GOOD),
    ("mps", 0, MAC),
    ("cuda", 0, GOOD.replace(visible="0,1")),
    ("cuda", 0, GOOD.replace(nvml=Unavailable("no pynvml"))),  # NVML is not needed to compute
    ("cuda", 0, GOOD.replace(torch=BUILD.replace(cuda="13.2"))),  # within a generation, minor versions do not matter
    ("cuda", 0, GOOD.replace(torch=BUILD.replace(cuda="12.6"))),  # newer drivers run older builds
    ("cuda", 0, GOOD.replace(nvml=SPLIT.replace(mig_instances=2))),  # an instance is a device
])
def test_nothing_stands_against_a_device_that_is_there(kind: str, index: int, facts: Facts) -> None:
    assert obstacle(kind, index, facts) is None


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_without_torch_there_is_no_device(kind: str) -> None:
    said = text(obstacle(kind, 0, Facts("linux", Unavailable("PyTorch is not installed"))))
    assert said.startswith("PyTorch is not installed | `pip install 'cnnspec[torch]'`")


@pytest.mark.parametrize(("facts", "said"), [
    (GOOD.replace(torch=CPU_BUILD), "PyTorch 2.13.0+cpu is built for the CPU alone | a build of PyTorch with CUDA"),
    (Facts("linux", CPU_BUILD, Unavailable("libcuda.so.1 is not found")),
     "| there is no NVIDIA driver either (libcuda.so.1 is not found)"),
    (Facts("linux", Unavailable("PyTorch is not installed"), Unavailable("libcuda.so.1 is not found")),
     "| there is no NVIDIA driver either (libcuda.so.1 is not found)"),
    (GOOD.replace(torch=Torch("2.13.0+rocm7.0", rocm="7.0")), "is built for AMD's ROCm 7.0"),
    (MAC, "there is no CUDA for macOS | `mps`"),
    (GOOD.replace(driver=Unavailable("libcuda.so.1 is not found")),
     "there is no NVIDIA driver (libcuda.so.1 is not found) | NVIDIA's driver"),
    (GOOD.replace(driver=Driver((12, 4)), nvml=NVML.replace(driver="550.54.15")),
     "driver 550.54.15 runs CUDA up to 12.4, and PyTorch 2.13.0+cu130 is built for CUDA 13.0 | a newer driver (580"),
    (GOOD.replace(driver=Driver((12, 4))), "a newer driver (580 or newer), or a build of PyTorch for CUDA 12"),
    (GOOD.replace(driver=Driver((12, 4)), nvml=Unavailable("")), "the driver runs CUDA up to 12.4"),
    (GOOD.replace(driver=Driver((13, 0)), torch=BUILD.replace(cuda="14.1")), "| a newer driver, or"),
    (GOOD.replace(driver=Driver((13, 0), code=803, error="CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")),
     "the driver does not start (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH) | a restart"),
    (GOOD.replace(driver=Driver((13, 0), code=802, error="CUDA_ERROR_SYSTEM_NOT_READY")), "| NVIDIA's fabric manager"),
    (GOOD.replace(driver=Driver((0, 0), code=34, error="CUDA_ERROR_STUB_LIBRARY")), "the stub for building programs"),
    (GOOD.replace(driver=Driver((13, 0), code=1234, error="CUDA error 1234")), "does not start (CUDA error 1234) | "),
    (GOOD.replace(driver=NONE, nvml=NVML.replace(gpus=0)), "the driver finds no GPU"),
    (GOOD.replace(driver=NONE, visible=""), "which leaves none of 2 GPUs | the variable unset"),
    (GOOD.replace(driver=NONE, visible="7"), "CUDA_VISIBLE_DEVICES is `7`, which leaves none of 2 GPUs"),
    (GOOD.replace(driver=NONE, visible="-1", nvml=Unavailable("")), "which leaves no GPU"),
    (GOOD.replace(driver=NONE), "the driver shows no GPU"),
    (GOOD.replace(driver=Driver((13, 0)), nvml=SPLIT),
     "MIG is enabled on 2 of 2 GPUs, and no instance is made | an instance (`nvidia-smi mig -cgi PROFILE -C`)"),
    (GOOD.replace(driver=NONE, nvml=SPLIT, visible="0"), "or MIG disabled | CUDA_VISIBLE_DEVICES is `0`"),
    (GOOD.replace(driver=NONE, nvml=SPLIT.replace(mig_instances=1)),
     "this process sees none of the instances (1) | CUDA_VISIBLE_DEVICES=MIG-…"),
    (GOOD.replace(driver=NONE, nvml=SPLIT, visible="-1"), "CUDA_VISIBLE_DEVICES is `-1`, which leaves none of 2 GPUs"),
    (GOOD.replace(driver=DRIVER.replace(devices=(H200.replace(name="Tesla V100", capability=(7, 0)),))),
     "PyTorch 2.13.0+cu130 has no kernels for Tesla V100 (compute capability 7.0); it is built for sm_80, sm_90"),
])
def test_every_reason_against_cuda(facts: Facts, said: str) -> None:
    assert said in text(obstacle("cuda", 0, facts))


def test_a_number_that_there_is_not() -> None:
    assert text(obstacle("cuda", 2, GOOD)) == (
        "there is no number 2: this process sees 2 CUDA devices, `cuda:0` to `cuda:1` | ")
    one = GOOD.replace(driver=Driver((13, 0), (H200,)), visible="1")
    assert text(obstacle("cuda", 1, one)) == (
        "there is no number 1: this process sees one CUDA device, `cuda:0` |  | "
        "CUDA_VISIBLE_DEVICES is `1`, and they are numbered in its order")


@pytest.mark.parametrize(("facts", "said"), [
    (GOOD, "MPS is Apple's: it is on macOS alone"),
    (Facts("linux", Unavailable("PyTorch is not installed")), "MPS is Apple's"),  # torch would not help
    (Facts("darwin", Unavailable("PyTorch is not installed")), "PyTorch is not installed"),
    (Facts("darwin", Torch("2.13.0")), "PyTorch 2.13.0 is built without MPS"),
    (Facts("darwin", Torch("2.13.0", mps_built=True)), "macOS offers no GPU to MPS"),
])
def test_every_reason_against_mps(facts: Facts, said: str) -> None:
    assert text(obstacle("mps", 0, facts)).startswith(said)


@pytest.mark.parametrize(("visible", "hidden"), [
    (None, False), ("0", False), ("1,0", False), ("GPU-d3b0", False), ("MIG-d3b0", False), (" 0", False),
    ("", True), ("-1", True), ("-1,0", True), ("NoDevFiles", True), (",0", True),
])
def test_what_hides_every_gpu(visible: str | None, hidden: bool) -> None:
    assert hides_all(visible) is hidden


@pytest.mark.parametrize(("capability", "architectures", "runs"), [
    ((9, 0), (), True), ((8, 6), ("sm_80",), True), ((8, 0), ("sm_86",), False), ((9, 0), ("sm_80",), False),
    ((9, 0), ("compute_80",), True), ((7, 5), ("compute_80",), False), ((9, 0), ("sm_90a",), True),
    ((9, 1), ("sm_90a",), False), ((12, 0), ("sm_90", "sm_120"), True), ((10, 3), ("sm_100f",), True),
    ((12, 0), ("sm_100f",), False), ((10, 0), ("compute_90a",), False),
])
def test_which_gpus_a_build_runs_on(capability: tuple[int, int], architectures: tuple[str, ...], runs: bool) -> None:
    assert runs_on(capability, architectures) is runs


# --------------------------------------------------------------------------------------------- choosing


@pytest.mark.parametrize(("name", "parts"), [
    ("cpu", ("cpu", 0)), ("cuda", ("cuda", 0)), ("cuda:0", ("cuda", 0)), ("cuda:11", ("cuda", 11)), ("mps", ("mps", 0)),
    (" cuda:1 ", ("cuda", 1)),
])
def test_names(name: str, parts: tuple[str, int]) -> None:
    assert devices.parse(name) == parts


@pytest.mark.parametrize(("name", "help"), [
    ("cdua", "`cuda`"), ("CUDA", "`cuda`"), ("gpu", "`cuda`"), ("gpu:1", "`cuda`"), ("cuda:", "`cuda`"),
    ("cuda:x", "`cuda`"), ("cuda:-1", "`cuda`"), ("cuda:²", "`cuda`"), ("cuda:99999999999", "`cuda`"),
    ("cpu:0", "`cpu`"), ("mp", "`mps`"), ("toaster", ""), ("", ""),
])
def test_a_name_that_there_is_not_is_an_error_of_its_own(name: str, help: str) -> None:
    with pytest.raises(SpecError) as raised:
        devices.select(name)
    (diagnostic,) = raised.value.diagnostics
    assert (diagnostic.code, diagnostic.help) == ("unknown-device", help)
    assert not isinstance(raised.value, NoDevice)


@needs_torch
def test_a_device_that_works_is_returned() -> None:
    import torch

    assert devices.select("cpu") == torch.device("cpu")


@needs_torch
def test_cuda_is_returned_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    tried: list[tuple[str, int]] = []
    monkeypatch.setattr(devices, "observe", lambda cuda: GOOD)
    monkeypatch.setattr(devices, "trial", lambda kind, index: tried.append((kind, index)))
    assert (devices.select("cuda"), devices.select("cuda:1")) == (torch.device("cuda", 0), torch.device("cuda", 1))
    assert tried == [("cuda", 0), ("cuda", 1)]


def test_a_device_that_cannot_be_used_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = GOOD.replace(torch=CPU_BUILD, driver=Unavailable("no libcuda"))
    monkeypatch.setattr(devices, "observe", lambda cuda: facts)
    with pytest.raises(NoDevice) as raised:
        devices.select("cuda:1")
    (diagnostic,) = raised.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (
        "no-device", "`cuda:1` cannot be used: PyTorch 2.13.0+cpu is built for the CPU alone")
    assert diagnostic.notes == ("there is no NVIDIA driver either (no libcuda)",)
    assert diagnostic.help.startswith("a build of PyTorch with CUDA")


@needs_torch
def test_what_pytorch_says_when_a_device_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def busy(*arguments: object, **named: object) -> None:
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable\nmore about it")

    assert devices.trial("cpu") is None
    monkeypatch.setattr(torch, "ones", busy)
    said = "PyTorch fails on it: CUDA error: all CUDA-capable devices are busy or unavailable"
    assert devices.trial("cuda", 0) == Obstacle(said)
    monkeypatch.setattr(devices, "observe", lambda cuda: GOOD)
    with pytest.raises(NoDevice, match="busy or unavailable"):
        devices.select("cuda")


# -------------------------------------------------------------------------------------------- observing


def test_without_torch_the_facts_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    facts = devices.observe()
    assert facts.torch == Unavailable("PyTorch is not installed")
    assert devices.observe(cuda=False).driver == Unavailable("not looked for")
    with pytest.raises(NoDevice, match="PyTorch is not installed"):
        devices.select("cpu")


@pytest.mark.parametrize("raising", ["OSError('libcudart.so.13: cannot open')", "ImportError('libcudart.so.13: gone')",
                                     "ModuleNotFoundError('libcudart.so.13 lacks sympy', name='sympy')"])
def test_a_torch_that_is_broken_is_not_called_missing(raising: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                      ) -> None:
    (tmp_path / "torch.py").write_text(f"raise {raising}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    found = devices.observe(cuda=False).torch
    assert isinstance(found, Unavailable)
    assert found.why.startswith("PyTorch does not import (libcudart.so.13")


@needs_torch
def test_the_facts_of_this_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1")
    facts = devices.observe()
    assert isinstance(facts.torch, Torch)
    assert (facts.torch.version, facts.torch.threads) == (torch.__version__, torch.get_num_threads())
    assert (facts.torch.cuda, facts.system, facts.visible) == (torch.version.cuda or "", sys.platform, "GPU-1")


@needs_torch
def test_a_cudnn_of_another_version_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def mismatch() -> int:
        raise RuntimeError("cuDNN version incompatibility")

    monkeypatch.setattr(torch.backends.cudnn, "version", mismatch)
    facts = devices.observe(cuda=False)
    assert isinstance(facts.torch, Torch)
    assert facts.torch.cudnn == Unavailable("cuDNN version incompatibility")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91_200)
    facts = devices.observe(cuda=False)
    assert isinstance(facts.torch, Torch)
    assert facts.torch.cudnn == "9.12.0"


def test_both_numberings_of_cudnn() -> None:
    assert [devices.cudnn_version(number) for number in (8902, 90100, 91002)] == ["8.9.2", "9.1.0", "9.10.2"]


class FakeCuda:
    """A libcuda with two devices, which writes its answers where C functions do."""

    def __init__(self, code: int = 0, named: bool = True) -> None:
        self.code, self.named = code, named

    def cuDriverGetVersion(self, version: Any) -> None:  # noqa: N802  # its name in C, as below
        version._obj.value = 12080

    def cuInit(self, flags: int) -> int:  # noqa: N802
        assert flags == 0
        return self.code

    def cuGetErrorName(self, code: int, text: Any) -> None:  # noqa: N802
        text._obj.value = b"CUDA_ERROR_NO_DEVICE" if self.named else None

    def cuDeviceGetCount(self, count: Any) -> None:  # noqa: N802
        count._obj.value = 2

    def cuDeviceGet(self, handle: Any, index: int) -> None:  # noqa: N802
        handle._obj.value = 40 + index

    def cuDeviceGetName(self, name: Any, length: int, handle: int) -> None:  # noqa: N802
        name.value = f"GPU {handle}".encode()[:length]

    def cuDeviceGetPCIBusId(self, bus: Any, length: int, handle: int) -> None:  # noqa: N802
        bus.value = f"0000:{handle}:00.0".encode()[:length]

    def cuDeviceGetUuid(self, uuid: Any, handle: int) -> None:  # noqa: N802
        uuid.raw = bytes(range(16))

    def cuDeviceTotalMem_v2(self, memory: Any, handle: int) -> None:  # noqa: N802
        memory._obj.value = 150 << 30  # more than 32 bits hold

    def cuDeviceGetAttribute(self, value: Any, number: int, handle: int) -> None:  # noqa: N802
        value._obj.value = {16: 132, 75: 9, 76: 0}[number]


def test_the_driver_tells_its_devices() -> None:
    first, second = driver.look(FakeCuda()).devices
    uuid = "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert first == CudaDevice(0, "GPU 40", uuid, "0000:40:00.0", 150 << 30, (9, 0), 132)
    assert (second.index, second.name) == (1, "GPU 41")


def test_a_driver_that_does_not_start_tells_why() -> None:
    assert driver.look(FakeCuda(100)) == Driver((12, 8), code=100, error="CUDA_ERROR_NO_DEVICE")
    assert driver.look(FakeCuda(4321, named=False)).error == "CUDA error 4321"


def test_the_identity_of_an_instance_is_asked_for_where_the_driver_knows_it() -> None:
    fake = FakeCuda()
    fake.cuDeviceGetUuid_v2 = lambda uuid, handle: setattr(uuid, "raw", bytes(16))  # type: ignore[attr-defined]
    assert driver.look(fake).devices[0].uuid == "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(("message", "said"), [
    ("libcuda.so.1: cannot open shared object file: No such file or directory", "libcuda.so.1 is not found"),
    ("libcuda.so.1: wrong ELF class: ELFCLASS32", "libcuda.so.1: wrong ELF class: ELFCLASS32"),
])
def test_a_library_that_does_not_load(message: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise OSError(message)

    monkeypatch.setattr(ctypes, "CDLL", fail)
    assert driver.observe("linux") == Unavailable(said)
    assert driver.observe("darwin") == Unavailable("NVIDIA has no CUDA driver for darwin")


def test_a_library_that_loads_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: asked.append(name) or FakeCuda())
    assert driver.observe("win32") == driver.look(FakeCuda())
    assert asked == ["nvcuda.dll"]


# ---------------------------------------------------------------------------------------- the processor


def test_the_model_and_the_cores() -> None:
    assert processor.model("processor\t: 0\nmodel name\t: AMD EPYC 9654\nmodel name\t: B\n") == "AMD EPYC 9654"
    assert processor.model("processor\t: 0\nCPU architecture: 8\n") == ""
    assert processor.cores(["0,2\n", "1,3\n", "0,2\n", "1,3\n"]) == 2
    assert isinstance(processor.cores([]), Unavailable)


def test_macos_is_asked_by_name() -> None:
    def known(name: bytes, value: Any, size: Any, *nothing: object) -> int:
        if hasattr(value, "_obj"):
            value._obj.value = 10
        else:
            value.value = b"Apple M4"
        return 0

    mac = SimpleNamespace(sysctlbyname=known)
    assert (processor.sysctl_number(mac, b"hw.physicalcpu"), processor.sysctl_text(mac, b"a")) == (10, "Apple M4")
    other = SimpleNamespace(sysctlbyname=lambda *arguments: -1)
    assert isinstance(processor.sysctl_number(other, b"a"), Unavailable)
    assert processor.sysctl_text(other, b"a") == ""


def test_this_processor() -> None:
    cpu = processor.observe()
    assert cpu.model
    for count in (cpu.physical, cpu.logical, cpu.allowed, cpu.memory):
        assert isinstance(count, Unavailable) or count > 0
