"""How a profile compares with a saved one, as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.profile_report import Difference, named
from cnnspec.environment import Unavailable
from cnnspec.render import units
from cnnspec.render.layout import Line, Styled
from cnnspec.render.snippet import visible


def differences(found: Sequence[Difference], max_slowdown: float) -> Iterator[Line]:
    """A line for each run: the time then and now, and the verdict; what else has changed comes last."""
    yield []
    yield [Styled(f"  against the saved profile, at most {units.percent(max_slowdown)} slower", "dim")]
    rows = [(named(one.options), visible(_times(one))) for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for one, row in zip(found, rows, strict=True):
        texts = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield [Styled(f"  {texts}  "), Styled(verdict(one), "bad" if one.slower else "")]
    for change in dict.fromkeys(change for one in found for change in one.changes):
        yield [Styled(f"  not as it was: {visible(change)}", "dim")]


def verdict(one: Difference) -> str:
    """A few words; where one of the two is missing, none."""
    ratio = one.ratio
    if ratio is None:
        return "does not run any more" if one.failed else "not compared"
    if not one.differs:
        return "no difference seen"
    if one.slower:
        return f"slower: ×{ratio:.2f}"
    return f"faster: ×{ratio:.2f}" if ratio < 1 else f"slower, but allowed: ×{ratio:.2f}"


def _times(one: Difference) -> str:
    return " → ".join(found.why if isinstance(found, Unavailable)
                      else f"{units.duration(found.median)} ±{units.percent(found.spread)}"
                      for found in (one.then, one.now))
