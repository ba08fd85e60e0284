"""The choice of a device: the one that was asked for, or the reason why not; never another one in its stead."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.environment import Facts, NoDevice, Obstacle, Torch, Unavailable
from cnnspec.runtime import driver, nvml
from cnnspec.runtime.obstacles import obstacle

if TYPE_CHECKING:
    import torch

KINDS = ("cpu", "cuda", "mps")


def select(text: str) -> torch.device:
    """The device that `--device` names: `cpu`, `cuda` (the first), `cuda:1`, `mps`.

    Raises `NoDevice` for one that cannot be used here, with the reason, and `SpecError` for an unknown name.
    """
    kind, index = parse(text)
    found = obstacle(kind, index, observe(cuda=kind == "cuda")) or trial(kind, index)
    if found is not None:
        raise NoDevice([Diagnostic("no-device", f"`{text}` cannot be used: {found.why}", notes=found.notes,
                                   help=found.remedy)])
    import torch

    return torch.device(kind, index) if kind == "cuda" else torch.device(kind)


def parse(text: str) -> tuple[str, int]:
    """The kind and the number in a device's name; raises `SpecError` for a name that there is not."""
    kind, colon, number = text.strip().partition(":")
    if kind in KINDS and not colon:
        return kind, 0
    if kind == "cuda" and number.isascii() and number.isdecimal() and len(number) <= 4:
        return kind, int(number)
    match = "cuda" if kind.lower() == "gpu" else closest(kind, KINDS)
    raise SpecError([Diagnostic("unknown-device", f"there is no device `{text}`: devices are `cpu`, `cuda`, `cuda:1` "
                                "and so on, `mps`", help=f"`{match}`" if match else "")])


def trial(kind: str, index: int = 0) -> Obstacle | None:
    """What PyTorch says when it computes something on a device; None where that works."""
    import torch

    try:
        torch.ones(1, device=torch.device(kind, index)).add(1).item()
    except (RuntimeError, AssertionError) as error:
        return Obstacle(f"PyTorch fails on it: {str(error).strip().partition(chr(10))[0]}")
    return None


def observe(*, cuda: bool = True) -> Facts:
    """The facts of this machine; those of CUDA only where they are asked for."""
    if not cuda:
        return Facts(sys.platform, _torch())
    return Facts(sys.platform, _torch(), driver.observe(), nvml.observe(nvml.start()),
                 os.environ.get("CUDA_VISIBLE_DEVICES"))


def _torch() -> Torch | Unavailable:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: of a library that it is linked with
        absent = isinstance(error, ModuleNotFoundError) and error.name == "torch"
        return Unavailable("PyTorch is not installed" if absent else f"PyTorch does not import ({error})")
    try:
        number = torch.backends.cudnn.version()
        cudnn = Unavailable("not part of this build") if number is None else cudnn_version(number)
    except RuntimeError as error:  # another version is loaded than it was built with
        cudnn = Unavailable(str(error))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that CUDA does not start is said in our own words
        architectures = tuple(torch.cuda.get_arch_list())
    return Torch(torch.__version__, torch.version.cuda or "", torch.version.hip or "", cudnn, architectures,
                 torch.backends.mps.is_built(), torch.backends.mps.is_available(), torch.get_num_threads(),
                 torch.backends.cpu.get_cpu_capability())


def cudnn_version(number: int) -> str:
    """`9.12.0` from 91200, `8.9.2` from 8902: the numbering changed with version 9 (cudnn_version.h)."""
    step = 10_000 if number >= 90_000 else 1000
    return f"{number // step}.{number % step // 100}.{number % 100}"
