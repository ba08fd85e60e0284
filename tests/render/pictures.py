"""Reading SVG back: where its texts and shapes are, and whether texts meet. Knows SVG as our own charts write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

from cnnspec.record import Record
from cnnspec.render.palette import CHARACTER
from cnnspec.render.snippet import width

Element = ET.Element
SVG = "{http://www.w3.org/2000/svg}"
_STEP = re.compile(r"([MLHVhZ])([^MLHVhZ]*)")


class Rectangle(Record):
    """What an element covers, and what it says."""

    left: float
    top: float
    right: float
    bottom: float
    text: str = ""

    def meets(self, other: Rectangle, margin: float = 0.01) -> bool:
        return self.left < other.right - margin and other.left < self.right - margin and \
            self.top < other.bottom - margin and other.top < self.bottom - margin


def read(svg: str) -> Element:
    """The root; raises where the text is no XML."""
    return ET.fromstring(svg)  # noqa: S314  # our own


def drawn(root: Element, down: float = 0.0) -> Iterator[tuple[Element, float]]:
    """Every element of a picture with how far it is moved down."""
    for child in root:
        moved = re.fullmatch(r"translate\(0 ([\d.]+)\)", child.get("transform", ""))
        below = down + (float(moved[1]) if moved else 0.0)
        yield child, below
        yield from drawn(child, below)


def of(root: Element, tag: str, class_: str = "") -> list[Element]:
    """The elements of a kind."""
    return [one for one, _ in drawn(root)
            if one.tag == SVG + tag and (not class_ or class_ in one.get("class", "").split())]


def texts(root: Element) -> list[Rectangle]:
    """What each text covers: its ascent is 0.8 of its size and its descent 0.2."""
    found = []
    for one, down in drawn(root):
        if one.tag == SVG + "text" and one.text:
            size = float(one.get("font-size", root.get("font-size", "")))
            wide = width(one.text) * CHARACTER * size
            before = {"start": 0.0, "middle": 0.5, "end": 1.0}[one.get("text-anchor", "start")]
            left = float(one.get("x", "")) - before * wide
            base = float(one.get("y", "")) + down
            found.append(Rectangle(left, base - 0.8 * size, left + wide, base + 0.2 * size, one.text))
    return found


def overlaps(root: Element) -> list[tuple[str, str]]:
    """The texts that meet."""
    return [(one.text, other.text) for one, other in combinations(texts(root), 2) if one.meets(other)]


def outside(root: Element) -> list[str]:
    """What leaves the picture."""
    _, _, wide, high = map(float, root.get("viewBox", "").split())
    return [one.text for one in (*texts(root), *shapes(root))
            if min(one.left, one.top) < -0.01 or one.right > wide + 0.01 or one.bottom > high + 0.01]


def shapes(root: Element) -> Iterator[Rectangle]:
    """What rectangles, circles, lines and paths cover."""
    for one, down in drawn(root):
        numbers = {name: float(value) for name, value in one.attrib.items() if re.fullmatch(r"-?[\d.]+", value)}
        tag = one.tag.removeprefix(SVG)
        if tag == "rect":
            yield Rectangle(numbers["x"], numbers["y"] + down, numbers["x"] + numbers["width"],
                            numbers["y"] + down + numbers["height"], "rect")
        elif tag == "circle":
            x, y, r = numbers["cx"], numbers["cy"] + down, numbers["r"]
            yield Rectangle(x - r, y - r, x + r, y + r, "circle")
        elif tag == "line":
            xs, ys = sorted((numbers["x1"], numbers["x2"])), sorted((numbers["y1"] + down, numbers["y2"] + down))
            yield Rectangle(xs[0], ys[0], xs[1], ys[1], "line")
        elif tag == "path":
            places = path(one.get("d", ""))
            yield Rectangle(min(x for x, _ in places), min(y for _, y in places) + down,
                            max(x for x, _ in places), max(y for _, y in places) + down, "path")


def path(d: str) -> list[tuple[float, float]]:
    """The points of a path, one after the other."""
    found: list[tuple[float, float]] = []
    x = y = 0.0
    for letter, rest in _STEP.findall(d):
        numbers = [float(number) for number in rest.split()]
        if letter in "ML":
            x, y = numbers
        elif letter == "H":
            x = numbers[0]
        elif letter == "V":
            y = numbers[0]
        found.append((x, y))
    return found


def height_at(points: list[tuple[float, float]], x: float) -> float:
    """The height of steps at a place."""
    return next(y for (left, y), (right, after) in pairwise(points) if y == after and left <= x <= right)
