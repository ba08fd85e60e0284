"""What a profile was measured with and on, as lines to read: versions, settings, and the state of the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnspec.render import units

Values = Mapping[str, object]


def lines(environment: Values) -> Iterator[tuple[str, list[str]]]:
    """Under each name what is known of it; what is not known is left out. The JSON of a profile has every value."""
    told = (("measured", _measured(environment)), ("PyTorch", _torch(environment)),
            ("processor", _processor(_part(environment, "cpu"))), ("device", _device(environment)),
            ("packages", _packages(environment)))
    for name, parts in told:
        found = [line for line in parts if line]
        if found:
            yield name, found


def date(environment: Values) -> str:
    """When it was measured: `2026-11-21 10:00:00 UTC`."""
    return _said("{}", environment.get("date")).replace("T", " ").replace("+00:00", " UTC")


def _measured(environment: Values) -> Iterator[str]:
    yield date(environment)
    yield _joined(_said("cnnspec {}", environment.get("cnnspec")), _said("Python {}", environment.get("python")),
                  _said("{}", environment.get("platform")))


def _torch(environment: Values) -> Iterator[str]:
    torch = _part(environment, "torch")
    built = _joined(_said("CUDA {}", torch.get("cuda")), _said("ROCm {}", torch.get("rocm")),
                    _said("cuDNN {}", torch.get("cudnn")))
    version = _said("{}", torch.get("version"))
    yield f"{version}, built for {built or 'the CPU'}" if version else ""
    yield _joined(_counted(environment.get("threads"), "thread"), _said("instructions {}", torch.get("instructions")))
    yield _joined(_switched("deterministic algorithms", environment.get("deterministic")),
                  _switched("cuDNN's benchmark", environment.get("cudnn_benchmark")))


def _processor(cpu: Values) -> Iterator[str]:
    yield _said("{}", cpu.get("model"))
    threads = _counted(cpu.get("logical"), "hardware thread")
    yield _joined(_counted(cpu.get("physical"), "core"), threads, _said("{:,} of them allowed", cpu.get("allowed")))
    memory, load = cpu.get("memory"), cpu.get("load")
    yield _joined(f"{units.size(memory)} of memory" if isinstance(memory, int) else "",
                  f"load {load:.1f} before" if isinstance(load, float) else "")


def _device(environment: Values) -> Iterator[str]:
    device = _part(environment, "device")
    model = _said("{}", device.get("name"))
    yield _joined("" if model == "cpu" else model, _said("driver {}", environment.get("driver")))
    memory, capability = device.get("memory"), device.get("capability")
    version = ".".join(map(str, capability)) if isinstance(capability, list | tuple) else ""
    yield _joined(f"{units.size(memory)} of memory" if isinstance(memory, int) else "",
                  _said("{:,} multiprocessors", device.get("multiprocessors")), _said("compute capability {}", version))
    yield from _sensors(_part(device, "sensors"))


def _sensors(sensors: Values) -> Iterator[str]:
    """What was read before anything ran."""
    power, limit, held = sensors.get("power"), sensors.get("power_limit"), sensors.get("slowdowns")
    draw = f"{power / 1000:,.0f} W" if isinstance(power, int) else ""
    most = f"limit {limit / 1000:,.0f} W" if isinstance(limit, int) else ""
    clock = _said("{:,} MHz", sensors.get("sm_clock"))
    yield _said("before the run {}", _joined(_said("{} °C", sensors.get("temperature")), draw, most, clock))
    yield f"clocks held down by {', '.join(map(str, held))}" if isinstance(held, list | tuple) and held else ""
    yield "an instance of a GPU that is split (MIG)" if sensors.get("mig") is True else ""


def _packages(environment: Values) -> Iterator[str]:
    yield _joined(*(_said(f"{name} {{}}", version) for name, version in _part(environment, "packages").items()
                    if name != "torch"))


# ------------------------------------------------------------------------------------------------ words


def _part(values: Values, name: str) -> Values:
    """What belongs under a name; nothing where it is not known."""
    found = values.get(name)
    return found if isinstance(found, Mapping) and "unavailable" not in found else {}


def _said(form: str, value: object) -> str:
    """A text or number in words; empty where it is not known."""
    return form.format(value) if isinstance(value, str | int | float) and value != "" else ""


def _counted(number: object, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}" if isinstance(number, int) else ""


def _switched(what: str, value: object) -> str:
    return f"{what} {'on' if value else 'off'}" if isinstance(value, bool) else ""


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))
