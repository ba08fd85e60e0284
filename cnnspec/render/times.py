"""Predicted times as columns, and the lines that say what they rest on."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.devices import Datasheet
from cnnspec.analysis.prediction import COMPUTE, LAUNCH, MEMORY, Prediction
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.columns import Column, Value
from cnnspec.render.layout import Line, Styled, folded

#: What is said of a network that has an input alone.
IDLE = "nothing to compute"


def time_columns(found: Prediction) -> tuple[Column, Column]:
    """The columns `time` and `bound` of a prediction, for a summary of the same network."""
    costs = {layer.index: layer.cost for layer in found.layers}

    def seconds(summary: Summary, row: Row) -> Value:
        return sum(costs[index].seconds for index in row.indices if index in costs) or None

    def bound(summary: Summary, row: Row) -> Value:
        shares = dict.fromkeys((COMPUTE, MEMORY, LAUNCH), 0.0)
        for index in row.indices:
            if index in costs:
                shares[costs[index].bound] += costs[index].seconds
        return max(shares, key=lambda name: shares[name]) if any(shares.values()) else None

    return (Column("time", "time", "seconds, predicted for the batch", seconds, _duration, shared=True),
            Column("bound", "bound by", "what most of the time goes into", bound, left=True))


def _duration(value: Value) -> str:
    return units.duration(value) if isinstance(value, float) else ""


def verdict(found: Prediction) -> Iterator[Line]:
    """The whole, its range, and what it rests on."""
    if found.images_per_second is None:
        yield [Styled(f"  {IDLE}")]
        return
    whole, rate = units.duration(found.seconds), units.rate(found.images_per_second)
    if found.high is None:
        yield [Styled("  latency "), Styled(f"at least {whole}", "bold"), Styled(f"   at most {rate} images/s")]
    else:
        between = f"{units.duration(found.low)} to {units.duration(found.high)}"
        yield [Styled("  latency "), Styled(whole, "bold"), Styled(f"   {between}   {rate} images/s")]
    yield [Styled(f"  bound by {', '.join(_shares(found))}")]


def about(found: Prediction, width: int | None = None) -> Iterator[Line]:
    """The whole, and below it what it rests on; None for `width` is as wide as it needs."""
    for line in (*verdict(found), *([Styled(f"  {sentence}", "dim")] for sentence in basis(found))):
        yield from folded(line, width)


def _shares(found: Prediction) -> Iterator[str]:
    """The share of the time that is bound by each, the largest first."""
    sums = {name: sum(layer.cost.seconds for layer in found.layers if layer.cost.bound == name)
            for name in (COMPUTE, MEMORY, LAUNCH)}
    for name, seconds in sorted(sums.items(), key=lambda item: -item[1]):
        if seconds:
            yield f"{name} {seconds / found.seconds:.0%}"


def basis(found: Prediction) -> Iterator[str]:
    """What a prediction rests on, and what is not known of it; a sentence each."""
    device = found.device
    if isinstance(device, Datasheet):
        yield f"bound: the roofline of the {device.title}'s datasheet; layer by layer, no run is faster"
        if device.unconfirmed:
            yield f"unconfirmed: {device.unconfirmed}"
        return
    software = ", ".join([f"PyTorch {device.torch}", *([f"driver {device.driver}"] if device.driver else []),
                          f"{device.threads} thread{'s' if device.threads > 1 else ''}"])
    yield f"calibrated: {device.device}, {software}, {units.dtype(device.dtype)}, {device.date}"
    if device.disturbed:
        yield f"disturbed when it was calibrated: {device.doubt}; `cnnspec calibrate` again when nothing else runs"
    yield "range: two standard deviations, as layers that were measured differ from what the others say of them"
    most = max((point.task.images for point in device.points), default=1)
    if found.batch > most:
        yield f"of images, layers were measured with at most {most} at once: for {found.batch} this is extrapolated"
    if found.unmeasured:
        yield f"no layer was measured that is like {', '.join(found.unmeasured)}: their time is the ideal one"
