"""A gain or an offset per channel: SCALE, BIAS."""

from __future__ import annotations

from cnnspec.layers.arguments import number
from cnnspec.layers.base import Pointwise, Shape, product
from cnnspec.layers.facts import (
    FRESH,
    NUMBER,
    PASSED,
    SAVES_INPUT,
    SAVES_NOTHING,
    Buffer,
    Kept,
    Saved,
    Scratch,
    Training,
    Work,
)
from cnnspec.layers.formula import Formula, sym
from cnnspec.layers.recipe import MODULES, Function, Recipe
from cnnspec.layers.weights import Tensor, Weighted


class PerChannel(Pointwise, Weighted):
    """A family: one number for each channel, applied to all its elements."""

    family = "normalisation"

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, product(y))

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        return self.params_formula(sym("C", y[0]))


class Scale(PerChannel):
    """A learned gain per channel that starts at `init`; with `train=off` a constant, neither parameter nor buffer.

    FLOPs: 1 per element.

    Example: `SCALE(1e-6)`
    """

    keyword = "SCALE"
    init: float = number(1, doc="the gain at the start, or the constant")  # type: ignore[assignment]  # a number here

    def tensors(self, *xs: Shape) -> tuple[Tensor, ...]:
        return (Tensor("weight", xs[0][:1]),)

    def buffers(self, *xs: Shape) -> tuple[Buffer, ...]:
        return ()

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_INPUT if self.train else SAVES_NOTHING

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The gradient of the gain is made at full size, and summed then."""
        if not self.train:
            return Training(kept=(Kept(NUMBER, 1, per_image=False),))
        return Training(backward=Scratch(product(y)))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        if not self.train:
            return Function("torch.mul", {"other": self.init})
        return self.module(f"{MODULES}.Scale", channels=y[0], init=self.init)


class Bias(PerChannel):
    """A learned offset per channel.

    FLOPs: 1 per element.

    Example: `BIAS`
    """

    keyword = "BIAS"

    def tensors(self, *xs: Shape) -> tuple[Tensor, ...]:
        return (Tensor("bias", xs[0][:1]),)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_NOTHING

    def training(self, y: Shape, *xs: Shape) -> Training:
        """The input's gradient is the output's."""
        return Training(gradients=(PASSED,))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return self.module(f"{MODULES}.Bias", channels=y[0])
