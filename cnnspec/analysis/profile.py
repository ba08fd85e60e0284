"""What running a network has shown: latency, memory, energy and the time of each layer, run by run."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.analysis.energy import Energy
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.layer_times import LayerTimes
from cnnspec.analysis.memory import Memory
from cnnspec.analysis.summary import Summary
from cnnspec.environment import Reading, Unavailable
from cnnspec.record import Record

#: A figure that a device may not give.
Figure = float | Unavailable
#: Stands for figures that nobody wanted.
NOT_ASKED = Unavailable("not asked for")


class Options(Record):
    """How a network is run."""

    mode: str = "inference"
    #: Images at once.
    batch: int = 1
    #: What tensors hold; `tf32` is float32 whose products may be rounded to TF32.
    dtype: str = "float32"
    #: Whether float32 tensors remain, and operators choose (`torch.autocast`).
    autocast: bool = False
    channels_last: bool = False
    #: Whether `torch.compile` has made the module.
    compiled: bool = False
    #: Whether runs are replays of a CUDA graph.
    cuda_graph: bool = False
    #: Whether the caches of the device are cleared before each run.
    cold: bool = False
    #: In training.
    optimizer: str = "momentum"


class MemoryUse(Record):
    """Memory at the peak of a run, predicted and measured; bytes."""

    #: What the rules say; unavailable where the options change what is kept (autocast, compile).
    predicted: Memory | Unavailable
    #: Where operators have just ended, on a CPU; what CUDA's allocator has given out at most, on CUDA.
    measured: Reading
    #: Workspaces: on a CPU, what operators take and give back inside, beyond `measured`; on CUDA, what libraries keep,
    #: as a part of `measured`.
    workspace: Reading
    #: What CUDA's allocator has taken of the device.
    reserved: Reading
    #: What NVML says that the process uses of the device, CUDA's context among it.
    process: Reading

    @property
    def difference(self) -> float | None:
        """Measured against predicted: 0.01 is 1 % more; None where there is not both."""
        if isinstance(self.predicted, Unavailable) or isinstance(self.measured, Unavailable):
            return None
        return self.measured / self.predicted.peak - 1


class LayerRun(Record):
    """One layer in a run; seconds, for the whole batch."""

    index: int
    path: str
    op: str
    seconds: float
    #: Of `seconds`, what is the backward pass; 0 in inference.
    backward: float
    #: Of the instrumented whole.
    share: float
    #: Achieved: FLOP/s, and bytes per second; of the forward pass alone in training.
    flops_rate: float
    bandwidth: float
    #: Achieved FLOP/s as a part of the device's peak; None where that is not known.
    of_peak: float | None
    #: `compute`, `memory` or `launch`; empty where nothing is known of the device.
    bound: str
    #: What `predict` says; None where it says nothing (training, a device that is not known).
    predicted: float | None


class Rates(Record):
    """What the device could do, and by whose word."""

    #: FLOP/s for the dtype, and bytes per second.
    peak: float
    bandwidth: float
    #: `calibrated`, or `datasheet of the H200`.
    source: str
    #: What speaks against the calibration; empty for nothing.
    doubt: str = ""


class Run(Record):
    """One network under one set of options. What could not be measured says why."""

    options: Options
    #: By the host's clock, around a run that is waited for.
    latency: Latency | Unavailable
    #: By the device's events around a replayed CUDA graph; CUDA alone.
    device_latency: Latency | Unavailable
    memory: MemoryUse | Unavailable
    energy: Energy | Unavailable
    times: LayerTimes | Unavailable
    layers: tuple[LayerRun, ...] = ()
    #: MACs counted twice and the rest, for one image of the forward pass.
    flops: int = 0
    rates: Rates | Unavailable = Unavailable("nothing is known of this device")
    #: Seconds that `predict` says, with its range; None where it says nothing.
    predicted: tuple[float, float, float | None] | None = None
    #: Why the run was given up: `out of memory: …`; empty where it was not.
    failure: str = ""

    @property
    def throughput(self) -> float | None:
        """Images per second, at the median of the latency that counts."""
        seconds = self.seconds
        return None if not seconds else self.options.batch / seconds

    @property
    def counted(self) -> Latency | Unavailable:
        """The latency that counts: the device's with a CUDA graph, else the host's."""
        return self.device_latency if self.options.cuda_graph else self.latency

    @property
    def seconds(self) -> float | None:
        """Its median."""
        return None if isinstance(self.counted, Unavailable) else self.counted.median

    @property
    def complete(self) -> bool:
        """Whether that latency is known as well as it could be: nothing broke it off."""
        return isinstance(self.counted, Latency) and not self.counted.interrupted

    @property
    def flops_rate(self) -> float | None:
        """Achieved FLOP/s; a backward pass counts as two forward passes (of the same products)."""
        seconds = self.seconds
        passes = 3 if self.options.mode == "training" else 1
        return None if not seconds else passes * self.flops * self.options.batch / seconds

    @property
    def of_peak(self) -> float | None:
        """Achieved FLOP/s as a part of the device's peak."""
        rate = self.flops_rate
        return None if rate is None or isinstance(self.rates, Unavailable) else rate / self.rates.peak

    @property
    def launch_bound(self) -> float | None:
        """How much longer the host takes than the device: above 1.2 the device waits for the host; None: not known."""
        if isinstance(self.latency, Unavailable) or isinstance(self.device_latency, Unavailable):
            return None
        return self.latency.median / self.device_latency.median


#: From this ratio of host to device on, a run is said to be launch-bound.
LAUNCH_BOUND = 1.2


class Sweep(Record):
    """What `--batch auto` has found."""

    #: The smallest batch that reaches nearly the best throughput, and the largest that fits; None: not found.
    saturated: int | None
    largest: int | None


class Profile(Record):
    """All runs of one network on one device."""

    net: str
    source: str
    device: str
    #: The device's model, as it is shown: `NVIDIA H200`.
    device_name: str
    #: Versions, settings and state of the machine, by name: what one needs to measure the same again.
    environment: Mapping[str, object]
    #: The analysis that the layers are folded by, at the batch of the first run.
    summary: Summary
    runs: tuple[Run, ...]
    sweep: Sweep | None = None
    #: Whether it was broken off.
    interrupted: bool = False
