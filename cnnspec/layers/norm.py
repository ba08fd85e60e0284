"""Normalisation: BN, LN, GN, IN, LRN, L2NORM.

The statistics that LN, GN and IN take of their own input span whole planes; `reach` leaves them out, as
published receptive fields do, and follows the values that are normalised.
"""

from __future__ import annotations

from cnnspec.layers.arguments import LayerError, count, flag, number, option
from cnnspec.layers.base import Pointwise, Shape, Weightless, divisor_near, product, show
from cnnspec.layers.facts import (
    BATCH,
    CHANNELS_LAST,
    COPY,
    FRESH,
    NUMBER,
    ROWS,
    SAVES_INPUT,
    STATISTICS,
    Buffer,
    Kept,
    Saved,
    Scratch,
    Training,
    Work,
)
from cnnspec.layers.formula import Formula, sym, times
from cnnspec.layers.recipe import MODULES, Function, Module, Recipe
from cnnspec.layers.weights import Tensor, Weighted
from cnnspec.layers.window import axis_names


class Normalisation(Pointwise, Weighted):
    """A family: subtracts a mean, divides by a deviation, then (where `affine`) a learned scale and shift."""

    family = "normalisation"

    affine: bool

    def affine_shape(self, x: Shape) -> Shape:
        """Shape of the learned scale and of the shift: one number per channel."""
        return x[:1]

    def tensors(self, *xs: Shape) -> tuple[Tensor, ...]:
        size = self.affine_shape(xs[0])
        return (Tensor("weight", size), Tensor("bias", size)) if self.affine else ()

    def work(self, y: Shape, *xs: Shape) -> Work:
        """Per element: sum; difference, square, sum; division; and the affine map's two. Roots are left out."""
        return Work(0, product(y) * (7 if self.affine else 5))

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_INPUT

    def meant(self, *xs: Shape) -> Shape | None:
        return xs[0]

    def formulas(self, y: Shape, *xs: Shape) -> tuple[Formula, ...]:
        if not self.affine:
            return ()
        letters = ("C", *axis_names(y))
        numbers = [sym(letter, extent) for letter, extent in zip(letters, self.affine_shape(y), strict=False)]
        return self.params_formula(2 * times(numbers))

    def refuse_single(self, elements: int, x: Shape, over: str) -> None:
        """Raise `LayerError`, as PyTorch does, where the mean is taken of one element: every output would be 0."""
        if elements == 1:
            raise LayerError("single-element", f"{self.keyword} takes its mean over {over}, but in {show(x)} "
                             "that is one element: nothing would remain", help="`LN` takes it over the channels")


class BatchNorm(Normalisation):
    """Batch normalisation (Ioffe and Szegedy, ICML 2015), as `torch.nn.BatchNorm1d`, `2d` and `3d` compute it.

    With `train=off` it is frozen as in `torchvision.ops.FrozenBatchNorm2d`: the statistics stand still, uncounted.

    FLOPs: 2 per element (in evaluation the statistics and the affine map make one scale and one shift).

    Example: `BN`
    """

    keyword = "BN"
    eps: float = number(1e-5, doc="added to the variance", low=0)
    momentum: float = number(0.1, doc="weight of the new batch in the running statistics", low=0, high=1)
    affine: bool = flag(True, doc="a learned scale and shift per channel")

    def buffers(self, *xs: Shape) -> tuple[Buffer, ...]:
        channels = xs[0][:1]
        running = (Buffer("running_mean", channels), Buffer("running_var", channels))
        counter = (Buffer("num_batches_tracked", (), bytes_each=8),) if self.train else ()
        return (*super().buffers(*xs), *running, *counter)

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, 2 * product(y))

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Of each channel, autograd keeps the mean and the inverse deviation of the batch, told as one block."""
        return Training(kept=(Kept(STATISTICS, 2 * y[0], per_image=False),) if self.train else ())

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        settings = {"num_features": y[0], "eps": self.eps, "affine": self.affine}
        if not self.train:
            return self.module(f"{MODULES}.FrozenBatchNorm", **settings)
        # one class serves flat vectors and sequences
        return self.module(f"torch.nn.BatchNorm{max(len(y) - 1, 1)}d", momentum=self.momentum, **settings)


class LayerNorm(Normalisation):
    """Layer normalisation (Ba et al., 2016) over the channels at each position, as ConvNeXt has it, or over everything.

    FLOPs: 5 per element, 7 with the learned scale and shift.

    Example: `LN`
    """

    keyword = "LN"
    over = option("channels", "all", doc="what one mean is taken of: the channels at a position, or the whole value")
    eps: float = number(1e-5, doc="added to the variance", low=0)
    affine: bool = flag(True, doc="a learned scale and shift")

    def affine_shape(self, x: Shape) -> Shape:
        return x if self.over == "all" else x[:1]

    def order(self, y: Shape, *xs: Shape) -> str:
        """Over the channels of a picture, channels last: what it computes in."""
        return CHANNELS_LAST if self.over == "channels" and len(y) == 3 else ROWS

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """Mean and deviation of each normalised row; of a sequence or volume, then what is channels last still."""
        if self.over == "all":
            return Scratch(2)
        positions = product(y[1:])
        reordered = len(y) in {2, 4} and positions > 1
        return Scratch(positions * (max(2, y[0]) if reordered else 2))

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Of each mean's elements, autograd keeps the mean and the inverse deviation."""
        return Training(kept=(Kept(STATISTICS, 1 if self.over == "all" else product(y[1:])),) * 2)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        name = "torch.nn.LayerNorm" if self.over == "all" or len(y) == 1 else f"{MODULES}.ChannelNorm"
        return self.module(name, normalized_shape=self.affine_shape(y), eps=self.eps, elementwise_affine=self.affine)


class GroupNorm(Normalisation):
    """Group normalisation (Wu and He, ECCV 2018), as `torch.nn.GroupNorm` computes it.

    FLOPs: 5 per element, 7 with the learned scale and shift.

    Example: `GN(32)`
    """

    keyword = "GN"
    groups: int = count(doc="groups of channels that share a mean")
    eps: float = number(1e-5, doc="added to the variance", low=0)
    affine: bool = flag(True, doc="a learned scale and shift per channel")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        if x[0] % self.groups:
            raise LayerError("groups", f"groups = {self.groups} does not divide the {x[0]} channels of {show(x)}",
                             "groups", help=f"`groups={divisor_near(self.groups, x[0])}` divides them")
        self.refuse_single(product(x) // self.groups, x, "a group of channels")
        return x

    def reads_row(self, y: Shape, *xs: Shape) -> int | None:
        return BATCH

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """Mean and deviation of each group."""
        return Scratch(2 * self.groups)

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Of each group, autograd keeps the mean and the inverse deviation."""
        return Training(kept=(Kept(STATISTICS, self.groups),) * 2)

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return self.module("torch.nn.GroupNorm", num_groups=self.groups, num_channels=y[0], eps=self.eps,
                           affine=self.affine)


class InstanceNorm(Normalisation):
    """Instance normalisation (Ulyanov et al., 2016), as `torch.nn.InstanceNorm1d`, `2d` and `3d` compute it.

    FLOPs: 5 per element, 7 with the learned scale and shift.

    Example: `IN`
    """

    keyword = "IN"
    eps: float = number(1e-5, doc="added to the variance", low=0)
    affine: bool = flag(False, doc="a learned scale and shift per channel")

    def shape(self, *xs: Shape) -> Shape:
        (x,) = xs
        self.needs_axes(x)
        self.refuse_single(product(x[1:]), x, "the positions of a channel")
        return x

    def order(self, y: Shape, *xs: Shape) -> str:
        return ROWS

    def reads_row(self, y: Shape, *xs: Shape) -> int | None:
        return BATCH

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """Mean and deviation of each channel of an image, and where affine, scale and shift repeated for each image."""
        return Scratch((4 if self.affine else 2) * y[0])

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Batch normalisation with the channels of all images beside each other, its scale and shift repeated."""
        means = (Kept(STATISTICS, y[0]),) * 2
        if not self.affine:
            return Training(kept=means)
        return Training(kept=(*means, Kept(COPY, y[0])), forward=Scratch(y[0]), unsummed=2 * y[0])

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return self.module(f"torch.nn.InstanceNorm{len(y) - 1}d", num_features=y[0], eps=self.eps, affine=self.affine)


class LocalResponseNorm(Pointwise, Weightless):
    """Local response normalisation across channels (Krizhevsky et al., NeurIPS 2012), as `torch.nn.LocalResponseNorm`.

    `x / (k + alpha/size · Σ x²)^beta`, the sum over `size` neighbouring channels.

    FLOPs: size + 5 per element (square; size for the mean; alpha, k, power, division).

    Example: `LRN(5)`
    """

    family = "normalisation"
    keyword = "LRN"
    size: int = count(5, doc="neighbouring channels in the sum")
    alpha: float = number(1e-4, doc="weight of the sum")
    beta: float = number(0.75, doc="exponent")
    k: float = number(1.0, doc="added to the sum")

    def shape(self, *xs: Shape) -> Shape:
        self.needs_axes(xs[0])
        return xs[0]

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, product(y) * (self.size + 5))

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_INPUT

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """The padded squares, or two of the steps from their mean to the divisor."""
        padded = product(y) // y[0] * (y[0] + self.size - 1)
        return Scratch(max(padded, 2 * product(y)))

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Autograd keeps the padded squares, the sum, and its power."""
        whole = product(y)
        padded = whole // y[0] * (y[0] + self.size - 1)
        kept = (Kept(COPY, padded), *(Kept(COPY, whole),) * 2, Kept(NUMBER, 1, per_image=False))
        return Training(kept=kept, forward=Scratch(whole), backward=Scratch(3 * whole))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Module("torch.nn.LocalResponseNorm",
                      {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k})

    def meant(self, *xs: Shape) -> Shape | None:
        return xs[0]


class L2Norm(Pointwise, Weightless):
    """Divides by the Euclidean norm over the channels at each position; `SCALE` behind it gives it SSD's learned gain.

    FLOPs: 3 per element (square, sum, division).

    Example: `L2NORM -> SCALE(20)`
    """

    family = "normalisation"
    keyword = "L2NORM"
    eps: float = number(1e-12, doc="smallest norm that is divided by", low=0)

    def work(self, y: Shape, *xs: Shape) -> Work:
        return Work(0, 3 * product(y))

    def storage(self, y: Shape, *xs: Shape) -> str:
        return FRESH

    def saved(self, y: Shape, *xs: Shape) -> Saved:
        return SAVES_INPUT

    def scratch(self, y: Shape, *xs: Shape) -> Scratch:
        """The norms."""
        return Scratch(product(y[1:]))

    def training(self, y: Shape, *xs: Shape) -> Training:
        """Autograd keeps the norm of each position before and after it is bounded from below."""
        norms = product(y[1:])
        return Training(kept=(Kept(COPY, norms),) * 2, backward=Scratch(3 * product(y)))

    def recipe(self, y: Shape, *xs: Shape) -> Recipe:
        return Function("torch.nn.functional.normalize", {"p": 2, "dim": 1, "eps": self.eps})
