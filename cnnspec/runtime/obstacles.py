"""Why a device cannot be used: from the observed facts to the reason and the remedy, and to nothing else."""

from __future__ import annotations

from cnnspec.environment import Driver, Facts, Nvml, Obstacle, Torch, Unavailable

INSTALL_TORCH = "`pip install 'cnnspec[torch]'`"
INSTALL_CUDA = "a build of PyTorch with CUDA: pytorch.org, Get Started, names the command"
INSTALL_DRIVER = "NVIDIA's driver; in a container, a runtime that passes GPUs on (`--gpus all`)"

#: The oldest drivers that run a CUDA of each generation: within one, every driver runs every minor version
#: (NVIDIA, CUDA Compatibility, "Minor Version Compatibility").
OLDEST_DRIVERS = {11: 450, 12: 525, 13: 580}

#: Results of `cuInit` (CUDA Driver API, `CUresult`): no device, which has many causes, and those with one remedy.
_NO_DEVICE = 100
_REMEDIES = {
    34: f"{INSTALL_DRIVER}; the libcuda that is found is the stub for building programs",
    304: "permission to use /dev/nvidia*",
    802: "NVIDIA's fabric manager: it must run before GPUs that are joined by NVSwitch can be used",
    803: "a restart: libcuda and the kernel driver have different versions",
    804: "libcuda of the installed driver: the one for forward compatibility serves data-centre GPUs alone",
    999: "a restart, or `nvidia_uvm` loaded anew: the driver may be lost after a suspension",
}


def obstacle(kind: str, index: int, facts: Facts) -> Obstacle | None:
    """Why a device cannot be used, from what was observed alone; None where nothing stands against it."""
    if kind == "mps" and facts.system != "darwin":
        return Obstacle("MPS is Apple's: it is on macOS alone", "a Mac with Apple silicon")
    if kind == "cuda" and facts.system == "darwin":
        return Obstacle("there is no CUDA for macOS", "`mps`, on Apple silicon")
    if isinstance(facts.torch, Unavailable):
        return Obstacle(facts.torch.why, INSTALL_TORCH, _no_driver_either(facts) if kind == "cuda" else ())
    if kind == "cuda":
        return _against_cuda(index, facts.torch, facts)
    return _against_mps(facts.torch) if kind == "mps" else None


def _against_mps(build: Torch) -> Obstacle | None:
    if build.mps_available:
        return None
    if not build.mps_built:
        return Obstacle(f"PyTorch {build.version} is built without MPS", "a build of PyTorch for Apple silicon")
    return Obstacle("macOS offers no GPU to MPS", "macOS 14 or newer, on a Mac with Apple silicon")


def _against_cuda(index: int, build: Torch, facts: Facts) -> Obstacle | None:
    """The first thing that is wrong on the way from PyTorch's build to the device."""
    found = facts.driver
    if not build.cuda:
        return _without_cuda(build, facts)
    if isinstance(found, Unavailable):
        return Obstacle(f"there is no NVIDIA driver ({found.why})", INSTALL_DRIVER)
    if found.code not in (0, _NO_DEVICE):
        return Obstacle(f"the driver does not start ({found.error})", _REMEDIES.get(found.code, ""))
    if found.cuda[0] < _major(build.cuda):
        return _too_old(build, found, facts.nvml)
    if not found.devices:
        return _none_visible(facts.visible, facts.nvml)
    if index >= len(found.devices):
        return _no_such(index, len(found.devices), facts.visible)
    device = found.devices[index]
    if not runs_on(device.capability, build.architectures):
        return Obstacle(f"PyTorch {build.version} has no kernels for {device.name} (compute capability "
                        f"{'.'.join(map(str, device.capability))}); it is built for {', '.join(build.architectures)}",
                        "a build of PyTorch for this GPU: an older one for an old GPU, a newer one for a new GPU")
    return None


def _without_cuda(build: Torch, facts: Facts) -> Obstacle:
    what = f"AMD's ROCm {build.rocm}, and `cuda` is for NVIDIA's GPUs" if build.rocm else "the CPU alone"
    return Obstacle(f"PyTorch {build.version} is built for {what}", INSTALL_CUDA, _no_driver_either(facts))


def _no_driver_either(facts: Facts) -> tuple[str, ...]:
    """The next thing that would be missing."""
    return (f"there is no NVIDIA driver either ({facts.driver.why})",) if isinstance(facts.driver, Unavailable) else ()


def _too_old(build: Torch, found: Driver, seen: Nvml | Unavailable) -> Obstacle:
    major = _major(build.cuda)
    version = f"driver {seen.driver}" if isinstance(seen, Nvml) else "the driver"
    oldest = f" ({OLDEST_DRIVERS[major]} or newer)" if major in OLDEST_DRIVERS else ""
    return Obstacle(f"{version} runs CUDA up to {found.cuda[0]}.{found.cuda[1]}, and PyTorch {build.version} is built "
                    f"for CUDA {build.cuda}",
                    f"a newer driver{oldest}, or a build of PyTorch for CUDA {found.cuda[0]}")


def _none_visible(visible: str | None, seen: Nvml | Unavailable) -> Obstacle:
    """The driver works and shows no device: CUDA_VISIBLE_DEVICES, MIG, or there is none."""
    gpus = seen.gpus if isinstance(seen, Nvml) else None
    setting = () if visible is None else (f"CUDA_VISIBLE_DEVICES is `{visible}`",)
    if gpus == 0:
        return Obstacle("the driver finds no GPU", "an NVIDIA GPU", setting)
    if isinstance(seen, Nvml) and seen.mig_gpus and not hides_all(visible):
        split = f"MIG is enabled on {seen.mig_gpus} of {_plural(seen.gpus, 'GPU')}, and "
        if not seen.mig_instances:
            return Obstacle(split + "no instance is made",
                            "an instance (`nvidia-smi mig -cgi PROFILE -C`), or MIG disabled", setting)
        return Obstacle(split + f"this process sees none of the instances ({seen.mig_instances})",
                        "CUDA_VISIBLE_DEVICES=MIG-…, with the name of an instance that `nvidia-smi -L` lists", setting)
    if visible is not None:
        left = "no GPU" if gpus is None else f"none of {_plural(gpus, 'GPU')}"
        return Obstacle(f"CUDA_VISIBLE_DEVICES is `{visible}`, which leaves {left}",
                        "the variable unset, or the number of a GPU in it")
    return Obstacle("the driver shows no GPU", "an NVIDIA GPU; in a container, one that is passed on (`--gpus all`)")


def _no_such(index: int, count: int, visible: str | None) -> Obstacle:
    there = "one CUDA device, `cuda:0`" if count == 1 else f"{count} CUDA devices, `cuda:0` to `cuda:{count - 1}`"
    notes = () if visible is None else (f"CUDA_VISIBLE_DEVICES is `{visible}`, and they are numbered in its order",)
    return Obstacle(f"there is no number {index}: this process sees {there}", notes=notes)


def hides_all(visible: str | None) -> bool:
    """Whether CUDA_VISIBLE_DEVICES names nothing: CUDA reads up to the first entry that is no number and no UUID."""
    if visible is None:
        return False
    first = visible.split(",")[0].strip()
    return not first[:1].isdecimal() and not first.startswith(("GPU-", "MIG-"))


def runs_on(capability: tuple[int, int], architectures: tuple[str, ...]) -> bool:
    """Whether a GPU runs a build: binaries (`sm_86`) run on later minor versions, PTX (`compute_90`) on all later ones.

    A suffix, as in `sm_90a`, binds the code to that one version. A build that names none is believed.
    """
    for name in architectures:
        kind, _, text = name.partition("_")
        digits = text.rstrip("af")
        built = (int(digits[:-1]), int(digits[-1]))
        if (built == capability if text.endswith("a") else
                built <= capability and (kind == "compute" or built[0] == capability[0])):
            return True
    return not architectures


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
