"""Random small networks as spec text, for the oracles of this folder: windows, upsampling, skips, merges."""

from __future__ import annotations

from hypothesis import strategies as st

import cnnspec

#: Halves and thirds several times without a remainder, so that branches of different strides meet again.
SIDE = 432


def window(axes: int) -> st.SearchStrategy[str]:
    """A layer with a sliding window, in all ways of padding."""
    few = st.integers(1, 3)
    sides = f"({', '.join(['(2, 1)'] * axes)},)"
    pads = st.sampled_from(["valid", "causal", "0", "1", "2", sides])
    conv = st.builds("CONV(4, {}, stride={}, dilation={}, pad={})".format, st.integers(1, 5), few, few, pads)
    pool = st.builds("POOL({}, stride={}, {})".format, st.integers(2, 4), few, st.sampled_from(["avg", "max"]))
    return conv | pool | st.builds("POOL({}, stride=2, pad=1, ceil=on)".format, st.integers(2, 3))


def same() -> st.SearchStrategy[str]:
    """A layer that keeps the extents."""
    conv = st.builds("CONV(4, {}, dilation={}, pad={})".format, st.sampled_from([1, 3, 5]), st.integers(1, 3),
                     st.sampled_from(["same", "causal"]))
    return conv | st.sampled_from(["RELU", "BN", "ID", "DWCONV(3)", "POOL(3, 1, 1)", "PAD(1) -> CROP(cut=1)",
                                   "PAD((2, 1)) -> CROP(cut=(1, 2))"])


def upsampling(axes: int) -> st.SearchStrategy[str]:
    """A layer that makes the extents larger."""
    numbers = st.integers(1, 4), st.integers(1, 3), st.integers(0, 1)
    upconv = st.builds("UPCONV(4, {}, stride={}, pad={})".format, *numbers)
    shuffles = ["CONV(16, 1) -> PIXELSHUFFLE(2)", "PIXELUNSHUFFLE(2) -> CONV(4, 1)"] if axes == 2 else []
    return upconv | st.sampled_from(["UPSAMPLE(2)", "UPSAMPLE(3)", *shuffles])


def merge(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Branches that keep the extents, among them one that goes down and up again, and a gate."""
    branch = st.lists(inside, min_size=1, max_size=2).map(" -> ".join)
    bridge = st.builds("CONV(4, {}, stride={f}) -> {} -> UPSAMPLE({f})".format, st.sampled_from([1, 3]), branch,
                       f=st.integers(2, 3))
    branches = st.lists(branch | bridge, min_size=2, max_size=3).map(" | ".join)
    joined = st.builds("{}{{ {} }}".format, st.sampled_from(["ADD", "MAX", "CONCAT"]), branches).map(
        lambda text: f"{text} -> CONV(4, 1)")
    return joined | st.just("MUL{ CONV(4, 3) | GAP -> CONV(4, 1) -> SIGMOID }")


def chains(axes: int, steps: int = 5) -> st.SearchStrategy[str]:
    """A spec of one to three spatial axes; some are refused, since their branches do not meet."""
    inside = st.recursive(same(), merge, max_leaves=3)
    step = window(axes) | inside | upsampling(axes) | merge(inside)
    shape = "x".join(["4", *[str(SIDE)] * axes])
    return st.lists(step, min_size=1, max_size=steps).map(lambda found: " -> ".join([f"INPUT({shape})", *found]))


def built(text: str) -> cnnspec.Net | None:
    """The network of a random spec; None for one that is refused."""
    try:
        return cnnspec.parse(text)
    except cnnspec.SpecError:
        return None
