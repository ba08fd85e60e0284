"""The ways to count what a network costs: this project's own, and other tools', so that figures can be compared."""

from __future__ import annotations

from typing import Any

from cnnspec.analysis import peers
from cnnspec.layers.base import Layer, Shape
from cnnspec.record import Record


class Convention(Record):
    """One way to count."""

    name: str
    title: str
    #: What it calls a unit of its count.
    unit: str
    #: What it counts, and what it gets wrong, in one paragraph.
    doc: str
    #: The count of a layer that PyTorch sees as a module, by keyword.
    modules: peers.Rules
    #: The count where the PyTorch source calls a function instead, by keyword.
    functions: peers.Rules
    #: The count of the layers that neither table names; None where that is 0 for measured layers, else unknown.
    default: peers.Rule | None = None


class Uncounted(LookupError):
    """A layer whose figure in another tool is not known; the text says which."""


def count(convention: str, layer: Layer, y: Shape, xs: tuple[Shape, ...], *, functional: bool = False) -> int:
    """What `layer` costs under a convention, for one image, where the shapes `xs` enter and `y` leaves.

    `functional`, or `call=function` in the spec, says that PyTorch code calls it as a function, which some tools do not
    see. Raises
    `KeyError` for an unknown convention and `Uncounted` for a layer that was never measured in the tool.
    """
    chosen = CONVENTIONS[convention]
    rules = chosen.functions if functional or layer.call == "function" else chosen.modules
    rule = rules.get(layer.keyword, chosen.default)
    if rule is not None:
        return rule(layer, y, xs)
    if layer.keyword not in peers.MEASURED:
        raise Uncounted(f"it is not known how {chosen.title} counts {layer.keyword}")
    return 0


def _flops(layer: Any, y: Shape, xs: tuple[Shape, ...]) -> int:
    work = layer.work(y, *xs)
    return int(2 * work.macs + work.other)


_ALL = (
    Convention(
        "macs", "multiply-accumulates", "MACs",
        "One for each weight of a convolution, transposed convolution or linear layer that meets a value: the "
        "convention of torchvision's published figures. Biases, normalisation, activations, pooling and merges count "
        "nothing.",
        {}, {}, peers.macs,
    ),
    Convention(
        "flops", "floating-point operations", "FLOPs",
        "Twice the multiply-accumulates, and each layer's other operations: bias, normalisation, activation, pooling, "
        "merge.",
        {}, {}, _flops,
    ),
    Convention(
        "fvcore", "fvcore's FlopCountAnalysis", "flops",
        "Multiply-accumulates, called flops, of the traced graph. Biases, activations, windowed pooling and merges "
        "count nothing; but batch norm counts 2 per element, other norms 5, and in two dimensions only, an adaptive "
        "average pool 1 per input element and an upsampling 1 (nearest) or 4 (bilinear) per output element.",
        peers.FVCORE, peers.FVCORE,
    ),
    Convention(
        "ptflops", "ptflops with its pytorch backend", "MACs",
        "Multiply-accumulates with biases, batch norm 2 per element, and 1 per element of certain activations and "
        "pools. It hooks modules and also counts functions, so that a module which calls such a function, as ReLU and "
        "max pooling do, counts twice. Sigmoid, tanh, hard swish and merges by operators count nothing.",
        peers.PTFLOPS, peers.PTFLOPS_FUNCTIONS,
    ),
    Convention(
        "ptflops-aten", "ptflops with its aten backend", "MACs",
        "Multiply-accumulates of convolutions and linear layers with their biases, and nothing else.",
        peers.PTFLOPS_ATEN, peers.PTFLOPS_ATEN,
    ),
    Convention(
        "torchinfo", "torchinfo's total mult-adds", "mult-adds",
        "Parameters, biases included, times the output's positions for a convolution, once for any other layer. A "
        "transposed convolution is therefore counted too often, by the area that its stride gains, and a layer "
        "without trainable parameters counts nothing.",
        peers.TORCHINFO, {},
    ),
    Convention(
        "thop", "thop", "MACs",
        "Multiply-accumulates without biases, batch norm and layer norm 4 per element, average pools 1 per output "
        "element, adaptive ones the mean window and 1 more. A transposed convolution goes by its output's positions, "
        "so it is counted too often; activations save PReLU and softmax, group norm and whatever is called as a "
        "function count nothing.",
        peers.THOP, {},
    ),
)

#: By name, as `--convention` takes them.
CONVENTIONS: dict[str, Convention] = {convention.name: convention for convention in _ALL}
