"""The parser on the corpora: what is right is read, what is wrong is said once, at its place, with a way to mend it."""

from pathlib import Path

import pytest

from cnnspec.grammar import ast
from cnnspec.grammar.tokens import MOST_MISTAKES
from tests.grammar.corpus import INVALID, VALID, concise, expected, parse, parsed, read
from tests.grammar.oracle import accepts
from tests.grammar.walk import nodes


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_texts_have_no_mistake(path: Path) -> None:
    assert concise(parse(read(path))[1]).strip() == ""
    assert accepts(read(path))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_texts_have_the_expected_messages(path: Path) -> None:
    file, diagnostics = parse(read(path))
    assert concise(diagnostics) == expected(path)
    assert isinstance(file, ast.File)
    assert not accepts(read(path)) or path.stem in _BEYOND_THE_GRAMMAR


#: Refused for what a number is worth, not for its form.
_BEYOND_THE_GRAMMAR = {"number-digits", "number-too-large", "shape-digits"}


def test_every_invalid_text_has_a_message() -> None:
    assert len(INVALID) > 150
    assert all(expected(path).strip() for path in INVALID)


#: How many mistakes a text has; all others have one.
_MISTAKES = {
    "arguments-chain": 2, "arguments-keyword": 2, "arrow-comma": 2, "arrow-greater": 2, "arrow-look-alikes": 5,
    "arrow-minus": 2, "arrow-missing-before-reference": 2, "as-keyword": 2, "character-and": 3,
    "character-foreign-word": 2, "four-nets-half-written": 4, "half-written": 3,
    "let-unfinished": 2, "merge-colon": 2, "mistakes-everywhere": 10,
    "round-unclosed-parameters": 2, "statement-misspelt-after-chain": 2, "statement-misspelt": 2,
    "statement-without-keyword": 3, "three-mistakes": 4, "two-unclosed": 2,
}  # fmt: skip


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_one_mistake_gives_one_message(path: Path) -> None:
    assert len(parse(read(path))[1]) == _MISTAKES.get(path.stem, 1)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_what_is_right_around_a_mistake_is_read(path: Path) -> None:
    """A definition above and one below a wrong text are read as they would be alone, unless it swallows the latter."""
    if "\ufeff" in read(path):
        return
    text = "let above = 1\n" + read(path) + "\nlet below = 2\n"
    names = [one.binding.name for one in parse(text)[0].statements if isinstance(one, ast.Let)]
    assert names[0] == "above"
    assert names[-1] == "below"


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=lambda path: path.stem)
def test_any_beginning_of_a_text_gives_a_tree(path: Path) -> None:
    """As an editor sees it while it is typed."""
    text = read(path)
    for end in range(0, len(text), max(1, len(text) // 60)):
        file, diagnostics = parse(text[:end])
        assert isinstance(file, ast.File)
        assert bool(diagnostics) != accepts(text[:end]) or path.stem in _BEYOND_THE_GRAMMAR


def test_a_missing_step_stands_in_the_tree() -> None:
    file, _ = parse("net a = INPUT -> -> FC ->")
    (net,) = file.statements
    assert isinstance(net, ast.Net)
    kinds = [type(step).__name__ for step in net.body.chains[0].steps]
    assert kinds == ["Apply", "Missing", "Apply", "Missing"]


def test_a_hopeless_text_is_not_read_to_its_end() -> None:
    _, diagnostics = parse("let a = $1\n" * 1000)
    assert len(diagnostics) == MOST_MISTAKES + 1
    assert diagnostics[-1].code == "too-many-mistakes"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\r", "\f\n", " \t\n", "\u2028"])
def test_line_ends_and_white_space_are_free(end: str) -> None:
    path = next(path for path in VALID if path.stem == "resnet")
    text = "\n".join(line for line in read(path).splitlines() if not line.startswith("#"))
    assert ast.same(parsed(text), parsed(text.replace("\n", end)))
    assert ast.same(parsed(text), parsed(text.replace("\n", " ")))


def test_positions_after_crlf_are_those_an_editor_shows() -> None:
    assert concise(parse("let a = 1\r\nlet b = 2x\r\n")[1]).startswith("2:9-11 bad-number")


def test_a_byte_order_mark_begins_a_text() -> None:
    file = parsed("\ufeff# comment\nINPUT -> FC")
    assert [step.span.text for step in file.formula.steps] == ["INPUT", "FC"]
    assert file.comments[0].own_line


def test_both_arrows_are_one_token() -> None:
    assert ast.same(parsed("INPUT → CONV -> FC"), parsed("INPUT->CONV→FC"))


def test_the_count_before_an_arrow_is_not_a_difference() -> None:
    (net,) = parsed("net a(n) = [A]*n->Y").statements
    repeat, last = net.body.chains[0].steps
    assert isinstance(repeat, ast.Repeat)
    assert repeat.count.id == "n"
    assert last.callee.id == "Y"


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_every_node_knows_its_place(path: Path) -> None:
    text = read(path)
    for node in nodes(parsed(text)):
        written = node.span.text
        assert written == written.strip() or isinstance(node, ast.File)
        if isinstance(node, ast.Name | ast.TargetName):
            assert written == node.id
        elif isinstance(node, ast.Group):
            assert (written[0], written[-1]) == ("[", "]")
        elif isinstance(node, ast.Merge):
            assert written[-1] == "}"
        elif isinstance(node, ast.Apply | ast.Call) and node.args is not None:
            assert written[-1] == ")"
        elif isinstance(node, ast.Reference):
            assert written[0] == "@"
        elif isinstance(node, ast.Named | ast.Parameter | ast.Binding | ast.Attribute):
            assert node.name_span.text == node.name
        elif isinstance(node, ast.Repeat):
            assert written.endswith(("]", ")", node.count.span.text))
        elif isinstance(node, ast.Statement):
            assert written.split()[0] in ("use", "let", "block", "net", "expect")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_nodes_lie_inside_their_parents_one_after_the_other(path: Path) -> None:
    for node in nodes(parsed(read(path))):
        end = node.span.start
        for child in nodes(node, deep=False):
            assert end <= child.span.start <= child.span.end <= node.span.end
            if not isinstance(node, ast.File):  # statements and comments take turns
                end = child.span.start
