"""A graph module that runs more layers in training than in evaluation: the heads of `OUTPUT(…, train_only=on)`."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Self

from torch import fx, nn


class PhasedModule(fx.GraphModule):
    """A `GraphModule` with a graph for training and one for evaluation; `train` and `eval` change between them."""

    def __init__(self, root: nn.Module, training: fx.Graph, evaluation: fx.Graph, class_name: str) -> None:
        super().__init__(root, training, class_name)
        self.phases = {True: training, False: evaluation}
        self.title = class_name

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.enter(mode)
        return self

    def enter(self, mode: bool) -> None:
        """Run the graph of a mode from now on, whatever mode the parts are in."""
        if self.graph is not self.phases[mode]:
            self.graph = self.phases[mode]  # which compiles it

    def __deepcopy__(self, memo: dict[int, Any]) -> PhasedModule:
        restore, parts = self.__reduce__()
        copied: PhasedModule = restore(*deepcopy(parts, memo))
        memo[id(self)] = copied
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """Its submodules and both graphs; `GraphModule` itself would keep the code of the present one alone."""
        free = (deepcopy(self.phases[mode]) for mode in (True, False))  # graphs that belong to no module
        return _restore, (dict(self._modules), *free, self.title, self.training)


def _restore(modules: dict[str, nn.Module], training: fx.Graph, evaluation: fx.Graph, title: str,
             mode: bool) -> PhasedModule:
    root = nn.Module()
    for name, module in modules.items():
        root.add_module(name, module)
    restored = PhasedModule(root, training, evaluation, title)
    restored.training = mode  # of the whole alone: a part may have been frozen in the other mode
    restored.enter(mode)
    return restored
