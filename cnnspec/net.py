"""The public face of a network: what `load` and `parse` return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnnspec.analysis.summary import LayerSummary, Summary, summarize
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.graph.network import Graph
from cnnspec.layers.base import Shape
from cnnspec.limits import Limits
from cnnspec.record import Record
from cnnspec.source import Source
from cnnspec.targets import Settings, Target, from_source, resolve
from cnnspec.variants import given

if TYPE_CHECKING:
    from os import PathLike

    import torch
    from pandas import DataFrame
    from torch import Tensor
    from torch.fx import GraphModule

InputShape = Shape | Mapping[str, Shape] | None


class Net(Record):
    """A network, expanded and without mistakes."""

    target: Target
    graph: Graph
    #: Warnings; a net with errors is never made.
    diagnostics: tuple[Diagnostic, ...]
    #: Shapes that took the place of the spec's own inputs, by name, or under `""` of the only one.
    input: Mapping[str, Shape]

    def __repr__(self) -> str:
        return f"Net({self.name!r}, {self.source!r})"

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def source(self) -> str:
        """The file (or `<text>`) that it was read from."""
        return self.target.module.file.source.name

    def summary(self, batch: int = 1, dtype: str = "float32", optimizer: str = "momentum") -> Summary:
        """Shapes, parameters, MACs, receptive fields and memory.

        `batch` scales bytes, not MACs, which are for one image; `dtype` is one of `analysis.memory.DTYPES`, and
        `optimizer`, for the memory of training, one of `analysis.training.OPTIMIZERS`.
        """
        return summarize(self.graph, batch, dtype, optimizer)

    def vary(self, **settings: object) -> Net:
        """The same network with other values for some of its parameters: `net.vary(classes=10)`.

        The file is not read again, so that sweeps are fast; values and errors as for `load`.
        """
        return _expand(self.target.vary(settings), self.input)

    @property
    def layers(self) -> tuple[LayerSummary, ...]:
        """One record per layer, in order of execution, for a batch of one in float32."""
        return self.summary().layers

    def to_frame(self, batch: int = 1, dtype: str = "float32") -> DataFrame:
        """The layers as a pandas data frame, one row each; needs the `[pandas]` extra."""
        from cnnspec.render.frame import to_frame

        return to_frame(self.summary(batch, dtype))

    def to_torch(self, *, init: str = "default", weights: Mapping[str, Tensor] | str | PathLike[str] | None = None,
                 device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> GraphModule:
        """The network as a PyTorch module, in training mode; needs the `[torch]` extra.

        Values have the batch first. The module returns the main output, or a dictionary in which it comes first where
        there are further ones. Parameters bear the paths of the layers, with dots for brackets. `init` names how they
        start (see `runtime.initialise`); `weights` takes its place: a state dict or a file (see `runtime.weights`).
        Raises `SpecError` without PyTorch, and where the weights do not fit.
        """
        from cnnspec.runtime import require_torch

        require_torch()
        from cnnspec.runtime.materialise import materialise

        return materialise(self.graph, init=init, weights=weights, device=device, dtype=dtype)

    def _repr_html_(self) -> str:
        from cnnspec.render.html import summary_html

        return summary_html(self.summary())


def load(target: str, *, set: Settings | None = None, input: InputShape = None, limits: Limits | None = None) -> Net:
    """The net that a target names: a path, `path:net`, a net of the spec folders, or a call.

    `set` gives values to its parameters, and to names that a call leaves free (numbers, tuples, or text in the spec
    language); `input` takes the place of its input's shape, channels first without the batch, or of several by name.
    Raises `SpecError` with all mistakes.
    """
    found = resolve(target, None, limits)
    return _expand(given(found, set) if set else found, input)


def parse(text: str, *, set: Settings | None = None, input: InputShape = None, name: str = "<text>",
          limits: Limits | None = None) -> Net:
    """The net that a text stands for; arguments and errors as for `load`."""
    return _expand(from_source(Source(name, text), set, limits), input)


def _expand(target: Target, input: InputShape) -> Net:
    shapes = _shapes(input)
    elaboration = target.elaborate(shapes)
    if elaboration.graph is None:
        raise SpecError(elaboration.diagnostics)
    from cnnspec.analysis.lint import lint

    return Net(target, elaboration.graph, lint(elaboration.graph), shapes)


def _shapes(input: InputShape) -> dict[str, Shape]:
    """Input shapes by name; raises `ValueError` for what is no shape."""
    named: Mapping[str, Any] = input if isinstance(input, Mapping) else {} if input is None else {"": input}
    for shape in named.values():
        whole = isinstance(shape, tuple | list) and all(isinstance(n, int) and not isinstance(n, bool) for n in shape)
        if not whole or not 1 <= len(shape) <= 4 or min(shape) < 1:
            raise ValueError(f"an input's shape is 1 to 4 whole numbers of at least 1, channels first, not {shape!r}")
    return {name: tuple(shape) for name, shape in named.items()}
