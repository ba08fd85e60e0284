"""How PyTorch computes a layer, as data: one call for each layer, so that the catalogue never imports torch.

`runtime` resolves the dotted names and makes the calls. A layer is exactly one call: the graph of a network then
has one node per layer, and what lives beside a layer's inputs and output while it runs is `Layer.scratch`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.record import Record


class Module(Record):
    """A module, made once from its settings and called on the value that enters; it stands at the layer's path."""

    #: Dotted name of the class.
    name: str
    settings: Mapping[str, object] = {}
    #: Its weights are buffers.
    fixed: bool = False
    #: The reparametrisation of its weight: `none`, `weight` or `spectral`.
    norm: str = "none"
    #: It takes `inplace=True`.
    in_place: bool = False


class Function(Record):
    """A function, called on the values that enter, its settings behind them."""

    #: Dotted name of the function.
    name: str
    settings: Mapping[str, object] = {}
    #: It takes the values as one list.
    listed: bool = False
    #: Dotted name of the function that writes over the first value instead; empty where there is none.
    in_place: str = ""


Recipe = Module | Function

#: Where the modules and functions stand that PyTorch has not.
MODULES, FUNCTIONS = "cnnspec.runtime.modules", "cnnspec.runtime.functions"


def flat_sides(sides: list[tuple[int, int]]) -> tuple[int, ...]:
    """Rows before and after each axis in the order of `torch.nn.functional.pad`: the last axis first."""
    return tuple(rows for side in reversed(sides) for rows in side)
