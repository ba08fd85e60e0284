"""The device that `--device` names for a prediction: a stored profile, a file, or a row of the table; without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import metadata

from cnnspec.analysis.datasheets import DATASHEETS, find, fold
from cnnspec.analysis.devices import Datasheet, DeviceProfile
from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.environment import NoDevice, Unavailable
from cnnspec.runtime import driver, processor, profile_files

#: Names of this machine's devices, and of whichever of them was calibrated last.
THIS, OWN = "this", ("this", "cpu", "cuda")


def known_device(name: str, dtype: str, threads: int | None = None) -> DeviceProfile | Datasheet:
    """The newest profile that fits, or a datasheet.

    `name` is `this`, `cpu`, `cuda`, `cuda:1`, a file, the model of a device that was calibrated, or a name of
    the built-in table. Raises `SpecError` for an unknown name or file, `NoDevice` where nothing was calibrated for the
    dtype and the threads.
    """
    if name.endswith(".json") or os.sep in name or os.path.isfile(name):
        return profile_files.read(name)
    kind, _, number = name.partition(":")
    stored = [profile for _, profile in profile_files.load_all()]
    if kind in OWN and (not number or number.isdecimal()):
        own = [profile for profile in stored
               if kind in {THIS, profile.kind} and profile.device in models(profile.kind, number)]
        if not own:
            option = "" if kind in {THIS, "cpu"} else f" --device {name}"
            raise NoDevice([Diagnostic("no-profile", f"no calibration of `{name}` is stored",
                                        help=f"`cnnspec calibrate{option}` measures it in two minutes")])
        return chosen(own, dtype, threads)
    named = [profile for profile in stored if fold(profile.device) == fold(name)]
    if named:
        return chosen(named, dtype, threads)
    sheet = find(name)
    if sheet is None:
        raise _unknown(name, stored)
    return sheet


def models(kind: str, number: str = "") -> list[str]:
    """The models of this machine's devices of a kind, or of the one of a number."""
    if kind != "cuda":
        return [processor.observe().model]
    seen = driver.observe()
    devices = () if isinstance(seen, Unavailable) else seen.devices
    return [device.name for device in devices if not number or device.index == int(number)]


def chosen(profiles: Sequence[DeviceProfile], dtype: str, threads: int | None) -> DeviceProfile:
    """Of one device's profiles, the newest first, the one to use: of the PyTorch that is installed, where there is one.

    Raises `NoDevice` where there is none for the dtype, or for the number of threads.
    """
    first = profiles[0]
    fitting = [profile for profile in profiles if profile.dtype == dtype]
    if not fitting:
        there = ", ".join(dict.fromkeys(profile.dtype for profile in profiles))
        raise NoDevice([Diagnostic("no-dtype", f"{first.device} was calibrated for {there}, not for {dtype}",
                                    help=f"`cnnspec calibrate --device {first.kind} --dtype {dtype}`")])
    able = [profile for profile in fitting if threads in {None, profile.threads}]
    if not able:
        there = ", ".join(map(str, sorted({profile.threads for profile in fitting})))
        raise NoDevice([Diagnostic("no-profile", f"{first.device} was calibrated with {there} threads, not {threads}",
                                    help=f"`cnnspec calibrate --device {first.kind} --threads {threads}`")])
    return next((profile for profile in able if profile.torch == installed_torch()), able[0])


def installed_torch() -> str:
    """The version of PyTorch, from its metadata; empty where there is none."""
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return ""


def _unknown(name: str, stored: Sequence[DeviceProfile]) -> SpecError:
    calibrated = list(dict.fromkeys(profile.device for profile in stored))
    sheets = [sheet.name for sheet in DATASHEETS]
    match = closest(name, [*OWN, *calibrated, *sheets, *(alias for sheet in DATASHEETS for alias in sheet.aliases)])
    notes = (f"the table has {', '.join(sheets)}",
             f"calibrated {'are ' + ', '.join(calibrated) if calibrated else 'is none yet'}: `cnnspec calibrate`")
    return SpecError([Diagnostic("unknown-device", f"there is no device `{name}`", notes=notes,
                                 help=f"did you mean `{match}`?" if match else "")])
