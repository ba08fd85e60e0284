"""How networks were measured against each other, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.comparison import Rounds
from cnnspec.analysis.contest import Contest
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.lineup_measures import SECONDS, Measure
from cnnspec.environment import Unavailable
from cnnspec.render import units
from cnnspec.render.profile_facts import setting

#: What is said where latencies beside each other have another ratio than the one beside them.
DRIFTED = "latencies drifted while they were measured: trust the ratios, taken in turns, more than the medians"


def remarks(found: Contest, names: Sequence[str], measures: Sequence[Measure] = ()) -> tuple[str, ...]:
    """On what, how often, and what to know about it; then why networks were given up.

    `measures` are those that are shown, by which it is seen whether latencies drifted.
    """
    drifted = [DRIFTED] if any(measure.drifted for measure in measures if measure.unit == SECONDS) else []
    failures = (f"{name}: {run.failure}" for name, run in zip(names, found.runs, strict=True) if run.failure)
    return (f"measured on {', '.join(setting(found))}", *_turns(found, names), *drifted, *failures)


def _turns(found: Contest, names: Sequence[str]) -> Iterator[str]:
    """How often the networks took turns, and how far that can be trusted."""
    heat = found.heat
    if isinstance(heat, Unavailable):
        yield f"not measured in turns: {heat.why}"
        return
    latencies = dict(zip(heat.places, heat.rounds.latencies, strict=True))
    yield ", ".join([
        f"in turns, there and back, {units.count(len(heat.rounds.blocks))} times",
        *_known(heat.rounds),
        *_trust(latencies, names), *(["broken off"] if found.interrupted else [])])


def _known(rounds: Rounds) -> Iterator[str]:
    """How closely ratios became known; nothing where that was broken off."""
    if rounds.converged:
        yield "ratios known to ±1 %"
    elif not any(latency.interrupted for latency in rounds.latencies):
        yield "ratios not known to ±1 %: time was up"


def _trust(latencies: dict[int, Latency], names: Sequence[str]) -> Iterator[str]:
    unsteady = [names[place] for place, latency in latencies.items() if not latency.steady]
    yield f"not steady: {', '.join(unsteady)}" if unsteady else "steady"
    held = sorted({word for latency in latencies.values() for word in latency.throttled})
    if held:
        yield f"clocks were held down: {', '.join(held)}"
