"""A drawing as PNG, by resvg with the system's fonts."""

from __future__ import annotations

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.render import palette
from cnnspec.render.svg import element

#: The largest picture, in pixels: at four bytes each, and as many again while it is compressed.
MOST_PIXELS = 120_000_000
_PROBE = 40


def png(svg: str, scale: float = 2.0) -> bytes:
    """An SVG with a width and height as a PNG of `scale` times that size, on white.

    Raises `SpecError` where the package resvg-py is missing, the system has no font to draw with, or it would be
    larger than `MOST_PIXELS`.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise _no_png("PNG needs the package resvg-py", "`pip install 'cnnspec[png]'`, or draw it as .svg") from None
    area = _area(svg)
    pixels = area * scale * scale
    if pixels > MOST_PIXELS:
        fitting = (MOST_PIXELS / area) ** 0.5
        hint = f"`--scale {int(fitting * 10) / 10:g}`, " if fitting >= 0.1 else ""
        raise _no_png(f"a PNG of {pixels / 1e6:,.0f} million pixels is too large",
                      f"{hint}a smaller `--depth`, or .svg")
    if _probe("") == _probe("cnnspec"):
        raise _no_png("there is no font on this system to draw a PNG's texts with",
                      "install one, such as DejaVu Sans Mono, or draw it as .svg")
    return bytes(svg_to_bytes(svg_string=svg, zoom=scale, background=palette.PAGE.light))


def _area(svg: str) -> float:
    """Width times height of an SVG, as its `viewBox` has them."""
    width, height = svg.partition('viewBox="')[2].partition('"')[0].split(" ")[2:]
    return float(width) * float(height)


def _probe(text: str) -> bytes:
    """A small picture with a text in it; where no font has it, resvg leaves it out."""
    from resvg_py import svg_to_bytes

    inside = element("text", text, x=2, y=_PROBE / 2, font_size=12) if text else ""
    return bytes(svg_to_bytes(svg_string=element(
        "svg", inside, xmlns="http://www.w3.org/2000/svg", width=2 * _PROBE, height=_PROBE, font_family=palette.FONT)))


def _no_png(message: str, hint: str) -> SpecError:
    return SpecError([Diagnostic("no-png", message, help=hint)])
