"""What an expression can evaluate to beside numbers, words and tuples: wires, blocks, nets, layers, chains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.grammar import ast
from cnnspec.layers.arguments import LayerError, Symbol
from cnnspec.layers.base import Layer, Shape, show
from cnnspec.record import Record

if TYPE_CHECKING:
    from cnnspec.graph.environment import Environment, Frame
    from cnnspec.graph.program import Module


#: The node of a value that comes after a mistake: with a shape that the spec itself ascribes, or that is only guessed.
ASCRIBED, GUESSED = -1, -2


class Wire(Record):
    """A value between two layers: the node it leaves (below 0 after a mistake), and its shape."""

    node: int
    #: None after an error: whatever follows keeps quiet.
    shape: Shape | None


#: The value that leaves a step that could not be understood.
UNKNOWN = Wire(GUESSED, None)


class Callable(Record):
    """Something that can stand as a step."""

    def __str__(self) -> str:
        return written(self)


class Defined(Callable):
    """A block or a net, with the file it stands in."""

    definition: ast.Definition
    module: Module


class LayerValue(Callable):
    """A layer of the catalogue."""

    layer: type[Layer]


class Identity(Callable):
    """`ID`."""


class Given(Record):
    """An argument of a call, evaluated; where it was written, and where its names are read, for messages."""

    name: str | None
    value: object
    argument: ast.Argument
    environment: Environment


def kinds(value: object) -> object:
    """What tells `1` from `on` and `1.0`, which Python holds to be equal, at every level of a value."""
    if isinstance(value, tuple):
        return tuple(map(kinds, value))
    return argument_key(value.given) if isinstance(value, Bound) else type(value)


def argument_key(given: tuple[Given, ...]) -> tuple[object, ...]:
    """Equal for arguments with equal names and values, wherever they are written."""
    return tuple((argument.name, kinds(argument.value), argument.value) for argument in given)


class Bound(Callable):
    """A layer, block or net with some arguments given: `LEAKYRELU(0.2)`."""

    callee: Callable
    given: tuple[Given, ...]
    call: ast.Call

    def __eq__(self, other: object) -> bool:
        """Equal with equal values for the same arguments, wherever they are written."""
        return isinstance(other, Bound) and self.callee == other.callee and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((self.callee, self._values()))

    def _values(self) -> frozenset[tuple[str | int, bool, object]]:
        """The arguments by name, also those that are given by place; on and off equal no number."""
        values: dict[str | int, object] = {given.name: given.value for given in self.given if given.name is not None}
        positional = [given.value for given in self.given if given.name is None]
        values.update(zip(_places(self.callee, positional), positional, strict=True))
        return frozenset((name, isinstance(value, bool), value) for name, value in values.items())


def _places(callee: Callable, positional: list[object]) -> list[str | int]:
    """The parameters that positional arguments go to; numbers where that cannot be told."""
    if isinstance(callee, Defined):
        names = [parameter.name for parameter in callee.definition.parameters]
        return [*names, *range(len(names), len(positional))][: len(positional)]
    if isinstance(callee, LayerValue):
        try:
            return [*callee.layer.assign(positional)]
        except LayerError:
            pass  # said where the layer is used
    return [*range(len(positional))]


class ChainValue(Callable):
    """`[BN -> RELU]` as a value; its names are those of the place where it is written."""

    step: ast.Step
    environment: Environment


class NetExpansion(Record):
    """A net that was used as a step and named: `resnet18 as r`, so that `@r.name` is reachable."""

    frame: Frame
    wire: Wire


def describe(value: object) -> str:
    """What kind of thing a value is, with the value where that is short."""
    if isinstance(value, bool):
        return f"`{'on' if value else 'off'}`"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, Symbol):
        return f"the word `{value}`"
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, tuple):
        return f"the tuple {written(value)}"
    if isinstance(value, Wire):
        return f"a value of shape {show(value.shape)}" if value.shape else "a value"
    return f"{_KINDS[type(value)]} `{written(value)}`"


def written(value: object) -> str:
    """A value as a spec would write it, cut where it is long."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Symbol):
        return value
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        inside = ", ".join(map(written, value[:8])) + (", …" if len(value) > 8 else "")
        return f"({inside}{',' if len(value) == 1 else ''})"
    if isinstance(value, Defined):
        return value.definition.name
    if isinstance(value, LayerValue):
        return value.layer.keyword
    if isinstance(value, Bound):
        return value.call.span.text
    if isinstance(value, ChainValue):
        return value.step.span.text
    if isinstance(value, Identity):
        return "ID"
    if isinstance(value, Wire):
        return show(value.shape) if value.shape else "?"
    return str(value)


_KINDS: dict[type, str] = {
    Defined: "the block", LayerValue: "the layer", Bound: "the call", ChainValue: "the chain", Identity: "the step",
}
