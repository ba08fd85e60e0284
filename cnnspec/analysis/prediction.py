"""How long a network takes on a device: estimated from measured points, or bounded by what a datasheet says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import exp, sqrt

from cnnspec.analysis.devices import Datasheet, DeviceProfile
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.regression import Regression
from cnnspec.analysis.summary import Summary
from cnnspec.analysis.tasks import Task, task
from cnnspec.diagnostics import Diagnostic
from cnnspec.environment import NoDevice
from cnnspec.record import Record

#: What a layer's time is bound by, and what a prediction rests on.
COMPUTE, MEMORY, LAUNCH = "compute", "memory", "launch"
CALIBRATED, BOUND = "calibrated", "bound"


class Cost(Record):
    """What a task takes. A bound has no spread: it may take any longer."""

    seconds: float
    #: The longest of the three: computing at the peak, moving at full bandwidth, being launched.
    bound: str
    #: How far off it may be, as a logarithm (one standard deviation); None for a bound.
    spread: float | None = None
    #: The kind of measured layers that it was judged by; empty where there are none.
    kind: str = ""


class Estimate(Record):
    """The time of one layer, for the whole batch."""

    index: int
    path: str
    op: str
    cost: Cost

    @property
    def low(self) -> float:
        """Seconds, two standard deviations below."""
        return self.cost.seconds * exp(-2 * (self.cost.spread or 0))

    @property
    def high(self) -> float | None:
        """Seconds, two standard deviations above; None for a bound."""
        return None if self.cost.spread is None else self.cost.seconds * exp(2 * self.cost.spread)


class Prediction(Record):
    """The time of one inference of a whole network: seconds, for the whole batch."""

    net: str
    source: str
    batch: int
    dtype: str
    device: DeviceProfile | Datasheet
    layers: tuple[Estimate, ...]
    seconds: float
    low: float
    #: None for a bound.
    high: float | None

    @property
    def basis(self) -> str:
        """`CALIBRATED` or `BOUND`."""
        return BOUND if self.high is None else CALIBRATED

    @property
    def images_per_second(self) -> float | None:
        """Throughput; of a bound, the most there can be; None where there is nothing to compute."""
        return self.batch / self.seconds if self.seconds else None

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Keywords of layers that nothing of their kind was measured for."""
        missing = (layer.op for layer in self.layers if not layer.cost.kind and layer.cost.seconds)
        return tuple(dict.fromkeys(missing)) if self.basis == CALIBRATED else ()


def predict(summary: Summary, device: DeviceProfile | Datasheet) -> Prediction:
    """The time of one inference, layer by layer, for the summary's batch and dtype.

    Raises `NoDevice` where the device's figures are for other dtypes.
    """
    require(device, summary.dtype)
    costs = _calibrated(device) if isinstance(device, DeviceProfile) else _bound(device, summary.dtype)
    known: dict[Task, Cost] = {}
    counts: Counter[Task] = Counter()
    layers = []
    for layer in summary.layers:
        if layer.runs and layer.node.inputs:
            of = task(layer.node.op, summary.batch, DTYPES[summary.dtype])
            if of not in known:
                known[of] = costs(of)
            counts[of] += 1
            layers.append(Estimate(layer.index, layer.path, layer.op, known[of]))
    whole = sum(layer.cost.seconds for layer in layers)
    low, high = whole, None
    if isinstance(device, DeviceProfile):
        spread = _spread([(known[of], count) for of, count in counts.items()], whole, device.discord)
        low, high = whole * exp(-2 * spread), whole * exp(2 * spread)
    source = summary.graph.span.source.name
    return Prediction(summary.name, source, summary.batch, summary.dtype, device, tuple(layers), whole, low, high)


def require(device: DeviceProfile | Datasheet, dtype: str) -> None:
    """Raise `NoDevice` where nothing is known of a dtype: another one's figures never stand in."""
    if isinstance(device, DeviceProfile):
        if device.dtype != dtype:
            raise NoDevice([Diagnostic(
                "no-dtype", f"this profile of {device.device} is for {device.dtype}, not {dtype}",
                help=f"`--dtype {device.dtype}`, or on that device `cnnspec calibrate --device {device.kind} "
                     f"--dtype {dtype}`")])
    elif dtype not in device.peaks:
        raise NoDevice([Diagnostic(
            "no-dtype", f"the datasheet of the {device.title} gives no peak for {dtype}",
            help=f"it has {', '.join(device.peaks)}")])


def _calibrated(profile: DeviceProfile) -> Callable[[Task], Cost]:
    """Estimates from measured points. A view is its call alone; nothing is faster than its launch."""
    regression = Regression(profile)
    factor = profile.factor

    def cost(of: Task) -> Cost:
        terms = {COMPUTE: 2 * of.macs / profile.peak, MEMORY: of.bytes / profile.bandwidth(of.bytes),
                 LAUNCH: max(profile.launch, profile.shortest + profile.gap)}
        if not of.kinds:
            return Cost(profile.launch * factor, LAUNCH, 0.0, "view")
        guess = regression.guess(of)
        seconds = max(guess.seconds + profile.gap, profile.launch)
        return Cost(seconds * factor, _longest(terms), guess.spread, guess.kind)

    return cost


def _bound(sheet: Datasheet, dtype: str) -> Callable[[Task], Cost]:
    """The roofline (Williams, Waterman and Patterson, CACM 2009).

    No layer takes less than its arithmetic at the peak, or than its bytes at the memory's bandwidth, save those that a
    cache keeps.
    """

    def cost(of: Task) -> Cost:
        terms = {COMPUTE: 2 * of.macs / sheet.peaks[dtype], MEMORY: of.bytes / sheet.bandwidth}
        return Cost(max(terms.values()), _longest(terms))

    return cost


def _longest(terms: dict[str, float]) -> str:
    return max(terms, key=lambda name: terms[name])


def _spread(costs: Sequence[tuple[Cost, int]], whole: float, discord: float) -> float:
    """How far off the whole may be, as a logarithm: layers that are alike err together, others independently."""
    if not whole:
        return discord
    variance = sum((count * cost.seconds * (cost.spread or 0)) ** 2 for cost, count in costs)
    return sqrt(variance / whole**2 + discord**2)
