"""The facts that a layer states about itself on given shapes: weights, work, reach, storage."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from cnnspec.record import Record

if TYPE_CHECKING:
    from cnnspec.layers.base import Shape

#: Elements of storage: the output is new memory, a view of the (first) input, or may overwrite the first input.
FRESH, VIEW, IN_PLACE = "fresh", "view", "in place"

#: Orders of elements in a new output: image after image, channel after channel, row after row; channels last, as
#: `torch.channels_last` has it; or that of the first input of the output's shape; or, of all inputs where they agree.
ROWS, CHANNELS_LAST, AS_FIRST, AS_ALL = "rows", "channels last", "as first", "as all"

#: What a layer reads as one row of elements, so that values with gaps are copied: the batch, each image, each channel.
BATCH, IMAGE, CHANNEL = 0, 1, 2


class Param(Record):
    """A learned tensor."""

    name: str
    shape: Shape
    trainable: bool = True


class Buffer(Record):
    """A tensor that a layer keeps but does not learn. `bytes_each` is None where it has the network's dtype."""

    name: str
    shape: Shape
    bytes_each: int | None = None


class Work(Record):
    """What one image costs: multiply-accumulates, and the floating-point operations beside them."""

    macs: int
    other: int


class Scratch(Record):
    """Memory that lives only while a layer runs."""

    #: Per image, elements of the network's dtype, and bytes whatever the dtype.
    elements: int = 0
    bytes: int = 0
    #: Elements of the network's dtype for the whole batch.
    shared: int = 0
    #: The same, but live only until the output is made.
    before: int = 0


NO_SCRATCH = Scratch()


class Saved(Record):
    """What autograd keeps of a layer's values until its backward pass has run."""

    #: Indices of the inputs.
    inputs: tuple[int, ...] = ()
    output: bool = False


#: The ways in which most layers keep values: nothing, the (first) input, the output.
SAVES_NOTHING, SAVES_INPUT, SAVES_OUTPUT = Saved(), Saved((0,)), Saved(output=True)


#: What autograd keeps beside inputs and outputs: places of maxima, masks of dropout, means and deviations, copies,
#: numbers that tensors are multiplied with.
INDICES, MASK, STATISTICS, COPY, NUMBER = "indices", "mask", "statistics", "copy", "number"
#: Where the gradient of an input lies: in new memory, in that of the output's gradient (which it is, or a view of it),
#: or in new memory that it shares with those of the other inputs.
OWN, PASSED, SHARED = "own", "passed", "shared"


class Kept(Record):
    """A block that autograd keeps beside inputs and outputs."""

    kind: str
    #: Elements for each image, or for the whole batch.
    elements: int
    per_image: bool = True


class Training(Record):
    """What a training step does otherwise than evaluation."""

    #: Where the output lies.
    storage: str = FRESH
    kept: tuple[Kept, ...] = ()
    #: By input; the last one stands for those behind it.
    gradients: tuple[str, ...] = (OWN,)
    #: Whether they are views: autograd adds nothing to a view in its place.
    views: bool = False
    #: What lives only while the layer runs, forward and backward.
    forward: Scratch = NO_SCRATCH
    backward: Scratch = NO_SCRATCH
    #: Backward, elements for each image of the gradients on the way from the output's to the layer's own step, and from
    #: there to the input's, each made of the one before; and of those that are summed to the weights'.
    out_steps: tuple[int, ...] = ()
    in_steps: tuple[int, ...] = ()
    unsummed: int = 0


class Reach(Record):
    """Along one axis, output `o` reads the inputs from `stride*o + low` to `stride*o + high`."""

    stride: int | Fraction
    low: int | Fraction
    high: int | Fraction


#: Output `o` reads input `o` alone.
POINT = Reach(1, 0, 0)
