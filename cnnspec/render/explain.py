"""Explanations as text for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.explain import (
    BUFFERS,
    FIELD,
    FLOPS,
    OUTPUT_BYTES,
    START,
    STRIDE,
    WEIGHT_BYTES,
    Comparison,
    Explanation,
)
from cnnspec.analysis.field import ReceptiveField
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.layers.formula import Formula
from cnnspec.layers.op import Op
from cnnspec.record import Record
from cnnspec.render.backward import kept_data, kept_lines
from cnnspec.render.units import axes, count, shape, size

SCHEMA = "cnnspec.explain/1"
#: Cells of the column of labels.
_LABEL = 12
_ARROW = "  →  "


class Row(Record):
    """One line of an explanation, before it is laid out: `left → right`, the left side in parts that may be split."""

    label: str
    left: tuple[str, ...]
    right: str = ""


def in_full(explanation: Explanation, summary: Summary, width: int = 80) -> str:
    """One layer: its call and place, and each quantity with symbols, numbers and value."""
    layer = explanation.layer
    place = str(layer.node.span)
    head = f"{explanation.call}   {layer.path}"
    lines = [f"{head}{place:>{max(width - len(head), len(place) + 3)}}", ""]
    rows = [*_rows(explanation), *_field_rows(explanation, summary), *_memory(explanation)]
    rows += [Row("" if place else "backward", (text,)) for place, text in enumerate(kept_lines(explanation, summary))]
    lines += _laid_out(rows, width)
    if explanation.fully_connected is not None:
        lines += _comparison(explanation.fully_connected, layer.params)
    if explanation.convolution:
        lines.append(f"  the same as {explanation.convolution}, whose one window sees the whole map")
    if not layer.runs:
        lines.append("  runs in training only: its parameters count, its work does not")
    return "\n".join(lines)


def in_brief(explanation: Explanation, times: int, width: int = 80) -> str:
    """One layer of an overview: its path, how often it occurs alike, and the arithmetic in numbers."""
    layer = explanation.layer
    more = f"  ×{times}" if times > 1 else ""
    rows = [row.replace(left=row.left[-1:]) for row in _rows(explanation) if row.label not in (BUFFERS, FLOPS)]
    head = f"{layer.path}{more}   {explanation.call}"
    heads = [head] if len(head) <= width else [f"{layer.path}{more}", *_called(explanation.call, width)]
    return "\n".join([*heads, *_laid_out(rows, width)])


def _called(call: str, width: int) -> list[str]:
    """A layer's call in lines of its own."""
    from textwrap import wrap  # few calls are that long

    return wrap(call, width, initial_indent=" " * 4, subsequent_indent=" " * 4, break_on_hyphens=False)


def overview(explanations: Sequence[Explanation], summary: Summary, width: int = 80) -> str:
    """The layers that compute an extent or have weights, each computation once."""
    alike: dict[Op, list[Explanation]] = {}
    for explanation in explanations:
        if any(formula.quantity in (Formula.EXTENT, Formula.PARAMS) for formula in explanation.formulas):
            alike.setdefault(explanation.layer.node.op, []).append(explanation)
    shown = [in_brief(same[0], len(same), width) for same in alike.values()]
    totals = f"parameters {count(summary.totals.params)}, MACs {count(summary.totals.macs)}"
    return "\n\n".join([*shown, f"{summary.name}: {totals}"])


def as_json(explanations: Sequence[Explanation], summary: Summary) -> dict[str, object]:
    """The contract `cnnspec.explain/1`."""
    return {"schema": SCHEMA, "net": summary.name, "batch": summary.batch, "dtype": summary.dtype,
            "layers": [_as_data(explanation, summary) for explanation in explanations]}


def _as_data(explanation: Explanation, summary: Summary) -> dict[str, object]:
    layer, compared = explanation.layer, explanation.fully_connected
    span = layer.node.span
    return {
        "path": layer.path, "op": layer.op, "call": explanation.call,
        "source": {"file": span.source.name, "line": span.line, "column": span.column},
        "input_shapes": [list(entering) for entering in layer.input_shapes],
        "output_shape": list(layer.output_shape),
        "formulas": [{"quantity": f.quantity, "about": f.about, "symbols": f.term.symbols, "numbers": f.term.numbers,
                      "value": f.term.value} for f in explanation.formulas],
        "flops_rule": explanation.flops_rule,
        "fully_connected": None if compared is None else {
            "inputs": compared.inputs, "outputs": compared.outputs, "params": compared.params},
        "convolution": explanation.convolution or None,
        "kept_for_backward": kept_data(explanation, summary),
    }


def _rows(explanation: Explanation) -> Iterator[Row]:
    """Extents, parameters, buffers and work."""
    layer = explanation.layer
    yield from _extents(explanation)
    for formula in explanation.formulas:
        if formula.quantity in (Formula.PARAMS, Formula.MACS, BUFFERS):
            yield Row(formula.quantity, (formula.term.symbols, formula.term.numbers), count(formula.term.value))
    if layer.flops:
        formula = next(f for f in explanation.formulas if f.quantity == FLOPS)
        left = (formula.term.symbols, formula.term.numbers) if layer.macs else (_rule(explanation),)
        yield Row(FLOPS, left, count(layer.flops))


def _rule(explanation: Explanation) -> str:
    """How operations are counted; a rule of several cases is left to the layer's documentation."""
    rule = explanation.flops_rule.partition(" (")[0]
    simple = not any(sign in rule for sign in ",;:")
    return rule if simple else f"as `cnnspec layers {explanation.layer.op}` says"


def _extents(explanation: Explanation) -> Iterator[Row]:
    """The shape that leaves; axes with the same numbers are shown once."""
    layer = explanation.layer
    extents = [f for f in explanation.formulas if f.quantity == Formula.EXTENT]
    if len({formula.term.numbers for formula in extents}) == 1:
        extents = extents[:1]
    leaving = shape(layer.output_shape)
    if not extents:
        same = layer.input_shapes and set(layer.input_shapes) == {layer.output_shape}
        yield Row("output", ("as it enters" if same else _entering(layer),), leaving)
    for index, formula in enumerate(extents):
        last = index == len(extents) - 1
        numbers = f"{formula.term.numbers} = {formula.term.value}"
        yield Row("output" if index == 0 else "", (formula.term.symbols, numbers), leaving if last else "")


def _entering(layer: LayerSummary) -> str:
    return "from " + " and ".join(map(shape, layer.input_shapes)) if layer.input_shapes else "given"


def _field_rows(explanation: Explanation, summary: Summary) -> Iterator[Row]:
    """The receptive field, by its recurrence where there is one."""
    steps = {(f.quantity, f.about): f.term for f in explanation.formulas if f.quantity in (FIELD, STRIDE, START)}
    named = list(dict.fromkeys(about for _, about in steps))
    lines = [", ".join(f"{'' if quantity == FIELD else f'{quantity} '}{steps[quantity, axis].numbers} = "
                       f"{steps[quantity, axis].value}" for quantity in (FIELD, STRIDE, START)).replace("-", "−")
             for axis in named]
    if not lines:
        yield Row("field", (_seen(explanation.layer, summary),))
    for index, line in enumerate(lines[:1] if len(set(lines)) == 1 else lines):
        axis = "" if len(set(lines)) == 1 else f"{named[index]}: "
        yield Row("field" if index == 0 else "", (axis + line,))


def _seen(layer: LayerSummary, summary: Summary) -> str:
    """A receptive field in words."""
    seen = layer.receptive_field
    if seen is None:
        return "the whole input"
    entering = [summary.layers[index] for index in layer.node.inputs]
    if len(entering) > 1:
        sizes = " and ".join(dict.fromkeys(_size(other.receptive_field) for other in entering))
        return f"the union of the branches' ({sizes}): {_size(seen)}, stride {axes(seen.stride)}"
    before = "as before: " if entering and entering[0].receptive_field == seen else ""
    return f"{before}{_size(seen)}, stride {axes(seen.stride)}"


def _size(seen: ReceptiveField | None) -> str:
    return "all" if seen is None else axes(seen.size)


def _memory(explanation: Explanation) -> Iterator[Row]:
    parts = []
    for formula in explanation.formulas:
        if formula.quantity in (OUTPUT_BYTES, WEIGHT_BYTES):
            name = formula.quantity.partition(" ")[0]
            name += "s" if formula.quantity == WEIGHT_BYTES else ""
            parts.append(f"{name} {formula.term.numbers} B = {size(formula.term.value)}")
    yield Row("memory", (", ".join(parts),))


def _laid_out(rows: Sequence[Row], width: int) -> list[str]:
    """The rows with their arrows below each other; a formula that is too long continues on the next line."""
    room = width - 2 - _LABEL - len(_ARROW) - max((len(row.right) for row in rows), default=0)
    lines: list[tuple[str, str, str]] = []
    for row in rows:
        *first, last = [" = ".join(row.left)] if len(" = ".join(row.left)) <= room else _split(row.left)
        parts = [*first, last]
        for index, part in enumerate(parts):
            lines.append((row.label if index == 0 else "", part, row.right if index == len(parts) - 1 else ""))
    column = max((len(left) for _, left, right in lines if right), default=0)
    return [f"  {label:<{_LABEL}}{f'{left:<{column}}{_ARROW}{right}' if right else left}".rstrip()
            for label, left, right in lines]


def _split(parts: tuple[str, ...]) -> list[str]:
    return [part if index == 0 else f"= {part}" for index, part in enumerate(parts)]


def _comparison(compared: Comparison, params: int) -> list[str]:
    outputs, inputs = count(compared.outputs), count(compared.inputs)
    return [
        f"  fully connected, each of the {outputs} outputs would see all {inputs} inputs:",
        f"  {'':<{_LABEL}}{count(compared.params)} parameters, {_times(compared.params / params)} times as many",
    ]


def _times(ratio: float) -> str:
    """`1.28 million`, `5,120`, `8.0`."""
    for power, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if ratio >= power:
            return f"{ratio / power:,.2f} {word}"
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:,.1f}"
