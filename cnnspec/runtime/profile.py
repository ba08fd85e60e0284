"""Runs a network and measures it: memory, latency, the time of each layer, energy; batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from cnnspec.analysis.devices import Datasheet, DeviceProfile
from cnnspec.analysis.energy import Energy
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.layer_runs import layer_runs
from cnnspec.analysis.layer_times import LayerTimes
from cnnspec.analysis.prediction import Prediction, predict
from cnnspec.analysis.profile import NOT_ASKED, Options, Profile, Rates, Run, Sweep
from cnnspec.environment import Unavailable
from cnnspec.net import Net
from cnnspec.record import Record
from cnnspec.runtime import batches as auto
from cnnspec.runtime import energy, layer_times, sampling
from cnnspec.runtime.device_rates import known, rates
from cnnspec.runtime.instruments import (
    BROKEN_OFF,
    GIVEN_UP,
    by_host,
    current,
    meter,
    monitor,
    replayed,
)
from cnnspec.runtime.measured_memory import memory
from cnnspec.runtime.replay import between_events, flusher
from cnnspec.runtime.room import alone_too_large, clean, shortage
from cnnspec.runtime.surroundings import name, surroundings
from cnnspec.runtime.workload import Workload, is_out_of_memory, precision, refusal, threads

#: What ended a run, before it is known how much was missing.
OUT_OF_MEMORY = "out of memory"

#: Is told what is measured now: the options and the step, and how far it is, where that is known.
Listener = Callable[[Options, str, sampling.Progress | None], None]


class Request(Record):
    """What to measure, and how thoroughly."""

    device: torch.device
    threads: int | None = None
    energy: bool = True
    layers: bool = True
    rules: sampling.Rules = sampling.DEFAULT
    #: Seconds for the times of the layers.
    spend: float = 2.0


def profile(net: Net, options: Options, batches: Sequence[int] | None, request: Request,
            listener: Listener | None = None) -> Profile:
    """Measures a network with each of some numbers of images at once, in order; None: with those that `batches` finds.

    A run that does not fit into memory is given up, and the others go on; Ctrl-C ends it with what there is.
    """
    device = request.device
    with threads(request.threads):
        environment = surroundings(device)
        title = name(device, environment)
        session = Session(net, options, request, title, listener)
        sweep: Sweep | None = None
        try:
            if batches is None:
                sweep = session.find()
            else:
                session.each(batches)
        except KeyboardInterrupt:
            session.interrupted = True
    first = session.runs[-1].options if session.runs else options
    summary = net.summary(first.batch, first.dtype)
    return Profile(net.name, summary.graph.span.source.name, str(device), title, environment, summary,
                   tuple(session.runs), sweep, session.interrupted)


class Session:
    """The runs of one network, and whether they were broken off."""

    def __init__(self, net: Net, options: Options, request: Request, title: str, listener: Listener | None) -> None:
        self.net, self.options, self.request, self.title, self.listener = net, options, request, title, listener
        self.runs: list[Run] = []
        self.interrupted = False

    def each(self, batches: Sequence[int]) -> None:
        """Measure each batch."""
        for batch in batches:
            self.take(batch, self.request)
            if self.interrupted:
                return

    def find(self) -> Sweep:
        """Measure 1, 2, 4, … images coarsely, and what saturates throughput in full."""
        coarse = self.request.replace(energy=False, layers=False, rules=auto.QUICK)

        def measure(batch: int) -> Run:
            run = self.take(batch, coarse)
            if self.interrupted:
                raise KeyboardInterrupt
            return run

        _, sweep = auto.found(self.net, self.options, self.request.device, measure)
        if sweep.saturated is not None:
            self.take(sweep.saturated, self.request)
        return sweep

    def take(self, batch: int, request: Request) -> Run:
        """Measure one batch."""
        one = Measurement(self.net, self.options.replace(batch=batch), request, self.title, self.listener)
        run = one.take()
        self.runs.append(run)
        self.interrupted |= one.interrupted
        return run


class Measurement:
    """One run of a network, step by step; what has been measured stays when a later step ends it."""

    def __init__(self, net: Net, options: Options, request: Request, title: str, listener: Listener | None) -> None:
        self.net, self.options, self.request, self.listener = net, options, request, listener
        self.title = title
        self.monitor = monitor(request.device)
        self.interrupted = False
        self.failure = ""
        self.found: dict[str, Any] = {"latency": BROKEN_OFF, "device_latency": BROKEN_OFF, "memory": BROKEN_OFF,
                                      "energy": BROKEN_OFF, "times": BROKEN_OFF}

    def take(self) -> Run:
        """All steps, in order; none where it is known beforehand that they would not fit."""
        lacking = alone_too_large(self.net, self.options, self.request.device)
        if lacking:
            self._give_up(lacking)
            return self._told()
        try:
            with precision(self.options.dtype), current(self.request.device):
                self._steps()
        except sampling.Interrupted as stop:
            self.found["latency"] = stop.latency
            self.interrupted = True
        except KeyboardInterrupt:
            self.interrupted = True
        except (ValueError, NotImplementedError) as error:  # nothing to learn from, or no operator for the dtype
            self._give_up(refusal(error))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            self._give_up(OUT_OF_MEMORY)
        clean(self.request.device)
        if self.failure == OUT_OF_MEMORY:
            self.failure = shortage(self.net, self.options, self.request.device)
        return self._told()

    def _give_up(self, failure: str) -> None:
        """What has been measured stays."""
        self.failure = failure
        self.found = dict.fromkeys(self.found, GIVEN_UP) | {
            name: value for name, value in self.found.items() if not isinstance(value, Unavailable)}

    def _steps(self) -> None:
        device = self.request.device
        before = torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
        self._say("building")
        work = Workload(self.net, self.options, device)
        self._say("memory")
        self.found["memory"] = memory(self.net.graph, work, self.monitor, before)
        flush = flusher(device, cold=self.options.cold)
        self.found["latency"] = self._sample(by_host(work, flush))
        replay = self._replay(work)
        self.found["device_latency"] = (replay if isinstance(replay, Unavailable)
                                        else self._sample(between_events(replay, flush)))
        self.found["times"] = self._layers(work)
        self.found["energy"] = self._energy(work, None if isinstance(replay, Unavailable) else replay)

    def _say(self, step: str, progress: sampling.Progress | None = None) -> None:
        if self.listener:
            self.listener(self.options, step, progress)

    def _sample(self, run: sampling.Run) -> Latency:
        watch = None if isinstance(self.monitor, Unavailable) else self.monitor
        return sampling.sample(run, rules=self.request.rules, watch=watch,
                               progress=lambda progress: self._say(progress.phase, progress))

    def _replay(self, work: Workload) -> Callable[[], None] | Unavailable:
        if work.device.type == "cuda" and not self.options.compiled:
            self._say("capturing")
        return replayed(work)

    def _layers(self, work: Workload) -> LayerTimes | Unavailable:
        if not self.request.layers:
            return NOT_ASKED
        if self.options.compiled:
            return Unavailable("torch.compile joins layers")
        self._say("layers")
        with work.casting():
            if work.optimizer is None:
                return layer_times.inference(work.module, work.inputs, self.request.spend)
            return layer_times.training(work.module, work.inputs, work.loss, work.optimizer, self.request.spend)

    def _energy(self, work: Workload, replay: Callable[[], None] | None) -> Energy | Unavailable:
        if not self.request.energy:
            return NOT_ASKED
        run = replay if self.options.cuda_graph and replay else work.run
        return energy.measure(meter(work.device, self.monitor), run, self.options.batch,
                              synchronize=work.synchronize, monitor=self.monitor,
                              progress=lambda progress: self._say("energy", progress))

    def _told(self) -> Run:
        return told(self.net, self.options, self.request, self.title, self.found, self.failure)


def told(net: Net, options: Options, request: Request, title: str, found: dict[str, Any], failure: str) -> Run:
    """A run as a record, with what is known of the device beside it; `found` has its measured fields by name."""
    summary = net.summary(options.batch, options.dtype)
    number = request.threads or torch.get_num_threads()
    device = known(request.device, title, options.dtype, number)
    prediction = predicted(net, options, device)
    able: Rates | Unavailable = rates(device, options.dtype)
    times = found["times"]
    layers = () if isinstance(times, Unavailable) else layer_runs(summary, times, able, prediction)
    whole = (prediction.seconds, prediction.low, prediction.high) if prediction and prediction.seconds else None
    return Run(options, **found, layers=layers, flops=summary.totals.flops, rates=able, predicted=whole,
               failure=failure)


def predicted(net: Net, options: Options, device: DeviceProfile | Datasheet | Unavailable) -> Prediction | None:
    """What `predict` says of a run; None where it speaks of other runs."""
    plain = options.mode == "inference" and not (options.compiled or options.channels_last or options.autocast)
    if isinstance(device, Unavailable) or not plain:
        return None
    return predict(net.summary(options.batch, options.dtype), device)
