"""Layers by name: a path, the path of a block, a path without its indices, or a layer's keyword."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.analysis.summary import LayerSummary
from cnnspec.diagnostics import closest


class UnknownLayer(Exception):
    """No layer has this name; `suggestion` is the closest one that exists, or empty."""

    def __init__(self, name: str, suggestion: str) -> None:
        super().__init__(f"there is no layer `{name}`")
        self.suggestion = suggestion


def select(layers: Iterable[LayerSummary], name: str) -> tuple[LayerSummary, ...]:
    """The layers that a name stands for, in order of execution; raises `UnknownLayer` where there are none.

    `basic[0]` stands for every layer in that block, `basic` for those of all of them, `CONV` for all convolutions.
    """
    layers = tuple(layers)
    wanted = name.split(".")
    found = tuple(layer for layer in layers if _begins(layer.path.split("."), wanted))
    found = found or tuple(layer for layer in layers if layer.op == name.upper())
    if not found:
        known = {layer.path for layer in layers} | {layer.path.partition(".")[0] for layer in layers}
        raise UnknownLayer(name, closest(name, known | {layer.op for layer in layers}) or "")
    return found


def _begins(path: list[str], wanted: list[str]) -> bool:
    """Whether a path begins with the components wanted, which may leave out their indices."""
    return len(path) >= len(wanted) and all(
        have == want or ("[" not in want and have.partition("[")[0] == want)
        for have, want in zip(path, wanted, strict=False))
