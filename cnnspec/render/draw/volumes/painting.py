"""A laid out picture of volumes as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from cnnspec.analysis.summary import Summary
from cnnspec.render import palette, units
from cnnspec.render.draw.heading import Text
from cnnspec.render.draw.volumes import lettering
from cnnspec.render.draw.volumes.arcs import RADIUS, Arc, Mark
from cnnspec.render.draw.volumes.bodies import tones, volume
from cnnspec.render.draw.volumes.page import Page, Placed
from cnnspec.render.draw.volumes.placing import Note
from cnnspec.render.draw.volumes.stacks import Link
from cnnspec.render.palette import Tone
from cnnspec.render.svg import element, quoted

ROOT = "cnnspec-volumes"
#: Of corners of lines; an arrow's length and half its width; between an arrow and what it leads from and to.
_BEND, _HEAD, _WING, _CLEAR = 9.0, 6.0, 3.2, 2.0
#: From the upper edge of a line of letters to its baseline.
_BASELINE = 9.6
_TEXTS = {"strong": palette.TEXT, "title": palette.TEXT, "quiet": palette.QUIET}


def painted(page: Page, summary: Summary, *, standalone: bool) -> str:
    """A picture as SVG; as a file of its own with a ground, else as wide as there is room."""
    size = {"width": page.width, "height": page.height} if standalone else {"width": "100%"}
    style = None if standalone else f"max-width:{quoted(page.width)}px;height:auto"
    ground = element("rect", class_="page", width="100%", height="100%", fill=palette.PAGE.light) if standalone else ""
    root = element(
        "svg",
        element("title", quoted(f"{summary.name}, its values as volumes")),
        element("style", _style({box.family for placed in page.lines for each in placed.line.volumes
                                 for box in each.stack.boxes})),
        ground,
        *_turns(page),
        *(part for placed in page.lines for part in _line(placed, summary)),
        *(element("rect", class_=f"swatch {each.family}", x=each.x, y=each.y, width=10, height=10, rx=2,
                  fill=palette.FILLS[each.family].light, stroke=palette.STROKES[each.family].light)
          for each in page.swatches),
        *map(_text, page.texts),
        xmlns="http://www.w3.org/2000/svg", class_=ROOT, viewBox=f"0 0 {quoted(page.width)} {quoted(page.height)}",
        font_family=palette.FONT, role="img", **size, style=style,
    )
    return root + "\n" if standalone else root


def _line(placed: Placed, summary: Summary) -> Iterator[str]:
    """A line's arrows, volumes, arcs and texts, moved to their place."""
    volumes = placed.line.volumes
    parts: list[str] = []
    for one, other in pairwise(volumes):
        if other.stack.follows:
            parts += _arrow(f"M{_at(one.right + _CLEAR, 0)}", (other.left - _CLEAR, 0.0), "right")
    for each in volumes:
        parts += volume(each, summary)
    for arc in placed.arcs:
        parts.append(_arc(arc))
    for mark in placed.marks:
        parts.append(_mark(mark))
    for note in placed.line.notes:
        parts += _note(note)
    yield element("g", *parts, transform=f"translate({quoted(placed.x)} {quoted(placed.y)})")


# --------------------------------------------------------------------------------------------------- ways


def _arrow(way: str, tip: tuple[float, float], towards: str) -> Iterator[str]:
    """A way with its head; `way` is a path's text up to the last stretch, which goes `right` or `down`."""
    x, y = tip
    across = towards == "right"
    end = (x - _HEAD + 1, y) if across else (x, y - _HEAD + 1)
    wings = [(x - _HEAD, y + side * _WING) if across else (x + side * _WING, y - _HEAD) for side in (1, -1)]
    yield element("path", class_="way", d=f"{way}L{_at(*end)}", fill="none", stroke=palette.LINE.light)
    yield element("path", class_="tip", d=f"M{_at(x, y)}L{_at(*wings[0])}L{_at(*wings[1])}Z", fill=palette.LINE.light)


def _arc(arc: Arc) -> str:
    tip = arc.x2, arc.y2 - 1
    way = _rounded((arc.x1, arc.y1), (arc.x1, arc.y), (arc.x2, arc.y), tip)
    count = Text((arc.x1 + arc.x2) / 2, arc.y - 3, f"×{arc.link.count}", lettering.SIZE, anchor="middle", tone="quiet")
    return element("g", element("title", quoted(_said(arc.link))), *_arrow(way, tip, "down"),
                   *((_text(count),) if arc.link.count > 1 else ()), class_="arc")


def _mark(mark: Mark) -> str:
    """A pill with numbers above a volume, and what leads from or to it."""
    number = Text(mark.x, mark.y + 3.4, mark.text, lettering.SIZE, anchor="middle")
    way = f"M{_at(mark.x, mark.y + RADIUS)}"
    stem = (tuple(_arrow(way, (mark.x, mark.foot - 1), "down")) if mark.enters else
            (element("path", class_="way", d=f"{way}L{_at(mark.x, mark.foot)}", stroke=palette.LINE.light),))
    pill = element("rect", class_="mark", x=mark.x - mark.width / 2, y=mark.y - RADIUS, width=mark.width,
                   height=2 * RADIUS, rx=RADIUS, fill=palette.PANEL.light, stroke=palette.LINE.light)
    said = "\n".join(dict.fromkeys(map(_said, mark.links)))
    return element("g", element("title", quoted(said)), *stem, pill, _text(number), class_="arc")


def _said(link: Link) -> str:
    return f"{units.shape(link.shape)}{f', {link.count} times' if link.count > 1 else ''}"


def _turns(page: Page) -> Iterator[str]:
    """What leads from the end of a line to the beginning of the next: round the right, back between them, in again."""
    for above, below in pairwise(page.lines):
        if not below.goes_on:
            continue
        start, goal = above.line.volumes[-1].right + above.x + _CLEAR, below.line.volumes[0].left + below.x - _CLEAR
        middle = (above.bottom + below.top) / 2
        left, right = page.left, page.right
        corners = ((right, above.y), (right, middle), (left, middle), (left, below.y))
        yield from _arrow(_rounded((start, above.y), *corners, (goal, below.y)), (goal, below.y), "right")


def _rounded(*points: tuple[float, float]) -> str:
    """A way along level and upright stretches with rounded corners, up to the last of these."""
    way = f"M{_at(*points[0])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = (_towards(corner, other) for other in (before, after))
        way += f"L{_at(*near)}Q{_at(*corner)} {_at(*far)}"
    return way


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """The point where a corner's rounding begins on the way to another point; halfway, where that is near."""
    x, y = other[0] - corner[0], other[1] - corner[1]
    share = min(_BEND / max(abs(x) + abs(y), 1e-9), 0.5)
    return corner[0] + x * share, corner[1] + y * share


def _at(x: float, y: float) -> str:
    return f"{quoted(float(x))} {quoted(float(y))}"


# -------------------------------------------------------------------------------------------------- texts


def _note(note: Note) -> Iterator[str]:
    """Lines of text, and the dotted line to what they belong to."""
    if note.leader:
        begin, end = note.leader
        yield element("path", class_="leader", d=f"M{_at(note.middle, begin)}L{_at(note.middle, end)}",
                      stroke=palette.LINE.light, stroke_dasharray="1.5 2.5")
    for at, line in enumerate(note.lines):
        tone = "strong" if note.strong and at == 0 else "quiet"
        yield _text(Text(note.middle, note.top + at * lettering.LINE + _BASELINE, line, lettering.SIZE, anchor="middle",
                         tone=tone))


def _text(text: Text) -> str:
    return element("text", quoted(text.content), class_=text.tone, x=text.x, y=text.y, font_size=text.size,
                   text_anchor=None if text.anchor == "start" else text.anchor,
                   font_weight=600 if text.tone == "title" else None, fill=_TEXTS[text.tone].light)


# -------------------------------------------------------------------------------------------------- style


def _style(families: set[str]) -> str:
    """What attributes cannot say: dark colours, and what is pointed at."""
    faces = [(family, face, tone) for family in sorted(families) for face, tone in tones(family).items()]
    dark = [
        _rule(".page", fill=palette.PAGE.dark),
        _rule(".way", stroke=palette.LINE.dark),
        _rule(".leader", stroke=palette.LINE.dark),
        _rule(".tip", fill=palette.LINE.dark),
        _rule(".mark", fill=palette.PANEL.dark, stroke=palette.LINE.dark),
        *(_rule(f"text.{name}", fill=tone.dark) for name, tone in _TEXTS.items()),
        *(_rule(f".{family} .{face}", fill=tone.dark, stroke=palette.STROKES[family].dark)
          for family, face, tone in faces),
        *(_rule(f".swatch.{family}", fill=palette.FILLS[family].dark, stroke=palette.STROKES[family].dark)
          for family in sorted(families)),
    ]
    return "".join([
        f".{ROOT} .volume polygon {{ stroke-width: 0.8 }}\n",
        f".{ROOT} .volume:hover polygon, .{ROOT} .marked polygon {{ stroke-width: 2 }}\n",
        f".{ROOT} .arc:hover .way {{ stroke-width: 2.5 }}\n",
        "@media screen and (prefers-color-scheme: dark) {\n", *dark, "}\n",
        _pointed(palette.MARK),
    ])


def _pointed(tone: Tone) -> str:
    """What is marked, after the dark colours, which it covers."""
    return (_rule(".marked polygon", stroke=tone.light) + "@media screen and (prefers-color-scheme: dark) {\n"
            + _rule(".marked.volume polygon", stroke=tone.dark) + "}\n")


def _rule(selector: str, **colours: str) -> str:
    inside = "; ".join(f"{name}: {colour}" for name, colour in colours.items())
    return f".{ROOT} {selector} {{ {inside} }}\n"
