"""Bringing a network and labelled images together: which of the two changes, and what is said of it."""

from __future__ import annotations

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.layers.base import Shape, show
from cnnspec.net import Net
from cnnspec.runtime.data.images import Data


def fit(net: Net, data: Data, *, classes_given: bool = False, few: bool = False) -> tuple[Net, tuple[str, ...]]:
    """The network for these images, and what was done, in sentences.

    A parameter `classes` takes the number of the data's classes, unless it was given. Raises `SpecError` (`bad-data`)
    for a network that takes no such images, or tells too few classes; `few` lets those pass, for `checks` to tell.
    """
    shape = _input(net, data)
    counts = (f"{len(data.train.images):,} images to train on, {len(data.val.images):,} to judge by, "
              f"{len(data.classes):,} classes")
    says = [counts, *data.says, *adaptations(data.shape, shape), *_constant(data.deviation)]
    told = _told(net)
    wanted = len(data.classes)
    if told != wanted and not classes_given:
        varied = _with_classes(net, wanted)
        if varied is not None:
            return varied, (*says, f"classes={wanted}, as {data.name} has ({told:,} before)")
    if told < wanted and not few:
        raise SpecError([Diagnostic(
            "bad-data", f"{net.name} tells {told:,} classes apart, but {data.name} has {wanted:,}",
            help=f"a last layer `FC({wanted})`, or a parameter `classes` for it, and `--set classes={wanted}`")])
    if told > wanted:
        says.append(f"{told - wanted:,} of {told:,} classes occur in no image")
    return net, tuple(says)


def adaptations(given: Shape, wanted: Shape) -> list[str]:
    """What happens to images of one shape on their way into an input of another, in sentences."""
    says = []
    if given[0] != wanted[0]:
        says.append(f"{given[0]} channel repeated to {wanted[0]}" if given[0] == 1 else
                    f"the mean of {given[0]} channels" + (f", repeated to {wanted[0]}" if wanted[0] > 1 else ""))
    if given[1:] != wanted[1:]:
        says.append(f"resized from {show(given[1:])} to {show(wanted[1:])}")
    return [*says, "normalised to mean 0 and deviation 1"]


def _constant(deviation: tuple[float, ...]) -> list[str]:
    """A sentence where channels are the same everywhere: `images.spread` gives them a deviation of 1."""
    numbers = [str(number) for number, value in enumerate(deviation) if value == 1]
    if not numbers:
        return []
    which = f"channel {numbers[0]} is" if len(numbers) == 1 else f"channels {', '.join(numbers)} are"
    return [f"{which} the same everywhere in all images, and so 0 throughout (counting from 0)"]


def _input(net: Net, data: Data) -> Shape:
    """The shape of the only input; raises `SpecError` where it takes no such images."""
    shapes = [net.graph.nodes[index].shape for index in net.graph.inputs.values()]
    if len(shapes) != 1:
        raise SpecError([Diagnostic("bad-data", f"{net.name} has {len(shapes)} inputs, but an image is one")])
    wanted, given = shapes[0], data.shape
    if len(wanted) == 1:
        extents = "x".join(map(str, given))
        raise SpecError([Diagnostic(
            "bad-data", f"{net.name} takes a vector of {wanted[0]:,}, but an image of {data.name} is {show(given)}",
            help=f"`INPUT({extents}) -> FLATTEN` at its beginning makes a vector of an image")])
    if len(wanted) != len(given):
        axes = len(wanted) - 1
        raise SpecError([Diagnostic(
            "bad-data", f"{net.name} takes values of {axes} {'axis' if axes == 1 else 'axes'}, {show(wanted)}; "
            f"images have two, such as {show(given)} of {data.name}",
            notes=("training is with images, and so for networks of two axes",))])
    return shapes[0]


def _told(net: Net) -> int:
    """How many classes the main output has a score for; raises `SpecError` where it is no vector of scores."""
    summary = net.summary()
    classes, *extents = summary.output
    if any(extent != 1 for extent in extents):
        raise SpecError([Diagnostic(
            "bad-data", f"the output of {net.name} is {show(summary.output)}, no score for each class",
            help="`-> GAP -> FC(classes)` behind it makes a classifier of it")])
    if not summary.can_train:
        raise SpecError([Diagnostic("bad-data", f"it cannot be trained: {summary.memories.untrained}")])
    return classes


def _with_classes(net: Net, classes: int) -> Net | None:
    """The net with another number of classes; None where its parameter does not change what it tells."""
    try:
        varied = net.vary(classes=classes)
    except SpecError:
        return None
    return varied if varied.summary().output[0] == classes else None
