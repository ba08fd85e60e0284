"""A change in words, and its figures with their signs."""

from __future__ import annotations

from cnnspec.analysis.difference import MOVED, Change, Difference
from cnnspec.analysis.difference_findings import (
    ADDED,
    CONNECTED,
    INPUT,
    OUTPUT,
    REMOVED,
    REPEATED,
    REPLACED,
    Alteration,
)
from cnnspec.analysis.field import ReceptiveField
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.snippet import visible, width
from cnnspec.source import Span

#: How changes are marked, and each mark's style.
MARKS = {"+": "good", "-": "bad", "~": "bar"}


def mark(change: Change) -> str:
    """`+` for what is new, `-` for what is gone, `~` for what is another."""
    return "~" if change.before and change.after else "+" if change.after else "-"


def place(change: Change, most: int | None = None) -> str:
    """What stands around it, with a colon behind; empty for the network itself. A long one by what is innermost."""
    parts = [visible(part) for part in change.place]
    while most is not None and len(parts) > 2 and sum(map(width, parts)) + 3 * len(parts) > most:
        parts = ["…", *parts[2:]]
    return f"{' · '.join(parts)}: " if parts else ""


def words(change: Change, most: int | None = None) -> str:
    """What it is: `CONV 3×3 → 5×5`, `[basic(128)] ×1 → ×3`; in how many places; and what runs because of it.

    Of what was there and what is there, `most` cells each, where a change says both.
    """
    if most is not None:
        change = change.replace(before=_clipped(change.before, most), after=_clipped(change.after, most))
    times = f", {change.count} places" if change.count > 1 else ""
    return visible(_words(change) + times + "".join(f", {said}" for said in running(change.starts, change.stops)))


def _clipped(text: str, most: int) -> str:
    if width(text) <= most:
        return text
    whole, _, _ = text[: most - 1].rpartition(" ")
    return f"{(whole or text[: most - 2]).rstrip(' →')} …"


def running(starts: int, stops: int) -> list[str]:
    """`5 layers now run in inference`."""
    return [f"{layers(count)} {verb if count == 1 else verbs} in inference" for count, verb, verbs in (
        (starts, "now runs", "now run"), (stops, "no longer runs", "no longer run")) if count]


def layers(count: int) -> str:
    """`1 layer`, `5 layers`."""
    return f"{units.count(count)} layer{'' if count == 1 else 's'}"


def _words(change: Change) -> str:
    if change.kind in {ADDED, REMOVED} or (change.kind == OUTPUT and not (change.before and change.after)):
        return change.before or change.after
    if change.kind == MOVED:
        return f"{change.after} moved"
    if change.kind == REPEATED:
        (turns,) = change.alterations
        return f"{change.after} ×{turns.before} → ×{turns.after}"
    if change.kind in {INPUT, OUTPUT} and change.alterations:
        (one,) = change.alterations
        return f"{change.kind} {one.before} → {one.after}" if one.name == "name" else f"{change.after}: {altered(one)}"
    if change.kind == CONNECTED:
        reader, _, values = change.after.partition(" reads ")
        return f"{change.before} → {values if change.before.startswith(f'{reader} reads ') else change.after}"
    if change.kind in {REPLACED, OUTPUT}:
        return f"{_grouped(change.before)} → {_grouped(change.after)}"
    what, _, _ = change.before.partition(" …")
    for one in change.alterations:
        if what.endswith(f" {one.before}") or (one.name == "kernel" and f" {one.before}" in what):
            others = [altered(other) for other in change.alterations if other is not one]
            head = what[: what.rindex(f" {one.before}")]  # `CONV 3×3` says already what it is about
            return ", ".join([f"{head} {one.before} → {one.after}", *others])
    return f"{what}{' ' if what == 'let' else ': '}{', '.join(map(altered, change.alterations))}"


def _grouped(chain: str) -> str:
    """A chain as the language groups one, so that its arrows are not taken for the change."""
    return f"[{chain}]" if " → " in chain else chain


def altered(one: Alteration) -> str:
    """`stride 1 → 2`."""
    return f"{one.name} {one.before} → {one.after}"


def line(difference: Difference, change: Change) -> str:
    """Where it stands: a line of the later text, the earlier one's before it where that is another."""
    ends = [_line(at, whole) for at, whole in
            ((change.before_at, difference.before), (change.after_at, difference.after)) if at is not None]
    return " → ".join(dict.fromkeys(ends))


def _line(at: Span, whole: Summary) -> str:
    """A line; with its file's name where the network stands in another; of the command line, what has given it."""
    name = at.source.name
    if name == whole.graph.span.source.name:
        return str(at.line)
    if name.startswith("<"):  # a setting is a text of its own
        return name if name in {"<stdin>", "<target>"} else "--set"
    return visible(f"{name.rpartition('/')[2]}:{at.line}")


# --------------------------------------------------------------------------------------------- figures


def signed(number: int) -> str:
    """`+590,848`; nothing for 0."""
    return f"{_sign(number)}{units.count(abs(number))}" if number else ""


def scaled(number: int) -> str:
    """`+462.4 M`; nothing for 0."""
    return f"{_sign(number)}{units.scaled(abs(number))}" if number else ""


def size(number: int) -> str:
    """`+2.3 MiB`; nothing for 0."""
    return f"{_sign(number)}{units.size(abs(number))}" if number else ""


def field(before: ReceptiveField | None, after: ReceptiveField | None) -> str:
    """`+64`; the field itself where axes differ or one sees everything; nothing where it is the same."""
    if before is None or after is None or len(before.size) != len(after.size):
        return "" if before is after else units.field(after)
    steps = {y - x for x, y in zip(before.size, after.size, strict=True)}
    return signed(*steps) if len(steps) == 1 else units.field(after)


def ratio(before: float, after: float) -> str:
    """`×1.86`; nothing where they are nearly equal or there was nothing."""
    text = f"×{after / before:.2f}" if before and before != after else ""
    return "" if text == "×1.00" else text


def _sign(number: int) -> str:
    return "+" if number > 0 else "−"
