"""Predicted times as JSON and CSV have them, in seconds."""

from __future__ import annotations

from typing import Any

from cnnspec.analysis.devices import Datasheet, DeviceProfile
from cnnspec.analysis.prediction import Estimate, Prediction


def whole(found: Prediction) -> dict[str, Any]:
    """The time of the whole network, and the device."""
    return {"basis": found.basis, "time_s": found.seconds, "low_s": found.low, "high_s": found.high,
            "images_per_second": found.images_per_second, "unmeasured": list(found.unmeasured),
            "device": _device(found.device)}


def _device(device: DeviceProfile | Datasheet) -> dict[str, Any]:
    if isinstance(device, Datasheet):
        return {"name": device.title, "unconfirmed": device.unconfirmed or None}
    return {"name": device.device, "kind": device.kind, "driver": device.driver or None, "torch": device.torch,
            "threads": device.threads, "date": device.date, "doubt": device.doubt or None}


def layer_time(layer: Estimate) -> dict[str, Any]:
    """The time of one layer."""
    return {"time_s": layer.cost.seconds, "low_s": layer.low, "high_s": layer.high, "bound": layer.cost.bound,
            "kind": layer.cost.kind or None}
