"""`cnnspec doctor`: what it prints of machines that are made up, and of this one; and the exit codes of devices."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner

from cnnspec.cli import group
from cnnspec.cli.options import fail
from cnnspec.diagnostics import SpecError
from cnnspec.environment import (
    Cpu,
    CudaDevice,
    Device,
    Driver,
    Environment,
    Facts,
    NoDevice,
    Nvml,
    Obstacle,
    Package,
    Sensors,
    Torch,
    Unavailable,
)
from cnnspec.render import doctor as page
from cnnspec.render.console import plain
from cnnspec.runtime import devices, doctor
from tests.layers.oracle import needs_torch

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/doctor-1.json").read_text(encoding="utf-8"))

CPU = Cpu("AMD EPYC 9654", 96, 192, 16, 1 << 40)
H200 = CudaDevice(0, "NVIDIA H200", "d3b0", "00000000:1B:00.0", 150 << 30, (9, 0), 132)
SENSORS = Sensors(mig=False, temperature=31, power_limit=700_000, power=76_500, energy=9_876_543, sm_clock=345,
                  slowdowns=("idle",))
SPLIT = Sensors(mig=True, temperature=31, power_limit=700_000, power=Unavailable("MIG: of the whole GPU"),
                energy=Unavailable("MIG: of the whole GPU"), sm_clock=345,
                slowdowns=Unavailable("the driver is too old"))
BUILD = Torch("2.13.0+cu130", "13.0", cudnn="9.12.0", threads=96, instructions="AVX512")
NVML = Nvml("580.65.06", "13.580.65.06", 2, 1, 3)
NO_MPS = Device("mps", Obstacle("MPS is Apple's: it is on macOS alone", "a Mac"))
SERVER = Environment(
    "0.1.0", "3.11.7", "Linux 6.8 x86_64",
    (Package("torch", "2.13.0+cu130", "modules", "x"),
     Package("pandas", "", "`to_frame`", "pip install 'cnnspec[pandas]'")),
    Facts("linux", BUILD, Driver((13, 0), (H200,)), NVML, "0"), CPU,
    (Device("cpu", None), Device("cuda:0", None, H200, SENSORS), NO_MPS))
BARE = SERVER.replace(
    packages=(Package("torch", "", "modules", "pip install 'cnnspec[torch]'"),),
    facts=Facts("linux", Unavailable("PyTorch is not installed"), Unavailable("libcuda.so.1 is not found"),
                Unavailable("pynvml is not installed")),
    cpu=Cpu("x", 1, 1, 1, Unavailable("untold")),
    devices=(Device("cpu", Obstacle("PyTorch is not installed", "PyTorch")),
             Device("cuda", Obstacle("PyTorch is not installed", "PyTorch", ("there is no driver either",))), NO_MPS))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(group, ["doctor", *arguments])


def shown(found: Environment) -> list[str]:
    return [line.rstrip("\n") for line in plain(page.lines(found))]


def test_a_server_with_a_gpu() -> None:
    assert shown(SERVER) == [
        "cnnspec 0.1.0  Python 3.11.7  Linux 6.8 x86_64",
        "",
        "  packages",
        "  ✓ torch         2.13.0+cu130          built for CUDA 13.0, cuDNN 9.12.0",
        "  – pandas        missing: pip install 'cnnspec[pandas]'  `to_frame`",
        "",
        "  NVIDIA",
        "  ✓ driver        580.65.06, runs CUDA up to 13.0",
        "  ✓ NVML          13.580.65.06, sees 2 GPUs, 1 of them in MIG mode, with 3",
        "                  instances",
        "                  CUDA_VISIBLE_DEVICES=0",
        "",
        "  devices",
        "  ✓ cpu           AMD EPYC 9654, 1.0 TiB",
        "                  96 cores, 192 hardware threads, 16 of them open to this",
        "                  process",
        "                  PyTorch uses 96 threads, AVX512 instructions",
        "  ✓ cuda:0        NVIDIA H200, 150.0 GiB",
        "                  compute capability 9.0, 132 multiprocessors",
        "                  MIG off, temperature 31 °C, power limit 700 W, power 76 W,",
        "                  energy counter 9,877 J, SM clock 345 MHz, clock limits: idle",
        "  – mps           MPS is Apple's: it is on macOS alone",
        "                  needs a Mac",
    ]


def test_a_machine_with_nothing() -> None:
    assert shown(BARE)[2:] == [
        "  packages",
        "  – torch         missing: pip install 'cnnspec[torch]'   modules",
        "",
        "  NVIDIA",
        "  – driver        libcuda.so.1 is not found",
        "                  needs NVIDIA's driver, which brings libcuda and NVML",
        "  – NVML          pynvml is not installed",
        "",
        "  devices",
        "  – cpu           x",
        "                  1 core, 1 hardware thread",
        "                  PyTorch is not installed",
        "                  needs PyTorch",
        "  – cuda          PyTorch is not installed",
        "                  needs PyTorch",
        "                  there is no driver either",
        "  – mps           MPS is Apple's: it is on macOS alone",
        "                  needs a Mac",
    ]


def with_gpu(sensors: Sensors | Unavailable, obstacle: Obstacle | None = None) -> Environment:
    gpu = Device("cuda:0", obstacle, H200, sensors)
    changed: Environment = SERVER.replace(devices=(Device("cpu", None), gpu, NO_MPS))
    return changed


def test_readings_that_there_are_not_say_why() -> None:
    lines = shown(with_gpu(SPLIT))
    assert "                  MIG on, temperature 31 °C, power limit 700 W, SM clock 345 MHz" in lines
    assert "                  power: MIG: of the whole GPU" in lines
    assert "                  energy counter: MIG: of the whole GPU" in lines
    assert "                  slowdowns: the driver is too old" in lines
    assert "                  NVML: no permission" in shown(with_gpu(Unavailable("no permission")))


def test_a_gpu_that_is_seen_and_cannot_be_used() -> None:
    lines = shown(with_gpu(SENSORS, Obstacle("PyTorch fails on it: busy")))
    assert lines[lines.index("  – cuda:0        NVIDIA H200, 150.0 GiB") + 2] == (
        "                  PyTorch fails on it: busy")


@pytest.mark.parametrize(("facts", "said"), [
    (Facts("linux", Torch("2.13.0+cpu")), "built for the CPU alone"),
    (Facts("darwin", Torch("2.13.0")), "built for the CPU and MPS"),
    (Facts("linux", Torch("2.13.0", rocm="7.0")), "built for ROCm 7.0"),
    (Facts("linux", Torch("2.13.0", "13.0", cudnn=Unavailable("other version"))), "without cuDNN (other version)"),
    (Facts("linux", Unavailable("PyTorch does not import (broken)")), "PyTorch does not import (broken)"),
])
def test_what_pytorch_is_built_for(facts: Facts, said: str) -> None:
    assert said in " ".join(" ".join(shown(SERVER.replace(facts=facts))).split())


def test_a_driver_that_does_not_start() -> None:
    facts = SERVER.facts.replace(driver=Driver((13, 0), code=803, error="MISMATCH"), nvml=Unavailable("x"))
    assert "  – driver        runs CUDA up to 13.0; does not start: MISMATCH" in shown(SERVER.replace(facts=facts))


def test_a_mac_is_not_told_to_get_a_driver() -> None:
    facts = Facts("darwin", Torch("2.13.0"), Unavailable("NVIDIA has no CUDA driver for darwin"), Unavailable("none"))
    lines = shown(SERVER.replace(facts=facts, devices=(Device("cpu", None), Device("mps", None))))
    assert not any("brings libcuda" in line for line in lines)
    assert lines[-1] == "  ✓ mps           Apple's GPU"


@pytest.mark.parametrize("found", [SERVER, BARE, with_gpu(SPLIT), with_gpu(Unavailable("x"), Obstacle("busy"))])
def test_every_line_fits_and_every_document_is_of_its_schema(found: Environment) -> None:
    assert all(len(line) <= 80 for line in shown(found))
    jsonschema.validate(json.loads(page.as_json(found)), SCHEMA)


def test_a_reading_that_there_is_not_is_a_reason_and_never_null() -> None:
    document = json.loads(page.as_json(with_gpu(SPLIT)))
    sensors = document["devices"][1]["sensors"]
    assert sensors["energy_mj"] == {"unavailable": "MIG: of the whole GPU"}
    assert sensors["temperature_c"] == 31
    assert json.loads(page.as_json(BARE))["torch"] == {"unavailable": "PyTorch is not installed"}
    sensors["energy_mj"] = None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


# ---------------------------------------------------------------------------------------- this machine


def test_the_command_reports_and_exits_with_0() -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert result.output.startswith("cnnspec ")
    assert all(len(line) <= 80 for line in result.output.splitlines())
    assert {line.split()[1] for line in result.output.splitlines() if line.startswith(("  ✓", "  –"))} >= {
        "click", "rich", "torch", "driver", "NVML", "cpu", "mps"}


def test_the_document_of_this_machine() -> None:
    result = run("--format", "json")
    document = json.loads(result.output)
    jsonschema.validate(document, SCHEMA)
    assert result.exit_code == 0
    assert document["packages"][0]["version"]
    assert [document["devices"][place]["device"] for place in (0, -1)] == ["cpu", "mps"]


def test_without_torch_it_works_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run("--format", "json")
    document = json.loads(result.output)
    jsonschema.validate(document, SCHEMA)
    assert (result.exit_code, document["torch"]) == (0, {"unavailable": "PyTorch is not installed"})
    assert [one["usable"] for one in document["devices"]] == [False] * len(document["devices"])


@needs_torch
def test_with_torch_the_processor_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.examine().devices[0] == Device("cpu", None)
    monkeypatch.setattr(devices, "trial", lambda kind, index: Obstacle("PyTorch fails on it: broken"))
    assert doctor.examine().devices[0].obstacle == Obstacle("PyTorch fails on it: broken")


@needs_torch
def test_every_device_of_the_driver_is_listed_with_its_own_sensors(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.runtime.test_nvml import READINGS, FakeNvml

    two = Driver((13, 0), (H200, H200.replace(index=1, uuid="d3b1")))
    monkeypatch.setattr(devices, "trial", lambda kind, index: None)
    library = FakeNvml(**{**READINGS, "nvmlDeviceGetHandleByUUID": lambda uuid: uuid})
    found = doctor.found(Facts("linux", BUILD, two, NVML), library)
    assert [(one.name, one.obstacle is None) for one in found] == [
        ("cpu", True), ("cuda:0", True), ("cuda:1", True), ("mps", False)]
    assert isinstance(found[2].sensors, Sensors)
    assert ("nvmlDeviceGetPowerUsage", b"GPU-d3b1") in library.asked
    assert doctor.found(Facts("linux", BUILD, two, NVML), Unavailable("none"))[1].sensors == Unavailable("none")


def test_what_is_installed_has_its_version() -> None:
    found = {package.name: package for package in doctor.packages()}
    assert found["click"].version
    assert {package.name for package in found.values() if not package.remedy or not package.role} == set()


# ------------------------------------------------------------------------------------------ exit codes


@pytest.mark.parametrize(("name", "code", "exit_code"), [("cuda:1", "no-device", 3), ("gpu", "unknown-device", 2)])
def test_devices_have_exit_codes_of_their_own(name: str, code: str, exit_code: int, monkeypatch: pytest.MonkeyPatch
                                              ) -> None:
    facts = Facts("linux", Torch("2.13.0+cpu"))
    monkeypatch.setattr(devices, "observe", lambda cuda: facts)

    @click.command()
    def command() -> None:
        try:
            devices.select(name)
        except SpecError as error:
            fail(error)

    result = CliRunner().invoke(command)
    assert (result.exit_code, f"error[{code}]" in result.output) == (exit_code, True)


def test_a_device_error_is_a_spec_error_that_every_command_catches() -> None:
    assert issubclass(NoDevice, SpecError)
