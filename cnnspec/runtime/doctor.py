"""What `cnnspec doctor` looks at: versions, driver, devices, and a trial of each device; works without torch."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from cnnspec import __version__
from cnnspec.environment import CudaDevice, Device, Environment, Facts, Package, Sensors, Unavailable
from cnnspec.runtime import devices, nvml, processor
from cnnspec.runtime.obstacles import obstacle

_TORCH, _TRAIN, _PANDAS, _ORACLE = (
    f"pip install 'cnnspec[{extra}]'" for extra in ("torch", "train", "pandas", "oracle"))
#: Every package of the core and its extras: the distribution, what it is for, and what installs it.
PACKAGES = (
    ("click", "the command line", "pip install cnnspec"),
    ("rich", "colours and tables", "pip install cnnspec"),
    ("torch", "`to_torch`, `verify`", _TORCH),
    ("fvcore", "FLOPs in `verify`", _TORCH),
    ("safetensors", "weights in files", _TORCH),
    ("nvidia-ml-py", "energy, clocks", _TORCH),
    ("scikit-learn", "digits to train on", _TRAIN),
    ("pillow", "folders of images", _TRAIN),
    ("accelerate", "several processes", _TRAIN),
    ("pandas", "`to_frame`", _PANDAS),
    ("torchvision", "MNIST's download", _ORACLE),
    ("tensorboard", "curves of `train`", _ORACLE),
)


def examine() -> Environment:
    """Look at everything. A device counts as usable where PyTorch has computed something on it."""
    library = nvml.start()
    facts = devices.observe()
    return Environment(__version__, platform.python_version(), _platform(), packages(), facts, processor.observe(),
                       found(facts, library))


def packages() -> tuple[Package, ...]:
    """The versions of what is installed."""
    return tuple(Package(name, _version(name), role, remedy) for name, role, remedy in PACKAGES)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _platform() -> str:
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def found(facts: Facts, library: Any) -> tuple[Device, ...]:
    """All devices, and why there is none of a kind; `library` is what `nvml.start` returned."""
    seen = () if isinstance(facts.driver, Unavailable) else facts.driver.devices
    return (_device("cpu", facts), *(_device("cuda", facts, one, library) for one in seen),
            *([] if seen else [_device("cuda", facts)]), _device("mps", facts))


def _device(kind: str, facts: Facts, cuda: CudaDevice | None = None, library: Any = None) -> Device:
    index = cuda.index if cuda else 0
    stands = obstacle(kind, index, facts) or devices.trial(kind, index)
    if cuda is None:
        return Device(kind, stands)
    return Device(f"cuda:{index}", stands, cuda, _sensors(library, cuda))


def _sensors(library: Any, device: CudaDevice) -> Sensors | Unavailable:
    seen = nvml.monitor(library, device)
    return seen if isinstance(seen, Unavailable) else seen.sensors()
