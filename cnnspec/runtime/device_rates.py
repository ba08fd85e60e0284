"""What is known of the device that runs: its calibration, else its datasheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.analysis.datasheets import find
from cnnspec.analysis.devices import Datasheet, DeviceProfile
from cnnspec.analysis.profile import Rates
from cnnspec.diagnostics import SpecError
from cnnspec.environment import Unavailable
from cnnspec.runtime.known_devices import known_device

if TYPE_CHECKING:
    import torch


def known(device: torch.device, title: str, dtype: str, threads: int) -> DeviceProfile | Datasheet | Unavailable:
    """The calibration of a device for a dtype (and threads, of a CPU), or the datasheet of its model."""
    try:
        return known_device(str(device), dtype, threads if device.type == "cpu" else None)
    except SpecError:
        sheet = find(title)
        if sheet is not None and dtype in sheet.peaks:
            return sheet
        option = "" if device.type == "cpu" else f" --device {device}"
        kind = "" if dtype == "float32" else f" --dtype {dtype}"
        able = f", {threads} thread{'s' if threads > 1 else ''}" if device.type == "cpu" else ""
        return Unavailable(f"this device is not calibrated for {dtype}{able}: `cnnspec calibrate{option}{kind}` "
                           "measures it")


def rates(device: DeviceProfile | Datasheet | Unavailable, dtype: str) -> Rates | Unavailable:
    """What a device can do at its best."""
    if isinstance(device, Unavailable):
        return device
    if isinstance(device, Datasheet):
        return Rates(device.peaks[dtype], device.bandwidth, f"datasheet of the {device.title}")
    return Rates(device.peak, device.copies[-1][1], "calibrated", device.doubt)
