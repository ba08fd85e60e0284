"""Activation functions, from RELU to LOGSOFTMAX: nothing but a formula for each element."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.layers.arguments import LayerError, flag, number, option
from cnnspec.layers.base import Pointwise, Shape, Weightless, product
from cnnspec.layers.facts import (
    CHANNEL,
    FRESH,
    IN_PLACE,
    ROWS,
    SAVES_INPUT,
    SAVES_OUTPUT,
    Reach,
    Saved,
    Scratch,
    Training,
    Work,
)
from cnnspec.layers.formula import Formula, sym, term
from cnnspec.layers.recipe import FUNCTIONS, Function, Module, Recipe
from cnnspec.layers.weights import Tensor, Weighted


class Activation(Pointwise):
    """A family: `ops` operations for each element.

    One operation is a sum, a product, a division, a comparison (`max` and `min` too) or one elementary function
    (exp, log, tanh, erf); a sign is none.
    """

    family = "activation"

    ops: ClassVar[int]
    #: The class of `torch.nn`, and its settings with the arguments that they are.
    module_name: ClassVar[str]
    settings: ClassVar[tuple[tuple[str, str], ...]] = ()
    #: What its derivative is computed from.
    saves: ClassVar[Saved] = SAVES_INPUT

    call: str = option("module", "function", named_only=True, doc="how PyTorch code calls it, which some tools see")

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, self.ops * product(y))

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return self.saves

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        settings = {name: getattr(self, argument) for name, argument in self.settings}
        return Module(f"torch.nn.{self.module_name}", settings)


class InPlace(Activation):
    """A family: writes over its input, as models write it: `torch.nn.ReLU(inplace=True)`."""

    def storage(self, y: Shape, *xs: Shape) -> str:
        return IN_PLACE

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Module(f"torch.nn.{self.module_name}", in_place=True)


class ReLU(InPlace, Weightless):
    """Rectified linear unit, `max(x, 0)`.

    FLOPs: 1 per element.

    Example: `RELU`
    """

    keyword = "RELU"
    module_name = "ReLU"
    saves = SAVES_OUTPUT
    ops = 1


class ReLU6(InPlace, Weightless):
    """Rectified linear unit that ends at 6, `min(max(x, 0), 6)`, as MobileNet has it.

    FLOPs: 2 per element.

    Example: `RELU6`
    """

    keyword = "RELU6"
    module_name = "ReLU6"
    ops = 2


class LeakyReLU(Activation, Weightless):
    """Rectified linear unit with a small slope below 0, `max(x, 0) + slope·min(x, 0)`.

    FLOPs: 2 per element (comparison, product).

    Example: `LEAKYRELU(0.2)`
    """

    keyword = "LEAKYRELU"
    module_name = "LeakyReLU"
    settings = (("negative_slope", "slope"),)
    ops = 2
    slope: float = number(0.01, doc="slope below 0")


class PReLU(Activation, Weighted):
    """Rectified linear unit with a learned slope below 0 (He et al., ICCV 2015), as `torch.nn.PReLU`.

    FLOPs: 2 per element (comparison, product).

    Example: `PRELU`
    """

    keyword = "PRELU"
    module_name = "PReLU"
    ops = 2
    per_channel: bool = flag(False, doc="a slope for each channel; else one for all")

    def tensors(self, *xs: Shape) -> tuple[Tensor, ...]:
        return (Tensor("weight", xs[0][:1] if self.per_channel else (1,)),)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The gradient of the slope is made at full size, and summed then."""
        return Training(backward=Scratch(product(y)))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return self.module(f"torch.nn.{self.module_name}", num_parameters=y[0] if self.per_channel else 1)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        if not self.train:
            return ()
        return (Formula(Formula.PARAMS, sym("C", y[0]) if self.per_channel else term(1)),)


class ELU(Activation, Weightless):
    """Exponential linear unit (Clevert et al., ICLR 2016), `x` above 0, `alpha·(exp(x) − 1)` below.

    FLOPs: 4 per element (comparison, exp, difference, product).

    Example: `ELU`
    """

    keyword = "ELU"
    module_name = "ELU"
    settings = (("alpha", "alpha"),)
    ops = 4
    alpha: float = number(1, doc="the negative of the limit below 0")


class SELU(Activation, Weightless):
    """Self-normalising ELU (Klambauer et al., NeurIPS 2017): its two constants keep mean 0 and variance 1.

    FLOPs: 5 per element (ELU's, and the scale).

    Example: `SELU`
    """

    keyword = "SELU"
    module_name = "SELU"
    ops = 5


class Sigmoid(Activation, Weightless):
    """The logistic function, `1/(1 + exp(−x))`.

    FLOPs: 3 per element (exp, sum, division).

    Example: `SIGMOID`
    """

    keyword = "SIGMOID"
    module_name = "Sigmoid"
    saves = SAVES_OUTPUT
    ops = 3


class Tanh(Activation, Weightless):
    """Hyperbolic tangent.

    FLOPs: 1 per element.

    Example: `TANH`
    """

    keyword = "TANH"
    module_name = "Tanh"
    saves = SAVES_OUTPUT
    ops = 1


class GELU(Activation, Weightless):
    """Gaussian error linear unit (Hendrycks and Gimpel, 2016), `x/2·(1 + erf(x/√2))`, or its form with `tanh`.

    FLOPs: 5 per element; with tanh, `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`, 9.

    Example: `GELU`
    """

    keyword = "GELU"
    module_name = "GELU"
    settings = (("approximate", "approximate"),)
    approximate: str = option("none", "tanh", doc="what stands for the error function")

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, {"none": 5, "tanh": 9}[self.approximate] * product(y))


class SiLU(Activation, Weightless):
    """Sigmoid linear unit, or Swish (Ramachandran et al., 2017), `x/(1 + exp(−x))`.

    FLOPs: 3 per element (exp, sum, division).

    Example: `SILU`
    """

    keyword = "SILU"
    module_name = "SiLU"
    ops = 3


class HardSigmoid(Activation, Weightless):
    """A sigmoid of straight lines (Howard et al., ICCV 2019), `min(max(x + 3, 0), 6)/6`.

    FLOPs: 4 per element.

    Example: `HARDSIGMOID`
    """

    keyword = "HARDSIGMOID"
    module_name = "Hardsigmoid"
    ops = 4


class HardSwish(Activation, Weightless):
    """Swish with the sigmoid of straight lines (Howard et al., ICCV 2019), `x·min(max(x + 3, 0), 6)/6`.

    FLOPs: 5 per element.

    Example: `HARDSWISH`
    """

    keyword = "HARDSWISH"
    module_name = "Hardswish"
    ops = 5


class HardTanh(Activation, Weightless):
    """The identity between two bounds, `min(max(x, low), high)`.

    FLOPs: 2 per element.

    Example: `HARDTANH(0, 1)`
    """

    keyword = "HARDTANH"
    module_name = "Hardtanh"
    settings = (("min_val", "low"), ("max_val", "high"))
    ops = 2
    low: float = number(-1, doc="smallest output")
    high: float = number(1, doc="largest output")

    def validate(self) -> None:
        if self.low >= self.high:
            raise LayerError("bad-argument", f"`low` of HARDTANH must be below `high`: {self.low:g} and {self.high:g}",
                             "low")


class Mish(Activation, Weightless):
    """`x·tanh(log(1 + exp(x)))` (Misra, BMVC 2020).

    FLOPs: 5 per element.

    Example: `MISH`
    """

    keyword = "MISH"
    module_name = "Mish"
    ops = 5


class Softplus(Activation, Weightless):
    """A smooth RELU, `log(1 + exp(beta·x))/beta`.

    FLOPs: 5 per element.

    Example: `SOFTPLUS`
    """

    keyword = "SOFTPLUS"
    module_name = "Softplus"
    settings = (("beta", "beta"),)
    ops = 5
    beta: float = number(1, doc="sharpness of the bend", low=0)

    def validate(self) -> None:
        if self.beta == 0:
            raise LayerError("bad-argument", "`beta` of SOFTPLUS must be above 0", "beta")


class Probabilities(Activation):
    """A family: elements that sum to 1, over the channels at a position or over the positions of a channel."""

    ops = 5
    saves = SAVES_OUTPUT
    #: The function that computes it over positions.
    spatial: ClassVar[str]
    axis: str = option("channels", "space", doc="over which elements they sum to 1")

    def shape(self, *xs: Shape) -> Shape:
        if self.axis == "space":
            self.needs_axes(xs[0])
        return xs[0]

    def meant(self, *xs: Shape) -> Shape | None:
        return xs[0]

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return None if self.axis == "space" else super().reach(y, *xs)

    def order(self, y: Shape, *xs: Shape) -> str:
        return ROWS

    def reads_row(self, y: Shape, *xs: Shape) -> int | None:
        return CHANNEL if self.axis == "space" else None

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        if self.axis == "space":
            return Function(f"{FUNCTIONS}.{self.spatial}")
        return Module(f"torch.nn.{self.module_name}", {"dim": 1})


class Softmax(Probabilities, Weightless):
    """`exp(x)` divided by its sum over the channels, or over all positions.

    FLOPs: 5 per element (maximum, difference, exp, sum, division).

    Example: `SOFTMAX`
    """

    keyword = "SOFTMAX"
    module_name = "Softmax"
    spatial = "spatial_softmax"


class LogSoftmax(Probabilities, Weightless):
    """The logarithm of SOFTMAX.

    FLOPs: 5 per element (maximum, difference, exp, sum, difference).

    Example: `LOGSOFTMAX`
    """

    keyword = "LOGSOFTMAX"
    module_name = "LogSoftmax"
    spatial = "spatial_log_softmax"
