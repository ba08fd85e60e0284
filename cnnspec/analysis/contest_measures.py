"""What a contest has measured as measures of a lineup: latency, throughput, memory and energy, with their ratios."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnspec.analysis.comparison import Comparison
from cnnspec.analysis.contest import Contest, Heat
from cnnspec.analysis.energy import Energy
from cnnspec.analysis.latency import Interval, Latency
from cnnspec.analysis.lineup_measures import BYTES, HIGH, JOULES, LATENCY, LOW, RATE, SECONDS, Measure
from cnnspec.analysis.profile import NOT_ASKED, MemoryUse, Run
from cnnspec.environment import Unavailable

DEVICE_LATENCY, THROUGHPUT, MEMORY, ENERGY = "device_latency", "throughput", "measured_peak", "energy"

#: What is measured, by name, with what it counts.
MEASURED = {
    LATENCY: "seconds of one run of the batch, by the host's clock: the median",
    DEVICE_LATENCY: "seconds of one run of the batch as a CUDA graph, by the device's events: the median",
    THROUGHPUT: "images for each second of the latency, the device's with --cuda-graph",
    MEMORY: "most bytes that were in use in a run, as `cnnspec profile` has it",
    ENERGY: "joules that the device took for an image, idle power among them",
}

#: A number, or why there is none; and how many times that of the first one is, where that was measured.
_Value = float | int | str
_Ratio = Comparison | None


def measured(contest: Contest, order: Sequence[int] | None = None) -> tuple[Measure, ...]:
    """What was asked for, of the networks at these places of the contest, in this order (None: as they are).

    Ratios are to the first in this order, whoever was first in the contest. Memory is exact, and has no interval.
    """
    places = range(len(contest.runs)) if order is None else order
    runs = [contest.runs[place] for place in places]
    first = places[0]
    latencies = [run.latency for run in runs]
    replays = [run.device_latency for run in runs]
    found = [_latency(LATENCY, "latency, measured", latencies, runs, _ratios(contest.host, places))]
    if any(isinstance(replay, Latency) for replay in replays):
        found.append(_latency(DEVICE_LATENCY, "latency of a CUDA graph", replays, runs,
                              _ratios(contest.replays, places)))
    counted = replays if contest.options.cuda_graph else latencies
    found += [
        _throughput(counted, runs, [contest.comparison(place, first) for place in places]),
        Measure(MEMORY, "peak, measured", MEASURED[MEMORY], BYTES, LOW, *_told(runs, _peak)),
    ]
    if any(run.energy != NOT_ASKED and not run.failure for run in runs):
        ratios = [contest.energy(place, first) for place in places]
        found.append(Measure(
            ENERGY, "energy per image", MEASURED[ENERGY], JOULES, LOW, *_told(runs, _joules), (),
            tuple(map(_interval, ratios)), tuple(None if one is None else one.ratio for one in ratios)))
    return tuple(found)


def _latency(name: str, title: str, latencies: Sequence[Latency | Unavailable], runs: Sequence[Run],
             ratios: Sequence[_Ratio]) -> Measure:
    values = [one.why if isinstance(one, Unavailable) else one.median for one in latencies]
    return Measure(name, title, MEASURED[name], SECONDS, LOW, *_parted(runs, values),
                   tuple(None if isinstance(one, Unavailable) else one.interval for one in latencies),
                   tuple(map(_interval, ratios)), tuple(None if one is None else one.ratio for one in ratios))


def _throughput(latencies: Sequence[Latency | Unavailable], runs: Sequence[Run], ratios: Sequence[_Ratio]) -> Measure:
    """The longer the latency, the fewer images: ends of intervals change places."""
    images = runs[0].options.batch
    values = [one.why if isinstance(one, Unavailable) else images / one.median for one in latencies]
    return Measure(THROUGHPUT, "throughput", MEASURED[THROUGHPUT], RATE, HIGH, *_parted(runs, values),
                   tuple(None if isinstance(one, Unavailable) else Interval(images / one.high, images / one.low)
                         for one in latencies),
                   tuple(None if one is None else Interval(1 / one.high, 1 / one.low)
                         for one in map(_interval, ratios)),
                   tuple(None if one is None else 1 / one.ratio for one in ratios))


def _peak(run: Run) -> _Value:
    if not isinstance(run.memory, MemoryUse):
        return run.memory.why
    return run.memory.measured.why if isinstance(run.memory.measured, Unavailable) else run.memory.measured


def _joules(run: Run) -> _Value:
    if not isinstance(run.energy, Energy):
        return run.energy.why
    return run.energy.gross.why if isinstance(run.energy.gross, Unavailable) else run.energy.gross


def _told(runs: Sequence[Run], get: Callable[[Run], _Value]) -> tuple[tuple[float | int | None, ...], tuple[str, ...]]:
    return _parted(runs, [get(run) for run in runs])


def _parted(runs: Sequence[Run], values: Sequence[_Value]) -> tuple[tuple[float | int | None, ...], tuple[str, ...]]:
    """Values, and reasons for those that there are not; why a run was given up says more than that it was."""
    reasons = tuple((run.failure or value) if isinstance(value, str) else ""
                    for run, value in zip(runs, values, strict=True))
    return tuple(None if isinstance(value, str) else value for value in values), reasons if any(reasons) else ()


def _ratios(heat: Heat | Unavailable, places: Sequence[int]) -> list[_Ratio]:
    return [None if isinstance(heat, Unavailable) else heat.comparison(place, places[0]) for place in places]


def _interval(ratio: _Ratio) -> Interval | None:
    """None too where too few turns were taken for one."""
    return ratio.interval if ratio is not None and ratio.known else None
