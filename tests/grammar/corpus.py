"""The corpora: texts with what is expected of them; `python -m tests.grammar.corpus` writes the latter anew."""

from __future__ import annotations

from pathlib import Path

from cnnspec.diagnostics import Diagnostic
from cnnspec.grammar import ast, format_file, parse_file
from cnnspec.source import Source

HERE = Path(__file__).parent
VALID = sorted((HERE / "valid").glob("*.cnn"))
INVALID = sorted((HERE / "invalid").glob("*.cnn"))


def read(path: Path) -> str:
    return path.read_bytes().decode()


def parse(text: str) -> tuple[ast.File, tuple[Diagnostic, ...]]:
    return parse_file(Source("spec.cnn", text))


def parsed(text: str) -> ast.File:
    """The tree of a text that has no mistake."""
    file, diagnostics = parse(text)
    assert not diagnostics, concise(diagnostics)
    return file


def expected(path: Path) -> str:
    return path.with_suffix(".expected").read_text(encoding="utf-8")


def concise(diagnostics: tuple[Diagnostic, ...]) -> str:
    """One line for each: `line:column-end code: message | help`, and the labels below."""
    lines = []
    for one in diagnostics:
        assert one.span is not None
        start, end = one.span.source.position(one.span.start), one.span.source.position(one.span.end)
        until = f"{end[1]}" if start[0] == end[0] else f"{end[0]}:{end[1]}"
        lines.append(
            f"{start[0]}:{start[1]}-{until} {one.code}: {one.message}" + (f" | {one.help}" if one.help else "")
        )
        lines += [f"    {label.span.line}:{label.span.column} {label.text}".rstrip() for label in one.labels]
    return "\n".join(lines) + "\n"


def write() -> None:
    for path in VALID:
        path.with_suffix(".expected").write_text(format_file(parsed(read(path))), encoding="utf-8")
    for path in INVALID:
        path.with_suffix(".expected").write_text(concise(parse(read(path))[1]), encoding="utf-8")


if __name__ == "__main__":
    write()
