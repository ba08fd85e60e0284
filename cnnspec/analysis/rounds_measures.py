"""What networks have learned as a measure of a lineup: accuracy, with what it may be."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.latency import Interval
from cnnspec.analysis.lineup_measures import HIGH, SHARE, Measure
from cnnspec.analysis.rounds import Rival, Rounds
from cnnspec.analysis.spread import Spread

ACCURACY = "val_accuracy"

#: What training adds, by name, with what it counts.
TRAINED = {ACCURACY: "share of the validation images that are told right after training: the mean over seeds"}


def trained(rounds: Rounds, order: Sequence[int] | None = None) -> tuple[Measure, ...]:
    """What the networks at these places of the rounds have learned, in this order (None: as they are).

    Ratios are to the first in this order. Their intervals are those of the mean difference by seed; a single seed shows
    no spread, and its ratio has none.
    """
    places = range(len(rounds.rivals)) if order is None else order
    rivals = [rounds.rivals[place] for place in places]
    taken = [rival.accuracy for rival in rivals]
    reasons = tuple("" if found else _why(rival) for rival, found in zip(rivals, taken, strict=True))
    spreads = tuple(None if found is None else _bounded(found) for found in taken)
    return (Measure(
        ACCURACY, "accuracy, trained", TRAINED[ACCURACY], SHARE, HIGH,
        tuple(None if found is None else found.mean for found in taken), reasons if any(reasons) else (),
        spreads if any(spreads) else (), tuple(_interval(rounds, place, places[0]) for place in places),
        tuple(_ratio(rounds, place, places[0]) for place in places)),)


def _why(rival: Rival) -> str:
    return rival.failure or (rival.lost[0].why if rival.lost else "it was not trained any more")


def _bounded(found: Spread) -> Interval | None:
    """The mean's interval, within what a share can be."""
    return found.interval and Interval(max(found.interval.low, 0.0), min(found.interval.high, 1.0))


def _ratio(rounds: Rounds, place: int, to: int) -> float | None:
    """How many times as accurate a network is over the seeds of both; None where there is no such ratio."""
    difference = None if place == to else rounds.difference(place, to)
    return difference.one / difference.other if difference is not None and difference.other else None


def _interval(rounds: Rounds, place: int, to: int) -> Interval | None:
    """What the ratio of two accuracies may be, that of the other one taken as it is; None where nothing tells."""
    difference = None if place == to else rounds.difference(place, to)
    if difference is None or difference.interval is None or not difference.other:
        return None
    most = 1 / difference.other
    return Interval(*(min(max(1 + end / difference.other, 0.0), most)
                      for end in (difference.interval.low, difference.interval.high)))
