"""How weights start, as data: the rules, and the schemes that say which layer gets which, each with its source."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from torch import Tensor, nn

from cnnspec.record import Record

#: Kinds of layers that schemes tell apart; all others start as PyTorch makes them: norms at scale 1 and shift 0.
CONVOLUTION, LINEAR = "convolution", "linear"
#: What a layer's value becomes without another layer of these kinds on the way: nothing, or which output.
HIDDEN, MAIN, AUXILIARY = "hidden", "main", "auxiliary"


class Place(Record):
    """Where a layer stands in its network."""

    kind: str
    #: From 1, among the layers of its kind.
    number: int
    #: `HIDDEN`, `MAIN` or `AUXILIARY`.
    role: str


class Fans(Record):
    """Weights per output and per input, strides left out of account.

    They are what `torch.nn.init` computes from the weight of a convolution or linear layer, so that groups divide the
    first and not the second. A transposed convolution's mean the same; a weight per channel has 1 and 1.
    """

    #: Weights that lead to one output: input channels of a group × kernel positions.
    fan_in: int = 1
    #: Output channels × kernel positions.
    fan_out: int = 1


#: Fills a tensor. What it draws, it draws from PyTorch's global generator.
Rule = Callable[[Tensor, Fans], object]


class Start(Record):
    """How a layer's weight and bias start; None: as PyTorch makes them."""

    weight: Rule | None = None
    bias: Rule | None = None


class Special(Record):
    """Layers for which a scheme has something else; what is None stays as the scheme has it."""

    where: Callable[[Place], bool]
    weight: Rule | None = None
    bias: Rule | None = None


class Scheme(Record):
    """How the layers of a network start."""

    #: Where it is from.
    source: str
    convolution: Start = Start()
    linear: Start = Start()
    special: tuple[Special, ...] = ()

    def start(self, place: Place) -> Start:
        """How the layer at a place starts."""
        start = self.convolution if place.kind == CONVOLUTION else self.linear
        for special in self.special:
            if special.where(place):
                start = Start(special.weight or start.weight, special.bias or start.bias)
        return start


def constant(value: float) -> Rule:
    """All elements equal."""
    return lambda weight, _: nn.init.constant_(weight, value)


def normal(deviation: float) -> Rule:
    """A normal distribution around 0."""
    return lambda weight, _: nn.init.normal_(weight, 0, deviation)


def truncated(deviation: float, bound: float) -> Rule:
    """A normal distribution around 0 of which nothing lies outside ±`bound`; its `deviation` is that before the cut."""
    return lambda weight, _: nn.init.trunc_normal_(weight, 0, deviation, -bound, bound)


def he_normal(fan: str) -> Rule:
    """A normal distribution of variance 2/fan, which RELU keeps as it is (He et al., ICCV 2015, eq. 10 and 14)."""
    return lambda weight, fans: nn.init.normal_(weight, 0, sqrt(2 / getattr(fans, fan)))


def uniform(numerator: float, fan: str) -> Rule:
    """A uniform distribution within ±√(numerator/fan), thus of variance numerator/(3·fan)."""
    def fill(weight: Tensor, fans: Fans) -> Tensor:
        bound = sqrt(numerator / getattr(fans, fan))
        return nn.init.uniform_(weight, -bound, bound)

    return fill


def glorot(weight: Tensor, fans: Fans) -> Tensor:
    """A uniform distribution of variance 2/(fan_in + fan_out) (Glorot and Bengio, AISTATS 2010, eq. 16)."""
    bound = sqrt(6 / (fans.fan_in + fans.fan_out))
    return nn.init.uniform_(weight, -bound, bound)


def orthogonal(weight: Tensor, fans: Fans) -> Tensor:
    """Orthonormal rows or columns of the weight as a matrix (Saxe et al., ICLR 2014)."""
    return nn.init.orthogonal_(weight)


ZEROS, ONES = constant(0), constant(1)
HE_OUT = he_normal("fan_out")

#: The words of a layer's own `init`, which take the scheme's place for its weight; its bias then starts at 0.
WORDS: dict[str, Rule] = {
    "kaiming": HE_OUT,
    "xavier": glorot,
    "normal": normal(0.01),
    "truncated": truncated(0.02, 0.04),
    "zeros": ZEROS,
    "ones": ONES,
}


def everywhere(source: str, weight: Rule) -> Scheme:
    """One rule for all convolutions and linear layers, biases 0."""
    return Scheme(source, Start(weight, ZEROS), Start(weight, ZEROS))


_SMALL = Start(normal(0.01), ZEROS)
_VGG = Scheme("torchvision, `vgg.py`", Start(HE_OUT, ZEROS), _SMALL)

SCHEMES: dict[str, Scheme] = {
    "default": Scheme("PyTorch's modules: uniform within ±1/√fan_in"),
    "kaiming": everywhere("He et al., ICCV 2015", WORDS["kaiming"]),
    "xavier": everywhere("Glorot and Bengio, AISTATS 2010", WORDS["xavier"]),
    "normal": everywhere("Krizhevsky et al., NeurIPS 2012, without its biases of 1", WORDS["normal"]),
    "truncated": everywhere("Liu et al., CVPR 2022 (ConvNeXt), cut at two deviations", WORDS["truncated"]),
    "orthogonal": everywhere("Saxe et al., ICLR 2014", orthogonal),
    "zeros": everywhere("the constant 0", ZEROS),
    "ones": everywhere("the constant 1", ONES),
    # the paper names the layers by number: those that see only the maps of their own GPU, and the hidden linear ones
    "alexnet": Scheme("Krizhevsky et al., NeurIPS 2012, section 5", _SMALL, _SMALL, (
        Special(lambda place: place.kind == CONVOLUTION and place.number in {2, 4, 5}, bias=ONES),
        Special(lambda place: place.kind == LINEAR and place.role == HIDDEN, bias=ONES),
    )),
    "vgg": _VGG,
    "resnet": Scheme("torchvision, `resnet.py`", Start(HE_OUT)),
    "densenet": Scheme("torchvision, `densenet.py`", Start(he_normal("fan_in")), Start(None, ZEROS)),
    # torchvision cuts at ±2, not at two deviations: a normal distribution in all but name
    "googlenet": Scheme("torchvision, `googlenet.py`", Start(truncated(0.01, 2)), Start(truncated(0.01, 2))),
    "inception_v3": Scheme("torchvision, `inception.py`", Start(truncated(0.1, 2)), Start(truncated(0.1, 2)), (
        Special(lambda place: place.kind == LINEAR and place.role == AUXILIARY, truncated(0.001, 2)),
    )),
    "squeezenet": Scheme("torchvision, `squeezenet.py`", Start(uniform(6, "fan_in"), ZEROS), special=(
        Special(lambda place: place.kind == CONVOLUTION and place.role == MAIN, normal(0.01)),
    )),
    "mobilenet_v2": _VGG.replace(source="torchvision, `mobilenetv2.py`"),
    "mobilenet_v3": _VGG.replace(source="torchvision, `mobilenetv3.py`"),
    "mnasnet": Scheme("torchvision, `mnasnet.py`", Start(HE_OUT, ZEROS), Start(uniform(3, "fan_out"), ZEROS)),
    "efficientnet": Scheme("torchvision, `efficientnet.py`", Start(HE_OUT, ZEROS), Start(uniform(1, "fan_out"), ZEROS)),
    "regnet": Scheme("torchvision, `regnet.py`", Start(HE_OUT), _SMALL),
    "convnext": everywhere("torchvision, `convnext.py`", truncated(0.02, 2)),
    "r3d": _VGG.replace(source="torchvision, `video/resnet.py`"),
}

#: The scheme of each family of torchvision, by the name of its spec file.
FAMILIES: dict[str, str] = {
    "alexnet": "default",
    "vgg": "vgg",
    "resnet": "resnet", "resnext": "resnet", "wide_resnet": "resnet",
    "densenet": "densenet",
    "googlenet": "googlenet",
    "inception_v3": "inception_v3",
    "squeezenet": "squeezenet",
    "shufflenet_v2": "default",
    "mobilenet_v2": "mobilenet_v2", "mobilenet_v3": "mobilenet_v3",
    "mnasnet": "mnasnet",
    "efficientnet": "efficientnet", "efficientnet_v2": "efficientnet",
    "regnet": "regnet",
    "convnext": "convnext",
    "fcn": "default", "deeplabv3": "default", "lraspp": "default",
    "video_resnet": "r3d", "r3d": "r3d", "mc3": "r3d", "r2plus1d": "r3d",
    "s3d": "default",
}

#: Families that put a head on the backbone of another one, whose layers start as there.
ON_BACKBONES = frozenset({"fcn", "deeplabv3", "lraspp"})
