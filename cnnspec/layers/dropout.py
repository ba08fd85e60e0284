"""Layers that drop values in training and pass them on unchanged in evaluation: DROPOUT, DROPPATH."""

from __future__ import annotations

from cnnspec.layers.arguments import number
from cnnspec.layers.base import Pointwise, Shape, Weightless, product
from cnnspec.layers.facts import COPY, MASK, PASSED, SAVES_NOTHING, VIEW, Kept, Saved, Training, Work
from cnnspec.layers.recipe import MODULES, Module, Recipe

#: What drops nothing hands the value on, and its gradient back.
AS_IT_IS = Training(VIEW, gradients=(PASSED,))


class Dropping(Pointwise, Weightless):
    """A family: nothing happens in evaluation, which is what work and storage speak of."""

    family = "regularisation"

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, 0)

    def storage(self, y: Shape, *xs: Shape) -> str:
        return VIEW

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_NOTHING


class Dropout(Dropping):
    """Zeroes single elements at random in training (Srivastava et al., JMLR 2014), as `torch.nn.Dropout`.

    FLOPs: 0 in evaluation.

    Example: `DROPOUT(0.5)`
    """

    keyword = "DROPOUT"
    p: float = number(0.5, doc="probability that an element is dropped", low=0, high=1)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Autograd keeps which elements remain."""
        return Training(kept=(Kept(MASK, product(y)),)) if self.p else AS_IT_IS

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Module("torch.nn.Dropout", {"p": self.p})


class DropPath(Dropping):
    """Zeroes whole images of a residual branch at random in training (stochastic depth, Huang et al., ECCV 2016).

    FLOPs: 0 in evaluation.

    Example: `DROPPATH(0.1)`
    """

    keyword = "DROPPATH"
    p: float = number(doc="probability that the branch is dropped", low=0, high=1)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Autograd keeps a factor for each image."""
        return Training(kept=(Kept(COPY, 1),)) if self.p else AS_IT_IS

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Module(f"{MODULES}.DropPath", {"p": self.p})
