"""What a machine has to run networks on, as data: `runtime` observes it, `render` shows it, reports keep it."""

from __future__ import annotations

from cnnspec.diagnostics import SpecError
from cnnspec.record import Record


class NoDevice(SpecError):
    """The device that was asked for cannot be used, and `diagnostics` says why: the command line exits with 3."""


class Unavailable(Record):
    """Stands for what cannot be had: a reading that a device does not give, a library that is not there."""

    #: The reason, as it may stand behind a colon.
    why: str


#: A number, or why there is none: never 0 for what was not read.
Reading = int | Unavailable


class Obstacle(Record):
    """Why a device cannot be used, and what it would take."""

    why: str
    remedy: str = ""
    #: What else stands in the way.
    notes: tuple[str, ...] = ()


class Torch(Record):
    """PyTorch as it was built, and as it is set."""

    #: `2.13.0+cu130`.
    version: str
    #: The CUDA or ROCm that it was built for, `13.0`; empty for none.
    cuda: str = ""
    rocm: str = ""
    #: `9.12.0`.
    cudnn: str | Unavailable = Unavailable("not part of this build")
    #: The GPUs that it has kernels for: `sm_90`, `compute_90`.
    architectures: tuple[str, ...] = ()
    mps_built: bool = False
    mps_available: bool = False
    #: Threads that one operator uses.
    threads: int = 1
    #: The widest instructions that its kernels use here: `AVX512`.
    instructions: str = ""


class CudaDevice(Record):
    """A device as CUDA numbers it for this process: a GPU, or an instance of one (MIG)."""

    index: int
    name: str
    #: With hyphens, without NVML's prefix `GPU-` or `MIG-`.
    uuid: str
    #: `00000000:1B:00.0`.
    bus: str
    #: Bytes.
    memory: int
    #: Compute capability, `(9, 0)`.
    capability: tuple[int, int]
    multiprocessors: int


class Driver(Record):
    """NVIDIA's driver, as CUDA's driver API shows it to this process."""

    #: The newest CUDA that it runs, `(13, 0)`.
    cuda: tuple[int, int]
    devices: tuple[CudaDevice, ...] = ()
    #: What `cuInit` returned, 0 where it went well; and the driver's word for that.
    code: int = 0
    error: str = ""


class Nvml(Record):
    """NVIDIA's management library: it sees all GPUs, also those that CUDA hides from this process."""

    #: Of the driver, `580.65.06`.
    driver: str
    version: str
    gpus: int
    #: How many of them are split into instances (MIG), and how many instances there are.
    mig_gpus: int = 0
    mig_instances: int = 0


class Facts(Record):
    """All that decides whether a device can be used; as it stands, a machine on which nothing was found."""

    #: Python's name of the operating system, as in `sys.platform`.
    system: str = "linux"
    torch: Torch | Unavailable = Unavailable("not looked for")
    driver: Driver | Unavailable = Unavailable("not looked for")
    nvml: Nvml | Unavailable = Unavailable("not looked for")
    #: The environment variable CUDA_VISIBLE_DEVICES; None where it is not set.
    visible: str | None = None


class Sensors(Record):
    """What NVML reads from one device at one time."""

    #: Whether it is (a part of) a GPU that is split into instances.
    mig: bool | Unavailable
    #: Degrees Celsius.
    temperature: Reading
    #: Milliwatts: the limit in force, and the draw (since Ampere the mean of the last second).
    power_limit: Reading
    power: Reading
    #: Millijoules since the driver was loaded.
    energy: Reading
    #: MHz.
    sm_clock: Reading
    #: What holds the clocks down, in words; empty for nothing.
    slowdowns: tuple[str, ...] | Unavailable


class Cpu(Record):
    """The processor and its memory."""

    model: str
    #: Cores; hardware threads; and those of them that this process may use.
    physical: Reading
    logical: Reading
    allowed: Reading
    #: Bytes.
    memory: Reading


class Package(Record):
    """A package that cnnspec uses, or would."""

    name: str
    #: Empty where it is not installed.
    version: str
    #: What it is for, and the command that installs it.
    role: str
    remedy: str


class Device(Record):
    """What `--device` can name, or could."""

    #: `cpu`, `cuda:0`, `mps`; `cuda` where there is none.
    name: str
    obstacle: Obstacle | None
    cuda: CudaDevice | None = None
    sensors: Sensors | Unavailable | None = None


class Environment(Record):
    """Everything that `cnnspec doctor` looks at."""

    cnnspec: str
    python: str
    platform: str
    packages: tuple[Package, ...]
    facts: Facts
    cpu: Cpu
    devices: tuple[Device, ...]
