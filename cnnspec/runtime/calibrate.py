"""Calibration: what a device makes of the layers that CNNs consist of, measured in a short, fixed time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter

import torch
from torch import fx

from cnnspec import files, net
from cnnspec.analysis.devices import Anchor, DeviceProfile, Point
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.prediction import predict
from cnnspec.analysis.tasks import task
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.environment import Nvml
from cnnspec.net import Net
from cnnspec.record import Record
from cnnspec.runtime import nvml, processor
from cnnspec.runtime.gauges import Chain, Gauge, Lap, Whole, copies, medians, product_of
from cnnspec.runtime.stopwatch import stopwatch, waiter

#: The chains of layers, and the networks whose whole is held against the sum of their layers.
PROBES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probes.cnn")
ANCHORS = ("resnet18", "mobilenet_v2")
#: Images at once; a GPU needs many to be busy.
BATCHES = {"cpu": (1, 8), "cuda": (1, 16, 128)}
#: Bytes of the tensors that are copied.
COPIES = (1 << 14, 1 << 17, 1 << 20, 1 << 22, 1 << 24, 1 << 27)
#: Rows of the matrices whose product gives the peak.
SIDES = {"cpu": 1024, "cuda": 8192}
#: Layers of the chain that does nothing.
_IDLE = 32
_TORCH_DTYPES = {"float64": torch.float64, "float32": torch.float32, "tf32": torch.float32, "float16": torch.float16,
                 "bfloat16": torch.bfloat16}


class Plan(Record):
    """What to measure, and for how long."""

    device: torch.device
    dtype: str = "float32"
    threads: int = 1
    seconds: float = 60.0
    probes: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ANCHORS
    batches: tuple[int, ...] = (1,)


def plan(device: torch.device, dtype: str, threads: int, seconds: float) -> Plan:
    """The whole calibration of a device; raises `SpecError` for one, or a dtype, that cannot be calibrated."""
    if device.type not in BATCHES:
        raise SpecError([Diagnostic("cannot-calibrate", f"{device.type} cannot be calibrated: its layers cannot be "
                                    "timed one by one", help="`--device cpu` or `--device cuda`")])
    if dtype not in _TORCH_DTYPES or (dtype == "tf32" and device.type != "cuda"):
        where = "PyTorch runs no convolutions in it" if dtype != "tf32" else "it is a mode of CUDA devices"
        raise SpecError([Diagnostic("cannot-calibrate", f"{dtype} cannot be calibrated on {device.type}: {where}",
                                    help="`--dtype float32`")])
    return Plan(device, dtype, threads, seconds, tuple(files.nets_in(PROBES)), ANCHORS, BATCHES[device.type])


def calibrate(wanted: Plan, told: Callable[[float], None] = lambda share: None) -> DeviceProfile:
    """Measure a device; `told` is given the share of the time that is gone.

    Raises `SpecError` where the device cannot compute in the dtype, or has too little memory.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(wanted.threads)
    try:
        with torch.inference_mode(), precision(wanted.dtype):
            return _measured(wanted, told)
    except (RuntimeError, NotImplementedError) as error:
        first = str(error).strip().partition("\n")[0]
        raise SpecError([Diagnostic("cannot-calibrate", f"{wanted.device} does not compute in {wanted.dtype}: {first}")
                         ]) from error
    finally:
        torch.set_num_threads(before)


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """TF32 in matrix products and convolutions for `tf32`, and for no other dtype."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = dtype == "tf32"
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


def _measured(wanted: Plan, told: Callable[[float], None]) -> DeviceProfile:
    device, wait = wanted.device, waiter(wanted.device)
    idle = net.parse(f"INPUT(8x1x1) -> [RELU6]*{_IDLE}")
    nets = [net.load(f"{PROBES}:{name}") for name in wanted.probes]
    modules = [_module(one, wanted) for one in nets]
    chains = [(one, batch, _chain(one, module, batch, wanted))
              for one, module in zip(nets, modules, strict=True) for batch in wanted.batches]
    anchors = [net.load(name) for name in wanted.anchors]
    side = SIDES[device.type]
    gauges: list[Gauge] = [
        _whole(idle, wanted), _chain(idle, _module(idle, wanted), 1, wanted),
        Lap(product_of(side, device, _TORCH_DTYPES[wanted.dtype]), stopwatch(device)),
        *(Lap(work, stopwatch(device)) for work in copies(COPIES, device)),
        *(_whole(one, wanted) for one in anchors), *(chain for _, _, chain in chains),
    ]
    launch, shortest, product, *rest = medians(gauges, wanted.seconds, perf_counter, told=told)
    copied, whole, laps = rest[:len(COPIES)], rest[len(COPIES):][:len(anchors)], rest[len(COPIES) + len(anchors):]
    profile = DeviceProfile(
        device.type, _model(device), _driver(device), torch.__version__, wanted.dtype, wanted.threads,
        datetime.now(UTC).date().isoformat(),
        launch=launch[0] / _IDLE, shortest=min(shortest), peak=2 * side**3 / product[0],
        copies=tuple((2 * size, 2 * size / taken[0]) for size, taken in zip(COPIES, copied, strict=True)),
        points=tuple(point for (one, batch, chain), taken in zip(chains, laps, strict=True)
                     for point in points(one, batch, wanted.dtype, chain.layers, taken)),
    )
    wait()
    return profile.replace(anchors=tuple(  # type: ignore[no-any-return]  # a record like itself
        Anchor(one.name, predict(one.summary(dtype=wanted.dtype), profile).seconds, taken[0])
        for one, taken in zip(anchors, whole, strict=True)))


def points(of: Net, batch: int, dtype: str, layers: Sequence[int], seconds: Sequence[float]) -> Iterator[Point]:
    """A chain's layers as points, but for those that read its input, and views."""
    nodes = of.graph.nodes
    entering = set(of.graph.inputs.values())
    for layer, taken in zip(layers, seconds, strict=True):
        done = task(nodes[layer].op, batch, DTYPES[dtype])
        if done.kinds and not entering & set(nodes[layer].inputs):
            yield Point(done, taken)


def _module(of: Net, wanted: Plan) -> fx.GraphModule:
    return of.to_torch(device=wanted.device, dtype=_TORCH_DTYPES[wanted.dtype]).eval()


def _input(of: Net, batch: int, wanted: Plan) -> torch.Tensor:
    (index,) = of.graph.inputs.values()
    return torch.randn(batch, *of.graph.nodes[index].shape, device=wanted.device).to(_TORCH_DTYPES[wanted.dtype])


def _chain(of: Net, module: fx.GraphModule, batch: int, wanted: Plan) -> Chain:
    return Chain(module, _input(of, batch, wanted), stopwatch(wanted.device))


def _whole(of: Net, wanted: Plan) -> Whole:
    module, value = _module(of, wanted), _input(of, 1, wanted)
    return Whole(lambda: module(value), perf_counter, waiter(wanted.device))


def _model(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor.observe().model


def _driver(device: torch.device) -> str:
    found = nvml.observe(nvml.start()) if device.type == "cuda" else None
    return found.driver if isinstance(found, Nvml) else ""
