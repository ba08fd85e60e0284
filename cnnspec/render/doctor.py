"""What `doctor` found: packages, the driver and devices, each with what it lacks and what it would take; or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cnnspec.environment import (
    CudaDevice,
    Device,
    Environment,
    Facts,
    Nvml,
    Obstacle,
    Package,
    Reading,
    Sensors,
    Torch,
    Unavailable,
)
from cnnspec.render import units
from cnnspec.render.layout import Line, Styled, folded
from cnnspec.render.snippet import visible

SCHEMA = "cnnspec.doctor/1"

#: Width of a line, of the names, of the versions of packages, and of what installs them.
_WIDTH, _NAMES, _VERSIONS, _REMEDIES = 80, 14, 20, 38
_PRESENT, _ABSENT = Styled("  ✓ ", "good"), Styled("  – ", "dim")
_GAP = Styled(" " * (len(_PRESENT.text) + _NAMES))


# ----------------------------------------------------------------------------------------------- table


def lines(found: Environment, width: int | None = None) -> Iterator[Line]:
    """The page for people, in 80 columns, or in fewer where there are not so many."""
    for line in _page(found):
        yield from folded(line, min(width or _WIDTH, _WIDTH))


def _page(found: Environment) -> Iterator[Line]:
    """All lines, as long as they are."""
    yield [Styled(f"cnnspec {found.cnnspec}", "bold"), Styled(f"  Python {found.python}  {visible(found.platform)}")]
    yield from _section("packages")
    for package in found.packages:
        yield from _package(package, found.facts)
    yield from _section("NVIDIA")
    yield from _nvidia(found.facts)
    yield from _section("devices")
    for device in found.devices:
        yield from _device(device, found)


def _section(title: str) -> Iterator[Line]:
    yield []
    yield [Styled(f"  {title}", "dim")]


def _package(package: Package, facts: Facts) -> Iterator[Line]:
    if package.name == "torch" and package.version:
        text = f"{package.version:<{_VERSIONS}}  {_build(facts)}"
        yield from _row(isinstance(facts.torch, Torch), package.name, text)
    elif package.version:
        yield from _row(True, package.name, package.version)
    else:
        yield from _row(False, package.name, f"{f'missing: {package.remedy}':<{_REMEDIES}}  {package.role}")


def _build(facts: Facts) -> str:
    """What PyTorch was built for."""
    build = facts.torch
    if isinstance(build, Unavailable):
        return build.why
    if build.rocm:
        return f"built for ROCm {build.rocm}"
    if not build.cuda:
        return "built for the CPU alone" if facts.system != "darwin" else "built for the CPU and MPS"
    return f"built for CUDA {build.cuda}, " + (f"without cuDNN ({build.cudnn.why})" if isinstance(
        build.cudnn, Unavailable) else f"cuDNN {build.cudnn}")


def _nvidia(facts: Facts) -> Iterator[Line]:
    """The driver and NVML."""
    driver, nvml = facts.driver, facts.nvml
    if isinstance(driver, Unavailable):
        yield from _row(False, "driver", driver.why)
        if facts.system != "darwin":
            yield from _aside("needs NVIDIA's driver, which brings libcuda and NVML")
    else:
        version = f"{nvml.driver}, " if isinstance(nvml, Nvml) else ""
        yield from _row(not driver.code, "driver", f"{version}runs CUDA up to {_dotted(driver.cuda)}"
                        + (f"; does not start: {driver.error}" if driver.code else ""))
    if isinstance(nvml, Unavailable):
        yield from _row(False, "NVML", nvml.why)
    else:
        split = f", {nvml.mig_gpus} of them in MIG mode, with {_plural(nvml.mig_instances, 'instance')}"
        yield from _row(True, "NVML", f"{nvml.version}, sees {_plural(nvml.gpus, 'GPU')}{split * (nvml.mig_gpus > 0)}")
    if facts.visible is not None:
        yield from _aside(f"CUDA_VISIBLE_DEVICES={facts.visible}")


def _device(device: Device, found: Environment) -> Iterator[Line]:
    """What a device is; why it cannot be used, and what that would take."""
    about = [*_cpu(found)] if device.name == "cpu" else _gpu(device.cuda) if device.cuda else []
    against = device.obstacle
    yield from _row(against is None, device.name, *about, *([against.why] if against else []),
                    *(["Apple's GPU"] if not about and against is None else []))
    if against is not None:
        for text in (*([f"needs {against.remedy}"] if against.remedy else []), *against.notes):
            yield from _aside(text)
    if device.sensors is not None:
        yield from _sensors(device.sensors)


def _cpu(found: Environment) -> Iterator[str]:
    cpu, build = found.cpu, found.facts.torch
    yield ", ".join([cpu.model, *([] if isinstance(cpu.memory, Unavailable) else [units.size(cpu.memory)])])
    counts = [_plural(count, what) for count, what in ((cpu.physical, "core"), (cpu.logical, "hardware thread"))
              if not isinstance(count, Unavailable)]
    if cpu.allowed != cpu.logical and not isinstance(cpu.allowed, Unavailable):
        counts.append(f"{cpu.allowed} of them open to this process")
    yield ", ".join(counts)
    if isinstance(build, Torch):
        yield f"PyTorch uses {_plural(build.threads, 'thread')}, {build.instructions} instructions"


def _gpu(device: CudaDevice) -> list[str]:
    return [f"{device.name}, {units.size(device.memory)}",
            f"compute capability {_dotted(device.capability)}, {device.multiprocessors} multiprocessors"]


def _sensors(sensors: Sensors | Unavailable) -> Iterator[Line]:
    """The readings that there are, then those that there are not, and why."""
    if isinstance(sensors, Unavailable):
        yield from _aside(f"NVML: {sensors.why}")
        return
    readings: tuple[tuple[str, Reading, int, str], ...] = (
        ("temperature", sensors.temperature, 1, "°C"), ("power limit", sensors.power_limit, 1000, "W"),
        ("power", sensors.power, 1000, "W"), ("energy counter", sensors.energy, 1000, "J"),
        ("SM clock", sensors.sm_clock, 1, "MHz"))
    mig = [] if isinstance(sensors.mig, Unavailable) else [f"MIG {'on' if sensors.mig else 'off'}"]
    there = [f"{name} {value / unit:,.0f} {sign}" for name, value, unit, sign in readings
             if not isinstance(value, Unavailable)]
    if not isinstance(sensors.slowdowns, Unavailable):
        there.append(f"clock limits: {', '.join(sensors.slowdowns) or 'none'}")
    yield from _aside(", ".join([*mig, *there]))
    for name, value in (*((name, value) for name, value, _, _ in readings), ("slowdowns", sensors.slowdowns)):
        if isinstance(value, Unavailable):
            yield from _aside(f"{name}: {value.why}")


def _row(there: bool, name: str, *texts: str) -> Iterator[Line]:
    """A name, and one text below the other beside it."""
    for at, text in enumerate(texts):
        before = [_GAP] if at else [_PRESENT if there else _ABSENT, Styled(name.ljust(_NAMES))]
        yield [*before, Styled(visible(text))]


def _aside(text: str) -> Iterator[Line]:
    """A remark below a row."""
    yield [_GAP, Styled(visible(text), "dim")]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


# ------------------------------------------------------------------------------------------------ JSON


def as_json(found: Environment) -> str:
    """The document `cnnspec.doctor/1`, which `docs/schema/doctor-1.json` describes."""
    return json.dumps({"schema": SCHEMA, **as_data(found)}, indent=2, ensure_ascii=False)


def as_data(found: Environment) -> dict[str, Any]:
    """The environment as JSON has it."""
    driver, nvml, build = found.facts.driver, found.facts.nvml, found.facts.torch
    return {
        "cnnspec": found.cnnspec, "python": found.python, "platform": found.platform,
        "packages": [{"name": one.name, "version": one.version or None, "role": one.role,
                      "needs": None if one.version else one.remedy} for one in found.packages],
        "torch": _value(build) if isinstance(build, Unavailable) else {
            "version": build.version, "cuda": build.cuda or None, "rocm": build.rocm or None,
            "cudnn": _value(build.cudnn), "architectures": list(build.architectures), "threads": build.threads,
            "instructions": build.instructions},
        "driver": _value(driver) if isinstance(driver, Unavailable) else {
            "cuda": _dotted(driver.cuda), "error": driver.error or None},
        "nvml": _value(nvml) if isinstance(nvml, Unavailable) else {
            "driver": nvml.driver, "version": nvml.version, "gpus": nvml.gpus, "mig_gpus": nvml.mig_gpus,
            "mig_instances": nvml.mig_instances},
        "cuda_visible_devices": found.facts.visible,
        "devices": [_device_data(device, found) for device in found.devices],
    }


def _device_data(device: Device, found: Environment) -> dict[str, Any]:
    data = {"device": device.name, "usable": device.obstacle is None, "obstacle": _obstacle(device.obstacle)}
    cpu, cuda = found.cpu, device.cuda
    if device.name == "cpu":
        data |= {"name": cpu.model, "memory_bytes": _value(cpu.memory), "cores": _value(cpu.physical),
                 "hardware_threads": _value(cpu.logical), "allowed_threads": _value(cpu.allowed)}
    if cuda is not None:
        data |= {"name": cuda.name, "uuid": cuda.uuid, "pci_bus": cuda.bus, "memory_bytes": cuda.memory,
                 "compute_capability": _dotted(cuda.capability), "multiprocessors": cuda.multiprocessors,
                 "sensors": _sensor_data(device.sensors)}
    return data


def _obstacle(found: Obstacle | None) -> dict[str, Any] | None:
    return None if found is None else {"why": found.why, "needs": found.remedy or None, "notes": list(found.notes)}


def _sensor_data(found: Sensors | Unavailable | None) -> object:
    if not isinstance(found, Sensors):
        return _value(found)
    return {"mig": _value(found.mig), "temperature_c": _value(found.temperature),
            "power_limit_mw": _value(found.power_limit), "power_mw": _value(found.power),
            "energy_mj": _value(found.energy), "sm_clock_mhz": _value(found.sm_clock),
            "slowdowns": _value(found.slowdowns)}


def _value(value: object) -> object:
    """A value, or an object that says why there is none: never a number that was not read."""
    if isinstance(value, Unavailable):
        return {"unavailable": value.why}
    return list(value) if isinstance(value, tuple) else value
