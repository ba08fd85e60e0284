"""The figures of nets that `expect` reads: `vgg16.params`, `unet.output`, `vgg16.inference_peak(batch=8)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cnnspec.analysis.axis import Number
from cnnspec.analysis.memories import TRAINING
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.nets import Nets
from cnnspec.analysis.summary import Summary
from cnnspec.analysis.training import OPTIMIZERS
from cnnspec.diagnostics import closest
from cnnspec.grammar import ast
from cnnspec.graph.problem import Problem
from cnnspec.graph.values import written
from cnnspec.layers.base import Shape
from cnnspec.record import Record
from cnnspec.source import Span


class Figure(Record):
    """A figure of a net: how it is read, and the arguments that it takes."""

    read: Callable[[Summary, Mapping[str, object]], object]
    arguments: tuple[str, ...] = ()


def _input(summary: Summary, arguments: Mapping[str, object]) -> object:
    return _flat(_named("input", dict(summary.inputs), arguments.get("name")))


def _output(summary: Summary, arguments: Mapping[str, object]) -> object:
    if "name" not in arguments:
        return _flat(summary.output)
    return _flat(_named("output", dict(summary.outputs), arguments["name"]))


def _named(kind: str, shapes: dict[str, Shape], name: object) -> Shape:
    """The shape of an input or output by name, or of the only one."""
    if name is None and len(shapes) == 1:
        return next(iter(shapes.values()))
    if name in shapes:
        return shapes[str(name)]
    known = ", ".join(f'`{kind}(name="{known}")`' for known in shapes) or f"no named {kind}"
    if name is None:
        raise ValueError(f"the net has several {kind}s: {known}")
    raise ValueError(f"the net has no {kind} `{written(name)}`; there is {known}")


def _flat(shape: Shape) -> object:
    """A flat vector's shape is a number."""
    return shape[0] if len(shape) == 1 else shape


def _field(summary: Summary, part: str) -> object:
    """A number where all axes agree."""
    field = summary.totals.receptive_field
    if field is None:
        raise ValueError("the net has no receptive field: no value before its output has spatial axes")
    numbers = tuple(map(_plain, getattr(field, part)))
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _plain(number: Number) -> int | float:
    return number if isinstance(number, int) else number.numerator / number.denominator


#: In the order in which a message lists them. `batch` is a whole number, `dtype` one of `DTYPES`, `optimizer` one of
#: `OPTIMIZERS`, `name` a text.
FIGURES: dict[str, Figure] = {
    "params": Figure(lambda s, a: s.totals.params),
    "trainable_params": Figure(lambda s, a: s.totals.trainable_params),
    "buffers": Figure(lambda s, a: s.totals.buffers),
    "macs": Figure(lambda s, a: s.totals.macs),
    "flops": Figure(lambda s, a: s.totals.flops),
    "input": Figure(_input, ("name",)),
    "output": Figure(_output, ("name",)),
    "rf": Figure(lambda s, a: _field(s, "size")),
    "rf_stride": Figure(lambda s, a: _field(s, "stride")),
    "weight_layers": Figure(lambda s, a: s.totals.weight_layers),
    "depth": Figure(lambda s, a: s.totals.depth),
    "weight_bytes": Figure(lambda s, a: s.totals.weight_bytes, ("dtype",)),
    "activation_bytes": Figure(lambda s, a: s.totals.activation_bytes, ("batch", "dtype")),
    "inference_peak": Figure(lambda s, a: s.totals.inference_peak_bytes, ("batch", "dtype")),
    "training_peak": Figure(lambda s, a: s.memory(TRAINING).peak, ("batch", "dtype", "optimizer")),
}


def figure(nets: Nets, value: object, place: ast.Attribute, given: Mapping[str, object]) -> object:
    """A figure of a net; raises `Problem` for one that does not exist or takes no such argument."""
    known = FIGURES.get(place.name)
    if known is None:
        nets.expand(value, place.value.span)
        match = closest(place.name, FIGURES)
        raise Problem("unknown-figure", f"a net has no figure `{place.name}`", place.name_span,
                      help=f"did you mean `{match}`?" if match else f"there is {', '.join(FIGURES)}")
    for name, argument in given.items():
        if name not in known.arguments:
            takes = " and ".join(f"`{argument}`" for argument in known.arguments) or "no arguments"
            message = f"`{place.name}` has no argument `{name}`; it takes {takes}"
            raise Problem("unknown-argument", message, place.name_span)
        _check_argument(name, argument, place.name_span)
    options = {name: argument for name, argument in given.items() if name != "name"}
    summary = nets.summary(value, place.value.span, **options)  # type: ignore[arg-type]  # checked above
    try:
        return known.read(summary, given)
    except ValueError as error:
        raise Problem("unknown-figure", f"`{place.span.text}` cannot be read: {error}", place.span) from None


def _check_argument(name: str, value: object, span: Span) -> None:
    if name == "batch" and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise Problem("bad-argument", f"`batch` must be a whole number of at least 1, not {written(value)}", span)
    for choice, known in (("dtype", DTYPES), ("optimizer", OPTIMIZERS)):
        if name == choice and value not in known:
            raise Problem("bad-argument", f"`{name}` must be one of {', '.join(known)}, not {written(value)}", span)
