"""Which of the networks that were trained learns best, in words: what was seen, and what one cannot tell."""

from __future__ import annotations

from cnnspec.analysis.rounds import Difference, Rounds
from cnnspec.render import units
from cnnspec.render.compare_text import listed
from cnnspec.render.snippet import visible

#: From so many validation images on, a hundredth of a percent is some image.
_MANY = 2_000
#: Costs within this part of each other are not told apart.
_ALIKE = 0.02


def accuracy(share: float, images: int) -> str:
    """`98.9 %`; of many images `98.92 %`."""
    return f"{share * 100:.{_decimals(images)}f} %"


def points(share: float, images: int) -> str:
    """A difference in percentage points: `1.8`, `−0.4`."""
    return f"{share * 100:.{_decimals(images)}f}".replace("-", "−")


def _decimals(images: int) -> int:
    return 2 if images >= _MANY else 1


def verdict(rounds: Rounds) -> str:
    """One sentence: who learns better, by how much and at what cost; or that no difference was seen."""
    leader = rounds.leader
    if leader is None:
        return "no run was finished: there is nothing to compare"
    name = _name(rounds, leader)
    against = {place: found for place in range(len(rounds.rivals)) if place != leader
               and (found := rounds.difference(leader, place)) is not None}
    if not against:
        return f"{name} alone was trained: {_mean(rounds, leader)}"
    if not any(found.interval for found in against.values()):
        return _single(rounds, leader, tuple(against))
    if len(rounds.rivals) > 2:
        return _of_many(rounds, leader, against)
    (place, found), = against.items()
    return _better(rounds, leader, place, found) if found.seen else _alike(rounds, leader, place, found)


def _single(rounds: Rounds, leader: int, others: tuple[int, ...]) -> str:
    """What one run each tells: figures, and no difference."""
    told = [f"{_name(rounds, place)} {_mean(rounds, place)}" for place in (leader, *others)]
    return (f"no difference can be told from one run each, which shows no spread: {listed(told)}"
            f"{_cost(rounds, leader, others[0]) if len(others) == 1 else ''}; --seeds 3 or more tells")


def _better(rounds: Rounds, leader: int, place: int, found: Difference) -> str:
    return (f"{_name(rounds, leader)} learns better: {accuracy(found.one, rounds.images)} against "
            f"{accuracy(found.other, rounds.images)}, by {_by(found, rounds.images)}{_cost(rounds, leader, place)}"
            f"{_after_equal_seconds(rounds, leader, place)}")


def _alike(rounds: Rounds, leader: int, place: int, found: Difference) -> str:
    """Where no difference was seen, the costs are what is left to choose by."""
    return (f"no difference seen between {_name(rounds, leader)} and {_name(rounds, place)}: "
            f"{accuracy(found.one, rounds.images)} and {accuracy(found.other, rounds.images)}, apart by "
            f"{_by(found, rounds.images)}{_cost(rounds, leader, place)}{_after_equal_seconds(rounds, leader, place)}")


def _of_many(rounds: Rounds, leader: int, against: dict[int, Difference]) -> str:
    """The best, whom it beats, and from whom it cannot be told."""
    beaten = [f"{_name(rounds, place)} (by {points(found.mean, rounds.images)})"
              for place, found in against.items() if found.seen]
    alike = [_name(rounds, place) for place, found in against.items() if not found.seen]
    best = f"{_name(rounds, leader)} ({_mean(rounds, leader)})"
    if not beaten:
        return f"no difference seen between {best} and {listed(alike)}"
    says = f"{best} learns better than {listed(beaten)}, in points of accuracy"
    return f"{says}; no difference seen to {listed(alike)}" if alike else says


def _by(found: Difference, images: int) -> str:
    """`1.8 points (95 %: 1.1 to 2.5)`."""
    if found.interval is None:
        return f"{points(found.mean, images)} points"
    return (f"{points(found.mean, images)} points (95 %: {points(found.interval.low, images)} to "
            f"{points(found.interval.high, images)})")


def _cost(rounds: Rounds, leader: int, place: int) -> str:
    """`, in 2.1 times the MACs and 1.7 times the time`, of training."""
    work = rounds.ratio(leader, place, lambda rival, run: rival.work(run))
    time = rounds.ratio(leader, place, lambda rival, run: run.learning.seconds)
    told = [f"{units.rate(ratio)} times the {what}" for ratio, what in ((work, "MACs"), (time, "time"))
            if ratio is not None and abs(ratio - 1) > _ALIKE]
    return f", in {listed(told)}" if told else ""


def _after_equal_seconds(rounds: Rounds, leader: int, place: int) -> str:
    """What the slower leader had reached when the other was done; nothing for a leader that is no slower."""
    time = rounds.ratio(leader, place, lambda rival, run: run.learning.seconds)
    if time is None or time <= 1 + _ALIKE:
        return ""
    found = rounds.after_equal_seconds(leader, place)
    if found is None:
        return f"; when {_name(rounds, place)} was done, it had not finished an epoch"
    seen = "" if found.seen else ", no difference seen"
    return (f"; after equal seconds {accuracy(found.one, rounds.images)} against "
            f"{accuracy(found.other, rounds.images)}{seen}")


def _name(rounds: Rounds, place: int) -> str:
    return visible(rounds.rivals[place].name)


def _mean(rounds: Rounds, place: int) -> str:
    found = rounds.rivals[place].accuracy
    return "–" if found is None else accuracy(found.mean, rounds.images)
