"""Rooms that can be taken in at a glance, and a core that is silent; and that the measure would find what is not."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.code import functions, lines, modules, parsed, prints

#: Lines that are not blank.
LONGEST_FILE = 300
LONGEST_FUNCTION = 60
#: The rooms that may print.
SPEAKING = {"render", "cli"}


def too_long(name: str, tree: ast.Module) -> list[str]:
    """The functions of a module that do not fit on a screen."""
    return [f"{name}.{function.name}" for function in functions(tree)
            if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION]


def test_no_file_is_longer_than_300_lines() -> None:
    assert [name for name, path in modules().items() if lines(path) > LONGEST_FILE] == []


def test_no_function_is_longer_than_60_lines() -> None:
    assert [found for name, path in modules().items() for found in too_long(name, parsed(path))] == []


def test_nothing_prints_outside_the_rooms_that_speak() -> None:
    assert [f"{name}:{line}" for name, path in modules().items() if name.split(".")[0] not in SPEAKING
            for line in prints(parsed(path))] == []


def test_every_module_says_what_it_is_in_a_sentence() -> None:
    for name, path in modules().items():
        text = ast.get_docstring(parsed(path))
        if path.read_text(encoding="utf-8").strip():
            assert text, name
            assert text.partition("\n\n")[0].rstrip()[-1] in ".!?", name


def test_a_long_function_and_one_that_prints_are_found() -> None:
    body = "\n".join(f"    x = {i}" for i in range(60))
    assert too_long("m", ast.parse(f"def f():\n{body}")) == ["m.f"]
    assert too_long("m", ast.parse(f"class C:\n    def f(self):\n        pass\n{body}")) == []


@pytest.mark.parametrize("line", ["print(1)", "sys.stderr.write('x')", "click.echo('x')", "log = print"])
def test_what_prints_is_found(line: str) -> None:
    assert list(prints(ast.parse(f"def f():\n    {line}"))) == [2]
