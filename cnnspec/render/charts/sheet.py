"""What charts are drawn on: texts, lines and areas in the palette's tones, and the SVG element around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render import palette
from cnnspec.render.charts.axes import Scale, Tick
from cnnspec.render.columns import COLUMNS
from cnnspec.render.draw.words import shortened
from cnnspec.render.palette import CHARACTER, FAINT, FILLS, FONT, LINE, MARK, PAGE, PANEL, QUIET, STROKES, TEXT, Tone
from cnnspec.render.snippet import visible, width
from cnnspec.render.svg import element, quoted

#: Units of the picture, about pixels: its width, the least that it stays readable at, and the margins beside it.
WIDTH, LEAST_WIDTH, MARGIN = 860, 620, 8
#: Sizes of texts, and from line to line.
SIZE, SMALL, LINE_HEIGHT = 12, 11, 18
_TONES = tuple(dict.fromkeys((TEXT, QUIET, LINE, FAINT, PAGE, PANEL, MARK, *STROKES.values(), *FILLS.values(),
                              *palette.SERIES)))
#: Characters of a tooltip's line.
_LONGEST = 160


def chart(title: str, description: str, height: float, body: Iterable[str]) -> str:
    """The whole chart: an inline SVG of its own width, as tall as said."""
    drawn = "".join(body)
    return element(
        "svg", element("title", quoted(title)), element("desc", quoted(description)), _style(drawn), drawn,
        xmlns="http://www.w3.org/2000/svg", class_="cnnspec-chart", viewBox=f"0 0 {WIDTH} {quoted(float(height))}",
        width="100%", style=f"max-width:{WIDTH}px;min-width:{LEAST_WIDTH}px", role="img", font_family=FONT,
        font_size=SIZE)


def remark(title: str, text: str) -> str:
    """A chart that has nothing to show, and says why."""
    return chart(title, text, 40, [written(MARGIN, 24, clipped(text, 110), QUIET)])


def _style(drawn: str) -> str:
    """The dark tones of what is drawn, and how it looks when it is pointed at."""
    rules = [f".cnnspec-chart .{_name(kind, tone)}{{{kind}:{tone.dark}}}"
             for tone in _TONES for kind in ("fill", "stroke") if _name(kind, tone) in drawn]
    marked = (".cnnspec-chart .marked .hit,.cnnspec-chart .hit:hover{fill:%s;fill-opacity:.14}"
              ".cnnspec-chart .marked .spot,.cnnspec-chart g:hover>.spot{stroke:%s;stroke-width:3}")
    light, dark = marked % (MARK.light, MARK.light), marked % (MARK.dark, MARK.dark)
    return element("style", f"{light}@media screen and (prefers-color-scheme:dark){{{''.join(rules)}{dark}}}")


def _name(kind: str, tone: Tone) -> str:
    """The class of what is filled or drawn with a tone: `f-656d76`."""
    return f"{kind[0]}-{tone.light[1:]}-{tone.dark[1:]}"


# -------------------------------------------------------------------------------------------- elements


def painted(tag: str, *children: str, fill: Tone | None = None, stroke: Tone | None = None, class_: str = "",
            **attributes: Any) -> str:
    """An element filled and drawn with tones; without them, with nothing."""
    names = [class_] if class_ else []
    names += [_name(kind, tone) for kind, tone in (("fill", fill), ("stroke", stroke)) if tone]
    return element(tag, *children, class_=" ".join(names) or None, fill=fill.light if fill else "none",
                   stroke=stroke.light if stroke else None, **attributes)


def written(x: float, y: float, text: str, tone: Tone = TEXT, size: int = SIZE, anchor: str | None = None,
            **attributes: Any) -> str:
    """A text with its baseline at `y`; `anchor` is `middle` or `end` where `x` is not its start."""
    return painted("text", quoted(text), fill=tone, x=float(x), y=float(y), text_anchor=anchor,
                   font_size=size if size != SIZE else None, **attributes)


def over(x: float, y: float, text: str, tone: Tone = TEXT, size: int = SIZE, anchor: str | None = None) -> str:
    """A text over lines, which end a little before it."""
    return written(x, y, text, tone, size, anchor, pointer_events="none", paint_order="stroke", stroke=PAGE,
                   stroke_width=4, stroke_linejoin="round")


def line(x1: float, y1: float, x2: float, y2: float, tone: Tone, **attributes: Any) -> str:
    """A straight line."""
    return painted("line", stroke=tone, x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), **attributes)


def tooltip(*lines: str) -> str:
    """What is shown of an element that is pointed at."""
    return element("title", quoted("\n".join(clipped(one, _LONGEST) for one in lines if one)))


def spread(text: str, size: int = SIZE) -> float:
    """How wide a text is."""
    return width(text) * CHARACTER * size


def clipped(text: str, characters: int) -> str:
    """A text without control characters, shortened where it is wider than so many characters."""
    return shortened(visible(text), characters)


def name(summary: Summary, row: Row) -> str:
    """A row's label as a table has it: `bottleneck(64) ×2`."""
    return visible(str(COLUMNS["layer"].value(summary, row)))


# ------------------------------------------------------------------------------------------------ axes


def across(scale: Scale, ticks: Sequence[Tick], left: float, right: float) -> list[str]:
    """Grid lines of a vertical axis with their texts at the left."""
    found = []
    for tick in ticks:
        y = scale.at(tick.value)
        found += [line(left, y, right, y, FAINT), written(left - 8, y + 4, tick.text, QUIET, SMALL, "end")]
    return found


def along(scale: Scale, ticks: Sequence[Tick], top: float, bottom: float) -> list[str]:
    """Grid lines of a horizontal axis with their texts below; texts that would meet the one before are left out."""
    found: list[str] = []
    free = float("-inf")
    for tick in ticks:
        x, half = scale.at(tick.value), spread(tick.text, SMALL) / 2
        found.append(line(x, top, x, bottom, FAINT))
        middle = min(max(x, half + 1), WIDTH - half - 1)
        if middle - half > free:
            found.append(written(middle, bottom + 16, tick.text, QUIET, SMALL, "middle"))
            free = middle + half + 6
    return found


def heading(title: str, entries: Sequence[tuple[str, Tone]], about: str = "") -> tuple[list[str], float]:
    """What a chart shows, in its first line with the legend behind it, and where its plot may begin."""
    shown, more = clipped(title, 48), clipped(about, 48)
    found = [written(MARGIN, MARGIN + 10, shown, TEXT, font_weight=600)]
    x = MARGIN + spread(shown) + 12
    if more:
        found.append(written(x, MARGIN + 10, more, QUIET, SMALL))
        x += spread(more, SMALL) + 12
    swatches, below = legend(entries, MARGIN + 1, x + 12)
    return [*found, *swatches], max(below, MARGIN + 1 + LINE_HEIGHT)


def legend(entries: Sequence[tuple[str, Tone]], y: float, left: float) -> tuple[list[str], float]:
    """Swatches with names in lines from `y`, the first from `left`, and where the next line would begin."""
    found: list[str] = []
    x, right = left, WIDTH - MARGIN
    for text, tone in entries:
        shown = clipped(text, 40)
        if x + 16 + spread(shown, SMALL) > right and x > MARGIN:
            x, y = MARGIN, y + LINE_HEIGHT
        found += [painted("rect", fill=tone, x=float(x), y=float(y), width=10, height=10, rx=2),
                  written(x + 16, y + 9, shown, QUIET, SMALL)]
        x += 16 + spread(shown, SMALL) + 18
    return found, y + LINE_HEIGHT if entries else y
