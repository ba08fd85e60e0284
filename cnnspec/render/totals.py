"""What stands below a summary's table: totals, the conventions they follow, and remarks."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.conventions import CONVENTIONS
from cnnspec.analysis.memories import TRAINING
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.columns import COLUMNS, OWN, layer_count
from cnnspec.render.layout import Line, Styled
from cnnspec.render.memory import OPTIMIZER_TITLES, peak_place

#: What is said of a summary for another input.
OVERRIDDEN = "another input than the spec's own: its shape ascriptions and expects are not checked"
#: Spaces before a line, and between the two columns of the totals.
_MARGIN, _GAP = 2, 5


class Fact(Record):
    """A number with its name in front."""

    name: str
    number: str
    #: What else to say of it.
    more: str = ""

    @property
    def line(self) -> Line:
        return [Styled(f"{self.name} ", "dim"), Styled(self.number, "bold"),
                Styled(f"  {self.more}" if self.more else "")]


def totals(summary: Summary, convention: str | None, width: int) -> list[Line]:
    """The totals in two columns; in one where the width is too small for two. Each peak has a line for itself.

    A width of 0 asks for one fact a line, however long.
    """
    facts = _pairs(summary, convention)
    pairs = [(_joined(left), _joined(right)) for left, right in facts]
    room = max(_length(left) for left, _ in pairs) + _GAP
    if _MARGIN + room + max(_length(right) for _, right in pairs) <= width:
        lines = [[*left, Styled(" " * (room - _length(left))), *right] for left, right in pairs]
    else:
        lines = [line for pair in facts for side in pair for line in _stacked(side, width - _MARGIN)]
    for peak, at in _peaks(summary):
        place = Styled(f"  at {at}")
        fits = not width or _MARGIN + _length(peak.line) + len(place.text) <= width
        lines += [[*peak.line, place]] if fits else [*_broken(peak, width - _MARGIN), [place]]
    return [[Styled(" " * _MARGIN), *line] for line in lines]


def _pairs(summary: Summary, convention: str | None) -> list[tuple[list[Fact], list[Fact]]]:
    """What stands side by side."""
    whole = summary.totals
    parameters = Fact("parameters", units.count(whole.params), units.size(whole.weight_bytes))
    weighted = f"({whole.weight_layers_on_path} weighted)" if whole.weight_layers_on_path != whole.weight_layers else ""
    layers = [Fact("weight layers", str(whole.weight_layers)), Fact("depth", str(whole.depth), weighted)]
    seen = whole.receptive_field
    gated = any(layer.field.axes is None and layer.field.ungated for layer in summary.layers)
    more = f"stride {units.axes(seen.stride)}{', ungated' if gated else ''}" if seen else ""
    field = [Fact("receptive field", units.axes(seen.size), more)] if seen else []
    pairs = [([parameters], _work(summary, convention)), (layers, field)]
    fixed = []
    if whole.buffers:
        fixed.append(Fact("buffers", units.count(whole.buffers), units.size(whole.buffer_bytes)))
    if whole.trainable_params != whole.params:
        fixed.append(Fact("trainable", units.count(whole.trainable_params)))
    return [*pairs, (fixed, [])] if fixed else pairs


def _work(summary: Summary, convention: str | None) -> list[Fact]:
    """MACs and FLOPs; or, to the digit, the count that was asked for by name."""
    whole = summary.totals
    if convention is None:
        return [Fact("MACs", units.scaled(whole.macs)), Fact("FLOPs", units.scaled(whole.flops))]
    total = sum(layer_count(layer, convention) for layer in summary.layers)
    return [Fact(COLUMNS[convention].title, units.count(total))]


def _peaks(summary: Summary) -> Iterator[tuple[Fact, str]]:
    """The most bytes that are live, and where; in training too, if it can be trained."""
    path = summary.totals.inference_peak_at
    layer = next(layer for layer in summary.layers if layer.path == path)
    place = f"{path}, line {layer.node.span.line}"
    yield Fact("inference peak", units.size(summary.totals.inference_peak_bytes)), place
    if summary.can_train:
        told = summary.memory(TRAINING)
        title = OPTIMIZER_TITLES[summary.optimizer]
        yield Fact("training peak", units.size(told.peak), f"({title})"), peak_place(summary, told)


def _stacked(facts: list[Fact], width: int) -> list[Line]:
    """Facts in one line, or in one each where that is too wide."""
    line = _joined(facts)
    return [line] if 0 < _length(line) <= width else [fact.line for fact in facts]


def _broken(fact: Fact, width: int) -> list[Line]:
    """A fact in one line, or what else to say of it in a second one where that is too wide."""
    if width <= 0 or _length(fact.line) <= width or not fact.more:
        return [fact.line]
    return [fact.line[:-1], [Styled(f"  {fact.more}")]]


def _joined(facts: list[Fact]) -> Line:
    line: Line = []
    for fact in facts:
        line += [Styled("   "), *fact.line] if line else fact.line
    return line


def _length(line: Line) -> int:
    return sum(len(part.text) for part in line)


# ----------------------------------------------------------------------------------------------- remarks


def conventions(summary: Summary, convention: str | None, width: int | None) -> list[Line]:
    """What the work column counts, and what bytes are for."""
    if convention is None or convention in OWN:
        says = "MACs count convolutions and linear layers; FLOPs = 2·MACs + the rest"
    else:
        says = f"{CONVENTIONS[convention].unit} as {CONVENTIONS[convention].title} counts them"
    if summary.batch > 1:
        says += f"; counts are for one image, bytes for all {summary.batch}"
    return _dim(says, width)


def remarks(summary: Summary, width: int | None, *, overridden: bool = False) -> list[Line]:
    """Further outputs, notes of the analysis, and what another input leaves unchecked."""
    lines: list[Line] = []
    for output in summary.graph.outputs:
        shape = units.shape(summary.outputs[output.name])
        lines += _dim(f"output {output.name} {shape}{', in training only' if output.train_only else ''}", width)
    if summary.notes:
        others = len(summary.notes) - 1
        lines += _dim(summary.notes[0] + (f" ({others} more such notes)" if others else ""), width)
    if overridden:
        lines += _dim(OVERRIDDEN, width)
    return lines


def _dim(text: str, width: int | None) -> list[Line]:
    """A remark, in as many lines as it takes."""
    lines, current = [], ""
    for word in text.split(" "):
        if current and width is not None and len(current) + 1 + len(word) > max(width - 2, 20):
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    return [[Styled(" " * _MARGIN + line, "dim")] for line in [*lines, current]]
