"""Random specs over the whole language: every layer, one to three axes, groups, loops, conditions, blocks, names."""

from __future__ import annotations

from hypothesis import strategies as st

#: Layers that take a value of any rank and leave its extents; channels as the words say.
KEEPING = [
    "RELU", "RELU6", "LEAKYRELU(0.2)", "PRELU", "ELU", "SELU", "SIGMOID", "TANH", "GELU", "SILU", "HARDSIGMOID",
    "HARDSWISH", "HARDTANH", "MISH", "SOFTPLUS", "SOFTMAX", "LOGSOFTMAX", "DROPOUT", "DROPPATH(0.1)", "SCALE(0.5)",
    "BIAS", "BN", "BN(affine=off)", "LN", "LN(over=all)", "L2NORM", "ID", "[RELU]*0",
]
#: The same, for values with axes.
SPATIAL = [
    "CONV(C, 3)", "CONV(C, 1, bias=off)", "CONV(C, 3, dilation=2)", "CONV(C, 3, groups=C)",
    "CONV(C, 2, pad=causal)", "CONV(C, 3, pad_mode=replicate)", "DWCONV(3)", "DWCONV(5, bias=off)", "POOL(3, 1, 1)",
    "POOL(avg, 3, 1, 1, count_pad=off)", "UPCONV(C, 3, 1, 1)", "IN", "GN(1)", "LRN", "PAD(1) -> CROP(cut=1)",
    "PAD((1, 0)) -> CROP(cut=(1, 0))", "SOFTMAX(axis=space)", "CONV(4*C, 1) -> SHUFFLE(4) -> SLICE(C//4, C//2)",
    "CONV(C, norm=weight)", "CONV(C, norm=spectral)", "RESIZE(like=@start)",
]
#: Layers that change the extents or the channels.
CHANGING = [
    "CONV(6, 3)", "CONV(8, 3, stride=2)", "CONV(4, 3, pad=valid)", "CONV(4, 4, stride=2, pad=1)",
    "DWCONV(3, multiplier=2)", "POOL(2)", "POOL(3, stride=2, ceil=on)", "POOL(avg, 2)", "POOL(l2, 2)",
    "UPCONV(4, 2)", "UPCONV(4, 3, output_pad=1)", "UPSAMPLE(2)", "UPSAMPLE(1.5)", "UPSAMPLE(2, linear)",
    "RESIZE(7)", "PAD(1)", "CROP(4)", "ADAPTIVEPOOL(3)", "ADAPTIVEPOOL(2, max)", "REDUCE(max, channels)", "GAP",
    "SLICE(0, 1)", "CONV(5, 1, train=off)", "STACK{ ID | RELU }",
]
#: For pictures.
PICTURES = [
    "CONV(4*C, 1) -> PIXELSHUFFLE(2)", "PIXELUNSHUFFLE(2)", "UPSAMPLE(2, cubic)", "CONV(8, 1x3)", "RESHAPE(C*H, W)",
    "POOL((2, 1))",
]
#: What leaves a flat vector.
FLATTENING = ["FC(7)", "FLATTEN", "REDUCE(sum, over=space)", "FC(5, bias=off, train=off)"]

MERGES = ["ADD", "MUL", "MAX", "MEAN", "SUB"]
INPUTS = {1: "INPUT(4x17)", 2: "INPUT(4x12x10)", 3: "INPUT(2x6x5x7)"}
BLOCKS = """block twice(f, n = 2) = [f]*n
block res(f = [CONV(C, 3) -> BN], act = RELU) = ADD{ ID | f } -> act
block wide(c, k = 3) = CONV(mid, 1) -> CONV(c, k) where mid = c // 2 + 1
block gate(g = C) = MUL{ ID | GAP -> CONV(g, 1) -> SIGMOID }
block both = RELU as left ; TANH as right ; CONCAT{ @left | @right }
"""


def keeping(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Structure around steps that keep the shape."""
    chain = st.lists(inside, min_size=1, max_size=3).map(" -> ".join)
    merge, few, channels = st.sampled_from(MERGES[:-1]), st.integers(0, 3), st.integers(1, 9)
    return st.one_of(
        st.builds("[{}]".format, chain),
        st.builds("[{}]*{}".format, chain, few),
        st.builds("[{}] for i in range({})".format, chain, few),
        st.builds("{}{{ {} | {} }}".format, merge, chain, chain),
        st.builds("ADD{{ {} | for i in range({}): {} | if C > {}: ID }}".format, chain, few, chain, channels),
        st.builds("[[{}] if C > {} else {}]".format, chain, channels, inside.map(lambda step: f"[{step}]")),
        st.builds("[{}]?extra".format, chain),
        st.builds("res([{}])".format, chain),
        st.builds("twice([{}], {})".format, chain, few),
        st.builds("[{} -> [ID] as x[i] -> ADD{{ ID | @x[:] }}] for i in range(2)".format, chain),
        st.builds("[{}] : (C, {})".format, chain, st.just("H, W")),
        st.builds("SUB{{ {} | {} }}".format, chain, chain),
    )


def step(axes: int) -> st.SearchStrategy[str]:
    """A step for values of so many axes."""
    plain = st.sampled_from(KEEPING + SPATIAL)
    kept = st.recursive(plain, keeping, max_leaves=5)
    calls = st.sampled_from(["res", "res(act=GELU)", "wide(6)", "wide(4, k=1)", "gate", "both", "twice(CONV(C, 3))",
                             "CONCAT{ ID | CONV(3, 1) }", "CONCAT{ for c in (1, 2, 3): CONV(c, 3) }"])
    return st.one_of(kept, kept, calls, st.sampled_from(CHANGING), *([st.sampled_from(PICTURES)] if axes == 2 else []))


@st.composite
def specs(draw: st.DrawFn) -> str:
    """The text of a spec; some are refused, since their shapes do not fit."""
    axes = draw(st.integers(1, 3))
    steps = draw(st.lists(step(axes), min_size=1, max_size=5))
    flat = draw(st.lists(st.sampled_from(KEEPING), max_size=3))
    end = draw(st.lists(st.sampled_from(FLATTENING), max_size=1))
    chain = "\n    -> ".join([f"{INPUTS[axes]} as start", *steps, *(end + flat if end else [])])
    return f"{BLOCKS}\nnet random =\n    {chain}\n"
