"""What a comparison of networks shows, and how its values, ratios and stages are written."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.analysis.lineup import Lineup
from cnnspec.analysis.lineup_measures import (
    BYTES,
    COUNT,
    INTENSITY,
    JOULES,
    NEITHER,
    PIXELS,
    RATE,
    SECONDS,
    SHAPE,
    SHARE,
    WORK,
    Front,
    Measure,
    Value,
)
from cnnspec.analysis.lineup_stages import Part, Stage
from cnnspec.analysis.rounds import Rounds
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.snippet import visible, width

#: The most networks that stand side by side, however wide the terminal is.
MOST_COLUMNS = 6
#: Behind the best values; where there is none.
MARK, NOTHING = "◂", "–"
#: What is said where measuring has seen no difference, with and without room for it.
SAME, SAME_SHORT = "no difference seen", "≈"
#: What is said where there were too few runs to tell, with and without room for it.
FEW, FEW_SHORT = "too few runs", "?"
#: The places of a network towards a front.
DOMINATED, ON_FRONT = "dominated", "front"


class Shown(Record):
    """What is to be shown of a lineup."""

    lineup: Lineup
    #: The measures that were asked for, in this order; empty for those that there is room for.
    chosen: tuple[Measure, ...] = ()
    front: Front | None = None
    #: What the networks are sorted by; None where they stand as they were named.
    sorted_by: Measure | None = None
    #: Whether the largest come first.
    descending: bool = False
    #: Whether the stages are shown where networks stand side by side.
    stages: bool = True
    #: What estimates and measurements rest on, in sentences.
    remarks: tuple[str, ...] = ()
    #: How they learned, in the lineup's order; None where they were not trained.
    rounds: Rounds | None = None

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The rows, where there is room for all."""
        return self.chosen or self.lineup.measures


def value(measure: Measure, index: int) -> str:
    """A network's value with its unit; `–` where it has none."""
    return written(measure.values[index], measure.unit)


def written(of: Value, unit: str) -> str:
    """A value with its unit."""
    if of is None:
        return "all" if unit == PIXELS else NOTHING
    if isinstance(of, tuple):
        return units.axes(of) if unit == PIXELS else units.shape(of)
    if isinstance(of, float) or unit in (SECONDS, RATE, JOULES, INTENSITY):
        return {SECONDS: units.duration, RATE: units.rate, JOULES: units.energy, SHARE: units.percent}.get(
            unit, "{:,.1f}".format)(of)
    return {COUNT: units.count, WORK: units.scaled, BYTES: units.size}[unit](of)


def ratio(measure: Measure, index: int, *, full: bool = True) -> str:
    """How many times the first network's value, with its interval where it was measured; empty where that says nothing.

    Where one value is no better than another, the values alone are shown.
    """
    number = measure.ratios[index]
    if measure.differs[index] is False:
        return SAME if full else SAME_SHORT
    if measure.undecided(index):
        return FEW if full else FEW_SHORT
    if measure.better == NEITHER or number is None:
        return ""
    interval = measure.ratio_intervals[index] if measure.ratio_intervals else None
    if interval is None or not full:
        return f"×{times(number)}"
    return f"×{times(number)}  (95 %: {times(interval.low)} to {times(interval.high)})"


def times(number: float) -> str:
    """A ratio with three digits that count; one that is nearly 1 with four decimals."""
    if 0 < number < 0.1:
        return f"{number:.3g}"
    text = units.rate(number) if number else "0"
    return f"{number:.4f}".rstrip("0") if text == "1.00" and abs(number - 1) >= 5e-5 else text


def place(front: Front, index: int) -> str:
    """Where a network stands towards the front."""
    flag = front.dominated[index]
    return NOTHING if flag is None else DOMINATED if flag else ON_FRONT


def front_title(front: Front) -> str:
    """`parameters and MACs`, as the row is called that says who is dominated."""
    return " and ".join(measure.title for measure in front.measures)  # titles may have commas of their own


# ------------------------------------------------------------------------------------------------- stages


def resolution(stage: Stage) -> str:
    """`/4` for every fourth pixel, `×2` for twice as many as the input has, `flat` for a single position."""
    if stage.octave is None:
        return "flat"
    return f"/{2**stage.octave}" if stage.octave >= 0 else f"×{2**-stage.octave}"


def part_shape(part: Part) -> str:
    """The channels and the last extents of a stage: `64–256×56×56`."""
    low, high = part.channels
    channels = str(low) if low == high else f"{low}–{high}"
    extents = part.extents[-1] if part.extents else ()
    return "×".join([channels, *map(str, extents)])


# -------------------------------------------------------------------------------------------------- words


def wrapped(text: str, room: int) -> list[str]:
    """Words in lines of so many cells; a longer word has a line of its own."""
    lines: list[str] = []
    for word in visible(text).split(" "):
        if lines and width(lines[-1]) + 1 + width(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def missing(shown: Shown) -> list[str]:
    """Why values are missing, once for all networks that share a reason."""
    names = shown.lineup.names
    found: dict[tuple[str, str], list[str]] = {}
    for measure in shown.measures:
        for index, name in enumerate(names):
            if measure.reason(index) and measure.unit not in (PIXELS, SHAPE):
                found.setdefault((measure.title, measure.reason(index)), []).append(visible(name))
    return [f"no {title}: {reason}" + _whose(having, names, reason) for (title, reason), having in found.items()]


def _whose(having: Sequence[str], names: Sequence[str], reason: str) -> str:
    """The networks that a reason is for, where it does not name them and is not for all."""
    told = len(having) == len(names) or all(name in reason for name in having)
    return "" if told else f" ({listed(having)})"


def intervals(shown: Shown) -> list[str]:
    """The ratios that were measured, with their intervals, where the table has no room for these."""
    first, *others = map(visible, shown.lineup.names)
    found = []
    for measure in shown.measures:
        for index, name in enumerate(others, 1):
            if measure.differs[index] is not None or measure.undecided(index):
                says = ratio(measure, index)
                found.append(f"{measure.title}: {name} {says}" + (f" of {first}" if measure.differs[index] else ""))
    return found
