"""Where values enter and leave a network: INPUT, OUTPUT."""

from __future__ import annotations

from cnnspec.layers.arguments import LayerError, extents, flag, word
from cnnspec.layers.base import Pointwise, Shape, Weightless, show
from cnnspec.layers.facts import FRESH, PASSED, SAVES_NOTHING, VIEW, Saved, Training, Work
from cnnspec.layers.recipe import FUNCTIONS, Function, Recipe


class Endpoint(Pointwise, Weightless):
    """A family: a value as it is."""

    family = "input"

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, 0)

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_NOTHING

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function(f"{FUNCTIONS}.identity")


class Input(Endpoint):
    """A value that enters the network; channels first, without the batch.

    FLOPs: 0.

    Example: `INPUT(3x224x224)`
    """

    keyword = "INPUT"
    shape_: Shape = extents((3, 224, 224), doc="channels, then up to three spatial extents")

    def validate(self) -> None:
        if len(self.shape_) > 4:
            raise LayerError("bad-argument", f"an input has at most four extents, channels and three axes; "
                             f"{show(self.shape_)} has {len(self.shape_)}", "shape")

    def shape(self, *xs: Shape) -> Shape:
        return self.shape_

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH


class Output(Endpoint):
    """A further output of the network; the value also goes on to the next step.

    FLOPs: 0.

    Example: `OUTPUT(features)`
    """

    keyword = "OUTPUT"
    name: str = word(doc="its name, with or without an index: `aux`, `p[3]`")
    train_only: bool = flag(False, doc="run it in training only: its parameters count, its work does not")

    def training(self, y: Shape, *xs: Shape) -> Training:
        return Training(VIEW, gradients=(PASSED,))  # the value itself, and its gradient

    def storage(self, y: Shape, *xs: Shape) -> str:
        return VIEW
