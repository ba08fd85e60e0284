"""Sliding windows, shared by convolution and pooling: padding, output extents, reach.

Shape rules are PyTorch's (`torch.nn.Conv2d`, `torch.nn.MaxPool2d`, "Shape" of their documentation).
"""

from __future__ import annotations

from typing import Any

from cnnspec.layers.arguments import LayerError, shown
from cnnspec.layers.base import Shape
from cnnspec.layers.facts import Reach
from cnnspec.layers.formula import Term, sym
from cnnspec.record import Record

AXES = {1: "L", 2: "HW", 3: "DHW"}


class Window(Record):
    """The window along one axis: `kernel` taps, `dilation` apart, moved by `stride`, over a padded input."""

    kernel: int
    stride: int
    before: int
    after: int
    dilation: int = 1

    @property
    def span(self) -> int:
        """Rows that the kernel covers: `dilation·(kernel − 1) + 1`."""
        return self.dilation * (self.kernel - 1) + 1

    def slack(self, extent: int) -> int:
        """Rows of the padded input that remain beside one window; negative where none fits."""
        return extent + self.before + self.after - self.span

    def extent(self, extent: int, ceil: bool = False) -> int:
        """The output's extent. With `ceil` the last window must start inside the input or the padding before it."""
        slack = self.slack(extent)
        if not ceil:
            return slack // self.stride + 1
        out = -(-slack // self.stride) + 1
        return out - 1 if (out - 1) * self.stride >= extent + self.before else out

    def unused(self, extent: int, ceil: bool = False) -> int:
        """Real rows at the end that no window reads: the remainder beyond the padding behind."""
        if self.span < self.stride:
            return 0  # it skips rows everywhere, as a strided 1×1 projection is meant to
        last = (self.extent(extent, ceil) - 1) * self.stride + self.span
        return max(0, extent + self.before - last)

    @property
    def reach(self) -> Reach:
        return Reach(self.stride, -self.before, -self.before + self.span - 1)

    def formula(self, axis: str, extent: int, ceil: bool = False) -> Term:
        """`(W − K + 2·P)/S + 1`, with the numbers; dilation and uneven padding only where they occur."""
        kernel = sym(f"K_{axis}", self.kernel)
        covered = kernel if self.dilation == 1 else (kernel - 1) * sym(f"d_{axis}", self.dilation) + 1
        if self.before == self.after:
            slack = sym(axis, extent) - covered + 2 * sym(f"P_{axis}", self.before)
        else:
            slack = sym(axis, extent) - covered + sym("P_before", self.before) + sym("P_after", self.after)
        stride = sym(f"S_{axis}", self.stride)
        moves = slack.ceil_div(stride) if ceil else slack / stride
        if ceil and moves.value + 1 != self.extent(extent, ceil=True):
            moves = slack / stride  # the last window would start in the padding behind
        return moves + 1


def sides(name: str, pad: Any, rank: int, keyword: str) -> list[tuple[int, int]]:
    """Padding given in numbers, as (before, after) for each axis; raises `LayerError` where the count is wrong."""
    if isinstance(pad, int):
        return [(pad, pad)] * rank
    if all(isinstance(side, tuple) for side in pad) and len(pad) == rank:
        return list(pad)
    if all(isinstance(side, int) for side in pad):
        if len(pad) == 2 * rank:
            return [(pad[2 * axis], pad[2 * axis + 1]) for axis in range(rank)]
        if len(pad) == rank:
            return [(side, side) for side in pad]
    raise LayerError("bad-argument", f"`{name}={shown(pad)}` of {keyword} fits neither {rank} "
                     f"{'axis' if rank == 1 else 'axes'} nor {2 * rank} sides", name)


def centred(kernel: tuple[int, ...], dilation: tuple[int, ...], *, causal: bool = False) -> list[tuple[int, int]]:
    """`same` padding along each axis, or all of it before the first axis where `causal`.

    Raises `LayerError` where it cannot be equal on both sides.
    """
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    pads = [(total // 2, total - total // 2) for total in totals]
    if causal:
        pads[0] = (totals[0], 0)
    for k, d, total, pad in zip(kernel, dilation, totals, pads, strict=True):
        if total % 2 and pad[1]:
            uneven = shown(tuple(pads) if len(pads) > 1 else pad)
            word = "causal" if causal else "same"
            raise LayerError("odd-padding", f"`pad={word}` cannot be centred: dilation·(kernel − 1) = {d}·({k} − 1) "
                             f"= {total} is odd", "kernel",
                             help=f"use an odd kernel, `pad=valid`, or put the odd row behind: `pad={uneven}`")
    return pads


def even(windows: list[Window]) -> bool:
    """Whether the padding is the same on both sides of every axis."""
    return all(window.before == window.after for window in windows)


def axis_names(x: Shape) -> str:
    """The letters of the spatial axes of `x`: `L`, `HW` or `DHW`."""
    return AXES.get(len(x) - 1, "")


def too_large(window: Window, extent: int, entering: str, name: str = "kernel") -> str:
    """The message for a window that does not fit into its padded input."""
    padded = f" + {window.before} + {window.after} of padding" if window.before or window.after else ""
    spread = f" (dilation {window.dilation}: {window.span} rows)" if window.dilation > 1 else ""
    return f"the {name}, {window.kernel} wide{spread}, is larger than its input: {extent}{padded} of {entering}"


def across(value: object, rank: int) -> str:
    """A spatial argument as a table row shows it, with a number for each of `rank` axes: `3×3`, `1×7`."""
    return "×".join(map(str, value if isinstance(value, tuple) else (value,) * max(rank, 1)))


def moves(stride: object, dilation: object) -> list[str]:
    """Stride and dilation as a table row shows them, where they are not 1."""
    return [signed(sign, value) for sign, value in (("/", stride), ("d", dilation))
            if set(value if isinstance(value, tuple) else (value,)) != {1}]


def signed(sign: str, value: object) -> str:
    """A number for all axes, or one for each, behind its sign: `/2`, `/1×2`."""
    return sign + "×".join(map(str, value if isinstance(value, tuple) else (value,)))
