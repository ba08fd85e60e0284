"""Everything has a place: each expanded layer knows its text, and the calls and turns that led to it."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnnspec
from cnnspec.grammar import ast, parse_file
from cnnspec.grammar.tokens import EXTENTS, KEYWORDS
from cnnspec.graph.binding import everything
from cnnspec.graph.trace import trace
from cnnspec.source import Source

SPEC = """block unit(c, f = RELU) =
    CONV(c)
    -> f
net n =
    INPUT(2x8x8)
    -> [unit(c)] for c in (2, 3)
    -> ADD{ [POOL(3, 1, 1)]*2 | for k in (1, 3): CONV(C, k) }
    -> unit(4, [TANH -> GELU])
"""

PLACES = [
    ("INPUT(2x8x8)", 5, 5, "in net n"),
    ("CONV(c)", 2, 5, "in unit(c=2, f=RELU), turn 1 of 2 of `for c in …` (c=2), in net n"),
    ("f", 3, 8, "in unit(c=2, f=RELU), turn 1 of 2 of `for c in …` (c=2), in net n"),
    ("CONV(c)", 2, 5, "in unit(c=3, f=RELU), turn 2 of 2 of `for c in …` (c=3), in net n"),
    ("f", 3, 8, "in unit(c=3, f=RELU), turn 2 of 2 of `for c in …` (c=3), in net n"),
    ("POOL(3, 1, 1)", 7, 14, "turn 1 of 2 of `*2`, in net n"),
    ("POOL(3, 1, 1)", 7, 14, "turn 2 of 2 of `*2`, in net n"),
    ("CONV(C, k)", 7, 50, "turn 1 of 2 of `for k in …` (k=1), in net n"),
    ("CONV(C, k)", 7, 50, "turn 2 of 2 of `for k in …` (k=3), in net n"),
    ("ADD{ [POOL(3, 1, 1)]*2 | for k in (1, 3): CONV(C, k) }", 7, 8, "in net n"),
    ("CONV(c)", 2, 5, "in unit(c=4, f=[TANH -> GELU]), in net n"),
    ("TANH", 8, 17, "in unit(c=4, f=[TANH -> GELU]), in net n"),
    ("GELU", 8, 25, "in unit(c=4, f=[TANH -> GELU]), in net n"),
]


def test_every_layer_knows_its_text_and_what_led_to_it() -> None:
    nodes = cnnspec.parse(SPEC).graph.nodes
    assert [(node.span.text, node.span.line, node.span.column, trace(node.scope)) for node in nodes] == PLACES


def test_layers_of_a_used_file_know_that_file(tmp_path: Path) -> None:
    (tmp_path / "parts.cnn").write_text("\nblock unit = RELU\n")
    (tmp_path / "main.cnn").write_text('use "parts.cnn"\nnet n = INPUT(1x4x4) -> unit -> TANH\n')
    spans = [layer.node.span for layer in cnnspec.load(f"{tmp_path}/main.cnn").layers]
    places = [str(span).removeprefix(f"{tmp_path}/") for span in spans]
    assert places == ["main.cnn:2:9", "parts.cnn:2:14", "main.cnn:2:33"]


def test_every_piece_of_syntax_knows_its_text() -> None:
    file, _ = parse_file(Source("places.cnn", SPEC))
    texts = {}
    for syntax in everything(file.statements):
        assert 0 <= syntax.span.start <= syntax.span.end <= len(SPEC)
        texts.setdefault(type(syntax), []).append(syntax.span.text)
    assert sorted(texts[ast.Parameter]) == ["c", "f = RELU"]
    assert texts[ast.Loop] == ["[unit(c)] for c in (2, 3)"]
    assert texts[ast.Repeat] == ["[POOL(3, 1, 1)]*2"]
    assert texts[ast.BranchLoop] == ["for k in (1, 3): CONV(C, k)"]
    assert sorted(texts[ast.Number]) == sorted("2 3 3 1 1 2 1 3 4".split())
    assert texts[ast.ShapeLiteral] == ["2x8x8"]


#: A word in every place that binds a name, and the column at which it stands there.
BINDING = [
    ("block {} = RELU\nnet n = INPUT -> RELU", 1, 7),
    ("net {} = INPUT -> RELU", 1, 5),
    ("block b({}) = RELU\nnet n = INPUT -> RELU", 1, 9),
    ("let {} = 3\nnet n = INPUT -> RELU", 1, 5),
    ("net n = INPUT -> CONV(4) where {} = 3", 1, 32),
    ("net n = INPUT -> [RELU] for {} in (1, 2)", 1, 29),
    ("net n = INPUT -> [RELU] for i, ({}, j) in ((1, (2, 3)),)", 1, 33),
    ("net n = INPUT -> ADD{{ for {} in (1, 2): RELU }}", 1, 27),
    ("net n = INPUT -> RELU as {}", 1, 26),
    ("net n = INPUT -> CONV({}=3)", 1, 23),
]


@pytest.mark.parametrize("word", sorted(KEYWORDS | EXTENTS | {"CONV", "ID", "INPUT"}))
@pytest.mark.parametrize(("text", "line", "column"), BINDING)
def test_a_word_of_the_language_cannot_be_bound_which_is_one_mistake(text: str, line: int, column: int,
                                                                      word: str) -> None:
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.parse(text.format(word))
    places = [(found.span.line, found.span.column) for found in caught.value.diagnostics if found.span]
    assert places == [(line, column)]
