"""DOT of the whole zoo, read back by a reader of the few forms that are written; and by Graphviz where there is one."""

import shutil
import subprocess
from html import unescape
from time import process_time

import pytest

from cnnspec import load, parse
from cnnspec.analysis.diagram import Diagram, diagram
from cnnspec.analysis.outline import ALL
from cnnspec.analysis.summary import Summary
from cnnspec.render.draw.dot import dot, quoted
from cnnspec.render.draw.titles import title
from tests.zoo import zoo

#: Names and arguments that would end a text, begin an escape, an entity, a directive, a formula, an icon or an element.
HOSTILE = r"""
block b(s, c) = ADD{ CONV(c) -> BN | ID } -> RELU
net n = INPUT(4x8x8) -> b("<b>\N\l&lt;%%{init}%%", 4) -> CONV(8) -> [b("]}|*x*_i_--> end", 8) as end]*3
  -> CONV(16) -> b("$$x$$ `q` #quot;\\", 16) -> GAP -> FC(2)
"""
HOSTILE_NAME = '<script>"]}\\\n&#quot;%%{init: {}}%%\x00'


def hostile() -> Summary:
    named: Summary = parse(HOSTILE).summary().replace(name=HOSTILE_NAME)
    return named


class Read:
    """A file of DOT, read line by line: nodes and clusters with their texts, edges, and the cluster each node is in."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines()
        self.name = self.text_of(lines[0], "digraph ")
        self.nodes: dict[str, dict[str, str]] = {}
        self.edges: dict[tuple[str, str], dict[str, str]] = {}
        self.clusters: dict[str, str] = {}
        self.homes: dict[str, tuple[str, ...]] = {}
        opened: list[str] = []
        for line in (line.strip() for line in lines[1:-1]):
            words = line.split(" ")
            if words[0] == "subgraph":
                assert words[1] not in self.clusters, "two clusters of one name"
                opened.append(words[1])
                self.clusters[words[1]] = ""
            elif words[0] == "}":
                opened.pop()
            elif words[0].startswith("label="):
                self.clusters[opened[-1]] = self.attributes(line)["label"]
            elif words[1] == "->":
                self.edges[words[0], words[2]] = self.attributes(line)
            elif words[0] not in {"graph", "node", "edge"}:
                assert words[0] not in self.nodes, "two nodes of one name"
                self.nodes[words[0]] = self.attributes(line)
                self.homes[words[0]] = tuple(opened)
        assert lines[-1] == "}"
        assert not opened, "a cluster that is not closed"

    @staticmethod
    def text_of(line: str, before: str) -> str:
        """What stands between quotes behind `before`, as Graphviz shows it."""
        rest = line[line.index(before) + len(before):]
        assert rest[0] == '"', line
        shown, at = "", 1
        while rest[at] != '"':
            escaped = rest[at] == "\\"
            assert not escaped or rest[at + 1] in '\\"n', f"an escape that Graphviz would fill in: {rest[at:at + 2]}"
            shown += {"n": "\n"}.get(rest[at + 1], rest[at + 1]) if escaped else rest[at]
            at += 1 + escaped
        return unescape(shown)

    @classmethod
    def attributes(cls, line: str) -> dict[str, str]:
        return {key: cls.text_of(line, f"{key}=") for key in ("label", "tooltip", "edgetooltip", "fillcolor")
                if f'{key}="' in line}


def checked(made: Diagram, summary: Summary) -> Read:
    read = Read(dot(made, summary))
    assert {key for key in read.nodes if key[0] == "b"} == {f"b{box.key}" for box in made.boxes}
    for box in made.boxes:
        assert read.nodes[f"b{box.key}"]["label"] == title(box.row)
    wanted = {(f"b{edge.source}", f"b{edge.target}") for edge in made.edges}
    wanted |= {(f"b{end.source}", f"end{key}") for key, end in enumerate(made.ends)}
    assert set(read.edges) == wanted
    return read


@pytest.mark.parametrize("name", zoo())
def test_every_network_reads_back_box_by_box(name: str) -> None:
    summary = load(name).summary()
    for depth in (None, 1, ALL):
        made = diagram(summary, depth)
        start = process_time()
        dot(made, summary)
        assert process_time() - start < 1
        checked(made, summary)


def test_frames_are_clusters_and_bypasses_are_edges() -> None:
    text = ("block b(c) = ADD{ CONV(c) -> RELU -> CONV(c) | ID } -> RELU\n"
            "net n = INPUT(4x8x8) -> CONV(4) -> [b(4)]*3 -> GAP")
    summary = parse(text).summary()
    read = checked(diagram(summary, 1), summary)
    assert [*read.clusters.values()] == ["b(4) ×3"]
    inside = {key for key, home in read.homes.items() if home}
    assert [read.nodes[key]["label"] for key in sorted(inside)] == ["CONV 3×3 → RELU → CONV 3×3", "ADD", "RELU"]
    assert {("b1", "b2"), ("b2", "b3"), ("b1", "b3")} <= set(read.edges)
    assert read.edges["b1", "b3"]["label"].strip() == "4×8×8"
    assert "stands in 3 places" in read.nodes["b2"]["tooltip"]


def test_hostile_names_stay_text() -> None:
    summary = hostile()
    for depth in (0, 1, ALL):
        read = checked(diagram(summary, depth), summary)
        assert read.name == '<script>"]}\\␊&#quot;%%{init: {}}%%␀'
    shown = [label for label in checked(diagram(summary, 1), summary).clusters.values() if "<b>" in label]
    assert shown, "the hostile argument is on the picture"
    assert shown[0].startswith(r'b("<b>\N\l&lt;%%{init}')


@pytest.mark.parametrize("text", ['"', "\\", '\\"', "\\N", "&lt;", "a\nb", "\\\\", "&amp;quot;"])
def test_a_text_reads_back(text: str) -> None:
    assert Read.text_of(f"x={quoted(text)};", "x=") == text


def test_the_reader_refuses_what_graphviz_would_fill_in() -> None:
    with pytest.raises(AssertionError, match="fill in"):
        Read.text_of(r'x="\N";', "x=")
    with pytest.raises(IndexError):
        Read.text_of('x="open', "x=")


def test_graphviz_takes_it() -> None:
    """Where there is no Graphviz, the reader above has to do."""
    for summary in (hostile(), load("resnet50").summary()):
        made = diagram(summary, 1)
        text = dot(made, summary)
        program = shutil.which("dot")
        if program is None:
            checked(made, summary)
            continue
        done = subprocess.run([program, "-Tplain"], input=text, capture_output=True, text=True, timeout=60, check=True)
        assert not done.stderr
        drawn = [line for line in done.stdout.splitlines() if line.startswith("node b")]
        assert len(drawn) == len(made.boxes)
