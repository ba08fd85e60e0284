"""The four forms of a message: what is underlined where, and what machines read."""

from __future__ import annotations

import pytest

from cnnspec.diagnostics import Diagnostic, Label
from cnnspec.render.diagnostics import as_json, concise, full, github
from cnnspec.render.snippet import Mark, excerpt, visible, width
from cnnspec.source import Source, Span

TEXT = """\
block basic(c, s = 1) =
    ADD{ conv_bn(c, 3, s) -> RELU -> conv_bn(c) | ID } -> RELU

net small = INPUT(3x32x32)
    -> basic(16, 2)
    -> [CONV
        -> RELU]*2
"""
SOURCE = Source("nets/small.cnn", TEXT)


def at(text: str, source: Source = SOURCE, nth: int = 0) -> Span:
    """The place of the `nth` occurrence of a text."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    return Span(source, start, start + len(text))


MISMATCH = Diagnostic(
    "shape-mismatch", "the branches of ADD have different shapes", at("ADD"),
    labels=(Label(at("conv_bn(c, 3, s) -> RELU -> conv_bn(c)"), "16x16x16"), Label(at("ID"), "3x32x32")),
    notes=("in basic(c=16, s=2), in net small",), help="project it: `CONV(16, 1, stride=2)`",
)


def lines(text: str) -> str:
    return text.strip("\n")


class TestFull:
    def test_labels_stand_beneath_their_places(self) -> None:
        assert full([MISMATCH]) == lines("""
error[shape-mismatch]: the branches of ADD have different shapes
  --> nets/small.cnn:2:5
   |
 2 |     ADD{ conv_bn(c, 3, s) -> RELU -> conv_bn(c) | ID } -> RELU
   |     ^^^  --------------------------------------   --
   |          16x16x16                                 3x32x32
   = in basic(c=16, s=2), in net small
   = help: project it: `CONV(16, 1, stride=2)`
""")

    def test_texts_that_would_collide_are_stacked(self) -> None:
        crowded = MISMATCH.replace(label="joins three", labels=(
            Label(at("conv_bn(c, 3, s)"), "a long text that reaches far to the right"),
            Label(at("conv_bn(c) "), "the second"), Label(at("ID"), "the third")), notes=(), help="")
        assert full([crowded]) == lines("""
error[shape-mismatch]: the branches of ADD have different shapes
  --> nets/small.cnn:2:5
   |
 2 |     ADD{ conv_bn(c, 3, s) -> RELU -> conv_bn(c) | ID } -> RELU
   |     ^^^  ----------------            -----------  --
   |     |    |                           the second   the third
   |     |    a long text that reaches far to the right
   |     joins three
""")

    def test_labels_on_other_lines_come_with_their_lines(self) -> None:
        later = MISMATCH.replace(labels=(Label(at("basic(16, 2)"), "called here"),), notes=(), help="")
        assert full([later]) == lines("""
error[shape-mismatch]: the branches of ADD have different shapes
  --> nets/small.cnn:2:5
   |
 2 |     ADD{ conv_bn(c, 3, s) -> RELU -> conv_bn(c) | ID } -> RELU
   |     ^^^
...
 5 |     -> basic(16, 2)
   |        ------------
   |        called here
""")

    def test_a_single_line_between_is_shown(self) -> None:
        near = MISMATCH.replace(span=at("net"), labels=(Label(at("ID"), "here"),), notes=(), help="")
        assert full([near]).splitlines()[3:8] == [
            " 2 |     ADD{ conv_bn(c, 3, s) -> RELU -> conv_bn(c) | ID } -> RELU",
            "   |                                                   --",
            "   |                                                   here",
            " 3 |",
            " 4 | net small = INPUT(3x32x32)",
        ]

    def test_a_label_in_another_file(self) -> None:
        other = Source("blocks.cnn", "block basic = ID\n")
        labels = (Label(at("basic", other), "first"),)
        twice = Diagnostic("defined-twice", "`basic` is defined twice", at("basic"), labels=labels)
        assert full([twice]) == lines("""
error[defined-twice]: `basic` is defined twice
  --> nets/small.cnn:1:7
   |
 1 | block basic(c, s = 1) =
   |       ^^^^^
  ::: blocks.cnn:1:7
   |
 1 | block basic = ID
   |       -----
   |       first
""")

    def test_of_several_lines_the_first_is_underlined(self) -> None:
        span = Span(SOURCE, at("[CONV").start, at("]*2").end)
        assert full([Diagnostic("dead-branch", "it reaches no output", span)]).splitlines()[-2:] == [
            " 6 |     -> [CONV",
            "   |        ^^^^^",
        ]

    def test_line_numbers_of_different_widths_line_up(self) -> None:
        source = Source("long.cnn", "ID\n" * 8 + "first\nsecond\n")
        pair = Diagnostic("x", "m", at("second", source), labels=(Label(at("first", source)),))
        assert full([pair]) == lines("""
error[x]: m
   --> long.cnn:10:1
    |
  9 | first
    | -----
 10 | second
    | ^^^^^^
""")

    def test_tabs_and_wide_characters_do_not_shift_the_signs(self) -> None:
        source = Source("wide.cnn", "\t-> CONV # 卷积 é e\u0301 -> RELU")
        text = full([Diagnostic("x", "m", at("RELU", source))]).splitlines()
        assert text[3] == " 1 |     -> CONV # 卷积 é e\u0301 -> RELU"
        assert width(text[3][: text[3].index("RELU")]) == text[4].index("^")

    def test_an_empty_place_after_the_last_character(self) -> None:
        source = Source("end.cnn", "net a =")
        assert full([Diagnostic("x", "m", Span(source, 7, 7))]).splitlines()[-2:] == [" 1 | net a =", "   |        ^"]

    def test_without_a_place(self) -> None:
        assert full([Diagnostic("file-not-found", "there is no file a.cnn", help="did you mean `b.cnn`?")]) == lines("""
error[file-not-found]: there is no file a.cnn
   = help: did you mean `b.cnn`?
""")

    def test_warnings_are_called_so(self) -> None:
        assert full([Diagnostic("unused-rows", "m", at("ID"))]).startswith("warning[unused-rows]: m\n")

    def test_color_only_adds_escape_sequences(self) -> None:
        import re

        colored = full([MISMATCH], color=True)
        assert "\x1b[1;31merror[shape-mismatch]\x1b[0m" in colored
        assert re.sub(r"\x1b\[[\d;]*m", "", colored) == full([MISMATCH])

    def test_nothing_that_a_terminal_acts_on_is_printed(self) -> None:
        source = Source("evil\x1b[2J.cnn", "RELU\x1b[31m\x00\x07")
        text = full([Diagnostic("x", "m\x1b]0;t\x07", at("RELU", source))])
        assert not set(text) & {chr(code) for code in [*range(9), *range(11, 32), 127]}


class TestExcerpt:
    LINE = "INPUT(3x224x224) -> " + "RELU -> " * 40 + "CONV(12) -> " + "RELU -> " * 40 + "FC"

    def test_a_long_line_is_cut_around_its_mark(self) -> None:
        start = self.LINE.index("CONV")
        shown, rows = excerpt(self.LINE, [Mark(start, start + 8, "^", "")], 60)
        ((cell, signs, _),) = rows[0]
        assert shown[0] == shown[-1] == "…"
        assert len(shown) <= 62
        assert shown[cell : cell + len(signs)] == "CONV(12)"

    @pytest.mark.parametrize(("place", "cut"), [("INPUT", (False, True)), ("FC", (True, False))])
    def test_at_its_ends_nothing_is_cut(self, place: str, cut: tuple[bool, bool]) -> None:
        start = self.LINE.index(place)
        shown, rows = excerpt(self.LINE, [Mark(start, start + len(place), "^", "")], 60)
        assert (shown[0] == "…", shown[-1] == "…") == cut
        assert shown[rows[0][0][0] :].startswith(place)

    def test_marks_far_apart_keep_the_first_in_view(self) -> None:
        conv, fc = self.LINE.index("CONV"), self.LINE.index("FC")
        shown, rows = excerpt(self.LINE, [Mark(conv, conv + 4, "^", ""), Mark(fc, fc + 2, "-", "", "far")], 60)
        carets = next(piece for piece in rows[0] if piece[1][0] == "^")
        assert shown[carets[0] :].startswith("CONV")
        assert any(text == "far" for _, text, _ in rows[1])

    def test_a_mark_longer_than_the_line_may_be(self) -> None:
        shown, rows = excerpt(self.LINE, [Mark(0, len(self.LINE), "^", "")], 60)
        assert len(rows[0][0][1]) <= len(shown)

    def test_where_places_overlap_the_first_is_seen(self) -> None:
        _, rows = excerpt("a -> CONV(3)", [Mark(5, 9, "^", ""), Mark(0, 12, "-", "")])
        assert "".join(piece for _, piece, _ in rows[0]) == "-----^^^^---"

    def test_two_texts_at_one_place(self) -> None:
        _, rows = excerpt("a -> b", [Mark(0, 1, "^", "", "one"), Mark(0, 1, "-", "", "two")])
        assert [[piece for _, piece, _ in row] for row in rows] == [["^"], ["one"], ["two"]]


class TestMachines:
    def test_concise(self) -> None:
        message = "error[shape-mismatch] the branches of ADD have different shapes"
        assert concise([MISMATCH]) == f"nets/small.cnn:2:5: {message}"
        assert concise([Diagnostic("no-net", "it defines no net")]) == "error[no-net] it defines no net"

    def test_github_escapes_what_its_parser_undoes(self) -> None:
        source = Source("a,b:c%.cnn", "RELU")
        warning = Diagnostic("unused-rows", "100% of\nit: a, b", at("RELU", source), notes=("why",), help="do")
        assert github([warning]) == (
            "::warning file=a%2Cb%3Ac%25.cnn,line=1,col=1,endLine=1,endColumn=5,title=warning[unused-rows]"
            "::100%25 of%0Ait: a, b%0Awhy%0Ahelp: do"
        )

    def test_github_gives_no_columns_over_several_lines(self) -> None:
        span = Span(SOURCE, at("[CONV").start, at("]*2").end)
        assert github([Diagnostic("x", "m", span)]) == "::error file=nets/small.cnn,line=6,endLine=7,title=error[x]::m"

    def test_github_without_a_place(self) -> None:
        assert github([Diagnostic("no-net", "m")]) == "::error title=error[no-net]::m"

    def test_json_counts_and_places(self) -> None:
        found = as_json([MISMATCH, Diagnostic("unused-rows", "m", at("ID"))], files=3)
        assert (found["schema"], found["files"], found["errors"], found["warnings"]) == ("cnnspec.check/1", 3, 1, 1)
        first = found["diagnostics"][0]  # type: ignore[index]  # a list of objects
        assert first["span"] == {"file": "nets/small.cnn", "line": 2, "column": 5, "end_line": 2, "end_column": 8}
        assert first["labels"][1]["text"] == "3x32x32"


def test_visible_and_width() -> None:
    assert visible("a\tb\0\x7f\x85") == "a    b\u2400\u2421\ufffd"
    assert width("卷积") == 4
    assert width("e\u0301") == 1
