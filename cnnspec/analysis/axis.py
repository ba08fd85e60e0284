"""What the outputs of a layer see along one axis of the input, in exact whole pixels.

Most fields are one line: output `o` sees the pixels from `stride·o + low` to `stride·o + high` (`Reach`; with
fractions, the whole pixels between). Upsampling behind a stride breaks the line: the outputs that share a coarse
position all see the same pixels. Then the windows repeat in `Phases`, each time some pixels further. Layers compose by
substitution (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019).
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, gcd, lcm

from cnnspec.layers.facts import Reach
from cnnspec.record import Record

Number = int | Fraction

#: Windows in one period; what would take more (odd resizing, again and again) is enclosed by a line.
_MOST_PHASES = 64
#: The largest denominator that a line has; what would take more (uneven resizing, hundreds of times) is enclosed.
_FINEST = 10**50


class Phases(Record):
    """Windows that repeat: `lows[i]` to `highs[i]` is that of output `i`; each period lies `advance` pixels further."""

    advance: int
    lows: tuple[int, ...]
    highs: tuple[int, ...]

    @property
    def stride(self) -> Fraction:
        """Pixels from one window to the next, on average."""
        return Fraction(self.advance, len(self.lows))

    @property
    def low(self) -> Number:
        """The largest number for which no window begins before `stride·o + low`."""
        return min(low - self.stride * phase for phase, low in enumerate(self.lows))

    @property
    def high(self) -> Number:
        """The smallest number for which no window ends behind `stride·o + high`."""
        return max(high - self.stride * phase for phase, high in enumerate(self.highs))

    def window(self, first: int, last: int) -> tuple[int, int]:
        """What the outputs from `first` to `last` see together."""
        (turns, phase), (more, end) = divmod(first, len(self.lows)), divmod(last, len(self.highs))
        return self.advance * turns + self.lows[phase], self.advance * more + self.highs[end]


Axis = Reach | Phases


def through(seen: Axis, reach: Reach) -> Axis:
    """What a layer with this reach sees, where its input sees `seen`."""
    if isinstance(seen, Reach) and (_is_whole(reach) or (seen.stride == 1 and _is_whole(seen))):
        return _line(seen, reach)
    step, repeats = Fraction(reach.stride), _period(seen)
    period = step.denominator * (repeats // gcd(repeats, step.numerator))
    if max(period, repeats) > _MOST_PHASES:
        return _line(_hull(seen), reach)
    before = _phases(seen)
    windows = [before.window(ceil(step * o + reach.low), floor(step * o + reach.high)) for o in range(period)]
    return _repeating(int(before.stride * step * period), windows)


def joined(paths: list[Axis], extent: int) -> Axis:
    """The union of what several paths see, for outputs 0 to extent − 1.

    Paths of different strides (rounded resizing) have no union that repeats; a line with the stride of the widest then
    encloses them, at both ends of the output.
    """
    period = lcm(*(_period(path) for path in paths if isinstance(path, Phases)))
    if period == 1 or period > _MOST_PHASES or any(path.stride != paths[0].stride for path in paths):
        return _enclosed([_hull(path) for path in paths], extent)
    repeating = [_phases(path) for path in paths]
    windows = [tuple(zip(*(path.window(o, o) for path in repeating), strict=True)) for o in range(period)]
    return _repeating(int(paths[0].stride * period), [(min(lows), max(highs)) for lows, highs in windows])


def _enclosed(lines: list[Reach], extent: int) -> Reach:
    """One line around several, for outputs 0 to extent − 1."""
    stride = lines[0].stride
    if any(line.stride != stride for line in lines):
        stride = max(lines, key=lambda line: line.high - line.low).stride
        lines = [Reach(stride, line.low + o * (line.stride - stride), line.high + o * (line.stride - stride))
                 for line in lines for o in (0, extent - 1)]
    return Reach(stride, min([line.low for line in lines]), max([line.high for line in lines]))


def size(axis: Axis) -> int:
    """The most pixels that any output sees, from the first to the last."""
    if isinstance(axis, Phases):
        return max(high - low for low, high in zip(axis.lows, axis.highs, strict=True)) + 1
    if _is_whole(axis):
        return int(axis.high - axis.low + 1)
    # with the stride p/q in lowest terms, windows begin at all multiples of 1/q: the best the least before a pixel
    q = Fraction(axis.stride).denominator
    gap = Fraction(-(axis.low * q) % 1, q)
    return floor(axis.high - axis.low - gap) + 1


def _line(seen: Reach, reach: Reach) -> Reach:
    stride = seen.stride * reach.stride
    low, high = seen.stride * reach.low + seen.low, seen.stride * reach.high + seen.high
    if max(stride.denominator, low.denominator, high.denominator) <= _FINEST:
        return Reach(stride, low, high)
    return Reach(Fraction(stride).limit_denominator(_FINEST), floor(low), ceil(high))


def _hull(axis: Axis) -> Reach:
    return axis if isinstance(axis, Reach) else Reach(axis.stride, axis.low, axis.high)


def _period(axis: Axis) -> int:
    """Outputs after which the windows repeat."""
    return len(axis.lows) if isinstance(axis, Phases) else Fraction(axis.stride).denominator


def _phases(axis: Axis) -> Phases:
    if isinstance(axis, Phases):
        return axis
    step = Fraction(axis.stride)
    outputs = range(_period(axis))
    return Phases(step.numerator, tuple(ceil(step * o + axis.low) for o in outputs),
                  tuple(floor(step * o + axis.high) for o in outputs))


def _repeating(advance: int, windows: list[tuple[int, int]]) -> Axis:
    if len(windows) == 1:
        return Reach(advance, *windows[0])
    lows, highs = zip(*windows, strict=True)
    return Phases(advance, lows, highs)


def _is_whole(reach: Reach) -> bool:
    return isinstance(reach.stride, int) and isinstance(reach.low, int) and isinstance(reach.high, int)
