"""Branches of a merge that do not fit: the shape that was meant, and what to write so that the others reach it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from cnnspec.layers.arguments import LayerError
from cnnspec.layers.base import Shape, product, show

#: A wider stride is no projection that anybody means.
_WIDEST_STRIDE = 4
#: Shapes that a message lists.
_MOST_LISTED = 4


def broadcast_shape(xs: Sequence[Shape]) -> Shape | None:
    """The shape that leaves with extents of 1 repeated; None where there is none. Ranks must be equal."""
    if len({len(x) for x in xs}) > 1:
        return None
    y = tuple(max(extents) for extents in zip(*xs, strict=True))
    return y if all(extent in (1, widest) for x in xs for extent, widest in zip(x, y, strict=True)) else None


def mismatch(xs: Sequence[Shape], constraint: str, help: str = "") -> LayerError:
    """The mistake of branches that are not of one shape."""
    wanted = target(xs)
    others = [x for x in dict.fromkeys(xs) if x != wanted]
    return LayerError("shape-mismatch", f"{constraint}: {listed(list(map(show, xs)))}",
                      help=help or (remedy(others[0], wanted) if len(others) == 1 else ""),
                      inputs=tuple(index for index, x in enumerate(xs) if x != wanted))


def target(xs: Sequence[Shape]) -> Shape:
    """The shape that all branches were probably meant to have: one that the others project to, else the largest."""
    shapes = sorted(dict.fromkeys(xs), key=product, reverse=True)
    wide_first = sorted(shapes, key=lambda x: x[0], reverse=True)
    return next((y for y in wide_first if all(x == y or projection(x, y) for x in shapes)), shapes[0])


def projection(x: Shape, y: Shape) -> str | None:
    """The layer that takes `x` to `y` as a residual shortcut does; None where a stride does not."""
    if len(x) != len(y):
        return None
    if len(x) == 1:
        return f"FC({y[0]})"
    strides = [-(-before // after) for before, after in zip(x[1:], y[1:], strict=True)]
    reached = tuple(-(-before // stride) for before, stride in zip(x[1:], strides, strict=True))
    if reached != y[1:] or max(strides) > _WIDEST_STRIDE:
        return None
    return f"CONV({y[0]}, 1)" if set(strides) == {1} else f"CONV({y[0]}, 1, stride={brief_extents(strides)})"


def remedy(x: Shape, y: Shape) -> str:
    """What takes a branch of shape `x` to `y`; empty where no single step does."""
    layer = projection(x, y)
    if layer:
        return f"project the branch of {show(x)}: `{layer}`"
    if len(x) == 1 < len(y) and x[0] == y[0]:
        return f"give the branch of {show(x)} axes: `RESHAPE({', '.join(map(str, (*x, *(1,) * (len(y) - 1))))})`"
    if len(x) != len(y):
        return ""
    if x[0] != y[0] and all(extent in (1, wide) for extent, wide in zip(x[1:], y[1:], strict=True)):
        return f"give the branch of {show(x)} {y[0]} channels: `CONV({y[0]}, 1)`"
    return resizing(x, y) if x[0] == y[0] else ""


def resizing(x: Shape, y: Shape) -> str:
    """What makes the spatial extents of two branches equal; empty where neither lies within the other."""
    small, large = sorted((x, y), key=lambda shape: product(shape[1:]))
    sides = list(zip(small[1:], large[1:], strict=True))
    if any(narrow > wide for narrow, wide in sides):
        return ""
    ratios = {wide // narrow if wide % narrow == 0 else 0 for narrow, wide in sides}
    if len(ratios) == 1 and 0 not in ratios:
        scale = ratios.pop()
        return f"`UPSAMPLE({scale})` in the branch of {show(small)}, or `POOL({scale})` in that of {show(large)}"
    return f"`CROP({brief_extents(small[1:])})` in the branch of {show(large)}"


def minority(keys: Sequence[Hashable]) -> tuple[int, ...]:
    """Indices of the keys that differ from the most frequent one, the first of those."""
    counts: dict[Hashable, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    usual = max(counts, key=counts.__getitem__)
    return tuple(index for index, key in enumerate(keys) if key != usual)


def listed(texts: Sequence[str]) -> str:
    """The different ones among some texts: `a, b and c`."""
    different = list(dict.fromkeys(texts))
    if len(different) > _MOST_LISTED:
        different[_MOST_LISTED - 1:] = [f"{len(different) - _MOST_LISTED + 1} more"]
    return " and ".join(filter(None, [", ".join(different[:-1]), different[-1]]))


def brief_extents(extents: Sequence[int]) -> str:
    """Extents as an argument: one number where they are equal, else `2x1`."""
    return str(extents[0]) if len(set(extents)) == 1 else show(tuple(extents))
