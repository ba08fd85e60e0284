"""Profiles that are made up, so that every figure on a page is known; and the pages that `profile_pages` holds.

`python -m tests.render.profiles` writes the pages again, for a reader to look at the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cnnspec.analysis.energy import COUNTER, SAMPLED, Conditions, Energy, Window, energy
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.layer_runs import layer_runs
from cnnspec.analysis.layer_times import GRAPH, HOST, LayerTimes
from cnnspec.analysis.memories import INFERENCE, TRAINING
from cnnspec.analysis.prediction import Prediction, predict
from cnnspec.analysis.profile import MemoryUse, Options, Profile, Rates, Run, Sweep
from cnnspec.analysis.summary import Summary
from cnnspec.environment import Unavailable
from cnnspec.render import profile as page
from cnnspec.render.console import plain
from tests.analysis.devices import steady
from tests.render.cases import net

EXPECTED = Path(__file__).parent / "profile_pages"
GPU = "NVIDIA H200"
NO_GPU = Unavailable("a CUDA device has events of its own; this is none")
NO_NVML = Unavailable("NVML is NVIDIA's, and knows no such device")
GIVEN_UP = Unavailable("the run was given up")
#: 40 TFLOP/s and 4 TB/s.
RATES = Rates(40e12, 4e12, "calibrated")


def latency(median: float, spread: float = 0.004, samples: int = 412, **changes: Any) -> Latency:
    """A latency with an interval of ±`spread`."""
    many = samples >= 300
    least, low, high = median * min(0.9, 1 - spread), median * (1 - spread), median * (1 + spread)
    p90, p99 = (median * 1.1, median * 1.5) if many else (None, None)
    found = Latency(samples, least, median, low, high, median * 1.01, median * 2, p90, p99, outliers=3, steady=True,
                    converged=True, seconds=2.5)
    return found.replace(**changes)  # type: ignore[no-any-return]  # a record like itself


def spent(net_joules: float = 2e-3, **changes: Any) -> Energy:
    """Energy of three windows of five seconds, on a device that idles at 80 W."""
    windows = tuple(Window(5.0, 5000, 5000 * net_joules + 80 * 5 + more) for more in (0.0, 4.0, 8.0))
    conditions = Conditions((41, 63), (1980, 1755), ()).replace(**changes)
    return energy("GPU", COUNTER, 80.0, windows, conditions)


def predicted(summary: Summary) -> Prediction:
    """What is said of a network, at 40 TFLOP/s and 4 TB/s, of which it reaches the half."""
    return predict(summary, steady(peak=40e12, copies=((1000, 4e12),), dtype=summary.dtype))


def times(summary: Summary, clock: str = HOST, *, training: bool = False, plain: float | None = 0.97) -> LayerTimes:
    """Layers that take up to 40 % more than predicted, by their number; `plain` is a part of the whole."""
    forward = dict.fromkeys(summary.graph.inputs.values(), 0.0)
    forward |= {one.index: one.cost.seconds * (1 + one.index % 5 / 10) for one in predicted(summary).layers}
    backward = {index: 2 * seconds for index, seconds in forward.items() if index % 5} if training else {}
    aside = {"call": 4e-6, **({"loss": 9e-6, "optimizer": 3e-5, "hooks": 1e-6} if training else {})}
    whole = sum(forward.values()) + sum(backward.values()) + sum(aside.values())
    return LayerTimes(forward, backward, aside, whole, 40, 20, clock, None if plain is None else plain * whole)


def memory(summary: Summary, mode: str = INFERENCE, device: str = "cpu", off: int = 0) -> MemoryUse:
    """Memory as predicted, and measured `off` bytes away from that."""
    told = summary.memory(mode, device=device)
    if device == "cpu":
        return MemoryUse(told, told.peak + off, 3 << 20, NO_NVML, NO_NVML)
    return MemoryUse(told, told.peak + off, 8 << 20, told.reserved, 900 << 20)


def run(summary: Summary, options: Options, device: str = "cpu", **changes: Any) -> Run:
    """A run that has everything that the device can tell."""
    cuda, training = device == "cuda", options.mode == TRAINING
    told = None if training else predicted(summary)
    found = times(summary, GRAPH if cuda else HOST, training=training)
    seconds = found.plain or found.whole
    made = Run(
        options, latency(seconds * 1.5 if cuda else seconds), latency(seconds, 0.001, 900) if cuda else NO_GPU,
        memory(summary, options.mode, device, off=1 << 20 if cuda else 0),
        spent() if cuda else Unavailable("Linux shows no energy counter of the processor here"), found,
        layer_runs(summary, found, RATES, told), summary.totals.flops, RATES,
        None if told is None else (told.seconds, told.seconds * 0.9, told.seconds * 1.2),
    )
    return made.replace(**changes)  # type: ignore[no-any-return]  # a record like itself


def failed(options: Options) -> Run:
    """A run that did not fit."""
    return Run(options, *[GIVEN_UP] * 5, failure="out of memory")


def environment(*, cuda: bool = False, **changes: Any) -> dict[str, Any]:
    """As `runtime.surroundings` says it."""
    cpu = {"model": "Abacus 3", "physical": 8, "logical": 16, "allowed": 16, "memory": 1 << 35, "load": 0.5}
    return {
        "date": "2026-11-21T10:00:00+00:00", "cnnspec": "0.1.0", "python": "3.11.7", "platform": "Linux 6.1 x86_64",
        "packages": {"torch": "2.13.0"},
        "torch": {"version": "2.13.0+cu130" if cuda else "2.13.0", "cuda": "13.0" if cuda else "",
                  "cudnn": "9.12.0" if cuda else {"unavailable": "not part of this build"}},
        "cpu": cpu, "device": {"name": "cuda:0" if cuda else "cpu"}, "driver": "580.65.06" if cuda else None,
        "threads": 8, "cudnn_benchmark": False, "deterministic": False, **changes,
    }


def profile(name: str = "plain", batches: tuple[int, ...] = (1,), device: str = "cpu", sweep: Sweep | None = None,
            **options: Any) -> Profile:
    """A network of this folder, measured with some batches; those above 64 do not fit."""
    cuda, dtype = device == "cuda", options.get("dtype", "float32")
    found = net(name)
    runs = [failed(Options(batch=batch, **options)) if batch > 64
            else run(found.summary(batch, dtype), Options(batch=batch, **options), device) for batch in batches]
    return Profile(name, f"{name}.cnn", "cuda:0" if cuda else "cpu", GPU if cuda else "Abacus 3",
                   environment(cuda=cuda), found.summary(batches[-1] if batches else 1, dtype), tuple(runs), sweep)


def troubled() -> Profile:
    """A run of which nearly everything went wrong."""
    found = profile(device="cuda", cold=True, dtype="bfloat16", autocast=True)
    (one,) = found.runs
    shaky = latency(2e-3, 0.2, 20, steady=False, converged=False, valid=False, throttled=("heat", "power cap"),
                    repeats=2, interrupted=True)
    nothing = Unavailable("broken off before it was measured")
    use = MemoryUse(Unavailable("autocast copies weights"), 1 << 30, Unavailable("not kept apart"),
                    2 << 30, Unavailable("the driver does not say (MIG)"))
    conditions = Conditions((Unavailable("no sensor"),) * 2, (1980, 1980), Unavailable("not supported"), valid=False)
    told = energy("GPU", SAMPLED, Unavailable("the GPU was busy before"), [Window(5.0, 10, 900.0)], conditions)
    one = one.replace(latency=shaky, device_latency=nothing, memory=use, energy=told, times=nothing, layers=(),
                      rates=Unavailable("nothing is known of this device"), predicted=None)
    return found.replace(runs=(one,), interrupted=True)  # type: ignore[no-any-return]  # a record like itself


#: File: the profile, the width of the page.
PAGES: dict[str, tuple[Profile, int | None]] = {
    "cpu": (profile(), 80),
    "cpu_wide": (profile(), 130),
    "cpu_narrow": (profile(), 50),
    "cuda": (profile("residual", device="cuda"), 80),
    "cuda_piped": (profile("residual", device="cuda"), None),
    "training": (profile(mode=TRAINING, optimizer="adamw"), 80),
    "sweep": (profile(batches=(1, 8, 64, 256), device="cuda", cuda_graph=True, sweep=Sweep(8, 64)), 80),
    "all_failed": (profile(batches=(128, 256), device="cuda", sweep=Sweep(None, None)), 80),
    "troubled": (troubled(), 80),
    "nothing": (profile(batches=()).replace(interrupted=True), 80),
}


def shown(case: str) -> str:
    """What the terminal shows."""
    found, width = PAGES[case]
    return "".join(plain(page.as_table(found, None, width)))


if __name__ == "__main__":
    EXPECTED.mkdir(exist_ok=True)
    for stale in EXPECTED.iterdir():
        stale.unlink()
    for name in PAGES:
        (EXPECTED / f"{name}.txt").write_text(shown(name), encoding="utf-8")
    (EXPECTED / "sweep.md").write_text(page.as_markdown(PAGES["sweep"][0]), encoding="utf-8")
