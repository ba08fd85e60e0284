"""Mermaid of the whole zoo, read back by a reader of the few forms that are written.

Mermaid 11 itself has drawn all of them once, opened by one level, the hostile names too.
"""

import re
from time import process_time

import pytest

from cnnspec import load, parse
from cnnspec.analysis.diagram import Diagram, diagram
from cnnspec.analysis.outline import ALL
from cnnspec.analysis.summary import Summary
from cnnspec.render.draw.mermaid import mermaid, quoted
from cnnspec.render.draw.titles import title
from cnnspec.render.palette import FILLS
from tests.zoo import zoo

#: Every form of a line; a quoted text has none of the characters that something in Mermaid would act on.
TEXT = r'"((?:[^"#&<>`\\%$:*_~{}@^]|#\d+;|#quot;)*)"'
FORMS = {
    "head": r"flowchart TB",
    "comment": r"%% [^{}<]*",
    "node": rf"(b\d+)(?:\[{TEXT}\]|\(\[{TEXT}\]\)):::(\w+)",
    "end": rf"(end\d+)\[{TEXT}\]:::end_",
    "edge": rf"(b\d+) -->\|{TEXT}\| (b\d+|end\d+)",
    "open": rf"subgraph (f\d+_\d+)\[{TEXT}\]",
    "close": r"end",
    "class": r"class (f\d+_\d+) frame",
    "classDef": r"classDef (\w+) fill:(#[\da-f]{6}),stroke:#[\da-f]{6},color:#[\da-f]{6}",
}


def shown(text: str) -> str:
    """A quoted text as Mermaid shows it."""
    return re.sub(r"#(\d+|quot);", lambda code: '"' if code[1] == "quot" else chr(int(code[1])), text)


def read(text: str) -> list[tuple[str, list[str]]]:
    """Every line as its form and what stands in it."""
    found = []
    for line in text.splitlines():
        form, match = next(((form, match) for form, pattern in FORMS.items()
                            if (match := re.fullmatch(pattern, line.strip()))), (None, None))
        assert form, f"none of the forms: {line}"
        assert match
        found.append((form, [shown(part) for part in match.groups() if part is not None]))
    return found


def checked(made: Diagram, summary: Summary) -> list[tuple[str, list[str]]]:
    lines = read(mermaid(made, summary))
    assert lines[0][0] == "head"
    nodes = {parts[0]: parts[1:] for form, parts in lines if form == "node"}
    assert nodes == {f"b{box.key}": [title(box.row), box.family] for box in made.boxes}
    wanted = [(f"b{edge.source}", f"b{edge.target}") for edge in made.edges]
    wanted += [(f"b{end.source}", f"end{key}") for key, end in enumerate(made.ends)]
    assert sorted((parts[0], parts[2]) for form, parts in lines if form == "edge") == sorted(wanted)
    opened = [parts[0] for form, parts in lines if form == "open"]
    assert len(opened) == len(set(opened)) == [form for form, _ in lines].count("close")
    return lines


@pytest.mark.parametrize("name", zoo())
def test_every_network_reads_back_box_by_box(name: str) -> None:
    summary = load(name).summary()
    for depth in (None, 1, ALL):
        made = diagram(summary, depth)
        start = process_time()
        mermaid(made, summary)
        assert process_time() - start < 1
        checked(made, summary)


def test_families_have_their_colours_and_frames_their_boxes() -> None:
    summary = parse("INPUT(3x32x32) -> [CONV(c) -> POOL(2)] for c in (8, 16) -> FC(2)").summary()
    lines = checked(diagram(summary, 0), summary)
    colours = {parts[0]: parts[1] for form, parts in lines if form == "classDef"}
    assert {family: colours[family] for family in ("convolution", "pooling", "linear")} == {
        family: FILLS[family].light for family in ("convolution", "pooling", "linear")}
    first = next(at for at, (form, _) in enumerate(lines) if form == "open")
    assert [(form, parts[-2:]) for form, parts in lines[first:first + 4]] == [
        ("open", ["f1_1", "c=8"]), ("node", ["CONV 3×3", "convolution"]), ("node", ["POOL max 2×2", "pooling"]),
        ("close", [])]


def test_hostile_names_stay_text() -> None:
    text = r"""
block b(s, c) = ADD{ CONV(c) -> BN | ID } -> RELU
net n = INPUT(4x8x8) -> b("<b>\N\l&lt;%%{init}%%", 4) -> CONV(8) -> [b("]}|*x*_i_--> end", 8) as end]*3
  -> CONV(16) -> b("$$x$$ `q` #quot;\\", 16) -> GAP -> FC(2)
"""
    summary = parse(text).summary().replace(name='<script>"]}\\\n&#quot;%%{init: {}}%%\x00')
    for depth in (0, 1, ALL):
        checked(diagram(summary, depth), summary)
    titles = [parts[1] for form, parts in checked(diagram(summary, 1), summary) if form == "open"]
    assert titles[0].startswith(r'b("<b>\N\l&lt;%%{init}')
    assert titles[1].startswith('b("]}|*x*_i_--> end"')


@pytest.mark.parametrize("text", ['"', "#quot;", "#35;", "<b>", "`x`", "%%{init}%%", "$$x$$", "a:b", "\\n", "&lt;"])
def test_a_text_reads_back(text: str) -> None:
    assert shown(quoted(text)[1:-1]) == text


def test_more_edges_than_mermaid_shows_are_told() -> None:
    summary = load("densenet121").summary()
    assert "maxEdges" in mermaid(diagram(summary, ALL), summary)
    assert "maxEdges" not in mermaid(diagram(summary), summary)


def test_the_reader_refuses_what_is_raw() -> None:
    with pytest.raises(AssertionError, match="none of the forms"):
        read('b0["<b>"]:::linear')
    with pytest.raises(AssertionError, match="none of the forms"):
        read('b0["a" b"]:::linear')
