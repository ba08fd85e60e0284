"""A laid out drawing as SVG."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.summary import Summary
from cnnspec.render import palette
from cnnspec.render.draw.heading import Text
from cnnspec.render.draw.lines import Line, Point
from cnnspec.render.draw.picture import Picture, PlacedBox, PlacedFrame
from cnnspec.render.draw.sizes import badge_width
from cnnspec.render.draw.titles import tooltip
from cnnspec.render.palette import Tone
from cnnspec.render.svg import element, layers, quoted

ROOT = "cnnspec-drawing"
#: Of corners of lines, boxes and frames; the arrow's length and half its width.
BEND, BOX, FRAME, HEAD, WING = 6.0, 4.0, 8.0, 6.0, 3.2
TONES = {"strong": palette.TEXT, "title": palette.TEXT, "quiet": palette.QUIET, "count": palette.PAGE}


def drawing(picture: Picture, summary: Summary, *, standalone: bool = True) -> str:
    """A picture as SVG; as a file of its own with a ground, else as wide as there is room."""
    size = {"width": picture.width, "height": picture.height} if standalone else {"width": "100%"}
    style = None if standalone else f"max-width:{quoted(picture.width)}px;height:auto"
    ground = element("rect", class_="page", width="100%", height="100%", fill=palette.PAGE.light)
    root = element(
        "svg",
        element("title", quoted(f"{picture.name}, drawn")),
        element("style", _style()),
        ground if standalone else "",
        *map(_frame, picture.frames),
        *_lines(picture.lines),
        *(_box(box, summary) for box in picture.boxes),
        *(element("rect", class_=f"swatch {each.family}", x=each.x, y=each.y, width=10, height=10, rx=2,
                  **_colours(each.family)) for each in picture.swatches),
        *map(_text, picture.texts),
        xmlns="http://www.w3.org/2000/svg", class_=ROOT, font_family=palette.FONT, role="img",
        viewBox=f"0 0 {quoted(picture.width)} {quoted(picture.height)}", **size, style=style,
    )
    return root + "\n" if standalone else root


def _colours(family: str) -> dict[str, str]:
    return {"fill": palette.FILLS[family].light, "stroke": palette.STROKES[family].light}


def _box(placed: PlacedBox, summary: Summary) -> str:
    family = placed.box.family
    return element(
        "g",
        element("title", quoted(tooltip(summary, placed.box.row))),
        element("rect", x=placed.x, y=placed.y, width=placed.width, height=placed.height, rx=BOX, **_colours(family)),
        *map(_text, placed.texts),
        *_badge(placed.badge, placed.box.row.count, palette.STROKES[family]),
        class_=f"box {family}", data_layers=layers(placed.box.row),
    )


def _frame(placed: PlacedFrame) -> str:
    count = int(placed.badge.content[1:]) if placed.badge else 1
    return element(
        "g",
        element("title", quoted(placed.name + (f" ×{count}" if count > 1 else ""))),
        element("rect", x=placed.x, y=placed.y, width=placed.width, height=placed.height, rx=FRAME,
                fill=palette.PANEL.light, stroke=palette.FAINT.light),
        *map(_text, placed.texts),
        *_badge(placed.badge, count, palette.QUIET),
        class_="frame",
    )


def _badge(text: Text | None, count: int, tone: Tone) -> Iterator[str]:
    """A count in a pill."""
    if text is not None:
        width = badge_width(count)
        yield element("rect", class_="pill", x=text.x - width / 2, y=text.y - 10.5, width=width, height=14, rx=7,
                      fill=tone.light)
        yield _text(text)


def _text(text: Text) -> str:
    weight = 600 if text.tone in {"title", "count"} else None
    return element("text", quoted(text.content), class_=text.tone, x=text.x, y=text.y, font_size=text.size,
                   text_anchor=None if text.anchor == "start" else text.anchor, font_weight=weight,
                   fill=TONES[text.tone].light)


# ------------------------------------------------------------------------------------------------- lines


def _lines(lines: tuple[Line, ...]) -> Iterator[str]:
    """Lines, then their arrows: each as one path, since strokes over each other would look bolder."""
    ways = dict.fromkeys(_path(line.points) for line in lines)
    tips = dict.fromkeys(_tip(*line.points[-2:]) for line in lines)
    if lines:
        yield element("path", class_="line", d="".join(ways), fill="none", stroke=palette.LINE.light)
        yield element("path", class_="tip", d="".join(tips), fill=palette.LINE.light)


def _path(points: tuple[Point, ...]) -> str:
    """A way with rounded corners, up to the arrow's tip."""
    drawn = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        bend = min(BEND, _length(before, corner) / 2, _length(corner, after) / 2)
        drawn.append(f"L{_at(_towards(corner, before, bend))}Q{_at(corner)} {_at(_towards(corner, after, bend))}")
    return "".join([*drawn, f"L{_at(_towards(points[-1], points[-2], HEAD - 1))}"])


def _tip(before: Point, tip: Point) -> str:
    length = _length(before, tip) or 1.0
    along = (tip[0] - before[0]) / length, (tip[1] - before[1]) / length
    back = tip[0] - HEAD * along[0], tip[1] - HEAD * along[1]
    wings = [(back[0] - side * WING * along[1], back[1] + side * WING * along[0]) for side in (1, -1)]
    return f"M{_at(tip)}L{_at(wings[0])}L{_at(wings[1])}Z"


def _towards(start: Point, goal: Point, by: float) -> Point:
    length = _length(start, goal) or 1.0
    return start[0] + (goal[0] - start[0]) * by / length, start[1] + (goal[1] - start[1]) * by / length


def _length(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _at(point: Point) -> str:
    return f"{quoted(float(point[0]))} {quoted(float(point[1]))}"


# ------------------------------------------------------------------------------------------------- style


def _style() -> str:
    """What attributes cannot say: dark colours, and what is pointed at."""
    dark = [
        _rule(".page", fill=palette.PAGE.dark),
        _rule(".frame rect", fill=palette.PANEL.dark, stroke=palette.FAINT.dark),
        _rule(".line", stroke=palette.LINE.dark),
        _rule(".tip", fill=palette.LINE.dark),
        *(_rule(f"text.{tone}", fill=colour.dark) for tone, colour in TONES.items()),
        *(rule for family in palette.FILLS for rule in _family_rules(family)),
        _rule(".frame .pill", fill=palette.QUIET.dark, stroke="none"),
        _rule(".marked > rect:not(.pill)", stroke=palette.MARK.dark),
    ]
    return "".join([
        f".{ROOT} .box:hover > rect:not(.pill), .{ROOT} .marked > rect:not(.pill) {{ stroke-width: 2.5 }}\n",
        _rule(".marked > rect:not(.pill)", stroke=palette.MARK.light),
        "@media screen and (prefers-color-scheme: dark) {\n", *dark, "}\n",
    ])


def _family_rules(family: str) -> Iterator[str]:
    fill, stroke = palette.FILLS[family].dark, palette.STROKES[family].dark
    yield _rule(f".{family} > rect, .{ROOT} .swatch.{family}", fill=fill, stroke=stroke)
    yield _rule(f".{family} > .pill", fill=stroke, stroke="none")


def _rule(selector: str, **colours: str) -> str:
    inside = "; ".join(f"{name}: {colour}" for name, colour in colours.items())
    return f".{ROOT} {selector} {{ {inside} }}\n"
