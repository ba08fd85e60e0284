"""Measures networks against each other: memory one by one, then latency and energy in turns, A B C C B A."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from cnnspec.analysis.contest import Contest, Heat
from cnnspec.analysis.profile import NOT_ASKED, MemoryUse, Options
from cnnspec.environment import Unavailable
from cnnspec.net import Net
from cnnspec.runtime import energy, paired, sampling
from cnnspec.runtime.instruments import (
    BROKEN_OFF,
    ELSEWHERE,
    GIVEN_UP,
    by_host,
    current,
    first_line,
    meter,
    monitor,
    replayed,
)
from cnnspec.runtime.measured_memory import memory
from cnnspec.runtime.profile import Listener, Request, told
from cnnspec.runtime.replay import between_events, flusher
from cnnspec.runtime.room import alone_too_large, clean, together_too_large
from cnnspec.runtime.surroundings import name, surroundings
from cnnspec.runtime.workload import Workload, is_out_of_memory, precision, threads

#: Ratios of energy come from pairs of windows, of which an interval of 95 % needs six.
WINDOWS = energy.Rules(windows=6)
#: Why nothing is compared.
ALONE = Unavailable("fewer than two networks were left to compare")


def contest(nets: Sequence[Net], options: Options, request: Request, listener: Listener | None = None,
            turns: paired.Turns = paired.TURNS, windows: energy.Rules = WINDOWS) -> Contest:
    """Measures networks, in turns where time matters. Times of layers are not asked for.

    One that does not fit into memory, or does not run, is given up, and the others go on. All that are left have to
    fit together: where they do not, none is timed, and the reason stands in their place. Ctrl-C ends it with what there
    is.
    """
    device = request.device
    with threads(request.threads), precision(options.dtype), current(device):
        environment = surroundings(device)
        title = name(device, environment)
        field = _Field(nets, options, request, listener)
        field.take(turns, windows)
        runs = tuple(told(one.net, options, request, title, one.found, one.failure) for one in field.entrants)
    return Contest(str(device), title, environment, options, runs, field.host, field.replays, field.interrupted)


class _Entrant:
    """A network, and what has been found of it."""

    def __init__(self, place: int, net: Net, *, energy: bool) -> None:
        self.place, self.net = place, net
        self.failure = ""
        self.found: dict[str, Any] = {"latency": BROKEN_OFF, "device_latency": BROKEN_OFF, "memory": BROKEN_OFF,
                                      "energy": BROKEN_OFF if energy else NOT_ASKED, "times": NOT_ASKED}

    def give_up(self, failure: str) -> None:
        """It is measured no more."""
        self.failure = failure
        self.found = dict.fromkeys(self.found, GIVEN_UP)


class _Field:
    """All networks, step by step; what has been measured stays when a later step ends it."""

    def __init__(self, nets: Sequence[Net], options: Options, request: Request, listener: Listener | None) -> None:
        self.options, self.request, self.listener = options, request, listener
        self.device = request.device
        self.monitor = monitor(request.device)
        self.entrants = [_Entrant(place, net, energy=request.energy) for place, net in enumerate(nets)]
        self.host: Heat | Unavailable = BROKEN_OFF
        self.replays: Heat | Unavailable = BROKEN_OFF
        self.interrupted = False

    def take(self, turns: paired.Turns, windows: energy.Rules) -> None:
        """All steps, in order."""
        try:
            for one in self.entrants:
                self._alone(one)
            left = [one for one in self.entrants if not one.failure]
            why = (self._obstacle(left) or self._together(left, turns, windows)) if left else ALONE.why
            if why:
                self._without(left, Unavailable(why))
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            clean(self.device)

    def _say(self, step: str, progress: sampling.Progress | None = None) -> None:
        if self.listener:
            self.listener(self.options, step, progress)

    def _tell(self, progress: sampling.Progress) -> None:
        self._say(progress.phase, progress)

    def _alone(self, one: _Entrant) -> None:
        """The memory of a network while no other is there; it is given up where it does not run."""
        self._say(f"memory of {one.net.name}")
        lacking = alone_too_large(one.net, self.options, self.device)
        try:
            if lacking:
                one.give_up(lacking)
            else:
                one.found["memory"] = self._memory(one.net)
        except RuntimeError as error:  # also an operator that a type or a device does not have
            one.give_up("out of memory" if is_out_of_memory(error) else first_line(error))
        except ValueError as error:  # a batch that nothing can be learned from
            one.give_up(first_line(error))

    def _memory(self, net: Net) -> MemoryUse:
        clean(self.device)
        before = torch.cuda.memory_allocated(self.device) if self.device.type == "cuda" else 0
        work = Workload(net, self.options, self.device)
        return memory(net.graph, work, self.monitor, before)

    def _obstacle(self, left: Sequence[_Entrant]) -> str:
        """Why nothing can take turns; empty where all that are left fit into memory at once."""
        clean(self.device)
        return together_too_large([one.found["memory"] for one in left], self.device)

    def _together(self, left: Sequence[_Entrant], turns: paired.Turns, windows: energy.Rules) -> str:
        """Whatever takes turns; returns what ended it early, empty for nothing."""
        self._say("building")
        try:
            works = [Workload(one.net, self.options, self.device) for one in left]
            flush = flusher(self.device, cold=self.options.cold)
            self.host = self._heat(left, [by_host(work, flush) for work in works], "latency", turns)
            self._go_on()
            replays = self._capture(left, works)
            self.replays = ELSEWHERE if self.device.type != "cuda" else self._heat(
                [one for one, _ in replays], [between_events(replay, flush) for _, replay in replays],
                "device_latency", turns)
            self._go_on()
            self._energy(left, works, {one.place: replay for one, replay in replays}, windows)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return "out of memory" if len(left) == 1 else "out of memory with all networks at once; each alone fits"
        return ""

    def _without(self, left: Sequence[_Entrant], why: Unavailable) -> None:
        """The reason, in place of all that has not been measured."""
        for one in left:
            one.found = {field: why if value is BROKEN_OFF else value for field, value in one.found.items()}
        self.host, self.replays = (why if heat is BROKEN_OFF else heat for heat in (self.host, self.replays))

    def _go_on(self) -> None:
        """Raise what a step that kept something has caught."""
        if self.interrupted:
            raise KeyboardInterrupt

    def _heat(self, entrants: Sequence[_Entrant], runs: Sequence[sampling.Run], field: str,
              turns: paired.Turns) -> Heat | Unavailable:
        """Runs in turns: the latencies become the entrants'. One that is left is measured without."""
        watch = None if isinstance(self.monitor, Unavailable) else self.monitor
        if len(runs) < 2:
            for one, run in zip(entrants, runs, strict=True):
                try:
                    one.found[field] = sampling.sample(run, rules=self.request.rules, watch=watch, progress=self._tell)
                except sampling.Interrupted as stop:
                    one.found[field], self.interrupted = stop.latency, True
            return ALONE
        try:
            rounds = paired.interleave_all(runs, rules=self.request.rules, turns=turns, watch=watch,
                                           progress=self._tell)
        except paired.Interrupted as stop:
            rounds, self.interrupted = stop.rounds, True
        for one, latency in zip(entrants, rounds.latencies, strict=True):
            one.found[field] = latency
        return Heat(tuple(one.place for one in entrants), rounds)

    def _capture(self, left: Sequence[_Entrant],
                 works: Sequence[Workload]) -> list[tuple[_Entrant, Callable[[], None]]]:
        """The graphs of those networks that can be captured; the others get the reason."""
        if self.device.type == "cuda" and not self.options.compiled:
            self._say("capturing")
        found = []
        for one, work in zip(left, works, strict=True):
            replay = replayed(work)
            if isinstance(replay, Unavailable):
                one.found["device_latency"] = replay
            else:
                found.append((one, replay))
        return found

    def _energy(self, left: Sequence[_Entrant], works: Sequence[Workload], replays: dict[int, Callable[[], None]],
                windows: energy.Rules) -> None:
        if not self.request.energy:
            return
        runs = [replays.get(one.place, work.run) if self.options.cuda_graph else work.run
                for one, work in zip(left, works, strict=True)]
        found = energy.measure_all(
            meter(self.device, self.monitor), runs, self.options.batch, synchronize=works[0].synchronize,
            monitor=self.monitor, rules=windows, progress=self._tell)
        for one, taken in zip(left, found, strict=True):
            one.found["energy"] = taken
