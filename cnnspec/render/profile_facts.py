"""What is said of a run beside its layers: how it was made, latency, throughput, memory, energy; as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cnnspec.analysis.contest import Contest
from cnnspec.analysis.energy import COUNTER, Energy, Figure
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.profile import LAUNCH_BOUND, MemoryUse, Options, Profile, Rates, Run
from cnnspec.analysis.summary import Summary
from cnnspec.environment import Reading, Unavailable
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.memory import OPTIMIZER_TITLES, PARTS, peak_place


class Fact(Record):
    """What is known under a name, the most important first; a line each."""

    name: str
    lines: tuple[str, ...]


def is_cuda(found: Profile | Contest) -> bool:
    """Whether NVIDIA's tools know the device."""
    return found.device.startswith("cuda")


# --------------------------------------------------------------------------------------------- the whole


def setting(found: Profile | Contest) -> Iterator[str]:
    """The device, the versions and the options, in a few words each; the batch where there is only one."""
    environment = found.environment
    yield found.device_name
    yield from _versions(environment, cuda=is_cuda(found))
    runs = found.runs
    if runs:
        options = runs[0].options
        yield _dtype(options, cuda=is_cuda(found))
        if len({run.options.batch for run in runs}) == 1:
            yield f"batch {options.batch}"
        yield "channels last" if options.channels_last else "channels first"
        yield f"training with {OPTIMIZER_TITLES.get(options.optimizer, options.optimizer)}" \
            if options.mode == "training" else options.mode
        yield from _how(options)
    threads = environment.get("threads")
    if not is_cuda(found) and isinstance(threads, int):
        yield f"{threads} thread{'s' if threads != 1 else ''}"


def _versions(environment: Mapping[str, object], *, cuda: bool) -> Iterator[str]:
    torch = environment.get("torch")
    if isinstance(torch, Mapping) and "version" in torch:
        yield f"torch {torch['version']}"
        if cuda and torch.get("cuda"):
            yield f"CUDA {torch['cuda']}"
    if cuda and isinstance(environment.get("driver"), str):
        yield f"driver {environment['driver']}"


def _dtype(options: Options, *, cuda: bool) -> str:
    """The element type, and what products are rounded to where that is another one."""
    name = units.dtype(options.dtype)
    if options.autocast:
        return f"autocast to {name}"
    if options.dtype == "tf32":
        return "fp32 (TF32 on)"
    return f"{name} (TF32 off)" if cuda and options.dtype == "float32" else name


def _how(options: Options) -> Iterator[str]:
    for given, word in ((options.compiled, "torch.compile"), (options.cuda_graph, "CUDA graph"),
                        (options.cold, "cold caches")):
        if given:
            yield word


def found_by(found: Profile) -> Iterator[str]:
    """What `--batch auto` has found."""
    if found.sweep is None:
        return
    saturated, largest = found.sweep.saturated, found.sweep.largest
    yield "no batch was found that saturates throughput" if saturated is None else (
        f"throughput saturates at batch {saturated:,}")
    yield "the largest batch that fits was not found" if largest is None else (
        f"the largest batch that fits is {largest:,}")


# ---------------------------------------------------------------------------------------------- one run


def facts(found: Profile, run: Run) -> Iterator[Fact]:
    """All facts of a run, in the order of the page."""
    yield Fact("latency", tuple(_latency(found, run)))
    if run.throughput is not None:
        yield Fact("throughput", tuple(_throughput(run)))
    if run.predicted is not None:
        yield Fact("predicted", (_predicted(run, run.predicted),))
    if isinstance(run.rates, Rates) and run.rates.doubt:
        yield Fact("calibration", (f"disturbed: {run.rates.doubt}; `cnnspec calibrate` again when nothing else runs",))
    memory, energy = run.memory, run.energy
    yield Fact("memory", (missing(memory),) if isinstance(memory, Unavailable)
               else tuple(_memory(found.summary, memory, cuda=is_cuda(found))))
    yield Fact("energy", (missing(energy),) if isinstance(energy, Unavailable) else tuple(_energy(energy)))


def missing(why: Unavailable) -> str:
    """What stands where there is nothing."""
    return f"not measured: {why.why}"


def _latency(found: Profile, run: Run) -> Iterator[str]:
    """By the host's clock and, on CUDA, the device's."""
    if not is_cuda(found):
        yield from _clock("", run.latency)
        return
    yield from _clock(" host", run.latency)
    yield from _clock(" device", run.device_latency)
    waits = run.launch_bound
    if waits is not None and waits >= LAUNCH_BOUND and not run.options.cuda_graph:
        yield (f"launch-bound: the host takes {waits:.1f} times as long as the device; "
               "try --cuda-graph or a larger batch")


def _clock(name: str, latency: Latency | Unavailable) -> Iterator[str]:
    if isinstance(latency, Unavailable):
        yield f"{name.strip()}{': ' * bool(name)}{missing(latency)}"
        return
    interval = f"95 % interval ±{units.percent(latency.spread)}"
    yield f"{units.duration(latency.median)}{name}   {interval}, {', '.join(_trust(latency))}"
    if latency.p90 is not None and latency.p99 is not None:
        low, p90, p99 = map(units.duration, (latency.minimum, latency.p90, latency.p99))
        yield f"least {low}, p90 {p90}, p99 {p99}, {_plural(latency.outliers, 'outlier')}"
    yield from _slowdowns(latency)


def _trust(latency: Latency) -> Iterator[str]:
    """Whether the samples can be relied on."""
    yield _plural(latency.samples, "run")
    yield "steady" if latency.steady else "not steady"
    if not latency.converged:
        yield "unconverged"
    if latency.interrupted:
        yield "broken off"


def _slowdowns(latency: Latency) -> Iterator[str]:
    if latency.throttled:
        yield f"clocks were held down: {', '.join(latency.throttled)}"
    if latency.repeats:
        yield f"{_plural(latency.repeats, 'measurement')} before this one thrown away for that"
    if not latency.valid:
        yield "not valid: slowed down to the end"


def _throughput(run: Run) -> Iterator[str]:
    assert run.throughput is not None
    assert run.flops_rate is not None
    images, rate = f"{units.rate(run.throughput)} images/s", units.flops(run.flops_rate)
    if isinstance(run.rates, Unavailable):
        yield f"{images}   {rate}"
        yield f"the peak is not known: {run.rates.why}"
    else:
        yield (f"{images}   {rate}, {units.percent(run.flops_rate / run.rates.peak)} of "
               f"{units.flops(run.rates.peak)} ({run.rates.source})")


def _predicted(run: Run, told: tuple[float, float, float | None]) -> str:
    """What `predict` says, and how far the measurement is from that."""
    seconds, low, high = told
    if high is None:
        text = f"at least {units.duration(seconds)}, which no run falls below"
        return text if not run.seconds else f"{text}; measured is ×{run.seconds / seconds:.2f}"
    text = f"{units.duration(seconds)}   {units.duration(low)} to {units.duration(high)}"
    if not run.seconds:
        return text
    return f"{text}; measured is {'' if low <= run.seconds <= high else 'outside, '}{signed(run.seconds / seconds - 1)}"


def signed(share: float) -> str:
    """`+0.3 %`, `−12.0 %`, `±0 %`."""
    return "±0 %" if not share else f"{'+' if share > 0 else '−'}{units.percent(abs(share))}"


# ------------------------------------------------------------------------------------ memory and energy


def _memory(summary: Summary, use: MemoryUse, *, cuda: bool) -> Iterator[str]:
    predicted = use.predicted
    taken = use.measured
    measured = missing(taken) if isinstance(taken, Unavailable) else f"{units.size(taken)} measured"
    if isinstance(predicted, Unavailable):
        yield measured
        yield f"not predicted: {predicted.why}"
    else:
        off = "" if use.difference is None else f" ({'exact' if not use.difference else signed(use.difference)})"
        yield f"{units.size(predicted.peak)} predicted   {measured}{off}"
        yield f"peak at {peak_place(summary, predicted)}"
        yield ", ".join(f"{PARTS.get(part, part)} {units.size(size)}" for part, size in predicted.split.items())
    beside = [text for text in (_reading("workspace", use.workspace, said=True),
                                _reading("reserved", use.reserved, said=cuda) + _of(use),
                                _reading("process", use.process, said=cuda)) if text]
    yield from beside


def _reading(name: str, value: Reading, *, said: bool) -> str:
    """A figure beside the peak; why there is none only where the device might have it."""
    if isinstance(value, Unavailable):
        return f"{name}: {missing(value)}" if said else ""
    return f"{name} {units.size(value)}"


def _of(use: MemoryUse) -> str:
    """What was predicted of what is reserved."""
    told = None if isinstance(use.predicted, Unavailable) else use.predicted.reserved
    return "" if told is None or isinstance(use.reserved, Unavailable) else f" ({units.size(told)} predicted)"


def _energy(energy: Energy) -> Iterator[str]:
    """Net before gross: the former is what the network costs."""
    yield f"{_joules(energy.net, 'net')}   {_joules(energy.gross, 'gross')}"
    yield "; ".join(_windows(energy))
    yield ", ".join([f"{energy.scope}'s {'energy counter' if energy.how == COUNTER else 'power, sampled'}",
                     *_conditions(energy)])


def _joules(figure: Figure, name: str) -> str:
    return f"{name} {missing(figure)}" if isinstance(figure, Unavailable) else f"{units.energy(figure)}/image {name}"


def _windows(energy: Energy) -> Iterator[str]:
    count = len(energy.windows)
    if count:
        spread = Unavailable("one window alone") if count == 1 else energy.spread
        apart = "" if isinstance(spread, Unavailable) else f", {units.percent(spread)} apart"
        yield f"{count} × {energy.seconds / count:.1f} s{apart}"
    if not isinstance(energy.power, Unavailable):
        idle = f"idle {missing(energy.idle)}" if isinstance(energy.idle, Unavailable) else f"{energy.idle:,.0f} W idle"
        yield f"{energy.power:,.0f} W mean, {idle}"


def _conditions(energy: Energy) -> Iterator[str]:
    told = energy.conditions
    for values, unit in ((told.temperature, "°C"), (told.sm_clock, "MHz")):
        yield from _between(values, unit)
    if isinstance(told.slowdowns, Unavailable):
        yield f"slowdowns: {missing(told.slowdowns)}"
    else:
        yield f"clocks were held down: {', '.join(told.slowdowns)}" if told.slowdowns else "no throttling"
    if not told.valid:
        yield "not valid"


def _between(values: Iterable[Reading], unit: str) -> Iterator[str]:
    """Before and after; nothing where neither can be read."""
    numbers = [f"{value:,}" for value in values if not isinstance(value, Unavailable)]
    if numbers:
        yield f"{' → '.join(dict.fromkeys(numbers))} {unit}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
