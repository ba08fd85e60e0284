"""The canonical layout: as expected, stable, and of the same meaning."""

from pathlib import Path

import pytest

from cnnspec.grammar import ast, format_file
from tests.grammar.corpus import VALID, expected, parsed, read


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_texts_are_laid_out_as_expected(path: Path) -> None:
    assert format_file(parsed(read(path))) == expected(path)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_the_layout_is_stable(path: Path) -> None:
    assert format_file(parsed(expected(path))) == expected(path)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_the_layout_says_the_same(path: Path) -> None:
    before, after = parsed(read(path)), parsed(expected(path))
    assert ast.same(before, after)
    assert sorted(one.text for one in before.comments) == sorted(one.text for one in after.comments)


def test_trees_that_differ_are_told_apart() -> None:
    """The twin of the test above: `same` can say no."""
    texts = ["[A -> B]*2", "[A -> B]*3", "A -> B", "[A]*2", "[A if p]*2", "A(1)", "A(x=1)", "A()", "A(1.0)", "A(on)"]
    trees = [parsed(f"INPUT -> {text}") for text in texts]
    assert [[ast.same(a, b) for b in trees] for a in trees] == [[a is b for b in trees] for a in trees]
    assert ast.same(parsed("INPUT -> [A]"), parsed("INPUT -> A"))


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_the_layout_does_not_depend_on_line_ends(path: Path) -> None:
    text = read(path)
    if "#" not in text:
        assert format_file(parsed(" ".join(text.split()))).replace("\n\n", "\n") == expected(path).replace("\n\n", "\n")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_lines_are_short(path: Path) -> None:
    for line in expected(path).splitlines():
        code = line.split("#")[0].rstrip()
        assert len(code) <= 100
        assert line == line.rstrip()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("net a = CONV*2", "net a = [CONV]*2"),
        ("net a = X if p -> Y", "net a = [X] if p -> Y"),
        ("net a = X if p else Y -> Z", "net a = [X] if p else [Y] -> Z"),
        ("net a = [X if p else Y]*2", "net a = [X if p else Y]*2"),
        ("net a = Y -> X if p", "net a = Y -> X if p"),
        ("net a = X for (c,n) in ((1,2),(3,4))", "net a = X for c, n in ((1,2), (3,4))"),
        ("net a() = X", "net a = X"),
        ("net a = X(1,)", "net a = X(1)"),
        ("net a(c=1) = X(c = 1)", "net a(c = 1) = X(c=1)"),
        ("net a = X where b=c//4", "net a = X where b = c // 4"),
        ("net a = X(c // 4) : (c * 2, 1)", "net a = X(c//4) : (c*2, 1)"),
        ("let a = (b)", "let a = b"),
        ("let a = 1_000", "let a = 1_000"),
        ("let a = (1 + 2) + 3 + (4 + 5)", "let a = 1 + 2 + 3 + (4+5)"),
        ("let a = (2 ** 3) ** 4 ** 5", "let a = (2**3)**4**5"),
        ("let a = -(2 ** 3) + (-2) ** 3", "let a = -2**3 + (-2)**3"),
        ("let a = not (b and (c or d))", "let a = not (b and (c or d))"),
        ("let a = (b and c) and d", "let a = (b and c) and d"),
        ("let a = (b if c else d)[0]", "let a = (b if c else d)[0]"),
        ("let a = 'x'", "let a = 'x'"),
        ("let a=1#c", "let a = 1  #c"),
        ("INPUT*2 -> INPUT", "INPUT*2 -> INPUT"),
    ],
)
def test_small_texts(text: str, written: str) -> None:
    assert format_file(parsed(text)) == written + "\n"
