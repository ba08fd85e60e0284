"""The parser and the printer on random texts and trees."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.grammar import ast, format_file
from cnnspec.grammar.tokens import tokenize
from cnnspec.source import Source
from tests.grammar.corpus import VALID, concise, parse, parsed, read
from tests.grammar.oracle import accepts
from tests.grammar.trees import Trees

EVERYTHING = (
    "INPUT CONV RELU f g c n x N C H -> → ( ) [ ] { } | , ; : = == < + - * / // ** % ? @ . as for in if else where and "
    "or not on off 1 2.5 3x4 1K 'a' let net block expect use ADD{ [ ]*2 net a = let b ="
).split()


def words(text: str) -> list[str]:
    tokens = tokenize(Source("spec.cnn", text))
    return [tokens.text(index) for index in range(len(tokens.kinds) - 1)]


def statements(text: str) -> list[list[str]]:
    """The words of each statement of a text."""
    found = [[]]
    for word in words(text):
        if word in ("use", "let", "net", "block", "expect"):
            found.append([])
        found[-1].append(word)
    return [one for one in found if 0 < len(one) < 90]


STATEMENTS = [one for path in VALID for one in statements(read(path))]
SPACES = st.sampled_from([" ", " ", " ", "\n"])


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A statement in which a few words were added, dropped, replaced, doubled or swapped."""
    found = list(draw(st.sampled_from(STATEMENTS)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(found)))
        other = draw(st.sampled_from(EVERYTHING))
        kind = draw(st.integers(0, 3))
        if kind == 0 or at == len(found):
            found.insert(at, other)
        elif kind == 1:
            del found[at]
        elif kind == 2:
            found[at] = other
        else:
            to = draw(st.integers(0, len(found) - 1))
            found[at], found[to] = found[to], found[at]
    return "".join([word + draw(SPACES) for word in found])


soup = st.lists(st.sampled_from(EVERYTHING), max_size=14).map(" ".join)


@settings(max_examples=3000)
@given(damaged() | soup)
def test_the_parser_and_the_oracle_agree(text: str) -> None:
    _, diagnostics = parse(text)
    assert accepts(text) == (not diagnostics), concise(diagnostics)


@settings(max_examples=1000)
@given(damaged())
def test_what_is_read_is_written_and_read_again(text: str) -> None:
    file, diagnostics = parse(text)
    if not diagnostics:
        written = format_file(file)
        again = parsed(written)
        assert ast.same(file, again)
        assert format_file(again) == written


@settings(max_examples=1000)
@given(st.text() | st.text(st.sampled_from("INPUT->[]{}()|,;:=*?@. \n\t\r\"'#0123xKe_+\0\ufeff×–é")))
def test_any_text_gives_a_tree(text: str) -> None:
    file, diagnostics = parse(text)
    assert isinstance(file, ast.File)
    for one in diagnostics:
        assert 0 <= one.span.start <= one.span.end <= len(text)
        assert one.message
        assert "``" not in one.message


@settings(max_examples=1000)
@given(st.sampled_from(VALID), st.data())
def test_comments_are_kept(path: Path, data: st.DataObject) -> None:
    """A comment anywhere stays, changes nothing else, and finds its place at once."""
    found = words(read(path))[:150]
    while found and found[-1] not in ("]", ")", "}"):
        found.pop()
    places = data.draw(st.dictionaries(st.integers(0, 150), st.sampled_from([" ", "\n", "\n\n"]), max_size=4))
    text = ""
    for number, word in enumerate(found):
        if number in places:
            text += f"{places[number]}# comment {number}\n"
        text += word + " "
    file, diagnostics = parse(text)
    if diagnostics:  # cut in the middle of a statement
        return
    written = format_file(file)
    again = parsed(written)
    assert ast.same(file, again)
    assert sorted(one.text for one in file.comments) == sorted(one.text for one in again.comments)
    assert format_file(again) == written


@pytest.mark.parametrize("depth", range(6))
def test_random_trees_are_written_and_read_again(depth: int) -> None:
    for seed in range(300):
        file = Trees(Random(seed)).file(depth)  # noqa: S311  # the same trees every time
        written = format_file(file)
        again = parsed(written)
        assert ast.same(file, again), written
        assert format_file(again) == written
