"""Saved profiles of networks: reading them (`cnnspec.profile/1`), and holding what was measured now against them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cnnspec.analysis.comparison import apart, slower
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.profile import Options, Profile, Run
from cnnspec.analysis.reader import Foreign, Reader
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.environment import Unavailable
from cnnspec.layers.base import Shape
from cnnspec.record import Record

SCHEMA = "cnnspec.profile/1"
#: Bytes of the largest file that is read: a hundred times what a sweep of a very deep network takes.
_MOST_BYTES = 1 << 28
#: Milliseconds in a second: files have the former, records the latter.
_MS = 1e-3


class StoredRun(Record):
    """A run as a file has it: what a comparison needs."""

    options: Options
    #: The one that counts: the device's with a CUDA graph, else the host's.
    latency: Latency | Unavailable


class Stored(Record):
    """A saved profile."""

    path: str
    net: str
    #: The device's model.
    device_name: str
    inputs: Mapping[str, Shape]
    #: FLOPs of one image; 0 where there is no run.
    flops: int
    environment: Mapping[str, object]
    runs: tuple[StoredRun, ...]


class Difference(Record):
    """One run now and then."""

    options: Options
    now: Latency | Unavailable
    then: Latency | Unavailable
    #: How much slower is allowed: 0.05 is 5 %.
    most: float
    #: Whether it ran then, and now does not: it is out of memory.
    failed: bool = False
    #: What else is not as it was then, the same for all runs: `threads: 8, then 16`.
    changes: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """How many times as long it takes now; None where one of the two was not measured."""
        if isinstance(self.now, Unavailable) or isinstance(self.then, Unavailable):
            return None
        return self.now.median / self.then.median

    @property
    def differs(self) -> bool:
        """Whether the intervals part."""
        if isinstance(self.now, Unavailable) or isinstance(self.then, Unavailable):
            return False
        return apart(self.now.interval, self.then.interval)

    @property
    def slower(self) -> bool:
        """Whether it takes longer than is allowed and the intervals part, or does not run any more."""
        if isinstance(self.now, Unavailable) or isinstance(self.then, Unavailable):
            return self.failed
        return slower(self.now, self.then, self.most)


# ---------------------------------------------------------------------------------------------- reading


def read_profile(path: str) -> Stored:
    """The profile in a file; raises `SpecError` for one that is missing, torn, foreign or of another version."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SpecError([Diagnostic("no-report", f"{path} cannot be read: {error.strerror}",
                                    help="save one with `cnnspec profile NET --save`")]) from None
    return from_json(data, path)


def from_json(text: str | bytes, path: str) -> Stored:
    """The profile that a file's text holds; keys that are not known are passed over. Raises `SpecError`."""
    import json  # only --against pays for it

    try:
        if len(text) > _MOST_BYTES:
            raise Foreign(f"it is larger than {_MOST_BYTES:,} bytes")
        return _stored(Reader(json.loads(text)), path)
    except (ValueError, RecursionError) as error:  # of JSON, of its encoding, of what it holds
        reason = str(error) if isinstance(error, Foreign) else "it is no JSON, or only a part of it"
        raise SpecError([Diagnostic("bad-report", f"{path} is no saved profile: {reason}",
                                    help="save one with `cnnspec profile NET --save`")]) from None


def _stored(whole: Reader, path: str) -> Stored:
    whole.schema(SCHEMA)
    shapes = whole.inner("inputs")
    runs = whole.several("runs", least=0)
    return Stored(
        path, whole.text("net"), whole.text("device_name"),
        {name: shapes.counts(name) for name in shapes.data},
        runs[0].count("flops_per_image", least=0) if runs else 0,
        whole.inner("environment").data, tuple(map(_run, runs)),
    )


def _run(one: Reader) -> StoredRun:
    flags: dict[str, Any] = {name: one.flag(name) for name in ("autocast", "channels_last", "compiled", "cuda_graph",
                                                                "cold")}
    optimizer = one.data.get("optimizer")
    texts: dict[str, Any] = {"mode": one.text("mode"), "dtype": one.text("dtype"),
                             **({"optimizer": one.text("optimizer")} if optimizer is not None else {})}
    if texts["dtype"] not in DTYPES:
        raise Foreign(f"`{one.place}dtype` is none of {', '.join(DTYPES)}")
    counted = "device_latency" if flags["cuda_graph"] else "latency"
    return StoredRun(Options(batch=one.count("batch"), **texts, **flags), _latency(one.inner(counted)))


def _latency(one: Reader) -> Latency | Unavailable:
    if "unavailable" in one.data:
        return Unavailable(one.text("unavailable"))
    times: dict[str, Any] = {field: one.number(key) * _MS for field, key in _TIMES.items()}
    if not times["minimum"] <= times["low"] <= times["median"] <= times["high"] <= times["maximum"]:
        raise Foreign(f"the times of `{one.place.removesuffix('.')}` are not in order")
    rare: dict[str, Any] = {field: None if one.data.get(key, 0) is None else one.number(key) * _MS
                            for field, key in _PERCENTILES.items()}
    flags = {name: one.flag(name) for name in ("steady", "converged", "valid", "interrupted")}
    return Latency(**times, **rare, **flags, samples=one.count("samples"), outliers=one.count("outliers", least=0),
                   throttled=one.texts("throttled"), repeats=one.count("repeats", least=0),
                   seconds=one.number("seconds", least=0))


#: By the field of a `Latency`, the key in a file.
_TIMES = {"minimum": "min_ms", "median": "p50_ms", "low": "low_ms", "high": "high_ms", "mean": "mean_ms",
          "maximum": "max_ms"}
_PERCENTILES = {"p90": "p90_ms", "p99": "p99_ms"}


# -------------------------------------------------------------------------------------------- comparing


def require_counterpart(stored: Stored, net: str, options: Options, batches: Sequence[int] | None) -> None:
    """Raise `SpecError` where nothing that a network is measured for could be compared, before it is measured.

    That is for a profile of another network, and for one that lacks the latency of each run that is to be made; None
    for `batches` stands for any.
    """
    if stored.net != net:
        raise SpecError([Diagnostic("other-network", f"{stored.path} is of {stored.net}, not of {net}",
                                    help=f"save one with `cnnspec profile {net} --save`")])
    there = [run.options for run in stored.runs if isinstance(run.latency, Latency)]
    wanted = [options.replace(batch=batch) for batch in batches or {one.batch for one in there}]
    if {_key(one) for one in wanted}.isdisjoint(map(_key, there)):
        raise _no_counterpart(stored, wanted if batches else [options])


def against(found: Profile, stored: Stored, max_slowdown: float) -> tuple[Difference, ...]:
    """Each run beside the stored one of the same options, in order; then the stored ones that were not made again.

    Of several with the same options the last counts, which of `--batch auto` is the thorough one. Raises `SpecError`
    where no run can be compared with its counterpart: then nothing could fail.
    """
    here = {_key(run.options): run for run in found.runs}
    there = {_key(run.options): run for run in stored.runs}
    changes = tuple(_changes(found, stored))
    nothing, not_now = Unavailable("not in the file"), Unavailable("not measured now")
    differences = []
    for key in (*here, *(key for key in there if key not in here)):
        run = here.get(key)
        then = there[key].latency if key in there else nothing
        differences.append(Difference(
            key, not_now if run is None else _counted(run), then, max_slowdown,
            failed=run is not None and bool(run.failure) and isinstance(then, Latency), changes=changes))
    if all(one.ratio is None and not one.failed for one in differences):
        raise _no_counterpart(stored, here)
    return tuple(differences)


def _no_counterpart(stored: Stored, made: Iterable[Options]) -> SpecError:
    there = [named(run.options) + (f" ({run.latency.why})" if isinstance(run.latency, Unavailable) else "")
             for run in stored.runs]
    return SpecError([Diagnostic(
        "no-counterpart", f"{stored.path} has nothing to compare the runs with",
        notes=(f"wanted: {'; '.join(map(named, made)) or 'none'}", f"in the file: {'; '.join(there) or 'none'}"),
        help="give --batch, --mode, --dtype and the other options as when it was saved")])


def _counted(run: Run) -> Latency | Unavailable:
    """The latency that counts, or why there is none."""
    return Unavailable(run.failure) if run.failure else run.counted


def _key(options: Options) -> Options:
    """Options without what means nothing: inference has no optimiser."""
    if options.mode == "training":
        return options
    plain: Options = options.replace(optimizer=Options().optimizer)
    return plain


def named(options: Options) -> str:
    """Options in a few words: `batch 8, float32, inference`; what is not usual follows."""
    words = [f"batch {options.batch}", f"autocast to {options.dtype}" if options.autocast else options.dtype,
             f"training ({options.optimizer})" if options.mode == "training" else options.mode]
    flags = {"channels last": options.channels_last, "compiled": options.compiled, "CUDA graph": options.cuda_graph,
             "cold": options.cold}
    return ", ".join([*words, *(word for word, given in flags.items() if given)])


def _changes(found: Profile, stored: Stored) -> Iterator[str]:
    """What is not as it was when the file was saved: a difference may come from that."""
    summary = found.summary
    pairs: list[tuple[str, object, object]] = [
        ("net", found.net, stored.net), ("device", found.device_name, stored.device_name),
        ("inputs", dict(summary.inputs), dict(stored.inputs)),
        ("FLOPs of an image", found.runs[0].flops if found.runs else 0, stored.flops),
        *((title, _at(found.environment, *keys), _at(stored.environment, *keys)) for title, keys in _SETTINGS),
    ]
    for title, now, then in pairs:
        if now != then:
            yield f"{title}: {_shown(now)}, then {_shown(then)}"


#: What of the surroundings makes latencies incomparable, and where it stands.
_SETTINGS = (
    ("torch", ("torch", "version")), ("CUDA", ("torch", "cuda")), ("cuDNN", ("torch", "cudnn")),
    ("driver", ("driver",)), ("threads", ("threads",)), ("cudnn.benchmark", ("cudnn_benchmark",)),
    ("deterministic", ("deterministic",)),
)


def _at(environment: Mapping[str, object], *keys: str) -> object:
    """What stands at a place of nested objects; None for nothing."""
    found: object = environment
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return str(value.get("unavailable") or ", ".join(f"{key} {_shown(one)}" for key, one in value.items()))
    if isinstance(value, tuple):
        return "×".join(map(str, value))
    if value is None or value == "":
        return "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
