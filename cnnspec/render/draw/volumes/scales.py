"""How large a value is drawn: height and depth by its extents, width by its channels.

Extents and channels grow as square roots, each relative to the largest of the network, so that 3×224×224 and
2048×7×7 both show. A flat value is a bar whose height grows as the logarithm of its length.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log2, sqrt

from cnnspec.layers.base import Shape
from cnnspec.record import Record

#: Height of the largest extent, and what is added to each.
_TALLEST, _LEAST = 156.0, 4.0
#: Width of the most channels, most for the root of one, and what is added to each.
_WIDEST, _MOST_PER_ROOT, _THINNEST = 66.0, 3.0, 3.0
#: A flat value: its width, its height for one element and for each doubling.
_BAR, _SHORTEST, _DOUBLING = 9.0, 16.0, 10.0
#: Depth of what has none.
_SHEET = 14.0
#: Of a unit of depth into the picture, so much is drawn to the right and upwards.
RIGHT, UP = 0.3, 0.22


class Size(Record):
    """What a value takes: its front, and its depth into the picture; pixels."""

    width: float
    height: float
    depth: float

    @property
    def dx(self) -> float:
        return self.depth * RIGHT

    @property
    def dy(self) -> float:
        return self.depth * UP


class Scale(Record):
    """The scale of one network: its largest extent, its most channels, and how far all is zoomed."""

    extent: int
    channels: int
    zoom: float = 1.0

    def size(self, shape: Shape) -> Size:
        """The size of a value.

        Of two extents, `(C, H, W)`, H is the height and W the depth; of three, `(C, D, H, W)`, H is the height and D,
        the frames, the depth; one extent, `(C, L)`, is the height of a sheet.
        """
        if len(shape) == 1:
            return self._zoomed(_BAR, _SHORTEST + _DOUBLING * log2(shape[0] + 1), _SHEET)
        per_root = min(_MOST_PER_ROOT, _WIDEST / sqrt(self.channels))
        height, depth = {2: (shape[1], None), 3: (shape[1], shape[-1])}.get(len(shape), (shape[-2], shape[1]))
        return self._zoomed(_THINNEST + per_root * sqrt(shape[0]), self._length(height),
                            _SHEET if depth is None else self._length(depth))

    def _length(self, extent: int) -> float:
        return _LEAST + _TALLEST * sqrt(extent / self.extent)

    def _zoomed(self, width: float, height: float, depth: float) -> Size:
        return Size(width * self.zoom, height * self.zoom, depth * self.zoom)


def scale(shapes: Iterable[Shape]) -> Scale:
    """The scale for a network's values; `channels` and `extent` are of those that are not flat."""
    maps = [shape for shape in shapes if len(shape) > 1]
    return Scale(max((max(shape[1:]) for shape in maps), default=1), max((shape[0] for shape in maps), default=1))


def said(shapes: Iterable[Shape]) -> str:
    """What the scale means, in words, for values of these ranks."""
    ranks = {len(shape) for shape in shapes}
    words = {2: "height: length", 3: "height and depth: resolution", 4: "height: resolution, depth: frames"}
    told = [text for rank, text in words.items() if rank in ranks]
    if told:
        told.append("width: channels (square-root scales)")
    if 1 in ranks:
        told.append("bars: flat values (logarithmic)")
    return " · ".join(told)
