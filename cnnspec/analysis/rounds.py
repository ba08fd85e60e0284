"""Networks trained against each other, seed by seed: how well each learns, and whether a difference was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import comb

from cnnspec.analysis.latency import Interval
from cnnspec.analysis.learning import Epoch, Learning, Regime
from cnnspec.analysis.spread import CONFIDENCE, Spread, spread
from cnnspec.record import Record

#: Multiply-accumulates of a training step are about three times those of the forward pass: the gradients of the values
#: and those of the weights take as many each.
PASSES = 3
#: Validation images that a mean difference is known by at best: one, and what rounding may make of it.
_FINEST = 1.001


class Stretch(Record):
    """The mean loss of some steps that follow each other."""

    #: The last of them, and the seconds of training until then.
    step: int
    seconds: float
    loss: float


class Run(Record):
    """A network's run with one seed, from its beginning to its bounds."""

    seed: int
    learning: Learning
    #: The loss as it fell, in finer steps than epochs.
    losses: tuple[Stretch, ...] = ()

    @property
    def end(self) -> Epoch:
        """The last epoch: every run that has reached its bounds has one."""
        return self.learning.history[-1]

    def accuracy_at(self, seconds: float) -> float | None:
        """What the last epoch by then was judged to be; None before the first one's end."""
        judged = [epoch.val_accuracy for epoch in self.learning.history if epoch.seconds <= seconds]
        return judged[-1] if judged else None


class Lost(Record):
    """A run that has not reached its bounds."""

    seed: int
    why: str


class Rival(Record):
    """A network among those that are trained."""

    name: str
    #: Why it cannot be trained on these images; empty where it can.
    failure: str
    #: What was done to bring it and the images together, in sentences.
    says: tuple[str, ...]
    #: As it was trained: its head may have changed. MACs are of one image's forward pass. 0 where it was not trained.
    params: int
    macs: int
    #: By seed, in the order of seeds.
    runs: tuple[Run, ...]
    lost: tuple[Lost, ...] = ()

    def spread(self, get: Callable[[Run], float]) -> Spread | None:
        """A figure over its runs; None where it has none."""
        return spread([get(run) for run in self.runs]) if self.runs else None

    @property
    def accuracy(self) -> Spread | None:
        """On the validation images at the end. The best epoch's would be chosen by the images that it is judged by."""
        return self.spread(lambda run: run.end.val_accuracy)

    @property
    def best(self) -> Spread | None:
        """Of each run's best epoch."""
        return self.spread(lambda run: max(epoch.val_accuracy for epoch in run.learning.history))

    def work(self, run: Run) -> float:
        """Multiply-accumulates of a run's training, validation left out."""
        return float(run.learning.steps) * run.learning.regime.batch * PASSES * self.macs


class Difference(Record):
    """How much more accurate one network is than another over the seeds of both, as shares of 1."""

    pairs: int
    #: Means over the same seeds.
    one: float
    other: float
    #: Of the mean difference; None for a single seed, which shows no spread.
    interval: Interval | None

    @property
    def mean(self) -> float:
        return self.one - self.other

    @property
    def seen(self) -> bool:
        """Whether a difference was seen: it is not for a single seed, nor where the interval contains 0."""
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high


class Rounds(Record):
    """Networks that were trained on the same images, in the same order, from the same seeds, within the same bounds."""

    data: str
    #: How many they are judged by.
    images: int
    #: That of the first seed.
    regime: Regime
    seeds: tuple[int, ...]
    device: str
    environment: Mapping[str, object]
    #: In the order given.
    rivals: tuple[Rival, ...]
    #: Why it ended before all runs were done: `interrupted`; empty where it did not.
    ended: str = ""

    @property
    def confidence(self) -> float:
        """Of one interval, so that all differences between two of the networks hold together (Bonferroni)."""
        return 1 - (1 - CONFIDENCE) / max(1, comb(sum(bool(rival.runs) for rival in self.rivals), 2))

    def pairs(self, one: int, other: int) -> tuple[tuple[Run, Run], ...]:
        """The runs of two networks that began with the same seed."""
        theirs = {run.seed: run for run in self.rivals[other].runs}
        return tuple((run, theirs[run.seed]) for run in self.rivals[one].runs if run.seed in theirs)

    def difference(self, one: int, other: int) -> Difference | None:
        """How much more accurate one network ends than another; None without a seed that both have."""
        return self._difference([(mine.end.val_accuracy, its.end.val_accuracy) for mine, its in self.pairs(one, other)])

    def after_equal_seconds(self, one: int, other: int) -> Difference | None:
        """The same at the moment when the quicker of two runs ended; None where the other had not been judged by then.

        The slower one's learning rate had not fallen to its end there.
        """
        found = []
        for mine, its in self.pairs(one, other):
            moment = min(mine.end.seconds, its.end.seconds)
            accuracies = mine.accuracy_at(moment), its.accuracy_at(moment)
            if accuracies[0] is None or accuracies[1] is None:
                return None
            found.append((accuracies[0], accuracies[1]))
        return self._difference(found)

    def _difference(self, accuracies: list[tuple[float, float]]) -> Difference | None:
        """Paired by seed. A mean of so few counted images is known no more closely than to one of them."""
        if not accuracies:
            return None
        ones, others = zip(*accuracies, strict=True)
        taken = spread([one - other for one, other in accuracies], self.confidence)
        interval = taken.interval
        if interval is not None:
            half = max((interval.high - interval.low) / 2, _FINEST / self.images)
            interval = Interval(taken.mean - half, taken.mean + half)
        return Difference(len(accuracies), sum(ones) / len(ones), sum(others) / len(others), interval)

    def ratio(self, one: int, other: int, get: Callable[[Rival, Run], float]) -> float | None:
        """How many times another network's one takes, over the seeds of both; None where there is no such ratio."""
        pairs = self.pairs(one, other)
        below = sum(get(self.rivals[other], its) for _, its in pairs)
        return sum(get(self.rivals[one], mine) for mine, _ in pairs) / below if below else None

    @property
    def leader(self) -> int | None:
        """The place of the best mean accuracy, the first of equals; None where nothing was trained."""
        known = {place: rival.accuracy.mean for place, rival in enumerate(self.rivals) if rival.accuracy is not None}
        return max(known, key=lambda place: known[place], default=None)
