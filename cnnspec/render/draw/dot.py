"""A diagram in DOT, the language of Graphviz; for who wants to go on working on the picture there."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.diagram import Box, Diagram, Element, Frame
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.draw.titles import name, title, tooltip
from cnnspec.render.palette import FAINT, FILLS, LINE, PANEL, QUIET, STROKES, TEXT
from cnnspec.render.snippet import visible

_FONT = "DejaVu Sans Mono,Menlo,Consolas,monospace"
#: Nodes that are not plain boxes, by family: where values enter, and where they meet.
_SHAPES = {"input": "oval", "merge": "oval"}
#: What DOT would act on: quotes end a text, backslashes begin an escape, and `&` an entity.
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;", "\n": "\\n"})


def dot(diagram: Diagram, summary: Summary) -> str:
    """A diagram as a `digraph`: clusters for frames, tooltips from the summary, shapes of values on the edges."""
    return "\n".join((
        f"digraph {quoted(visible(diagram.name))} {{",
        f'  graph [rankdir=TB, nodesep=0.3, ranksep=0.35, fontname="{_FONT}", fontsize=11, bgcolor="transparent"];',
        (f'  node [shape=box, style="filled,rounded", fontname="{_FONT}", fontsize=11, fontcolor="{TEXT.light}",'
         ' margin="0.15,0.08", height=0.3];'),
        f'  edge [fontname="{_FONT}", fontsize=9, fontcolor="{QUIET.light}", color="{LINE.light}", arrowsize=0.7];',
        *_elements(diagram.elements, summary, 1),
        *_edges(diagram),
        *_ends(diagram),
        "}\n",
    ))


def quoted(text: str) -> str:
    """A text between quotes, as DOT shows it literally."""
    return f'"{text.translate(_ESCAPES)}"'


def _elements(elements: tuple[Element, ...], summary: Summary, level: int) -> Iterator[str]:
    for element in elements:
        if isinstance(element, Box):
            yield "  " * level + _node(element, summary)
        elif isinstance(element, Frame):
            yield from _cluster(element, summary, level)
        else:
            for branch in element.branches:
                yield from _elements(branch.elements, summary, level)
            yield "  " * level + _node(element.merge, summary)


def _cluster(frame: Frame, summary: Summary, level: int) -> Iterator[str]:
    indent = "  " * level
    yield f"{indent}subgraph cluster_{name(frame)} {{"
    yield (f'{indent}  label={quoted(title(frame))}; labeljust=l; style="filled,rounded"; fillcolor="{PANEL.light}";'
           f' color="{FAINT.light}"; fontcolor="{QUIET.light}";')
    yield from _elements(frame.elements, summary, level + 1)
    yield f"{indent}}}"


def _node(box: Box, summary: Summary) -> str:
    shape = f", shape={_SHAPES[box.family]}" if box.family in _SHAPES else ""
    return (f"b{box.key} [label={quoted(title(box.row))}, tooltip={quoted(tooltip(summary, box.row))}"
            f', fillcolor="{FILLS[box.family].light}", color="{STROKES[box.family].light}"{shape}];')


def _edges(diagram: Diagram) -> Iterator[str]:
    rows: tuple[Row, ...] = tuple(box.row for box in diagram.boxes)
    for edge in diagram.edges:
        ends = f"{title(rows[edge.source])} → {title(rows[edge.target])}"
        shape = units.shape(edge.shape)
        yield f'  b{edge.source} -> b{edge.target} [label=" {shape}", edgetooltip={quoted(ends)}];'


def _ends(diagram: Diagram) -> Iterator[str]:
    """The outputs, as text beneath what makes them."""
    for key, end in enumerate(diagram.ends):
        yield f'  end{key} [label={quoted(visible(end.name) or "output")}, shape=plaintext, style=""];'
        yield f'  b{end.source} -> end{key} [label=" {units.shape(end.shape)}"];'
