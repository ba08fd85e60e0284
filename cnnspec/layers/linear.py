"""The fully connected layer: FC."""

from __future__ import annotations

from cnnspec.layers.arguments import count, flag
from cnnspec.layers.base import Shape, product
from cnnspec.layers.facts import FRESH, IMAGE, ROWS, SAVES_INPUT, SAVES_NOTHING, Reach, Saved, Training, Work
from cnnspec.layers.formula import Formula, sym, times
from cnnspec.layers.recipe import MODULES, Recipe
from cnnspec.layers.routine import CONVOLUTION, Routine
from cnnspec.layers.weights import Tensor, Weighted
from cnnspec.layers.window import axis_names


class FullyConnected(Weighted):
    """Fully connected layer, as `torch.nn.Linear` computes it; what enters is flattened first.

    FLOPs: 1 per output for the bias.

    Example: `FC(4096)`
    """

    family = "linear"
    keyword = "FC"
    weighted = True
    out: int = count(1000, doc="outputs")
    bias: bool = flag(True, doc="a learned offset per output")

    def shape(self, *xs: Shape) -> Shape:
        return (self.out,)

    def tensors(self, *xs: Shape) -> tuple[Tensor, ...]:
        weight = Tensor("weight", (self.out, product(xs[0])))
        return (weight, Tensor("bias", (self.out,))) if self.bias else (weight,)

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(product(xs[0]) * self.out, self.out if self.bias else 0)

    def reach(self, y: Shape, *xs: Shape) -> tuple[Reach, ...] | None:
        return None

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def order(self, y: Shape, *xs: Shape) -> str:
        return ROWS

    def reads_row(self, y: Shape, *xs: Shape) -> int | None:
        return IMAGE

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_INPUT if self.train else SAVES_NOTHING

    def routine(self, y: Shape, *xs: Shape) -> Routine:
        return Routine(("linear", "dense", CONVOLUTION))

    def training(self, y: Shape, *xs: Shape) -> Training:
        """What enters is made flat, and the gradient is given its shape back."""
        return Training(views=len(xs[0]) > 1)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        (x,) = xs
        name = "torch.nn.Linear" if len(x) == 1 else f"{MODULES}.FlatLinear"
        return self.module(name, in_features=product(x), out_features=self.out, bias=self.bias)

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        (x,) = xs
        incoming = times([sym("C_in", x[0]), *(sym(axis, e) for axis, e in zip(axis_names(x), x[1:], strict=True))])
        out = sym("C_out", self.out)
        params = self.params_formula(out * (incoming + 1) if self.bias else out * incoming, x)
        return (*params, Formula(Formula.MACS, out * incoming))
