"""Names that nothing binds: one message for each, however often it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cnnspec.diagnostics import Diagnostic, Label, closest
from cnnspec.grammar import ast
from cnnspec.graph.binding import bound_in, everything
from cnnspec.source import Span

#: Places that a message shows.
_MOST_LABELS = 8


def once_each(diagnostics: Iterable[Diagnostic], file: ast.File) -> Iterator[Diagnostic]:
    """The diagnostics, those of one unknown name in one statement joined.

    A name that is read in several places is hardly misspelt in all of them: where something like it is bound and never
    read, the mistake is there.
    """
    joined: dict[tuple[ast.Statement, str], dict[Span, Diagnostic]] = {}
    for diagnostic in diagnostics:
        statement = _around(diagnostic.span, file) if diagnostic.code == "unknown-name" else None
        if statement is None or diagnostic.span is None:
            yield diagnostic
        else:
            joined.setdefault((statement, diagnostic.span.text), {}).setdefault(diagnostic.span, diagnostic)
    for (statement, name), same in joined.items():
        yield _join(name, same, statement) if len(same) > 1 else next(iter(same.values()))


def _around(span: Span | None, file: ast.File) -> ast.Statement | None:
    """The statement that a place lies in."""
    if span is None or span.source is not file.source:
        return None
    return next((s for s in file.statements if s.span.start <= span.start < s.span.end), None)


def _join(name: str, same: dict[Span, Diagnostic], statement: ast.Statement) -> Diagnostic:
    places = sorted(same, key=lambda span: span.start)
    unread = _unread(statement)
    match = closest(name, unread)
    if match is not None:
        labels = tuple(Label(place, "read here") for place in places[:_MOST_LABELS])
        return Diagnostic("unknown-name", f"`{match}` is bound and never read, `{name}` is read and never bound",
                          unread[match], labels=labels, help=f"did you mean `{name}`?")
    others = tuple(Label(place) for place in places[1:_MOST_LABELS])
    return same[places[0]].replace(labels=others)  # type: ignore[no-any-return]  # replace keeps the type


def _unread(statement: ast.Statement) -> dict[str, Span]:
    """The names that a statement binds and does not read."""
    bound: dict[str, Span] = {}
    read: set[str] = set()
    for syntax in everything(statement):
        bound.update(bound_in(syntax))
        if isinstance(syntax, ast.Name):
            read.add(syntax.id)
        elif isinstance(syntax, ast.Optional):
            read.add(syntax.name)
    return {name: span for name, span in bound.items() if name not in read}
