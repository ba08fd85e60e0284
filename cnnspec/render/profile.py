"""A profile on the terminal and in Markdown: how it was made, a row for each run, figures and layers of the last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from cnnspec.analysis.energy import Energy
from cnnspec.analysis.latency import Latency
from cnnspec.analysis.memory import Memory
from cnnspec.analysis.outline import outline
from cnnspec.analysis.profile import MemoryUse, Profile, Run
from cnnspec.environment import Unavailable
from cnnspec.render import units
from cnnspec.render.columns import columns
from cnnspec.render.layout import Line, Styled
from cnnspec.render.markdown import cell, escaped, row
from cnnspec.render.memory import chart
from cnnspec.render.profile_data import as_csv, as_json
from cnnspec.render.profile_differences import differences
from cnnspec.render.profile_facts import Fact, facts, found_by, missing, setting
from cnnspec.render.profile_layers import below, layer_table, portion, run_columns, signed_duration
from cnnspec.render.snippet import visible

#: What a page of `profile` is made with, whatever its format.
__all__ = ["as_csv", "as_json", "as_markdown", "as_table", "differences", "timeline"]

#: Width of the names of facts, and of a page whose lines nothing limits.
_NAMES, _USUAL = 12, 80
_HEADS = ("batch", "latency", "95 %", "images/s", "FLOP/s", "memory", "J/image")
#: A space at which no line ends.
_TIE = "\u00a0"
_EMPTY: Line = []

#: What is said where Ctrl-C has ended it.
BROKEN_OFF = "broken off: what stands here was measured before"


def as_table(found: Profile, depth: int | None, width: int | None = _USUAL) -> Iterator[Line]:
    """The page: a row for each run where there are several, then all of the last one that succeeded.

    `depth` opens the layers as in a summary; None for `width` is as wide as it needs.
    """
    yield from _folded(visible(found.net), ", ".join(setting(found)), width)
    run = _last(found)
    several = len(found.runs) > 1
    if several or (found.runs and run is None):
        yield _EMPTY
        yield from _sweep(found, width)
    if run is not None:
        if several:
            yield _EMPTY
            yield [Styled(f"  batch {run.options.batch:,}", "bold")]
        yield from _page(found, run, depth, width)
    if found.interrupted:
        yield _EMPTY
        yield [Styled(f"  {BROKEN_OFF if found.runs else 'broken off before anything was measured'}", "bad")]


def _page(found: Profile, run: Run, depth: int | None, width: int | None) -> Iterator[Line]:
    """One run: its facts, its layers, its memory over time."""
    for fact in facts(found, run):
        yield from _fact(fact, width)
    yield _EMPTY
    if isinstance(run.times, Unavailable):
        yield from _fact(Fact("layers", (missing(run.times),)), width)
    else:
        yield from layer_table(found.summary, run, run.times, depth, width)
    predicted = run.memory.predicted if isinstance(run.memory, MemoryUse) else None
    if isinstance(predicted, Memory):
        yield _EMPTY
        yield from timeline(predicted, width)


def timeline(told: Memory, width: int | None = _USUAL) -> Iterator[Line]:
    """Live bytes over the layers, as predicted."""
    title = f"live memory, layer by layer, up to {units.size(told.peak)} (predicted)"
    yield from ([Styled(f"  {part}", "dim")] for part in _wrapped(title, (width or _USUAL) - 2))
    for heading, text in chart(told, (width or _USUAL) - 2):
        yield [Styled(f"  {text}", "dim" if heading else "bar")]


def _last(found: Profile) -> Run | None:
    """The last run that did not fail."""
    return next((run for run in reversed(found.runs) if not run.failure), None)


def _folded(name: str, text: str, width: int | None) -> Iterator[Line]:
    """A bold name and a text beside it, in as many lines as it takes."""
    room = 10_000 if width is None else max(width - len(name) - 2, 30)
    for at, part in enumerate(_wrapped(visible(text), room)):
        yield [Styled(name, "bold") if not at else Styled(" " * len(name)), Styled(f"  {part}")]


def _fact(fact: Fact, width: int | None) -> Iterator[Line]:
    """A fact's name, and its lines below each other beside it."""
    room = 10_000 if width is None else max(width - _NAMES - 2, 20)
    parts = [part for text in fact.lines for part in _wrapped(visible(text), room)]
    for at, part in enumerate(parts):
        yield [Styled(f"  {fact.name if not at else '':<{_NAMES}}", "dim"), Styled(part)]


def _wrapped(text: str, room: int) -> list[str]:
    """A text in lines; one that fits keeps its spaces, and a number its unit."""
    if len(text) <= room:
        return [text]
    tied = re.sub(r"(?<=\d) (?=\S)", _TIE, text)
    return [line.replace(_TIE, " ") for line in wrap(tied, room, break_on_hyphens=False)]


# --------------------------------------------------------------------------------------------- the runs


def _sweep(found: Profile, width: int | None) -> Iterator[Line]:
    """A row for each batch, without the last columns where they do not fit; then what was found of them."""
    rows = [_HEADS, *map(run_row, latest(found.runs))]
    widths = [max(len(one[column]) for one in rows if not column or len(one) > 2)
              for column in range(len(_HEADS))]
    while width is not None and sum(widths) + 2 * len(widths) > width and len(widths) > 2:
        widths.pop()
    for at, one in enumerate(rows):
        texts = [text.rjust(wide) for text, wide in zip(one, widths, strict=False)]
        if len(one) == 2:  # a batch, and why it has no figures
            yield from _reason(texts[0], one[1], width)
        else:
            yield [Styled("  " + "  ".join(texts), "" if at else "dim")]
    for sentence in found_by(found):
        yield [Styled(f"  {sentence}")]


def _reason(batch: str, why: str, width: int | None) -> Iterator[Line]:
    """Why a batch has no figures, in as many lines as it takes."""
    room = 10_000 if width is None else max(width - len(batch) - 4, 20)
    for at, part in enumerate(_wrapped(visible(why), room)):
        yield [Styled(f"  {batch if not at else ' ' * len(batch)}  {part}")]


def latest(runs: Sequence[Run]) -> list[Run]:
    """The runs in order; of several with the same options the last, in the place of the first."""
    return [*{run.options: run for run in runs}.values()]


def run_row(run: Run) -> tuple[str, ...]:
    """A run in a line; one that failed says so and no more."""
    batch = f"{run.options.batch:,}"
    if run.failure:
        return batch, run.failure
    counted = run.device_latency if run.options.cuda_graph else run.latency
    memory, energy = run.memory, run.energy
    measured = memory.measured if isinstance(memory, MemoryUse) else memory
    net = energy.net if isinstance(energy, Energy) else energy
    return (
        batch, "–" if run.seconds is None else units.duration(run.seconds),
        f"±{units.percent(counted.spread)}" if isinstance(counted, Latency) else "–",
        "–" if run.throughput is None else units.rate(run.throughput),
        "–" if run.flops_rate is None else units.scaled(round(run.flops_rate)),
        "–" if isinstance(measured, Unavailable) else units.size(measured),
        "–" if isinstance(net, Unavailable) else units.energy(net),
    )


# ---------------------------------------------------------------------------------------------- Markdown


def as_markdown(found: Profile) -> str:
    """A heading, a row for each run, then the figures and the layers of the last one that succeeded."""
    lines = [f"### {escaped(found.net)}", "", _paragraph(setting(found)), "",
             *_table(_HEADS, map(_padded, latest(found.runs)))]
    lines += ["", *(f"- {sentence}" for sentence in found_by(found))] if found.sweep else []
    run = _last(found)
    if run is not None:
        lines += ["", f"#### batch {run.options.batch:,}", ""]
        lines += [f"- {fact.name}: {_paragraph(fact.lines, '; ')}" for fact in facts(found, run)]
        lines += ["", *_layers(found, run)]
    if found.interrupted:
        lines += ["", BROKEN_OFF]
    return "\n".join(lines) + "\n"


def _padded(run: Run) -> tuple[str, ...]:
    texts = run_row(run)
    return texts + ("",) * (len(_HEADS) - len(texts))


def _paragraph(texts: Iterable[str], between: str = ", ") -> str:
    """Sentences in one line; a comma stands for a gap in one."""
    return between.join(escaped(", ".join(text.split("   "))) for text in texts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 0) -> list[str]:
    """A table whose first `left` columns are flush left."""
    marks = [":--" if at < left else "--:" for at in range(len(heads))]
    return [row(heads), row(marks, raw=True), *map(row, rows)]


def _layers(found: Profile, run: Run) -> list[str]:
    """The layers and the rows below them."""
    if isinstance(run.times, Unavailable):
        return [f"layers {missing(run.times)}"]
    shown = [*columns("layer"), *run_columns(run).values()]
    rows = [[cell(found.summary, one, lasts, column) for column in shown]
            for one, lasts in outline(found.summary).walk()]
    rows += [[one.name, signed_duration(one.seconds), portion(one.share), *[""] * (len(shown) - 3)]
             for one in below(run.times)]
    return _table([column.title for column in shown], rows, left=1)
