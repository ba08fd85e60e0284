"""What must hold for every drawing: nothing over anything else, nothing outside, no line through a box or a text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from itertools import pairwise

from cnnspec.render.draw.heading import Text
from cnnspec.render.draw.picture import Picture

#: Left, top, right, bottom.
Rectangle = tuple[float, float, float, float]
SLACK = 0.05


def parsed(markup: str) -> ET.Element:
    """An SVG's root; raises where it is no XML."""
    return ET.fromstring(markup)  # noqa: S314  # of our own making


def texts(picture: Picture) -> list[Text]:
    """All texts of a picture."""
    found = [*picture.texts]
    for placed in (*picture.boxes, *picture.frames):
        found += placed.texts
        found += [placed.badge] if placed.badge else []
    return found


def faults(picture: Picture) -> list[str]:
    """All that is wrong with a picture's places; empty for a good one."""
    boxes = {f"box {placed.box.key}": _area(placed) for placed in picture.boxes}
    words = {f"text {at} {text.content!r}": (text.left, text.top, text.right, text.bottom)
             for at, text in enumerate(texts(picture))}
    swatches = {f"swatch {each.family}": (each.x, each.y, each.x + 10, each.y + 10) for each in picture.swatches}
    frames = {f"frame {at} {placed.name}": _area(placed) for at, placed in enumerate(picture.frames)}
    bends = {f"line {line.source}-{line.target}": tuple(x for point in line.points for x in point)
             for line in picture.lines}
    found = [f"{one} over {other}" for one, other in overlapping(boxes)]
    found += [f"{one} over {other}" for one, other in overlapping({**words, **swatches})]
    found += [f"{one} over {other}" for one, other in overlapping(frames) if not _nested(frames[one], frames[other])]
    found += [f"{name} is outside" for name, area in {**boxes, **words, **frames, **swatches}.items()
              if area[0] < 0 or area[1] < 0 or area[2] > picture.width or area[3] > picture.height]
    found += [f"{name} bends outside" for name, numbers in bends.items()
              if min(numbers) < 0 or max(numbers[::2]) > picture.width or max(numbers[1::2]) > picture.height]
    found += _misplaced(picture)
    return [*found, *_crossings(picture, boxes, words), *_shared(picture)]


def overlapping(areas: dict[str, Rectangle]) -> Iterator[tuple[str, str]]:
    """Pairs of rectangles that share more than an edge."""
    ordered = sorted(areas.items(), key=lambda item: item[1][1])
    for at, (name, area) in enumerate(ordered):
        for other, beyond in ordered[at + 1 :]:
            if beyond[1] >= area[3] - SLACK:
                break
            if beyond[0] < area[2] - SLACK and area[0] < beyond[2] - SLACK:
                yield name, other


def _area(placed: object) -> Rectangle:
    x, y, width, height = (getattr(placed, field) for field in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def _nested(one: Rectangle, other: Rectangle) -> bool:
    return any(all(inner[at] >= outer[at] for at in (0, 1)) and all(inner[at] <= outer[at] for at in (2, 3))
               for inner, outer in ((one, other), (other, one)))


def _misplaced(picture: Picture) -> Iterator[str]:
    """Texts of boxes outside their box; boxes across the border of a frame."""
    for placed in (*picture.boxes, *picture.frames):
        area = _area(placed)
        for text in (*placed.texts, *([placed.badge] if placed.badge else [])):
            if not _nested((text.left, text.top, text.right, text.bottom), area):
                yield f"{text.content!r} is wider than what it is in"
    frames = {placed.name: _area(placed) for placed in picture.frames}
    for placed in picture.boxes:
        for name, frame in frames.items():
            if [*overlapping({"box": _area(placed), "frame": frame})] and not _nested(_area(placed), frame):
                yield f"box {placed.box.key} across frame {name}"


def _segments(picture: Picture) -> Iterator[tuple[str, set[int | None], Rectangle]]:
    for line in picture.lines:
        for (x, y), (right, bottom) in pairwise(line.points):
            yield (f"line {line.source}-{line.target}", {line.source, line.target},
                   (min(x, right), min(y, bottom), max(x, right), max(y, bottom)))


def _crossings(picture: Picture, boxes: dict[str, Rectangle], words: dict[str, Rectangle]) -> Iterator[str]:
    """Lines through boxes, their own ends included, or through texts; lines that are not upright or level."""
    things = sorted([*boxes.items(), *words.items()], key=lambda item: item[1][1])
    for name, _, (x, y, right, bottom) in _segments(picture):
        if right - x > SLACK and bottom - y > SLACK:
            yield f"{name} is slanted"
        for thing, area in things:
            if area[1] > bottom:
                break
            if (x < area[2] - SLACK and right > area[0] + SLACK and y < area[3] - SLACK and bottom > area[1] + SLACK):
                yield f"{name} through {thing}"


def _shared(picture: Picture) -> Iterator[str]:
    """Lines of different values that run along each other, other than into one box."""
    runs: dict[tuple[int, float], list[tuple[float, float, int, int | None]]] = {}
    for line in picture.lines:
        for (x, y), (right, bottom) in pairwise(line.points):
            upright = abs(x - right) < SLACK
            low, high = sorted((y, bottom) if upright else (x, right))
            runs.setdefault((upright, round(x if upright else y, 1)), []).append((low, high, line.source, line.target))
    for together in runs.values():
        together.sort(key=lambda run: run[:2])
        for at, (_, high, source, target) in enumerate(together):
            for low, _, other, into in together[at + 1 :]:
                if low >= high - SLACK:
                    break
                if source != other and target != into:
                    yield f"line {source}-{target} along {other}-{into}"


def ends_at_boxes(picture: Picture) -> Iterable[str]:
    """Lines that do not begin and end at the border of the boxes that they join."""
    areas = {placed.box.key: _area(placed) for placed in picture.boxes}
    for line in picture.lines:
        for key, (x, y) in ((line.source, line.points[0]), (line.target, line.points[-1])):
            if key is None:
                continue
            left, top, right, bottom = areas[key]
            on_border = (abs(x - left) < SLACK or abs(x - right) < SLACK) and top <= y <= bottom
            on_border |= (abs(y - top) < SLACK or abs(y - bottom) < SLACK) and left <= x <= right
            if not on_border:
                yield f"line {line.source}-{line.target} leaves or ends beside box {key}"
