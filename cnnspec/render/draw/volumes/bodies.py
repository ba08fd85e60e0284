"""Volumes as SVG: for each box of a stack its slices, each with a front, a top and a side."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.summary import Summary
from cnnspec.render.draw.titles import tooltip
from cnnspec.render.draw.volumes.placing import Volume
from cnnspec.render.palette import FILLS, STROKES, Tone
from cnnspec.render.svg import element, layers, quoted

#: What the faces are mixed with, and how much of it: tops are lighter, sides darker.
_TOP, _SIDE = 0.45, 0.3


def tones(family: str) -> dict[str, Tone]:
    """The colours of a family's faces, by class."""
    fill, stroke = FILLS[family], STROKES[family]
    return {
        "front": fill,
        "top": Tone(mixed(fill.light, "#ffffff", _TOP), mixed(fill.dark, stroke.dark, _SIDE)),
        "side": Tone(mixed(fill.light, stroke.light, _SIDE), mixed(fill.dark, "#000000", _TOP)),
    }


def mixed(colour: str, other: str, share: float) -> str:
    """A colour with a share of another; both and the result as `#rrggbb`."""
    pairs = ((int(colour[at:at + 2], 16), int(other[at:at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def volume(placed: Volume, summary: Summary) -> Iterator[str]:
    """A stack's slices from left to right, so that each hides what is behind it; those of one box are one group."""
    at, last = 0, sum(placed.slices) - 1
    for box, count in zip(placed.stack.boxes, placed.slices, strict=True):
        drawn: list[str] = []
        for slice_ in range(at, at + count):
            width = placed.size.width if slice_ == last else placed.thickness
            drawn += _solid(placed, placed.left + slice_ * placed.step, width, box.family)
        yield element("g", element("title", quoted(tooltip(summary, box.row))), *drawn,
                      class_=f"volume {box.family}", data_layers=layers(box.row))
        at += count


def _solid(placed: Volume, left: float, width: float, family: str) -> Iterator[str]:
    """One body: its front, top and side."""
    dx, dy = placed.size.dx, placed.size.dy
    near, far, low = placed.top + dy, left + width, placed.top + dy + placed.size.height
    corners = {
        "front": ((left, near), (far, near), (far, low), (left, low)),
        "top": ((left, near), (left + dx, placed.top), (far + dx, placed.top), (far, near)),
        "side": ((far, near), (far + dx, placed.top), (far + dx, low - dy), (far, low)),
    }
    for face, tone in tones(family).items():
        points = " ".join(f"{quoted(x)},{quoted(y)}" for x, y in corners[face])
        yield element("polygon", class_=face, points=points, fill=tone.light, stroke=STROKES[family].light,
                      stroke_linejoin="round")
