"""Scales from values to places, linear and logarithmic, and the ticks along them: 1-2-5 in units of 1000 or of 1024."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, floor, log, log10

from cnnspec.record import Record
from cnnspec.render import units

#: Values that span more than this factor, a decade and a half, stand on a logarithmic axis.
WIDE = 10**1.5
#: The largest value that is drawn, and the smallest on a logarithmic axis: their ratio is a floating-point number.
MOST, LEAST = 1e150, 1e-150
#: From here on a number is told by its power of ten.
_TOO_LONG = 1e21
#: Of the length of a logarithmic axis, what remains free at each end.
_MARGIN = 0.04
_ROUNDING = 1e-9


def bounded(value: float) -> float:
    """A number as a float, at most `MOST` in size."""
    return float(max(min(value, MOST), -MOST))


class Measure(Record):
    """What kind of number stands on an axis."""

    #: Names of the units, from the largest to the smallest, with their sizes.
    units: tuple[tuple[str, float], ...]
    #: A value as a text of its own, with its unit.
    text: Callable[[float], str]
    #: What powers on a logarithmic axis are of.
    base: int = 10

    def unit(self, value: float) -> tuple[str, float]:
        """The largest unit that a value has one of; the smallest where it has none."""
        return next((unit for unit in self.units if value >= unit[1]), self.units[-1])


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _short(text: Callable[[int], str], unit: str = "") -> Callable[[float], str]:
    """A text of whole numbers; `2.7e+61` for one that would take a line."""
    return lambda value: text(round(value)) if abs(value) < _TOO_LONG else f"{bounded(value):.3g} {unit}".rstrip()


def _powers(of: float, names: str) -> tuple[tuple[str, float], ...]:
    """Units from the largest to 1, which has the name `_`."""
    found = names.split()
    return tuple((name.strip("_"), of ** (len(found) - place)) for place, name in enumerate(found, 1))


PLAIN = Measure((("", 1.0),), _plain)
COUNT = Measure(_powers(1000.0, "E P T G M k _"), _short(units.scaled))
BYTES = Measure(_powers(1024.0, "EiB PiB TiB GiB MiB KiB B"), _short(units.size, "B"), 2)
SHARE = Measure((("%", 0.01),), units.percent)
SECONDS = Measure((("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)), units.duration)
RATE = Measure(COUNT.units, _short(units.flops, "FLOP/s"))


class Scale(Record):
    """Where values stand on an axis: `low` at `start`, `high` at `stop`, both in units of the picture."""

    low: float
    high: float
    start: float
    stop: float
    is_log: bool = False

    def at(self, value: float) -> float:
        """The place of a value, within the axis."""
        value = min(max(value, self.low), self.high)
        share = log(value / self.low) / log(self.high / self.low) if self.is_log else \
            (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def value(self, place: float) -> float:
        """The value at a place: the other way round."""
        share = (place - self.start) / (self.stop - self.start)
        return self.low * (self.high / self.low) ** share if self.is_log else self.low + share * (self.high - self.low)


class Tick(Record):
    """A value with its text."""

    value: float
    text: str


# ---------------------------------------------------------------------------------------------- scales


def linear(values: Iterable[float], start: float, stop: float, *, zero: bool = True) -> Scale:
    """From 0, or (unless `zero`) the smallest value, to the largest; never empty."""
    found = [bounded(value) for value in values]
    low, high = min(found, default=0.0), max(found, default=0.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if not high - low > abs(high) * 1e-6:
        low, high = (low, low + 1.0) if not low else (low - abs(low) / 2, low + abs(low) / 2)
    return Scale(low, high, start, stop)


def logarithmic(values: Iterable[float], start: float, stop: float) -> Scale:
    """Around the positive values, a decade at least and a little more than they need at both ends."""
    found = [max(bounded(value), LEAST) for value in values if value > 0]
    low, high = min(found, default=1.0), max(found, default=1.0)
    room = max((high / low) ** _MARGIN, (10 / min(high / low, 10)) ** 0.5, 1.05)
    return Scale(low / room, high * room, start, stop, is_log=True)


def fitting(values: Iterable[float], start: float, stop: float) -> Scale:
    """Logarithmic where positive values span more than `WIDE`, else linear around them."""
    found = [bounded(value) for value in values]
    if found and min(found) > 0 and max(found) / min(found) > WIDE:
        return logarithmic(found, start, stop)
    scale = linear(found, start, stop, zero=False)
    room = (scale.high - scale.low) * 2 * _MARGIN
    low = scale.low - room
    return Scale(max(low, 0.0) if scale.low >= 0 else low, scale.high + room, start, stop)


# ----------------------------------------------------------------------------------------------- ticks


def ticks(scale: Scale, measure: Measure = PLAIN, most: int = 6) -> tuple[Tick, ...]:
    """The ticks of a scale, about `most` of them."""
    return _log_ticks(scale, measure, most) if scale.is_log else _linear_ticks(scale, measure, most)


def _linear_ticks(scale: Scale, measure: Measure, most: int) -> tuple[Tick, ...]:
    name, size = measure.unit(max(abs(scale.low), abs(scale.high)))
    low, high = scale.low / size, scale.high / size
    step = nice((high - low) / most)
    first, last = ceil(low / step - _ROUNDING), floor(high / step + _ROUNDING)
    decimals = max(0, -floor(log10(step) + _ROUNDING))
    numbers = [number * step for number in range(first, last + 1)]
    return tuple(Tick(number * size, _in_unit(number, decimals, name)) for number in numbers)


def nice(step: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (and their tenths) that is no smaller than a step."""
    power: float = 10.0 ** floor(log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - _ROUNDING))


def _in_unit(number: float, decimals: int, unit: str) -> str:
    if not round(number, decimals):
        return "0"
    text = f"{number:,.{decimals}f}" if abs(number) < 1e6 and decimals < 6 else f"{number:.6g}"
    return f"{text} {unit}".rstrip()


def _log_ticks(scale: Scale, measure: Measure, most: int) -> tuple[Tick, ...]:
    """Powers of the base; 1-2-5 where there are few of them, every second, third, … where there are many."""
    base = measure.base
    first, last = ceil(log(scale.low, base) - _ROUNDING), floor(log(scale.high, base) + _ROUNDING)
    powers = range(first, last + 1)
    if base == 10 and len(powers) < most / 2:
        values = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
    else:
        apart = _apart(len(powers) / most, base)
        values = [float(base) ** power for power in powers if power % apart == 0]
    inside = [value for value in values if scale.low * (1 - _ROUNDING) <= value <= scale.high * (1 + _ROUNDING)]
    return tuple(Tick(value, _of_log(value, measure)) for value in inside)


def _apart(least: float, base: int) -> int:
    """How many powers lie between two ticks; of 2, such as make powers of 1024 now and then."""
    steps = (1, 2, 5, 10) if base == 2 else (1, 2, 3, 6)
    return next((step for step in steps if step >= least), steps[-1] * ceil(least / steps[-1]))


def _of_log(value: float, measure: Measure) -> str:
    name, size = measure.unit(value * (1 + _ROUNDING))
    number = value / size
    text = f"{number:,.0f}" if 1 <= number < 1e6 else f"{number:.6g}"
    return f"{text} {name}".rstrip()
