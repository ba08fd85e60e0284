"""How two networks differ, on the terminal: the totals of both, the changes, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.difference import Change, Difference
from cnnspec.analysis.memories import TRAINING
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import diff_words as words
from cnnspec.render import units
from cnnspec.render.layout import Line, Styled
from cnnspec.render.snippet import visible, width

#: Changes that are listed unless all are asked for.
MOST_CHANGES = 40
#: Cells of the words of a change, at most and at least; of a line where nothing says how wide it may be.
_WIDEST, _NARROWEST, _USUAL = 60, 24, 80
#: Cells of a place, and of what was there and what is there; lines of a change.
_LONGEST, _MOST_LINES = 48, 4
#: Of all layers, the share with counterparts below which two networks have little in common.
_LITTLE = 0.25

#: Columns as a narrow terminal loses them: the peak, the receptive field, MACs, the line, parameters.
_LEAST_FIRST = (3, 2, 1, 4, 0)

SAME = "no difference: the same layers with the same arguments, connections and shapes"
REWRITTEN = "the same layers, written differently: other blocks, repeats or names"
ALONE = "RF and peak: the network before with this change alone; params and MACs: the changed layers"


class Told(Record):
    """A change, and the network before with this change alone, where there is such a network."""

    change: Change
    alone: Summary | None


class Figure(Record):
    """A total of both networks."""

    name: str
    before: str
    after: str
    ratio: str


def page(difference: Difference, told: Sequence[Told], room: int | None) -> Iterator[Line]:
    """All lines, for a terminal of `room` cells; of the changes, those that are `told`."""
    yield from head(difference)
    yield []
    yield from _totals(difference)
    yield []
    if difference.equal:
        yield [Styled(f"  {REWRITTEN if difference.rewritten else SAME}")]
    else:
        said = little(difference)
        if said:
            yield from ([Styled(f"  {part}")] for part in _wrapped(said, max((room or _USUAL) - 2, _NARROWEST)))
            yield []
        yield from _changes(difference, told, room or _USUAL)
    yield from _names(difference, room or _USUAL)


def little(difference: Difference) -> str:
    """Of networks that have little in common, that they have; empty for others."""
    if difference.matched >= _LITTLE:
        return ""
    a, b = (units.count(len(summary.layers)) for summary in (difference.before, difference.after))
    return (f"little in common: of {a} and {b} layers, {units.count(len(difference.pairs))} were matched "
            f"({100 * difference.matched:.0f} % of both)")


def head(difference: Difference) -> Iterator[Line]:
    """Both networks with their places."""
    for title, summary in (("before", difference.before), ("after ", difference.after)):
        span = summary.graph.span
        yield [Styled(f"{title}  ", "dim"), Styled(visible(summary.name), "bold"),
               Styled(f"  {visible(span.source.name)}:{span.line}", "dim")]


# ---------------------------------------------------------------------------------------------- totals


def figures(difference: Difference) -> Iterator[Figure]:
    """The totals of both; shapes and depth only where they differ."""
    a, b = difference.before, difference.after
    x, y = a.totals, b.totals
    for name, shapes in (("input", _inputs), ("output", _output)):
        if shapes(a) != shapes(b):
            yield Figure(name, shapes(a), shapes(b), "")
    yield Figure("parameters", units.count(x.params), units.count(y.params), words.ratio(x.params, y.params))
    yield Figure("MACs", units.scaled(x.macs), units.scaled(y.macs), words.ratio(x.macs, y.macs))
    seen, sees = x.receptive_field, y.receptive_field
    scalar = seen is not None and sees is not None and len({*seen.size}) == len({*sees.size}) == 1
    yield Figure("receptive field", units.field(seen), units.field(sees),
                 words.ratio(seen.size[0], sees.size[0]) if scalar and seen and sees else "")
    if x.depth != y.depth:
        yield Figure("depth", units.count(x.depth), units.count(y.depth), words.ratio(x.depth, y.depth))
    for name, p, q in (("weights", x.weight_bytes, y.weight_bytes),
                       ("inference peak", x.inference_peak_bytes, y.inference_peak_bytes),
                       ("training peak", training_peak(a), training_peak(b))):
        yield Figure(name, _size(p), _size(q), words.ratio(p, q) if p and q else "")


def training_peak(summary: Summary) -> int | None:
    """Bytes of a training step's peak; None for what cannot be trained."""
    return summary.memory(TRAINING).peak if summary.can_train else None


def _size(number: int | None) -> str:
    return "–" if number is None else units.size(number)


def _inputs(summary: Summary) -> str:
    return ", ".join(map(units.shape, summary.inputs.values()))


def _output(summary: Summary) -> str:
    return units.shape(summary.output)


def _totals(difference: Difference) -> Iterator[Line]:
    rows = [("", "before", "after", ""), *((f.name, f.before, f.after, f.ratio) for f in figures(difference))]
    widths = [max(width(row[column]) for row in rows) for column in range(4)]
    for at, row in enumerate(rows):
        cells = f"{row[1]:>{widths[1]}}   {row[2]:>{widths[2]}}"
        yield [Styled(f"  {row[0]:<{widths[0]}}   ", "dim"), Styled(cells, "" if at else "dim"),
               Styled(f"   {row[3]:>{widths[3]}}", "bold")]


# --------------------------------------------------------------------------------------------- changes


def cells(difference: Difference, told: Told) -> tuple[str, ...]:
    """The figures of a change: parameters, MACs, receptive field, inference peak, line."""
    change, alone, before = told.change, told.alone, difference.before.totals
    field, peak = "", ""
    if alone is not None:
        field = words.field(before.receptive_field, alone.totals.receptive_field)
        peak = words.size(alone.totals.inference_peak_bytes - before.inference_peak_bytes)
    return (words.signed(change.params), words.scaled(change.macs), field, peak, words.line(difference, change))


def following(difference: Difference) -> tuple[str, str, str] | None:
    """What is summed as following: words, parameters, MACs; None where nothing does."""
    rest = difference.follows
    said = []
    if rest.layers:
        said.append(f"{words.layers(rest.layers)} downstream {'has' if rest.layers == 1 else 'have'} other shapes")
    elif rest.again:
        said.append("the same layers have other shapes")
    if rest.arguments:
        said.append(f"{words.layers(rest.arguments)} {'has' if rest.arguments == 1 else 'have'} other arguments")
    said += words.running(rest.starts, rest.stops)
    return (f"and {', '.join(said)}", words.signed(rest.params), words.scaled(rest.macs)) if said else None


def _changes(difference: Difference, told: Sequence[Told], room: int) -> Iterator[Line]:
    titles = ("params", "MACs", "RF", "peak", "line")
    rows = [cells(difference, one) for one in told]
    rest = following(difference)
    figured = [titles, *rows, *([(*rest[1:], "", "", "")] if rest else [])]
    widths = {column: max(width(row[column]) for row in figured) for column in range(len(titles))
              if any(row[column] for row in figured[1:])}
    for column in _LEAST_FIRST:
        if room - 4 - sum(widths.values()) - 2 * len(widths) < _NARROWEST:
            widths.pop(column, None)
    columns = [*widths]
    texts = [_text(one.change) for one in told]
    longest = max([width(text) for text in texts] + [width(rest[0]) if rest else 0])
    left = max(min(longest, _WIDEST, room - 4 - sum(widths.values()) - 2 * len(columns)), _NARROWEST)

    def line(start: Line, text: str, row: Sequence[str], style: str = "") -> Line:
        figures = "".join(f"  {row[column]:>{widths[column]}}" for column in columns)
        return [*start, Styled(text + " " * (left - width(text)), style), Styled(figures, style)]

    yield line([Styled("    ")], "", titles, "dim")
    for one, text, row in zip(told, texts, rows, strict=True):
        sign = words.mark(one.change)
        first, *more = _cut(_wrapped(text, left))
        yield line([Styled(f"  {sign} ", words.MARKS[sign])], first, row)
        yield from ([Styled(f"      {part}")] for part in more)
    if len(told) < len(difference.changes):
        yield [Styled(f"    … and {units.count(len(difference.changes) - len(told))} more changes (--all)", "dim")]
    if rest:
        first, *more = _wrapped(rest[0], left)
        yield line([Styled("    ")], first, (*rest[1:], "", "", ""), "dim")
        yield from ([Styled(f"      {part}", "dim")] for part in more)
    if len(told) > 1 and (2 in columns or 3 in columns):
        yield []
        yield from ([Styled(f"  {part}", "dim")] for part in _wrapped(ALONE, max(room - 2, _NARROWEST)))


def _text(change: Change) -> str:
    return words.place(change, _LONGEST) + words.words(change, _LONGEST)


def _cut(lines: list[str]) -> list[str]:
    """The first lines of a text."""
    *first, last = lines[:_MOST_LINES]
    return [*first, last if len(lines) <= _MOST_LINES else f"{last[:-1]}…"]


def _wrapped(text: str, room: int) -> list[str]:
    """A text in lines of at most `room` cells, broken between words; later lines are two cells shorter."""
    lines: list[str] = []
    current = ""
    for word in text.split(" "):
        limit = room if not lines else room - 2
        if current and width(current) + 1 + width(word) > limit:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
        while width(current) > (room if not lines else room - 2):
            cut = room if not lines else room - 2
            lines.append(current[:cut])
            current = current[cut:]
    return [*lines, current]


def _names(difference: Difference, room: int) -> Iterator[Line]:
    """Layers with weights that are the same under another name."""
    renamed = difference.renamed
    if renamed:
        before, after = map(visible, renamed[0])
        others = f", and {units.count(len(renamed) - 1)} more" if len(renamed) > 1 else ""
        said = f"other names in the state dict: {before} → {after}{others}"
        yield from ([Styled(f"  {part}", "dim")] for part in _wrapped(said, max(room - 2, _NARROWEST)))
