"""What networks are compared by: one value each, ratios to the first, the best, and who is dominated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from cnnspec.analysis.latency import Interval
from cnnspec.analysis.memories import TRAINING
from cnnspec.analysis.prediction import Prediction
from cnnspec.analysis.summary import Summary
from cnnspec.layers.base import Shape
from cnnspec.record import Record

T = TypeVar("T")

#: Kinds of unit. Numbers that are counted one by one; counts that are read in thousands and millions; bytes; FLOPs for
#: each byte; shapes; pixels along each axis; seconds; images per second; joules; parts of 1.
COUNT, WORK, BYTES, INTENSITY, SHAPE, PIXELS, SECONDS, RATE, JOULES, SHARE = (
    "count", "work", "bytes", "intensity", "shape", "pixels", "seconds", "rate", "joules", "share",
)

#: Which of two values is better; `NEITHER` where that is a matter of what is wanted.
LOW, HIGH, NEITHER = "low", "high", ""

#: A number; a shape, or one number for each axis; None where a network has none, as `Measure.reasons` says.
Value = int | float | Shape | None


class Measure(Record):
    """One way to compare networks. All tuples have one entry for each network, in the order of the lineup.

    Analytic figures are exact. Measured ones come with intervals of 95 %, and differ only where those of the ratios say
    so.
    """

    #: As `--columns` and JSON have it.
    name: str
    title: str
    #: What it counts, in a sentence.
    doc: str
    #: One of `COUNT`, `WORK`, `BYTES` and so on.
    unit: str
    #: `LOW`, `HIGH` or `NEITHER`.
    better: str
    values: tuple[Value, ...]
    #: Why there is no value; empty where there is one.
    reasons: tuple[str, ...] = ()
    #: Of each value, where it is estimated or measured; else the tuple is empty.
    intervals: tuple[Interval | None, ...] = ()
    #: Of the ratio to the first network, where it was measured; None for the first, and where too few turns were taken.
    #: Empty for exact figures.
    ratio_intervals: tuple[Interval | None, ...] = ()
    #: Ratios that were measured in turns, which the intervals are of; else those of the values count.
    paired: tuple[float | None, ...] = ()
    #: Whether values are bounds from below, which order nothing: there are no ratios, and `better` is `NEITHER`.
    bounds: bool = False

    @property
    def numbers(self) -> tuple[int | float | None, ...]:
        """The values that can be divided: None for shapes too."""
        return tuple(value if isinstance(value, int | float) else None for value in self.values)

    @property
    def ratios(self) -> tuple[float | None, ...]:
        """How many times the first network's value; None for the first, and where there is no such ratio."""
        if self.paired:
            return self.paired
        first, *others = self.numbers
        if not first or self.bounds:
            return (None,) * len(self.values)
        return (None, *(None if number is None else number / first for number in others))

    @property
    def differs(self) -> tuple[bool | None, ...]:
        """Whether a difference to the first was seen; None for the first, and where no interval was measured."""
        if not self.ratio_intervals:
            return (None,) * len(self.values)
        return tuple(None if interval is None else not interval.low <= 1 <= interval.high
                     for interval in self.ratio_intervals)

    def undecided(self, index: int) -> bool:
        """Whether a ratio comes from too few turns to tell a difference."""
        return bool(self.paired and self.paired[index] is not None and self.ratio_intervals[index] is None)

    @property
    def drifted(self) -> bool:
        """Whether dividing two of the values gives what the interval of their ratio, taken in turns, excludes."""
        first, *others = self.numbers
        if not first:
            return False
        pairs = zip(others, self.ratio_intervals[1:], strict=False)
        return any(not interval.low <= number / first <= interval.high
                   for number, interval in pairs if number is not None and interval is not None)

    @property
    def best(self) -> tuple[int, ...]:
        """The places of the best values; none where all are alike, or there is nothing to compare.

        Of measured values, all from which the best cannot be told: whose ratios' intervals meet the best one's, or are
        not known.
        """
        known = {index: number for index, number in enumerate(self.numbers) if number is not None}
        if self.better == NEITHER or len(known) < 2:
            return ()
        first = (min if self.better == LOW else max)(known, key=lambda index: known[index])
        alike = tuple(index for index, number in known.items()
                      if number == known[first] or self._overlap(index, first))
        return alike if len(alike) < len(known) else ()

    def _overlap(self, one: int, other: int) -> bool:
        """Whether two ratios were measured, and one may be the other."""
        if self.undecided(one) or self.undecided(other):
            return True
        mine, its = self._ratio_interval(one), self._ratio_interval(other)
        return mine is not None and its is not None and mine.low <= its.high and its.low <= mine.high

    def _ratio_interval(self, index: int) -> Interval | None:
        if not self.ratio_intervals:
            return None
        return Interval(1.0, 1.0) if index == 0 else self.ratio_intervals[index]

    def reason(self, index: int) -> str:
        """Why a network has no value; empty where it has one."""
        return self.reasons[index] if self.reasons else ""

    def picked(self, order: Sequence[int]) -> Measure:
        """The values of these places, in this order; ratios that were measured to another first are left out."""
        intervals, paired = (self.ratio_intervals, self.paired) if order and order[0] == 0 else ((), ())
        return Measure(self.name, self.title, self.doc, self.unit, self.better, _at(self.values, order),
                       _at(self.reasons, order), _at(self.intervals, order), _at(intervals, order), _at(paired, order),
                       self.bounds)


def _at(sequence: tuple[T, ...], order: Sequence[int]) -> tuple[T, ...]:
    """The elements of these places; none of an empty sequence."""
    return tuple(sequence[index] for index in order) if sequence else ()


# ---------------------------------------------------------------------------------------------- analytic


class _Figure(Record):
    """A measure before it is taken. `get` gives the value, or in words why there is none."""

    name: str
    title: str
    doc: str
    unit: str
    better: str
    get: Callable[[Summary], Value | str]


def _training_peak(summary: Summary) -> int | str:
    return summary.memory(TRAINING).peak if summary.can_train else summary.memories.untrained


def _field(summary: Summary) -> Shape | str:
    seen = summary.totals.receptive_field
    return seen.size if seen else "every value sees the whole input"


def _intensity(summary: Summary) -> float | str:
    whole = summary.totals
    return whole.flops * summary.batch / whole.traffic_bytes if whole.traffic_bytes else "nothing is moved"


def _input(summary: Summary) -> Shape | str:
    shapes = [*summary.inputs.values()]
    return shapes[0] if len(shapes) == 1 else f"it has {len(shapes)} inputs"


_FIGURES = (
    _Figure("params", "parameters", "learned elements", COUNT, LOW, lambda summary: summary.totals.params),
    _Figure("macs", "MACs", "multiply-accumulates of convolutions and linear layers, for one image", WORK, LOW,
            lambda summary: summary.totals.macs),
    _Figure("flops", "FLOPs", "2·MACs and all other operations, for one image", WORK, LOW,
            lambda summary: summary.totals.flops),
    _Figure("depth", "depth", "layers on the longest path", COUNT, NEITHER, lambda summary: summary.totals.depth),
    _Figure("weight_layers", "weight layers", "convolutions and linear layers", COUNT, NEITHER,
            lambda summary: summary.totals.weight_layers),
    _Figure("rf", "receptive field", "input pixels that the last local value sees, along each axis", PIXELS, NEITHER,
            _field),
    _Figure("weights", "weights", "bytes of the parameters", BYTES, LOW, lambda summary: summary.totals.weight_bytes),
    _Figure("activations", "activations", "bytes of all layers' outputs, for the batch", BYTES, LOW,
            lambda summary: summary.totals.activation_bytes),
    _Figure("inference_peak", "inference peak", "most bytes that are live at inference, for the batch", BYTES, LOW,
            lambda summary: summary.totals.inference_peak_bytes),
    _Figure("training_peak", "training peak", "most bytes that are live in a step of training, for the batch", BYTES,
            LOW, _training_peak),
    _Figure("intensity", "intensity", "FLOPs for each byte that is read or written", INTENSITY, NEITHER, _intensity),
    _Figure("input", "input", "shape that enters, without the batch", SHAPE, NEITHER, _input),
    _Figure("output", "output", "shape that leaves, without the batch", SHAPE, NEITHER, lambda summary: summary.output),
)

#: The name of predicted latencies, and that of the measured ones.
PREDICTED, LATENCY = "predicted", "latency"

#: What every comparison has, by name, with what it counts.
ANALYTIC = {figure.name: figure.doc for figure in _FIGURES}


def analytic(summaries: Sequence[Summary]) -> tuple[Measure, ...]:
    """What the analysis knows of networks; every figure is the summary's."""
    return tuple(_taken(figure, summaries) for figure in _FIGURES)


def _taken(figure: _Figure, summaries: Sequence[Summary]) -> Measure:
    found = [figure.get(summary) for summary in summaries]
    values = tuple(None if isinstance(value, str) else value for value in found)
    reasons = tuple(value if isinstance(value, str) else "" for value in found)
    return Measure(figure.name, figure.title, figure.doc, figure.unit, figure.better, values,
                   reasons if any(reasons) else ())


def predicted(found: Sequence[Prediction]) -> Measure:
    """Predicted latencies on one device, for the whole batch; those of a datasheet are bounds from below."""
    bound = any(one.high is None for one in found)
    intervals = tuple(None if one.high is None else Interval(one.low, one.high) for one in found)
    return Measure(PREDICTED, "latency, at least" if bound else "latency, predicted",
                   "seconds of one inference of the batch, as `cnnspec predict` has it",
                   SECONDS, NEITHER if bound else LOW, tuple(one.seconds for one in found), (),
                   () if bound else intervals, bounds=bound)


# ------------------------------------------------------------------------------------------------- Pareto


class Front(Record):
    """Which networks are the best compromises between several measures."""

    measures: tuple[Measure, ...]
    #: Of each network, whether another is at least as good in all measures and better in one; None where it lacks one.
    dominated: tuple[bool | None, ...]


def front(measures: Sequence[Measure]) -> Front:
    """The Pareto front of networks in some measures; errors as for `dominated`."""
    return Front(tuple(measures), dominated(measures))


def dominated(measures: Sequence[Measure]) -> tuple[bool | None, ...]:
    """Whether another network is at least as good in all measures and better in one; None where a value is missing.

    The others are the Pareto front. Raises `ValueError` for measures of which neither end is better, and for none.
    """
    if not measures or any(measure.better == NEITHER for measure in measures):
        raise ValueError("a front needs measures, each with a better end")
    points = [*zip(*(_costs(measure) for measure in measures), strict=True)]
    whole = [tuple(cost for cost in point if cost is not None) for point in points]
    rivals = [point for point in whole if len(point) == len(measures)]
    return tuple(any(_dominates(rival, point) for rival in rivals) if len(point) == len(measures) else None
                 for point in whole)


def _costs(measure: Measure) -> list[float | int | None]:
    """Values of which less is better."""
    sign = 1 if measure.better == LOW else -1
    return [None if number is None else sign * number for number in measure.numbers]


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(mine <= its for mine, its in zip(one, other, strict=True))
