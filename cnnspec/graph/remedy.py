"""Mistakes that another input mends: its size is found by trying."""

from __future__ import annotations

from collections.abc import Callable

from cnnspec.diagnostics import Diagnostic
from cnnspec.graph.applying import sizes_before
from cnnspec.graph.expansion import Expansion
from cnnspec.graph.network import Node
from cnnspec.layers.base import Shape, show

#: The largest side that is tried, and how far from the spec's own a side may lie that fits branches together.
LARGEST_SIDE = 16_384
FARTHEST = 64
#: Layers of a network that is still expanded again and again.
MOST_LAYERS = 5_000

#: Mistakes that the size of the input may cause.
OF_SIZES = ("kernel-too-large", "size-zero", "shape-mismatch")

#: The mistakes that remain with another input.
Retry = Callable[[Shape], "list[Diagnostic]"]


def with_input(mistake: Diagnostic, expansion: Expansion, retry: Retry) -> Diagnostic:
    """The mistake with an input that mends it, where one of equal sides does; else as it is."""
    if len(expansion.inputs) != 1 or len(expansion.nodes) > MOST_LAYERS:
        return mistake
    shape = expansion.inputs[0].shape
    if len(shape) < 2 or len(set(shape[1:])) != 1:
        return mistake

    def works(side: int) -> bool:
        return all(d.key != mistake.key and d.code not in OF_SIZES for d in retry(_square(shape, side)))

    if mistake.code in ("kernel-too-large", "size-zero"):
        side = _smallest(shape[1], works)
        if side is None:
            return mistake
        return _helped(mistake, f"the smallest input that works is `INPUT({show(_square(shape, side))})`")
    dropping = [node for node in expansion.nodes if any(node.op.unused_rows)]
    if mistake.code != "shape-mismatch" or not dropping:
        return mistake
    sides = [*filter(None, (_nearest(shape[1], -1, works), _nearest(shape[1], 1, works)))]
    if not sides:
        return mistake
    inputs = " or ".join(f"`INPUT({show(_square(shape, side))})`" for side in sides)
    noted = mistake.replace(notes=(_dropped(expansion.nodes, dropping[-1]), *mistake.notes))
    return _helped(noted, f"with another input the branches meet: {inputs}")


def _smallest(side: int, works: Callable[[int], bool]) -> int | None:
    """The smallest side above `side` that works, by bisection."""
    low = high = side
    while not works(high):
        low, high = high, high * 2
        if high > LARGEST_SIDE:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def _nearest(side: int, direction: int, works: Callable[[int], bool]) -> int | None:
    """The nearest side in one direction that works."""
    tried = range(side + direction, side + direction * (FARTHEST + 1), direction)
    return next((other for other in tried if other > 0 and works(other)), None)


def _dropped(nodes: list[Node], node: Node) -> str:
    """What a layer that does not read its whole input does to the sizes."""
    left = next(filter(None, node.op.unused_rows))
    sizes = [*sizes_before(nodes, node.index)]
    rows = f"{left} row{'s' if left > 1 else ''}"
    return f"{node.op.brief} at line {node.span.line} leaves {rows} unread: {' → '.join(sizes)}"


def _square(shape: Shape, side: int) -> Shape:
    return shape[0], *(side,) * (len(shape) - 1)


def _helped(mistake: Diagnostic, text: str) -> Diagnostic:
    helped: Diagnostic = mistake.replace(help=f"{text}; or {mistake.help}" if mistake.help else text)
    return helped
