"""Drawings as PNG, and what is said where they cannot be made."""

from __future__ import annotations

import sys
import zlib
from types import ModuleType
from typing import Any

import pytest

from cnnspec import SpecError, load
from cnnspec.render.draw import svg
from cnnspec.render.draw.png import MOST_PIXELS, png


def extents(image: bytes) -> tuple[int, int]:
    """Width and height, from the header chunk (https://www.w3.org/TR/png-3/#11IHDR)."""
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(image[16:20], "big"), int.from_bytes(image[20:24], "big")


def with_renderer(monkeypatch: pytest.MonkeyPatch, render: Any) -> None:
    module = ModuleType("resvg_py")
    module.svg_to_bytes = render  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "resvg_py", module)


def refused(markup: str, scale: float = 2.0) -> str:
    with pytest.raises(SpecError) as caught:
        png(markup, scale)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "no-png"
    return f"{diagnostic.message}; {diagnostic.help}"


def test_a_png_is_the_svg_larger() -> None:
    markup = svg(load("lenet").summary())
    width, height = (float(part) for part in markup.partition('viewBox="0 0 ')[2].partition('"')[0].split(" "))
    for scale in (1.0, 2.0):
        made = extents(png(markup, scale))
        assert made == (pytest.approx(width * scale, abs=1), pytest.approx(height * scale, abs=1))


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert "pip install 'cnnspec[png]'" in refused(svg(load("lenet").summary()))


def test_without_fonts_it_makes_no_picture_without_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    from resvg_py import svg_to_bytes

    with_renderer(monkeypatch, lambda **given: svg_to_bytes(**given, skip_system_fonts=True))
    assert "no font" in refused(svg(load("lenet").summary()))


def test_what_would_not_fit_into_memory_is_refused_before_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(**given: object) -> bytes:
        raise AssertionError(given)

    with_renderer(monkeypatch, never)
    markup = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20000 10000"/>'
    said = refused(markup)
    assert "800 million pixels" in said
    scale = float(said.partition("--scale ")[2].partition("`")[0])
    assert 0 < scale * scale * 20000 * 10000 <= MOST_PIXELS


def test_pictures_are_light_on_white() -> None:
    image = png(svg(load("lenet").summary()), 1.0)
    data = b"".join(chunk for kind, chunk in _chunks(image) if kind == b"IDAT")
    first = zlib.decompress(data)[1:4]
    assert first == b"\xff\xff\xff"


def _chunks(image: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(image):
        size = int.from_bytes(image[at : at + 4], "big")
        found.append((image[at + 4 : at + 8], image[at + 8 : at + 8 + size]))
        at += 12 + size
    return found
