"""Where volumes stand: chains in lines from left to right, each line around a horizontal axis, texts beside them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from cnnspec.record import Record
from cnnspec.render.draw.volumes import lettering
from cnnspec.render.draw.volumes.scales import Scale, Size
from cnnspec.render.draw.volumes.stacks import Stack

#: Pixels that a line may take. What is tried before a chain breaks into several lines: zooms, and for how many letters
#: of what made a volume there is room of its own (-1: not even for its shape); with less, texts stand at different
#: heights.
ROOM = 1380.0
_TRIED = ((1.0, 24), (1.0, 18), (1.0, 14), (1.0, 0), (0.92, 0), (0.84, 0), (0.76, 0), (0.68, 0), (0.84, -1), (0.76, -1),
          (0.68, -1))
_BROKEN = 14
#: Between the bodies of neighbours, and between texts.
_GAP, _APART = 24.0, 11.0
#: Between a body and its texts; a text that stands farther away has a leader.
_NEAR, _FAR = 5.0, 14.0
#: From slice to slice of a stack, where there are few; all slices together; a slice's share of its step.
_STEP, _SLICES, _SOLID = 8.0, 72.0, 0.72
#: Slices for one box that stands for several alike.
_MOST_SLICES = 4


class Volume(Record):
    """A stack in its place: thin slices, then the whole volume; `left` and `top` are of all of it."""

    stack: Stack
    size: Size
    left: float
    top: float
    #: For each box of the stack, how many slices stand for it, the whole volume among them.
    slices: tuple[int, ...]

    @property
    def step(self) -> float:
        return min(_STEP, _SLICES / max(sum(self.slices) - 1, 1))

    @property
    def thickness(self) -> float:
        """Of a slice that is not the whole volume."""
        return min(self.step * _SOLID, self.size.width)

    @property
    def front(self) -> float:
        """The left of the whole volume's front."""
        return self.left + self.step * (sum(self.slices) - 1)

    @property
    def right(self) -> float:
        return self.front + self.size.width + self.size.dx

    @property
    def bottom(self) -> float:
        return self.top + self.size.height + self.size.dy

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2

    @property
    def ridge(self) -> tuple[float, float]:
        """From where to where the whole volume's upper edge at the back goes."""
        return self.front + self.size.dx, self.right


class Note(Record):
    """Lines of text in the middle of a volume, above or below it; `top` is of the first. The first may be `strong`."""

    middle: float
    top: float
    lines: tuple[str, ...]
    strong: bool
    #: Where a line to the volume begins and ends, if the text is far from it.
    leader: tuple[float, float] | None = None

    @property
    def width(self) -> float:
        return max(map(lettering.pixels, self.lines))

    @property
    def bottom(self) -> float:
        return self.top + len(self.lines) * lettering.LINE

    @property
    def left(self) -> float:
        return self.middle - self.width / 2

    @property
    def right(self) -> float:
        return self.middle + self.width / 2


class Line(Record):
    """Volumes around the axis y = 0, and their texts."""

    volumes: tuple[Volume, ...]
    notes: tuple[Note, ...]

    @property
    def parts(self) -> tuple[Volume | Note, ...]:
        return (*self.volumes, *self.notes)


def lines(chain: tuple[Stack, ...], scale: Scale, *, topped: bool) -> list[Line]:
    """A chain in one line, zoomed out a little if need be, or in several; `topped` has all texts below."""
    for zoom, letters in _TRIED:
        bodies = [_body(stack, scale.replace(zoom=zoom)) for stack in chain]
        slots = [_slot(body, letters) for body in bodies]
        if sum(slots) <= ROOM:
            return [_line(bodies, slots, letters, topped=topped)]
    bodies = [_body(stack, scale) for stack in chain]
    slots = [_slot(body, _BROKEN) for body in bodies]
    return [_line(bodies[part.start:part.stop], slots[part.start:part.stop], _BROKEN, topped=topped)
            for part in _parted(slots)]


def _body(stack: Stack, scale: Scale) -> Volume:
    """A stack at the left of everything, around the axis."""
    size = scale.size(stack.output)
    slices = tuple(min(box.row.count * len(box.row.layers), _MOST_SLICES) for box in stack.boxes)
    return Volume(stack, size, 0.0, -(size.height + size.dy) / 2, slices)


def _slot(body: Volume, letters: int) -> float:
    """What a volume takes of a line: its body, its shape, and so many letters of what made it."""
    shape = lettering.pixels(lettering.shape(body.stack))
    texts = [shape / 2 if letters < 0 else shape]
    if letters > 0:
        texts += map(lettering.pixels, lettering.made_by(body.stack, letters * lettering.LETTER))
    return max(body.right - body.left + _GAP, max(texts) + _APART)


def _parted(slots: list[float]) -> list[range]:
    """The slots in as few lines as there is room for, of about the same width."""
    whole = sum(slots)
    for count in range(int(whole / ROOM) + 1, len(slots) + 1):
        middles = [passed - slot / 2 for passed, slot in zip(accumulate(slots), slots, strict=True)]
        homes = [int(middle / whole * count) for middle in middles]
        parts = [range(homes.index(home), homes.index(home) + homes.count(home)) for home in dict.fromkeys(homes)]
        if all(sum(slots[part.start:part.stop]) <= ROOM for part in parts):
            return parts
    return [range(at, at + 1) for at in range(len(slots))]


def _line(bodies: Sequence[Volume], slots: Sequence[float], letters: int, *, topped: bool) -> Line:
    """Bodies in the middles of their slots."""
    volumes = [body.replace(left=passed - (slot + body.right - body.left) / 2)
               for body, slot, passed in zip(bodies, slots, accumulate(slots), strict=True)]
    return Line(tuple(volumes), tuple(_notes(volumes, letters, topped=topped)))


def _notes(volumes: Sequence[Volume], letters: int, *, topped: bool) -> list[Note]:
    """What is written at each volume: its shape below, and what made it above, or below that where it is `topped`."""
    placed: list[Note] = []
    for at, volume in enumerate(volumes):
        made = lettering.made_by(volume.stack, letters * lettering.LETTER if letters > 0 else _free(volumes, at))
        shape = (lettering.shape(volume.stack),)
        blocks = [((*shape, *made), True)] if topped else [(shape, True), (made, False)]
        for text, below in blocks:
            placed.append(_beside(volume, volumes, placed, text, below=below))
    return placed


def _free(volumes: Sequence[Volume], at: int) -> float:
    """How wide a text in the middle of a volume may be so that it covers the middle of no other."""
    near = [abs(other.middle - volumes[at].middle) for other in volumes[max(at - 1, 0):at + 2] if other != volumes[at]]
    return min(2 * min(near, default=80.0) - 2 * _APART, 24 * lettering.LETTER)


def _beside(volume: Volume, volumes: Sequence[Volume], placed: Sequence[Note], text: tuple[str, ...], *, below: bool
            ) -> Note:
    """A text as near to its volume as other volumes and texts allow."""
    height = len(text) * lettering.LINE
    note = Note(volume.middle, volume.bottom + _NEAR if below else volume.top - _NEAR - height, text, below)
    obstacles: list[Volume | Note] = [*volumes, *placed]
    obstacles.sort(key=lambda each: each.top if below else -each.bottom)
    for other in obstacles:
        across = other.left < note.right + _APART / 2 and note.left - _APART / 2 < other.right
        if across and other.top < note.bottom + 2 and note.top - 2 < other.bottom:
            note = note.replace(top=other.bottom + _NEAR if below else other.top - _NEAR - height)
    far = note.top - volume.bottom if below else volume.top - note.bottom
    ends = (volume.bottom + 2, note.top) if below else (note.bottom, volume.top - 2)
    return Note(note.middle, note.top, text, below, ends if far > _FAR else None)
