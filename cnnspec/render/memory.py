"""Memory on the page: what the peaks consist of, CUDA's part, and live bytes drawn over the layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cnnspec.analysis.ledger import BACKWARD, FORWARD
from cnnspec.analysis.memories import INFERENCE, TRAINING
from cnnspec.analysis.memory import Memory
from cnnspec.analysis.summary import Summary
from cnnspec.record import Record
from cnnspec.render import units
from cnnspec.render.layout import Line, Styled, folded

#: As people write them.
OPTIMIZER_TITLES = {"sgd": "SGD", "momentum": "SGD with momentum", "adam": "Adam", "adamw": "AdamW"}
#: What a split's parts are called; `flow` are the gradients of values on their way back.
PARTS = {
    "parameters": "parameters", "buffers": "buffers", "inputs": "inputs and labels", "optimizer": "optimiser state",
    "gradients": "gradients of parameters", "activations": "activations", "flow": "gradients on the way",
    "workspace": "workspace",
}
_HEAD = "memory at the peak"
_EIGHTHS = " ▁▂▃▄▅▆▇█"
#: Rows of a drawing, and its columns at most.
_HEIGHT, _MOST = 4, 60


class Table(Record):
    """Names, and beside each the text of every pass; the titles come first."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def peak_place(summary: Summary, told: Memory) -> str:
    """Where a peak falls: `conv[1], line 4`, in training with the phase; `the loss`, `the update`."""
    if told.node is None:
        return f"the {told.phase}"
    layer = summary.layers[told.node]
    place = f"{layer.path}, line {layer.node.span.line}"
    return place if told.timeline[-1].phase == FORWARD else f"{place}, {told.phase}"


def passes(summary: Summary) -> tuple[str, ...]:
    """What the network can be run for."""
    return (INFERENCE, TRAINING) if summary.can_train else (INFERENCE,)


def split(summary: Summary) -> Table:
    """What each peak consists of, what is kept for the backward pass, and CUDA's allocated and reserved bytes."""
    modes = passes(summary)
    here = [summary.memory(mode) for mode in modes]
    there = [summary.memory(mode, device="cuda") for mode in modes]
    rows = [(PARTS[part], tuple(_sized(told.split.get(part)) for told in here)) for part in PARTS
            if any(part in told.split for told in here)]
    rows.append(("peak", tuple(units.size(told.peak) for told in here)))
    if TRAINING in modes:
        kept = sum(one.bytes for one in here[-1].saved)
        rows.append(("kept for backward", ("", units.size(kept))))
    rows.append(("CUDA, allocated", tuple(units.size(told.peak) for told in there)))
    rows.append(("CUDA, reserved", tuple(_sized(told.reserved) for told in there)))
    return Table(modes, tuple(rows))


def _sized(size: int | None) -> str:
    return "" if size is None else units.size(size)


def lines(summary: Summary, width: int = 80) -> Iterator[Line]:
    """The split as a table, or as one for each pass where that is too wide, and below it both timelines."""
    table = split(summary)
    whole = [*_laid(table)]
    if max(sum(len(part.text) for part in line) for line in whole) <= width:
        yield from whole
    else:
        for column, title in enumerate(table.titles):
            rows = tuple((name, texts[column:column + 1]) for name, texts in table.rows if texts[column])
            yield from ([[]] if column else [])
            yield from _laid(Table((title,), rows))
    for mode in table.titles:
        yield []
        for first, line in drawn(summary, mode, width - 2):
            yield from folded([Styled(f"  {line}", "dim" if first else "bar")], width if first else None)


def _laid(table: Table) -> Iterator[Line]:
    """A table as lines."""
    label = max(len(name) for name, _ in (*table.rows, (_HEAD, ())))
    cell = max(len(text) for text in (*table.titles, *(text for _, texts in table.rows for text in texts)))
    yield [Styled(f"  {_HEAD:<{label}}" + "".join(f"  {title:>{cell}}" for title in table.titles), "dim")]
    for name, texts in table.rows:
        style = "bold" if name == "peak" else ""
        yield [Styled(f"  {name:<{label}}"), Styled("".join(f"  {text:>{cell}}" for text in texts), style)]


def drawn(summary: Summary, mode: str, width: int) -> Iterator[tuple[bool, str]]:
    """A timeline as text, whether each line is a heading: live bytes from 0 to the peak, layer by layer."""
    told = summary.memory(mode)
    yield True, f"live {'at' if mode == INFERENCE else 'in'} {mode}, layer by layer, up to {units.size(told.peak)}"
    yield from chart(told, width)


def chart(told: Memory, width: int) -> Iterator[tuple[bool, str]]:
    """The bars of a timeline, and below those of training where its phases begin."""
    columns = min(max(width, 8), _MOST, max(len(told.timeline), 1))
    heights = [most / told.peak * _HEIGHT if told.peak else 0.0
               for most in bins([moment.peak for moment in told.timeline], columns)]
    for row in reversed(range(_HEIGHT)):
        yield False, "".join(_block(height - row) for height in heights).rstrip()
    if any(moment.phase == BACKWARD for moment in told.timeline):
        backward = next((place for place, moment in enumerate(told.timeline) if moment.phase == BACKWARD), 0)
        turn = backward * columns // len(told.timeline)
        yield True, f"{FORWARD:<{max(turn, len(FORWARD) + 1)}}{BACKWARD}"


def bins(values: Sequence[int], count: int) -> list[int]:
    """The most of each of `count` stretches, as equal as they can be; there are at least as many values."""
    ends = [place * len(values) // count for place in range(count + 1)]
    return [max(values[start:stop]) for start, stop in pairwise(ends)] if values else []


def _block(height: float) -> str:
    return _EIGHTHS[round(min(max(height, 0.0), 1.0) * (len(_EIGHTHS) - 1))]


def as_markdown(summary: Summary) -> str:
    """The split as a table, and the timelines as text."""
    table = split(summary)
    rows = [f"| {name} | {' | '.join(texts)} |" for name, texts in table.rows]
    found = [f"| {_HEAD} | {' | '.join(table.titles)} |", f"| :-- |{' --: |' * len(table.titles)}", *rows]
    for mode in table.titles:
        found += ["", "```text", *(line for _, line in drawn(summary, mode, _MOST)), "```"]
    return "\n".join(["", *found]) + "\n"
