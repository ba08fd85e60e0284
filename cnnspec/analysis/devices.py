"""What is known of a device: measured points of it, or the figures of its datasheet."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import exp, log, sqrt

from cnnspec.analysis.tasks import Task
from cnnspec.record import Record

#: Unrest from which a calibration is doubtful, and worth another try.
BUSY = 0.15


class Point(Record):
    """A task that was measured."""

    task: Task
    seconds: float


class Anchor(Record):
    """A whole network that was measured, beside the sum of what the points say of its layers; seconds."""

    net: str
    predicted: float
    measured: float


class DeviceProfile(Record):
    """What `cnnspec calibrate` has measured of a device, for one dtype and number of threads."""

    #: What PyTorch calls such devices: `cpu`, `cuda`, `mps`.
    kind: str
    #: The model: `AMD EPYC 9654`.
    device: str
    #: Of the GPU; empty where there is none.
    driver: str
    torch: str
    dtype: str
    #: Threads of the processor that one operator uses.
    threads: int
    #: `2026-11-21`.
    date: str
    #: How much more runs took in their upper quartile than in their lower one: some 0.02 where nothing else runs.
    unrest: float
    #: Seconds from one layer's call to the next where the layers do next to nothing.
    launch: float
    #: Seconds between two layers in which the device waits for the host; 0 where the host runs ahead.
    gap: float
    #: Seconds of the shortest task.
    shortest: float
    #: FLOP/s of a large matrix product.
    peak: float
    #: Bytes per second, read and written, of copies of so many bytes, by size.
    copies: tuple[tuple[int, float], ...]
    points: tuple[Point, ...]
    anchors: tuple[Anchor, ...] = ()

    @property
    def factor(self) -> float:
        """What the whole takes for each second of its layers: the geometric mean of the anchors."""
        return exp(_mean(self._ratios))

    @property
    def discord(self) -> float:
        """How far the anchors stand from their mean, as a logarithm (root mean square)."""
        middle = _mean(self._ratios)
        return sqrt(_mean([(ratio - middle) ** 2 for ratio in self._ratios]))

    @property
    def _ratios(self) -> list[float]:
        return [log(anchor.measured / anchor.predicted) for anchor in self.anchors]

    @property
    def disturbed(self) -> bool:
        """Whether something else ran while it was measured."""
        return self.unrest > BUSY

    @property
    def doubt(self) -> str:
        """What a disturbed calibration has seen, in words; empty for one that was not disturbed."""
        if not self.disturbed:
            return ""
        said = f"the same runs took {self.unrest:.0%} longer at times"
        if not self.anchors:
            return said
        worst = max(self.anchors, key=lambda anchor: abs(log(anchor.measured / anchor.predicted)))
        return f"{said}, and {worst.net} {worst.measured / worst.predicted:.2f} times as long as all its layers"

    def bandwidth(self, size: int) -> float:
        """Bytes per second where so many are moved: between two measured sizes, along a line of logarithms."""
        sizes = [moved for moved, _ in self.copies]
        at = bisect_left(sizes, size)
        if at in {0, len(sizes)}:
            return self.copies[max(at - 1, 0)][1]
        (small, slow), (large, fast) = self.copies[at - 1], self.copies[at]
        share = log(size / small) / log(large / small)
        return float(slow * (fast / slow) ** share)

    def ideal(self, of: Task) -> float:
        """Seconds of a task that is launched, then computed at the peak, then moved at full bandwidth."""
        return self.shortest + 2 * of.macs / self.peak + of.bytes / self.bandwidth(of.bytes)


class Datasheet(Record):
    """What the maker says of a device."""

    #: As `--device` takes it: `h100-pcie`; and further names.
    name: str
    aliases: tuple[str, ...]
    title: str
    #: FLOP/s by dtype, without sparsity.
    peaks: Mapping[str, float]
    #: Bytes per second, and the bytes of the last cache.
    bandwidth: float
    cache: int
    multiprocessors: int
    #: What of it no datasheet confirms; empty where all is sure.
    unconfirmed: str = ""


def _mean(numbers: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(numbers) / len(numbers) if numbers else 0.0
