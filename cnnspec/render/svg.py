"""SVG as text: elements with escaped attributes and contents, and how they name the layers that they show."""

from __future__ import annotations

from html import escape

from cnnspec.analysis.rows import Row

#: What XML cannot hold at all, not even escaped.
_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")


def element(tag: str, *children: str, **attributes: object) -> str:
    """An element around children that are SVG already.

    `class_` stands for `class`, other underscores for hyphens; an attribute that is None is left out.
    """
    named = "".join(f' {_name(name)}="{quoted(value)}"' for name, value in attributes.items() if value is not None)
    return f"<{tag}{named}>{''.join(children)}</{tag}>" if children else f"<{tag}{named}/>"


def quoted(value: object) -> str:
    """A value as a text or attribute; numbers with two decimals at most."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value).translate(_FORBIDDEN))


def layers(row: Row) -> str:
    """The layers of a row, for `data-layers`: `3:9,12:18`, each from its first to before its last index.

    A box of a drawing and a row of a table show the same layers where these stretches meet.
    """
    return ",".join(f"{stretch.start}:{stretch.stop}" for stretch in row.layers)


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
