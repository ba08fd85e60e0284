"""A profile as JSON (`cnnspec.profile/1`) and CSV: what was measured, and what could not be, with its reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from io import StringIO
from typing import Any

from cnnspec.analysis.energy import Energy
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.layer_times import LayerTimes
from cnnspec.analysis.ledger import PURPOSES
from cnnspec.analysis.memory import Memory
from cnnspec.analysis.profile import LayerRun, MemoryUse, Profile, Rates, Run
from cnnspec.analysis.profile_report import SCHEMA
from cnnspec.analysis.summary import Summary
from cnnspec.environment import Unavailable

#: Columns of the CSV: the run, then the layer.
RUN = ("net", "batch", "dtype", "mode")
LAYER = ("index", "path", "op", "time_ms", "backward_ms", "share", "flops_per_second", "bytes_per_second", "of_peak",
         "bound", "predicted_ms")


def as_csv(found: Profile) -> str:
    """A row for each layer of each run, or one for the run where its layers have no times; for the whole batch."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*RUN, *LAYER))
    for run in found.runs:
        options = run.options
        for cells in [[*_layer(layer).values()] for layer in run.layers] or [_whole(run)]:
            writer.writerow([found.net, options.batch, options.dtype, options.mode, *cells])
    return text.getvalue()


def _whole(run: Run) -> list[Any]:
    """The cells of a run's own row: no layer, its latency, its rate, and what `predict` says."""
    known = {"time_ms": ms(run.seconds), "flops_per_second": run.flops_rate, "of_peak": run.of_peak,
             "predicted_ms": ms(run.predicted[0]) if run.predicted else None}
    return [known.get(name) for name in LAYER]


def as_json(found: Profile) -> str:
    """The document `cnnspec.profile/1`, which `docs/schema/profile-1.json` describes."""
    return laid_out({"schema": SCHEMA, **as_data(found)})


def laid_out(found: object, indent: str = "") -> str:
    """JSON in which what holds no list or object stands in one line: each layer, each moment."""
    inside = [*found.values()] if isinstance(found, dict) else found if isinstance(found, list) else []
    if not any(isinstance(one, dict | list) and one for one in inside):
        return json.dumps(found, ensure_ascii=False, allow_nan=False)
    deeper = f"{indent}  "
    texts = [laid_out(one, deeper) for one in inside]
    if isinstance(found, dict):
        texts = [f"{json.dumps(key, ensure_ascii=False)}: {text}" for key, text in zip(found, texts, strict=True)]
    opening, closing = "{}" if isinstance(found, dict) else "[]"
    return f"{opening}\n" + ",\n".join(deeper + text for text in texts) + f"\n{indent}{closing}"


def as_data(found: Profile) -> dict[str, Any]:
    """A profile as JSON has it."""
    sweep = found.sweep
    return {
        "net": found.net, "source": found.source, "device": found.device, "device_name": found.device_name,
        "inputs": {name: list(shape) for name, shape in found.summary.inputs.items()},
        "environment": dict(found.environment),
        "runs": [_run(found.summary, run) for run in found.runs],
        "sweep": None if sweep is None else {"saturated": sweep.saturated, "largest": sweep.largest},
        "interrupted": found.interrupted,
    }


def _run(summary: Summary, run: Run) -> dict[str, Any]:
    options, rates = run.options, run.rates
    return {
        "batch": options.batch, "dtype": options.dtype, "mode": options.mode,
        "optimizer": options.optimizer if options.mode == "training" else None,
        "autocast": options.autocast, "channels_last": options.channels_last, "compiled": options.compiled,
        "cuda_graph": options.cuda_graph, "cold": options.cold, "failure": run.failure or None,
        "latency": _latency(run.latency), "device_latency": _latency(run.device_latency),
        "launch_ratio": run.launch_bound, "throughput": run.throughput,
        "flops_per_image": run.flops, "flops_per_second": run.flops_rate, "of_peak": run.of_peak,
        "rates": {"peak_flops_per_second": rates.peak, "bytes_per_second": rates.bandwidth, "source": rates.source,
                  "doubt": rates.doubt or None}
        if isinstance(rates, Rates) else value(rates),
        "predicted": _prediction(run),
        "memory": _memory(summary, run.memory), "energy": _energy(run.energy), "times": _times(run.times),
        "layers": [_layer(layer) for layer in run.layers],
    }


def value(found: object) -> Any:
    """A value, or an object that says why there is none: never a number that was not measured."""
    if isinstance(found, Unavailable):
        return {"unavailable": found.why}
    return [value(one) for one in found] if isinstance(found, tuple) else found


def ms(seconds: float | None) -> float | None:
    """Milliseconds, to the picosecond."""
    return None if seconds is None else round(seconds * 1e3, 9)


def _latency(found: Latency | Unavailable) -> dict[str, Any]:
    if isinstance(found, Unavailable):
        return {"unavailable": found.why}
    return {
        "p50_ms": ms(found.median), "low_ms": ms(found.low), "high_ms": ms(found.high), "p90_ms": ms(found.p90),
        "p99_ms": ms(found.p99), "min_ms": ms(found.minimum), "mean_ms": ms(found.mean), "max_ms": ms(found.maximum),
        "samples": found.samples, "outliers": found.outliers, "steady": found.steady, "converged": found.converged,
        "valid": found.valid, "throttled": list(found.throttled), "repeats": found.repeats,
        "interrupted": found.interrupted, "seconds": found.seconds,
    }


def _prediction(run: Run) -> dict[str, Any] | None:
    if run.predicted is None:
        return None
    seconds, low, high = run.predicted
    return {"time_ms": ms(seconds), "low_ms": ms(low), "high_ms": ms(high)}


def _memory(summary: Summary, use: MemoryUse | Unavailable) -> dict[str, Any]:
    if isinstance(use, Unavailable):
        return {"unavailable": use.why}
    return {
        "predicted": _predicted_memory(summary, use.predicted),
        "measured": {"peak_bytes": value(use.measured), "workspace_bytes": value(use.workspace),
                     "reserved_bytes": value(use.reserved), "process_bytes": value(use.process)},
        "difference": use.difference,
    }


def _predicted_memory(summary: Summary, told: Memory | Unavailable) -> dict[str, Any]:
    if isinstance(told, Unavailable):
        return {"unavailable": told.why}
    return {
        "peak_bytes": told.peak, "phase": told.phase, "peak_at": _path(summary, told.node),
        "resident_bytes": told.resident, "reserved_bytes": told.reserved,
        "split": {purpose: told.split.get(purpose, 0) for purpose in PURPOSES},
        "saved_bytes": sum(one.bytes for one in told.saved),
        "timeline": [{"phase": moment.phase, "path": _path(summary, moment.node), "peak_bytes": moment.peak,
                      "live_bytes": moment.live} for moment in told.timeline],
    }


def _path(summary: Summary, index: int | None) -> str | None:
    return None if index is None else summary.layers[index].path


def _energy(found: Energy | Unavailable) -> dict[str, Any]:
    if isinstance(found, Unavailable):
        return {"unavailable": found.why}
    told = found.conditions
    return {
        "scope": found.scope, "how": found.how,
        "gross_j_per_image": value(found.gross), "net_j_per_image": value(found.net), "spread": value(found.spread),
        "power_w": value(found.power), "idle_w": value(found.idle),
        "windows": [{"seconds": one.seconds, "images": one.images, "joules": one.joules} for one in found.windows],
        "temperature_c": value(told.temperature), "sm_clock_mhz": value(told.sm_clock),
        "slowdowns": value(told.slowdowns), "valid": told.valid,
    }


def _times(found: LayerTimes | Unavailable) -> dict[str, Any]:
    """What the layers add up to."""
    if isinstance(found, Unavailable):
        return {"unavailable": found.why}
    return {
        "clock": found.clock, "runs": found.runs, "kept": found.kept, "aside_ms": _each(found.aside),
        "sum_ms": ms(found.total), "whole_ms": ms(found.whole), "plain_ms": ms(found.plain),
        "overhead_ms": ms(found.overhead),
    }


def _each(parts: Mapping[str, float]) -> dict[str, float | None]:
    return {name: ms(seconds) for name, seconds in parts.items()}


def _layer(layer: LayerRun) -> dict[str, Any]:
    found = (layer.index, layer.path, layer.op, ms(layer.seconds), ms(layer.backward), layer.share, layer.flops_rate,
             layer.bandwidth, layer.of_peak, layer.bound or None, ms(layer.predicted))
    return dict(zip(LAYER, found, strict=True))
