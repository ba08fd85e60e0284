"""What a text can ask for is bounded: each limit is named, at its place, once, and in a moment."""

import sys
import time
import tracemalloc

import pytest

from cnnspec.grammar import ast, format_file, parse_file
from cnnspec.limits import Limits
from cnnspec.source import Source
from tests.grammar.corpus import parse

MANY = 100_000
DEEP = {
    "round": "let a = " + "(" * MANY,
    "square": "INPUT -> " + "[" * MANY,
    "curly": "INPUT -> " + "ADD{" * MANY,
    "balanced": "let a = " + "(" * MANY + "1" + ")" * MANY,
    "balanced groups": "INPUT -> " + "[" * MANY + "A" + "]" * MANY,
    "all kinds": "net a = " + "f([ADD{" * MANY,
    "calls": "let a = " + "f(" * MANY,
    "crossed": "(" * MANY + "]" * MANY,
    "sum": "let a = " + "1+" * MANY + "1",
    "product": "let a = " + "x*" * MANY + "1",
    "signs": "let a = " + "-" * MANY + "1",
    "not": "let a = " + "not " * MANY + "1",
    "powers": "let a = " + "2**" * MANY + "1",
    "indices": "let a = x" + "[0]" * MANY,
    "empty calls": "let a = f" + "()" * MANY,
    "attributes": "expect a" + ".b" * MANY,
    "ternaries": "let a = " + "1 if a else " * MANY + "2",
    "counts": "INPUT -> X" + "*2" * MANY,
    "names": "INPUT -> X" + " as x" * MANY,
    "ifs": "net a = X" + " if p" * MANY,
    "elses": "net a = " + "X if p else " * MANY + "Y",
    "branch loops": "net a = ADD{ " + "for i in t: " * MANY + "X }",
    "branch conditions": "net a = ADD{ " + "if p: " * MANY + "X }",
    "targets": "net a = X for " + "(" * MANY,
    "in a count": "net a = X*" + "f(" * MANY,
    "in a parameter": "block f(c = " + "(" * MANY,
}
WIDE = {
    "tuple": "let a = (" + "1," * 2 * MANY + ")",
    "chain": "INPUT" + " -> A" * MANY,
    "branches": "INPUT -> ADD{ A" + " | A" * MANY + " }",
    "conjunction": "let a = b" + " and b" * MANY,
    "comparison": "let a = b" + " < b" * MANY,
    "statements": "let a = 1\n" * 50_000,
    "comments": "# a\n" * MANY,
    "parameters": "block f(" + "a," * MANY + ") = X",
    "lines": "\n" * 1_000_000,
    "spaces": " " * 1_000_000,
    "names": "let a = " + "b" * 1_000_000,
    "comment": "#" * 1_000_000,
    "text": "let a = '" + "b" * 1_000_000 + "'",
}
HOPELESS = {
    "digits": "let a = " + "7" * 1_048_576,
    "digits of a shape": "let a = 3x" + "7" * 500_000,
    "digits of a fraction": "let a = 0." + "7" * 500_000,
    "exponent": "let a = 1" + "e1" * 500_000,
    "closing": ")" * 500_000,
    "closing of each kind": "]})" * 300_000,
    "quotes": '"' * 500_000,
    "dashes": "INPUT " + "-" * 500_000 + "> A",
    "unknown": "$" * 500_000,
    "unknown apart": "$ " * 500_000,
    "NUL": "\0" * 500_000,
    "NUL apart": "\0A" * 500_000,
    "words": "x " * 500_000,
    "numbers": "1 " * 500_000,
    "arrows": "->" * 500_000,
    "semicolons": "net a = X" + ";" * 500_000,
    "bars": "net a = ADD{" + "|" * 500_000,
    "commas": "let a = (" + "," * 500_000,
    "references": "@" * 500_000,
    "keywords": "net " * 250_000,
    "equals": "net a " + "=" * 500_000,
    "nets without end": "net a = [(\n" * 90_000,
    "brackets in lines": "f(\n" * 300_000,
    "balanced brackets": "()" * 500_000 + ")",
}
SECONDS = 10  # many times what it takes, on a machine that does other things as well


@pytest.mark.parametrize("name", DEEP)
def test_nesting_is_refused_once_and_soon(name: str) -> None:
    started = time.process_time()
    file, diagnostics = parse(DEEP[name])
    assert time.process_time() - started < SECONDS
    deep = [one for one in diagnostics if one.code == "limit-nesting"]
    assert len(deep) == 1
    assert "64 levels" in deep[0].message
    assert "--max-nesting" in deep[0].help
    assert len(diagnostics) <= 2  # the other one says that a bracket is not closed
    assert isinstance(file, ast.File)


@pytest.mark.parametrize("name", WIDE)
def test_long_texts_are_read(name: str) -> None:
    started = time.process_time()
    _, diagnostics = parse(WIDE[name])
    assert time.process_time() - started < SECONDS
    assert not diagnostics


@pytest.mark.parametrize("name", HOPELESS)
def test_hopeless_texts_are_refused_soon(name: str) -> None:
    started = time.process_time()
    file, diagnostics = parse(HOPELESS[name])
    assert time.process_time() - started < SECONDS
    assert 1 <= len(diagnostics) <= 101
    assert isinstance(file, ast.File)


def test_the_limit_is_met_exactly() -> None:
    for opening, inside, closing in (("let a = ", "(", ")"), ("INPUT -> ", "[", "]")):
        text = f"{opening}{inside * 64}A{closing * 64}"
        assert not parse(text)[1]
        assert [one.code for one in parse(text.replace("A", f"{inside}A{closing}"))[1]] == ["limit-nesting"]
    assert not parse("let a = 1" + " + 1" * 64)[1]
    assert parse("let a = 1" + " + 1" * 65)[1]
    assert not parse("INPUT -> " + "[" * 60 + "A" + "]*2" * 60)[1]


def test_what_follows_a_statement_that_nests_too_deep_is_read() -> None:
    file, diagnostics = parse("let a = 1\nlet b = " + "(" * 200 + "\nlet c = 3\nlet d = 2x\n")
    assert [one.code for one in diagnostics] == ["limit-nesting", "bad-number"]
    assert [one.binding.name for one in file.statements if isinstance(one, ast.Let)] == ["a", "b", "c", "d"]


def test_the_limit_is_named_and_can_be_raised() -> None:
    text = "let a = " + "(" * 900 + "-1" + ")" * 900 + "\nnet b = " + "[" * 900 + "A" + "]*2" * 900
    source = Source("spec.cnn", text)
    _, diagnostics = parse_file(source, limits=Limits(nesting=899))
    assert {one.message for one in diagnostics} == {"this nests deeper than 899 levels"}
    limit = sys.getrecursionlimit()
    try:
        file, diagnostics = parse_file(source, limits=Limits(nesting=1000))
        assert not diagnostics
        assert ast.same(parse_file(Source("again", format_file(file)), limits=Limits(nesting=1000))[0], file)
    finally:
        sys.setrecursionlimit(limit)


def test_digits() -> None:
    for text in ("let a = {}", "let a = 1x{}", "let a = 0.{}K"):
        source = Source("spec.cnn", text.format("9" * 150))
        (diagnostic,) = parse_file(source)[1]
        assert diagnostic.code == "limit-digits"
        assert "the limit is 100" in diagnostic.message
        assert "--max-digits" in diagnostic.help
        assert not parse_file(source, limits=Limits(digits=200))[1]
    (diagnostic,) = parse_file(Source("spec.cnn", "let a = " + "9" * 5000), limits=Limits(digits=10_000))[1]
    assert "the limit is 4,300" in diagnostic.message  # the interpreter's own


@pytest.mark.parametrize("name", ["tuple", "branches", "chain", "statements"])
def test_a_long_text_takes_little_memory(name: str) -> None:
    assert bytes_for_each_character(WIDE[name]) < 200  # a mebibyte in less than 200


@pytest.mark.parametrize("name", ["all kinds", "square", "balanced"])
def test_a_deep_text_takes_little_memory(name: str) -> None:
    assert bytes_for_each_character(DEEP[name]) < 100


@pytest.mark.parametrize("name", ["closing", "NUL apart", "brackets in lines", "nets without end", "bars"])
def test_a_hopeless_text_takes_little_memory(name: str) -> None:
    assert bytes_for_each_character(HOPELESS[name]) < 100


def bytes_for_each_character(text: str) -> float:
    text = text[:100_000]
    tracemalloc.start()
    try:
        parse(text)
        return tracemalloc.get_traced_memory()[1] / len(text)
    finally:
        tracemalloc.stop()
