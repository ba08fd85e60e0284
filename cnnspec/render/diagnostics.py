"""Diagnostics as people, editors and CI services read them: `full`, `concise`, `github`, `as_json`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnspec.diagnostics import Diagnostic
from cnnspec.render.snippet import Mark, Piece, excerpt, visible, width
from cnnspec.source import Source, Span

#: Styles by what they are for, as the parameters of an ANSI escape sequence.
ERROR, WARNING, STRONG, QUIET, HELP = "1;31", "1;33", "1", "1;34", "1;36"

SCHEMA = "cnnspec.check/1"


def full(diagnostics: Iterable[Diagnostic], color: bool = False) -> str:
    """Each with its lines of source, underlined, a blank line between two."""
    return "\n\n".join("\n".join(_message(diagnostic, color)) for diagnostic in diagnostics)


def concise(diagnostics: Iterable[Diagnostic], color: bool = False) -> str:
    """One line each: `path:line:col: error[code] message`."""
    return "\n".join(
        f"{visible(str(d.span))}: " * (d.span is not None)
        + _paint(f"{d.severity}[{d.code}]", _style(d), color) + f" {visible(d.message)}"
        for d in diagnostics
    )


def github(diagnostics: Iterable[Diagnostic], color: bool = False) -> str:
    """Workflow commands, which GitHub shows on the lines of a pull request; `color` is not looked at."""
    return "\n".join(map(_workflow_command, diagnostics))


def as_json(diagnostics: Sequence[Diagnostic], files: int) -> dict[str, object]:
    """The contract `cnnspec.check/1`: lines and columns count from 1, ends are exclusive."""
    return {
        "schema": SCHEMA,
        "files": files,
        "errors": sum(d.severity == "error" for d in diagnostics),
        "warnings": sum(d.severity == "warning" for d in diagnostics),
        "diagnostics": [
            {
                "code": d.code,
                "severity": d.severity,
                "message": d.message,
                "span": _place(d.span) if d.span is not None else None,
                "label": d.label,
                "labels": [{"span": _place(label.span), "text": label.text} for label in d.labels],
                "notes": list(d.notes),
                "help": d.help,
            }
            for d in diagnostics
        ],
    }


def _place(span: Span) -> dict[str, object]:
    end_line, end_column = span.source.position(span.end)
    return {"file": span.source.name, "line": span.line, "column": span.column,
            "end_line": end_line, "end_column": end_column}


def _workflow_command(diagnostic: Diagnostic) -> str:
    """`::error file=…,line=…,col=…::…`, escaped as the workflow's parser undoes it."""
    properties = {"title": f"{diagnostic.severity}[{diagnostic.code}]"}
    if diagnostic.span is not None:
        place = _place(diagnostic.span)
        properties = {"file": str(place["file"]).replace("\\", "/"), "line": str(place["line"]),
                      "col": str(place["column"]), "endLine": str(place["end_line"]),
                      "endColumn": str(place["end_column"]), **properties}
        if place["line"] != place["end_line"]:  # columns are for spans of one line
            del properties["col"], properties["endColumn"]
    listed = ",".join(f"{name}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
                      for name, value in properties.items())
    text = "\n".join([diagnostic.message, *(kind + remark for kind, remark in _remarks(diagnostic))])
    return f"::{diagnostic.severity} {listed}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _message(diagnostic: Diagnostic, color: bool) -> Iterable[str]:
    """The lines of one message in full."""
    head = _paint(f"{diagnostic.severity}[{diagnostic.code}]", _style(diagnostic), color)
    yield head + _paint(f": {visible(diagnostic.message)}", STRONG, color)
    sections = _sections(diagnostic)
    digits = max((len(str(number)) for _, lines in sections for number in lines), default=1)
    gutter = " " * (digits + 2)
    bar = _paint(f"{gutter}|", QUIET, color)
    for index, (span, lines) in enumerate(sections):
        yield _paint(f"{gutter[1:]}{':::' if index else '-->'} ", QUIET, color) + visible(str(span))
        yield bar
        yield from _source_lines(span.source, lines, gutter, color)
    for kind, remark in _remarks(diagnostic):
        yield f"{_paint(f'{gutter}= ', QUIET, color)}{_paint(kind, HELP, color)}{visible(remark)}"


def _remarks(diagnostic: Diagnostic) -> list[tuple[str, str]]:
    """What follows the source, with the word before it: the notes, then the help."""
    notes = [("", note) for note in diagnostic.notes]
    return [*notes, ("help: ", diagnostic.help)] if diagnostic.help else notes


def _sections(diagnostic: Diagnostic) -> list[tuple[Span, dict[int, list[Mark]]]]:
    """The files that a message speaks of, its own first: for each a place in it, and the marks by line."""
    if diagnostic.span is None:
        return []
    found: dict[str, tuple[Span, dict[int, list[Mark]]]] = {}
    places = [(diagnostic.span, "^", _style(diagnostic), diagnostic.label)]
    places += [(label.span, "-", QUIET, label.text) for label in diagnostic.labels]
    for span, sign, style, text in places:
        _, lines = found.setdefault(span.source.name, (span, {}))
        lines.setdefault(span.line, []).append(_mark(span, sign, style, text))
    return list(found.values())


def _mark(span: Span, sign: str, style: str, text: str) -> Mark:
    """A span on its first line; what lies on further ones is not underlined."""
    start = span.column - 1
    line = span.source.line(span.line)
    end = start + span.end - span.start
    return Mark(start, min(end, max(len(line.rstrip()), start + 1)), sign, style, text)


def _source_lines(source: Source, lines: dict[int, list[Mark]], gutter: str, color: bool) -> Iterable[str]:
    """Lines in order, `...` where some are left out (a single one between is shown)."""
    before = None
    bar = _paint(f"{gutter}|", QUIET, color)
    for number in sorted(lines):
        if before is not None and number == before + 2:
            yield _numbered(before + 1, visible(source.line(before + 1)), gutter, color)
        elif before is not None and number > before + 2:
            yield _paint("...", QUIET, color)
        text, rows = excerpt(source.line(number), lines[number])
        yield _numbered(number, text, gutter, color)
        for row in rows:
            yield f"{bar} {_row(row, color)}"
        before = number


def _numbered(number: int, text: str, gutter: str, color: bool) -> str:
    return f"{_paint(f'{number:>{len(gutter) - 1}} |', QUIET, color)} {text}".rstrip()


def _row(pieces: Sequence[Piece], color: bool) -> str:
    text, at = "", 0
    for start, piece, style in pieces:
        text += " " * (start - at) + _paint(piece, style, color)
        at = start + width(piece)
    return text


def _style(diagnostic: Diagnostic) -> str:
    return WARNING if diagnostic.severity == "warning" else ERROR


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color and text else text
