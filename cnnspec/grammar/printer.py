"""The canonical text of a file: what `cnnspec fmt` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cnnspec.grammar import ast
from cnnspec.grammar.comments import place
from cnnspec.grammar.expression_text import expression, listing
from cnnspec.grammar.layout import (
    WIDTH,
    Doc,
    Item,
    Line,
    Note,
    Notes,
    Row,
    after,
    before,
    comment_lines,
    flat,
    indented,
    is_noted,
    lay_out,
    starts,
)
from cnnspec.grammar.step_text import chain
from cnnspec.record import Record

_INDENT = "    "
_NO_NOTE = Note(None, ())


class Part(Record):
    """A statement or the bare chain: what stands on its first line, and the sections of its body."""

    start: int
    end: int
    head: Doc
    body: tuple[Item, ...]

    def anchors(self) -> list[int]:
        """Where its items begin that can begin a line."""
        found = [self.start, *starts(self.head)]
        for section in self.body:
            found += section.start, *starts(section.content)
        return found


def format_file(file: ast.File) -> str:
    """The file in its canonical layout; the tree must be free of syntax errors.

    A definition stands on one line where it fits, else each step begins one with `-> `. Comments stay before the step
    or statement they precede, or at the end of their line; one blank line stays where there were some.
    """
    source = file.source.text
    nodes: list[ast.Statement | ast.Chain] = [*file.statements, *([file.formula] if file.formula else ())]
    nodes.sort(key=lambda node: node.span.start)
    parts = [Part(node.span.start, node.span.end, *_WRITERS[type(node)](node)) for node in nodes]
    parts.append(Part(len(source) + 1, len(source) + 1, "", ()))
    notes = place(file.comments, [anchor for part in parts for anchor in part.anchors()], source)
    written: list[str] = []
    end = 0
    for number, part in enumerate(parts[:-1]):
        following = notes.get(parts[number + 1].start, _NO_NOTE)
        end = _comments_above(written, source, end, part, notes)
        lines = _lines(part, notes)
        lines[-1].comment = following.trailing
        written += _finished(lines)
        end = max(part.end, following.trailing.span.end if following.trailing else 0)
    _comments_above(written, source, end, parts[-1], notes)
    return "".join([f"{line}\n" for line in written])


def _comments_above(written: list[str], source: str, end: int, part: Part, notes: Notes) -> int:
    """Write the comments before a statement, with blank lines as in the source, which is written up to `end`."""
    own = notes.get(part.start, _NO_NOTE).own
    for comment in own:
        if comment.span.start < part.start:
            _blank_line(written, source[end : comment.span.start])
            written.append(comment.text)
            end = comment.span.end
    if part.start <= len(source):
        _blank_line(written, source[end : part.start])
    written += [comment.text for comment in own if comment.span.start > part.start]
    return end


def _blank_line(written: list[str], between: str) -> None:
    if written and between.count("\n") > 1:
        written.append("")


def _finished(lines: Iterable[Line]) -> list[str]:
    """The lines as text; a comment on its own line is indented like the line after it."""
    finished: list[str] = []
    waiting: list[str] = []
    for line in lines:
        comment = line.comment.text if line.comment else ""
        if not line.text:
            waiting.append(comment)
            continue
        margin = line.text[: len(line.text) - len(line.text.lstrip())]
        finished += [margin + text for text in waiting]
        finished.append(f"{line.text}  {comment}" if comment else line.text)
        waiting = []
    return finished


def _lines(part: Part, notes: Notes) -> list[Line]:
    noted = is_noted(part.head, notes) or any(
        section.start in notes or is_noted(section.content, notes) for section in part.body
    )
    whole = " ".join([flat(part.head), *(flat(section.content) for section in part.body)])
    if not noted and len(whole) <= WIDTH:
        return [Line(whole)]
    lines = lay_out(part.head, WIDTH, 0, notes)
    for section in part.body:
        note = notes.get(section.start, _NO_NOTE)
        lines[-1].comment = note.trailing
        lines += comment_lines(note)
        lines += indented(lay_out(section.content, WIDTH - len(_INDENT), 0, notes), _INDENT)
    return lines


def _definition(node: ast.Block | ast.Net) -> tuple[Doc, tuple[Item, ...]]:
    word = "block" if isinstance(node, ast.Block) else "net"
    return after(before(f"{word} {node.name}", _parameters(node)), " ="), _body(node.body)


def _let(node: ast.Let) -> tuple[Doc, tuple[Item, ...]]:
    return before("let ", _binding(node.binding)), ()


def _use(node: ast.Use) -> tuple[Doc, tuple[Item, ...]]:
    return before("use ", expression(node.path)), ()


def _expect(node: ast.Expect) -> tuple[Doc, tuple[Item, ...]]:
    return before("expect ", expression(node.test)), ()


def _bare(node: ast.Chain) -> tuple[Doc, tuple[Item, ...]]:
    return chain(node), ()


_WRITERS: dict[type[ast.Syntax], Callable[[Any], tuple[Doc, tuple[Item, ...]]]] = {
    ast.Block: _definition,
    ast.Net: _definition,
    ast.Let: _let,
    ast.Use: _use,
    ast.Expect: _expect,
    ast.Chain: _bare,
}


def _parameters(node: ast.Definition) -> Doc:
    found = [
        Item(
            one.span.start,
            one.name if one.default is None else before(f"{one.name} = ", expression(one.default, loose=True)),
            bool(number),
        )
        for number, one in enumerate(node.parameters)
    ]
    return listing(found) if found else ""


def _body(node: ast.Body) -> tuple[Item, ...]:
    last = len(node.chains) - 1
    sections = [
        Item(one.span.start, chain(one, close="" if number == last else ";")) for number, one in enumerate(node.chains)
    ]
    if node.where:
        first = node.where[0].span
        start = first.source.text.rfind("where", 0, first.start)
        sections.append(Item(max(start, node.chains[-1].span.end), _where(node.where)))
    return tuple(sections)


def _where(bindings: Sequence[ast.Binding]) -> Doc:
    found = tuple(Item(one.span.start, _binding(one)) for one in bindings)
    return Row("where ", found, "", ", ", end=",", indent=len("where "))


def _binding(node: ast.Binding) -> Doc:
    return before(f"{node.name} = ", expression(node.value, loose=True))
