"""What a measurement was made in, for whoever wants to make it again: versions, settings, the state of the machine."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import torch

from cnnspec.environment import Environment, Unavailable
from cnnspec.record import Record
from cnnspec.runtime.doctor import examine


def surroundings(device: torch.device) -> dict[str, Any]:
    """By name, ready for JSON; what cannot be had is `{"unavailable": why}`."""
    found = examine()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cnnspec": found.cnnspec,
        "python": found.python,
        "platform": found.platform,
        "packages": {package.name: package.version for package in found.packages if package.version},
        "torch": plain(found.facts.torch),
        "cpu": {**plain(found.cpu), "load": load()},
        "device": accelerator(found, device),
        "driver": driver(found, device),
        "threads": torch.get_num_threads(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def name(device: torch.device, environment: dict[str, Any]) -> str:
    """The device's model, as it is shown."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return str(environment["cpu"]["model"]) or str(device)


def accelerator(found: Environment, device: torch.device) -> dict[str, Any]:
    """The device that is no CPU, with what its sensors told before anything ran; of a CPU, its name alone."""
    title = f"cuda:{device.index or 0}" if device.type == "cuda" else device.type
    for one in found.devices:
        if one.name == title and one.cuda is not None:
            return {"name": title, **plain(one.cuda), "sensors": plain(one.sensors)}
    return {"name": title}


def driver(found: Environment, device: torch.device) -> Any:
    """NVIDIA's driver, where the device is of its; None for others."""
    if device.type != "cuda":
        return None
    seen = found.facts.nvml
    return plain(seen) if isinstance(seen, Unavailable) else seen.driver


def load() -> float | None:
    """Processes that ran or waited for a core, on average of the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def plain(value: Any) -> Any:
    """A record as what JSON has."""
    if isinstance(value, Unavailable):
        return {"unavailable": value.why}
    if isinstance(value, Record):
        return {field: plain(getattr(value, field)) for field in value._fields}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value
