"""A machine on which time passes only while something runs, and whatever happens is laid down beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cnnspec.environment import Reading, Unavailable

#: What the n-th run takes, in seconds, from its number (0, 1, …) and the time at which it begins.
Plan = Callable[[int, float], float]


class Machine:
    """A clock, and runs that move it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def runs(self, plan: Plan) -> Runs:
        return Runs(self, plan)


class Runs:
    """A run whose durations follow a plan; it keeps when each began."""

    def __init__(self, machine: Machine, plan: Plan) -> None:
        self.machine, self.plan = machine, plan
        self.begun: list[float] = []

    def __call__(self) -> float:
        begin = self.machine.now
        self.begun.append(begin)
        taken = self.plan(len(self.begun) - 1, begin)
        self.machine.now += taken
        return taken


class Gpu:
    """What is watched: the clocks and the slowdowns, each in turn; the last one stays."""

    def __init__(self, clocks: Iterable[Reading] = (1980,),
                 slowdowns: Iterable[tuple[str, ...] | Unavailable] = ((),)) -> None:
        self.clocks, self.reasons = list(clocks), list(slowdowns)

    def sm_clock(self) -> Reading:
        return self.clocks.pop(0) if len(self.clocks) > 1 else self.clocks[0]

    def slowdowns(self) -> tuple[str, ...] | Unavailable:
        return self.reasons.pop(0) if len(self.reasons) > 1 else self.reasons[0]


def steadily(seconds: float) -> Plan:
    """Always the same."""
    return lambda number, begin: seconds


def in_turn(*seconds: float) -> Plan:
    """One after the other, over and over."""
    return lambda number, begin: seconds[number % len(seconds)]
