"""Layers with weights: trainable parameters, or buffers where the spec fixes them."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.layers.arguments import flag, option
from cnnspec.layers.base import Layer, Shape, product
from cnnspec.layers.facts import COPY, Buffer, Kept, Param, Scratch
from cnnspec.layers.formula import Formula, Term, sym
from cnnspec.layers.recipe import Module
from cnnspec.record import Record


class Tensor(Record):
    """One tensor of weights."""

    name: str
    shape: Shape


class Weighted(Layer):
    """A family: its `tensors` are parameters, or buffers with `train=off`."""

    train: bool = flag(True, named_only=True,
                       doc="learn the weights; `off` fixes them (buffers, not parameters)")
    init: str = option("default", "kaiming", "xavier", "normal", "truncated", "zeros", "ones",
                       named_only=True, doc="how the weights start")

    #: Axis of the weight that runs over the output channels: the rows of the matrix that a spectral norm sees.
    output_axis: ClassVar[int] = 0

    def tensors(self, *xs: Shape) -> tuple[Tensor, ...]:
        """The weights for this input."""
        raise NotImplementedError  # a test asks it of every layer in the catalogue

    def stored(self, *xs: Shape) -> tuple[Tensor, ...]:
        """The tensors as a state dict holds them, by the names of `torch.nn.utils.parametrizations`.

        A weight norm splits the weight into magnitude and direction (Salimans and Kingma, NeurIPS 2016), a spectral
        norm keeps it (Miyato et al., ICLR 2018).
        """
        tensors = self.tensors(*xs)
        norm = getattr(self, "norm", "none")
        if norm == "none":
            return tensors
        weight = tensors[0].shape
        place = "parametrizations.weight.original"
        if norm == "spectral":
            return (Tensor(place, weight), *tensors[1:])
        magnitudes = Tensor(f"{place}0", (weight[0], *(1,) * (len(weight) - 1)))
        return (magnitudes, Tensor(f"{place}1", weight), *tensors[1:])

    def params(self, *xs: Shape) -> tuple[Param, ...]:
        """The tensors where they are learned."""
        return tuple(Param(tensor.name, tensor.shape) for tensor in self.stored(*xs)) if self.train else ()

    def buffers(self, *xs: Shape) -> tuple[Buffer, ...]:
        """The tensors where they are fixed, and a spectral norm's two power-iteration vectors."""
        kept = [] if self.train else [Buffer(tensor.name, tensor.shape) for tensor in self.stored(*xs)]
        if getattr(self, "norm", "none") == "spectral":
            weight = self.tensors(*xs)[0].shape
            rows = weight[self.output_axis]
            place = "parametrizations.weight.0"
            kept += [Buffer(f"{place}._u", (rows,)), Buffer(f"{place}._v", (product(weight) // rows,))]
        return tuple(kept)

    def module(self, name: str, **settings: object) -> Module:
        """The recipe of a module that holds the weights."""
        return Module(name, settings, fixed=not self.train, norm=getattr(self, "norm", "none"))

    def scratch_beside(self, elements: int, *xs: Shape) -> Scratch:
        """So many elements for each image, and the weight that a weight or spectral norm computes anew at each run.

        A spectral norm needs copies of its two vectors for that, the number that it divides by, and the weight as a
        matrix with a row for each output channel: a copy where that is more than a view.
        """
        norm = getattr(self, "norm", "none")
        if norm == "none":
            return Scratch(elements)
        weight = self.tensors(*xs)[0].shape
        made, rows = product(weight), weight[self.output_axis]
        turned = made if self.output_axis and min(*weight[:2], product(weight[2:])) > 1 else 0
        return Scratch(elements, shared=made, before=rows + made // rows + 1 + turned if norm == "spectral" else 0)

    def kept_weight(self, *xs: Shape) -> tuple[Kept, ...]:
        """What autograd keeps of a weight or spectral norm: the weight, and what it was divided by or made with."""
        norm = getattr(self, "norm", "none")
        if norm == "none":
            return ()
        weight = self.tensors(*xs)[0].shape
        made, rows = product(weight), weight[self.output_axis]
        beside = (weight[0],) if norm == "weight" else (rows, made // rows, 1)
        return tuple(Kept(COPY, elements, per_image=False) for elements in (made, *beside))

    def params_formula(self, term: Term, *xs: Shape) -> tuple[Formula, ...]:
        """The arithmetic of the parameters: `term`, and a weight norm's magnitudes; nothing where they are fixed."""
        if not self.train:
            return ()
        if getattr(self, "norm", "none") == "weight":
            term += sym("magnitudes", self.tensors(*xs)[0].shape[0])
        return (Formula(Formula.PARAMS, term),)

    def norm_work(self, *xs: Shape) -> int:
        """Operations of a weight or spectral norm: 3 per weight (square and sum, or the two-sided product; scale)."""
        if getattr(self, "norm", "none") == "none":
            return 0
        return 3 * product(self.tensors(*xs)[0].shape)
