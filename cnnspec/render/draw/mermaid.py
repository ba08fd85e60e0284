"""A diagram in Mermaid, which Markdown pages of GitHub and GitLab show as a picture."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.diagram import Box, Diagram, Element, Frame
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.draw.titles import name, title
from cnnspec.render.palette import FAINT, FILLS, PANEL, QUIET, STROKES, TEXT, Tone
from cnnspec.render.snippet import visible

#: What encloses the label of a node, by family; others have corners.
_ENCLOSED = {"input": ("([", "])"), "merge": ("([", "])")}
#: Characters that Mermaid, its Markdown, formulas, icons or directives would act on, as its own codes.
_CODES = str.maketrans({character: f"#{ord(character)};" for character in "#&<>`\\%$:*_~{}@^"} | {'"': "#quot;"})
#: Edges beyond which Mermaid shows nothing, unless the page that it runs in allows more.
_MOST_EDGES = 499


def mermaid(diagram: Diagram, summary: Summary) -> str:
    """A diagram as a `flowchart`: subgraphs for frames, shapes of values on the edges, a class for each family."""
    return "\n".join((
        "flowchart TB",
        *(f"  %% {remark}" for remark in _remarks(diagram, summary)),
        *_elements(diagram.elements, 1),
        *_edges(diagram),
        *_ends(diagram),
        *(_class(family, FILLS[family], STROKES[family], TEXT)
          for family in sorted({box.family for box in diagram.boxes})),
        _class("frame", PANEL, FAINT, QUIET),
        _class("end_", PANEL, PANEL, TEXT),
        "",
    ))


def quoted(text: str) -> str:
    """A text between quotes, as Mermaid shows it literally."""
    return f'"{text.translate(_CODES)}"'


def _remarks(diagram: Diagram, summary: Summary) -> Iterator[str]:
    """Comments; in them too, Mermaid looks for directives."""
    yield f"{visible(summary.name).translate(_CODES)}, {units.count(summary.totals.params)} parameters"
    edges = len(diagram.edges) + len(diagram.ends)
    if edges > _MOST_EDGES:
        yield f"{edges} edges: Mermaid shows so many only where its setting maxEdges allows it"


def _elements(elements: tuple[Element, ...], level: int) -> Iterator[str]:
    for element in elements:
        if isinstance(element, Box):
            yield "  " * level + _node(element)
        elif isinstance(element, Frame):
            yield from _subgraph(element, level)
        else:
            for branch in element.branches:
                yield from _elements(branch.elements, level)
            yield "  " * level + _node(element.merge)


def _subgraph(frame: Frame, level: int) -> Iterator[str]:
    yield f"{'  ' * level}subgraph f{name(frame)}[{quoted(title(frame))}]"
    yield from _elements(frame.elements, level + 1)
    yield f"{'  ' * level}end"
    yield f"{'  ' * level}class f{name(frame)} frame"


def _node(box: Box) -> str:
    before, behind = _ENCLOSED.get(box.family, ("[", "]"))
    return f"b{box.key}{before}{quoted(title(box.row))}{behind}:::{box.family}"


def _edges(diagram: Diagram) -> Iterator[str]:
    return (f'  b{edge.source} -->|"{units.shape(edge.shape)}"| b{edge.target}' for edge in diagram.edges)


def _ends(diagram: Diagram) -> Iterator[str]:
    """The outputs, as text beneath what makes them."""
    for key, end in enumerate(diagram.ends):
        yield f"  end{key}[{quoted(visible(end.name) or 'output')}]:::end_"
        yield f'  b{end.source} -->|"{units.shape(end.shape)}"| end{key}'


def _class(family: str, fill: Tone, stroke: Tone, text: Tone) -> str:
    return f"  classDef {family} fill:{fill.light},stroke:{stroke.light},color:{text.light}"
