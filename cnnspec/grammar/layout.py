"""Lay out text in lines: a sequence stands on one line where it fits, else each of its items begins one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnspec.grammar.ast import Comment
from cnnspec.record import Record

#: A line is at most this long, comments left out.
WIDTH = 100


class Item(Record):
    """One item of a row, and where it begins in the source."""

    start: int
    content: Doc
    #: It may stay on the line of the item before it in a row that is broken.
    joins: bool = False


class Row(Record):
    """Items between brackets: `open a separator b close`, or broken, with `lead` before and `end` after each line."""

    open: str
    items: tuple[Item, ...]
    close: str
    separator: str
    #: What a broken row writes before each item but the first, and after each but the last.
    lead: str = ""
    end: str = ""
    #: Where `lead` stands, counted from the beginning of `open`.
    indent: int = 0


class Suffixed(Record):
    """A text and what follows it after `glue`; where both do not fit on a line, a long suffix begins its own."""

    content: Doc
    glue: str
    suffix: Doc
    #: The suffix may begin a line.
    breaks: bool


Doc = str | Row | Suffixed


class Note(Record):
    """The comments that stand before an item: one at the end of the line before it, others on their own lines."""

    trailing: Comment | None
    own: tuple[Comment, ...]


Notes = Mapping[int, Note]


class Line:
    """A line that is being written; `comment` ends it. A line of its own for a comment has no text."""

    __slots__ = ("comment", "text")

    def __init__(self, text: str, comment: Comment | None = None) -> None:
        self.text = text
        self.comment = comment


def flat(doc: Doc) -> str:
    """All on one line."""
    if isinstance(doc, str):
        return doc
    if isinstance(doc, Row):
        return doc.open + doc.separator.join([flat(item.content) for item in doc.items]) + doc.close
    return flat(doc.content) + doc.glue + flat(doc.suffix)


def before(text: str, doc: Doc) -> Doc:
    """`doc` with a text directly before it."""
    if isinstance(doc, str):
        return text + doc
    if isinstance(doc, Row):
        return doc.replace(open=text + doc.open, indent=doc.indent + len(text))  # type: ignore[no-any-return]  # replace keeps the type
    return Suffixed(before(text, doc.content), doc.glue, doc.suffix, doc.breaks)


def after(doc: Doc, text: str) -> Doc:
    """`doc` with a text directly after it."""
    if isinstance(doc, str):
        return doc + text
    if isinstance(doc, Row):
        return doc.replace(close=doc.close + text)  # type: ignore[no-any-return]  # replace keeps the type
    return Suffixed(doc.content, doc.glue, after(doc.suffix, text), doc.breaks)


def starts(doc: Doc) -> Iterator[int]:
    """Where, in the source, the items begin that can begin a line."""
    if isinstance(doc, Row):
        for number, item in enumerate(doc.items):
            if number:
                yield item.start
            yield from starts(item.content)
    elif isinstance(doc, Suffixed):
        yield from starts(doc.content)
        yield from starts(doc.suffix)


def lay_out(doc: Doc, width: int, tail: int, notes: Notes) -> list[Line]:
    """The lines of `doc`, of `width` columns, when `tail` more characters follow on the last one."""
    if isinstance(doc, str):
        return [Line(doc)]
    if not is_noted(doc, notes):
        text = flat(doc)
        if len(text) + tail <= width:
            return [Line(text)]
    if isinstance(doc, Row):
        return _broken_row(doc, width, tail, notes)
    return _broken_suffix(doc, width, tail, notes)


def is_noted(doc: Doc, notes: Notes) -> bool:
    """Whether a comment stands inside, so that the text cannot be on one line."""
    return bool(notes) and any(start in notes for start in starts(doc))


def comment_lines(note: Note) -> list[Line]:
    """The comments that have lines of their own."""
    return [Line("", comment) for comment in note.own]


def indented(lines: list[Line], first: str) -> list[Line]:
    """The lines with `first` before the first one and as many spaces before the others."""
    for line in lines:
        if line.text:
            line.text = first + line.text
            first = " " * len(first)
    return lines


def _broken_row(row: Row, width: int, tail: int, notes: Notes) -> list[Line]:
    lead = " " * row.indent + row.lead
    lines: list[Line] = []
    height = 1  # of the item before
    for number, item in enumerate(row.items):
        last = number == len(row.items) - 1
        room = len(row.close) + tail if last else len(row.end)
        note = notes.get(item.start) if number else None
        if number and item.joins and height == 1 and not note and not is_noted(item.content, notes):
            joined = lines[-1].text + row.separator + flat(item.content)
            if len(joined) + room <= width:
                lines[-1].text = joined
                continue
        if number:
            lines[-1].text += row.end
        if note:
            lines[-1].comment = note.trailing
            lines += comment_lines(note)
        first = lead if number else row.open
        own = indented(lay_out(item.content, width - len(first), room, notes), first)
        lines += own
        height = len(own)
    lines[-1].text += row.close
    return lines


def _broken_suffix(doc: Suffixed, width: int, tail: int, notes: Notes) -> list[Line]:
    suffix = flat(doc.suffix)
    if not doc.breaks:
        lines = lay_out(doc.content, width, len(doc.glue + suffix) + tail, notes)
        lines[-1].text += doc.glue + suffix
        return lines
    lines = lay_out(doc.content, width, 0, notes)
    one_line = len(lines[-1].text + doc.glue + suffix) + tail <= width and not is_noted(doc.suffix, notes)
    if one_line and len(lines) > 1:
        lines[-1].text += doc.glue + suffix
        return lines
    return lines + lay_out(doc.suffix, width, tail, notes)
