"""Calibration: what a device makes of the layers that CNNs consist of, measured in a short, fixed time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

import torch
from torch import fx

from cnnspec import files, net
from cnnspec.analysis.devices import Anchor, DeviceProfile, Point
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.prediction import predict
from cnnspec.analysis.tasks import task
from cnnspec.diagnostics import Diagnostic
from cnnspec.environment import NoDevice, Nvml
from cnnspec.net import Net
from cnnspec.record import Record
from cnnspec.runtime import nvml, processor
from cnnspec.runtime.gauges import Chain, Gauge, Lap, Whole, copies, product_of, sampled
from cnnspec.runtime.stopwatch import stopwatch, waiter

#: The chains of layers, and the networks whose whole is held against the sum of their layers.
PROBES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probes.cnn")
ANCHORS = ("resnet18", "mobilenet_v2")
#: Images at once: a GPU needs many to be busy, and for the most of them, bytes of memory.
BATCHES = {"cpu": (1, 8), "cuda": (1, 16, 128)}
_MEMORY_FOR_MOST = 24 << 30
#: Bytes of the tensors that are copied.
COPIES = (1 << 14, 1 << 17, 1 << 20, 1 << 22, 1 << 24, 1 << 27)
#: Rows of the matrices whose product gives the peak.
SIDES = {"cpu": 1024, "cuda": 4096}
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


def plan(device: torch.device, dtype: str, threads: int | None, seconds: float) -> Plan:
    """The whole calibration of a device, with as many threads as PyTorch takes where none are given.

    Raises `NoDevice` for a device, or a dtype, that cannot be calibrated.
    """
    if device.type not in BATCHES:
        raise NoDevice([Diagnostic("cannot-calibrate", f"{device.type} cannot be calibrated: its layers cannot be "
                                    "timed one by one", help="`--device cpu` or `--device cuda`")])
    if dtype not in _TORCH_DTYPES or (dtype == "tf32" and device.type != "cuda"):
        where = "PyTorch runs no convolutions in it" if dtype != "tf32" else "it is a mode of CUDA devices"
        raise NoDevice([Diagnostic("cannot-calibrate", f"{dtype} cannot be calibrated on {device.type}: {where}",
                                    help="`--dtype float32`")])
    batches = BATCHES[device.type]
    if device.type == "cuda" and torch.cuda.get_device_properties(device).total_memory < _MEMORY_FOR_MOST:
        batches = batches[:-1]
    taken = threads or torch.get_num_threads()
    return Plan(device, dtype, taken, seconds, tuple(files.nets_in(PROBES)), ANCHORS, batches)


def calibrate(wanted: Plan, told: Callable[[float], None] = lambda share: None) -> DeviceProfile:
    """Measure a device; `told` is given the share of the time that is gone.

    Raises `NoDevice` where the device cannot compute in the dtype, or has too little memory.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(wanted.threads)
    try:
        with torch.inference_mode(), precision(wanted.dtype), _current(wanted.device):
            return _measured(wanted, told)
    except (RuntimeError, NotImplementedError) as error:
        first = str(error).strip().partition("\n")[0]
        raise NoDevice([Diagnostic("cannot-calibrate", f"{wanted.device} does not compute in {wanted.dtype}: {first}")
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


def _current(device: torch.device) -> AbstractContextManager[object]:
    """A CUDA device as the current one, whose queue takes what names no device: events, and what holds it."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def _measured(wanted: Plan, told: Callable[[float], None]) -> DeviceProfile:
    device = wanted.device
    idle = net.parse(f"INPUT(8x1x1) -> [RELU6]*{_IDLE}")
    chains = [one for name in wanted.probes for one in _chains(net.load(f"{PROBES}:{name}"), wanted, wanted.batches)]
    anchors = [one for name in wanted.anchors for one in _chains(net.load(name), wanted, (1,))]
    side = SIDES[device.type]
    parts: dict[str, list[Gauge]] = {
        "idle": [one.gauge for one in _chains(idle, wanted, (1,))],
        "launch": [_whole(one, wanted) for one in _chains(idle, wanted, (1,))],
        "product": [Lap(product_of(side, device, _TORCH_DTYPES[wanted.dtype]), stopwatch(device))],
        "copies": [Lap(work, stopwatch(device)) for work in copies(COPIES, device)],
        "anchors": [_whole(one, wanted) for one in anchors],
        "chains": [one.gauge for one in chains],
        "wholes": [_whole(one, wanted) for one in chains if one.batch == 1],
    }
    samples = sampled([gauge for part in parts.values() for gauge in part], wanted.seconds, perf_counter, told=told)
    taken = iter(samples)
    seconds = {name: [next(taken).seconds for _ in part] for name, part in parts.items()}
    alone = [laps for one, laps in zip(chains, seconds["chains"], strict=True) if one.batch == 1]
    profile = DeviceProfile(
        device.type, _model(device), _driver(device), torch.__version__, wanted.dtype, wanted.threads,
        datetime.now(UTC).date().isoformat(), unrest=median(sample.unrest for sample in samples),
        launch=seconds["launch"][0][0] / _IDLE, gap=gap(seconds["wholes"], alone) if device.type == "cpu" else 0.0,
        shortest=min(seconds["idle"][0]), peak=2 * side**3 / seconds["product"][0][0],
        copies=tuple((2 * size, 2 * size / lap[0]) for size, lap in zip(COPIES, seconds["copies"], strict=True)),
        points=tuple(point for one, laps in zip(chains, seconds["chains"], strict=True)
                     for point in points(one.net, one.batch, wanted.dtype, one.gauge.layers, laps)),
    )
    return profile.replace(anchors=tuple(  # type: ignore[no-any-return]  # a record like itself
        Anchor(one.net.name, predict(one.net.summary(dtype=wanted.dtype), profile).seconds, whole[0])
        for one, whole in zip(anchors, seconds["anchors"], strict=True)))


def gap(wholes: Sequence[Sequence[float]], layers: Sequence[Sequence[float]]) -> float:
    """Seconds between two layers: what a chain takes beyond their sum, the median over all chains; never below 0."""
    return max(median((whole[0] - sum(laps)) / len(laps) for whole, laps in zip(wholes, layers, strict=True)), 0.0)


def points(of: Net, batch: int, dtype: str, layers: Sequence[int], seconds: Sequence[float]) -> Iterator[Point]:
    """A chain's layers as points, but for those that read its input, and views."""
    nodes = of.graph.nodes
    entering = set(of.graph.inputs.values())
    for layer, taken in zip(layers, seconds, strict=True):
        done = task(nodes[layer].op, batch, DTYPES[dtype])
        if done.kinds and not entering & set(nodes[layer].inputs):
            yield Point(done, taken)


class Measured(Record):
    """A network on the device, for a batch."""

    net: Net
    batch: int
    module: fx.GraphModule
    value: torch.Tensor
    gauge: Chain


def _chains(of: Net, wanted: Plan, batches: Sequence[int]) -> Iterator[Measured]:
    """A network's layers, for each batch; the module is one."""
    dtype = _TORCH_DTYPES[wanted.dtype]
    module = of.to_torch(device=wanted.device, dtype=dtype).eval()
    (index,) = of.graph.inputs.values()
    for batch in batches:
        value = torch.randn(batch, *of.graph.nodes[index].shape, device=wanted.device).to(dtype)
        yield Measured(of, batch, module, value, Chain(module, value, stopwatch(wanted.device)))


def _whole(one: Measured, wanted: Plan) -> Whole:
    return Whole(lambda: one.module(one.value), perf_counter, waiter(wanted.device))


def _model(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor.observe().model


def _driver(device: torch.device) -> str:
    found = nvml.observe(nvml.start()) if device.type == "cuda" else None
    return found.driver if isinstance(found, Nvml) else ""
