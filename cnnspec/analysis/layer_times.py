"""What each layer of a run took, from time stamps between the layers: `runtime.stamps` takes them.

The time between two stamps belongs to what began at the first of them. No time is left over, so that the parts of a run
add up to the whole of it, and so does a mean of runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from cnnspec.record import Record

#: The phases of a run: a layer's forward and backward pass, and what is done beside the layers.
FORWARD, BACKWARD, ASIDE = "forward", "backward", "aside"


#: What begins at a stamp: its phase, and the layer's index; aside from the layers, what it is: `call`, `loss`, …
Mark = tuple[str, int | str]

#: What takes the stamps: the host, if need be waiting for the device at each; CUDA's events, in a graph or given to the
#: device ahead of time.
HOST, WAITING, GRAPH, EVENTS = "host clock", "host clock, waiting for the device", "CUDA graph", "CUDA events"

_Key = TypeVar("_Key")

#: Behind the last stamp nothing begins.
END: Mark = (ASIDE, "end")


class Trace(Record):
    """The parts of one run, in seconds."""

    #: By layer, as far as it ran. Inputs are given, and take nothing.
    forward: Mapping[int, float]
    #: By layer, as far as autograd keeps something of it that it runs backwards.
    backward: Mapping[int, float]
    #: What is no layer: `call` is the way into the module and out of it.
    aside: Mapping[str, float]
    #: From the first stamp to the last one.
    whole: float
    #: What took the stamps.
    clock: str = HOST


class LayerTimes(Record):
    """The parts of a typical run with time stamps, in seconds: the mean of the central half of some runs."""

    forward: Mapping[int, float]
    backward: Mapping[int, float]
    aside: Mapping[str, float]
    #: Of the runs with stamps.
    whole: float
    #: How many runs there were, and how many of them the means are of.
    runs: int
    kept: int
    #: What took the stamps.
    clock: str = HOST
    #: A typical run without stamps between the layers, made in turn with the others; None where none was made.
    plain: float | None = None

    @property
    def overhead(self) -> float | None:
        """What the stamps cost, in seconds; below 0 where chance is larger than that."""
        return None if self.plain is None else self.whole - self.plain

    @property
    def layers(self) -> dict[int, float]:
        """Forward and backward together, by layer; a layer that did not run is not among them."""
        return {index: seconds + self.backward.get(index, 0.0) for index, seconds in self.forward.items()}

    @property
    def total(self) -> float:
        """The sum of all parts, which is `whole` but for rounding."""
        return sum(self.forward.values()) + sum(self.backward.values()) + sum(self.aside.values())


def trace(marks: Sequence[Mark], times: Sequence[float], inputs: Iterable[int] = (),
          clock: str = HOST) -> Trace:
    """The parts of a run from its stamps, in order: what begins at each, and when. `inputs` take no time."""
    found: dict[str, dict[Any, float]] = {FORWARD: dict.fromkeys(inputs, 0.0), BACKWARD: {}, ASIDE: {}}
    for (phase, what), begin, end in zip(marks[:-1], times[:-1], times[1:], strict=True):
        found[phase][what] = found[phase].get(what, 0.0) + end - begin
    return Trace(found[FORWARD], found[BACKWARD], found[ASIDE], times[-1] - times[0], clock)


def typical(traces: Sequence[Trace], plain: Sequence[Trace] = ()) -> LayerTimes:
    """The mean of the central half of the runs by their whole, of all of them below four.

    A mean of whole runs keeps the sum: medians, taken layer by layer, would not. What disturbs a run makes it long, so
    that the half in the middle is without it. `plain` are runs without stamps between the layers.
    """
    kept, bare = central(traces), central(plain)
    return LayerTimes(_means([run.forward for run in kept]), _means([run.backward for run in kept]),
                      _means([run.aside for run in kept]), _mean(kept), len(traces), len(kept), kept[0].clock,
                      _mean(bare) if bare else None)


def central(traces: Sequence[Trace]) -> list[Trace]:
    """The half of the runs whose whole lies in the middle; all of fewer than four."""
    ordered = sorted(traces, key=lambda run: run.whole)
    aside = len(ordered) // 4
    return ordered[aside:len(ordered) - aside]


def _mean(traces: Sequence[Trace]) -> float:
    return sum(run.whole for run in traces) / len(traces)


def _means(parts: Sequence[Mapping[_Key, float]]) -> dict[_Key, float]:
    """The mean of each part; one that a run has not took nothing in it."""
    sums: dict[_Key, float] = {}
    for one in parts:
        for key, seconds in one.items():
            sums[key] = sums.get(key, 0.0) + seconds
    return {key: seconds / len(parts) for key, seconds in sums.items()}
