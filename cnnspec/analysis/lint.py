"""Warnings: what is allowed and yet is seldom meant."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.structure import reaching
from cnnspec.diagnostics import Diagnostic, in_order
from cnnspec.graph.network import Graph, Node
from cnnspec.graph.trace import trace
from cnnspec.layers.base import show
from cnnspec.layers.window import axis_names


def lint(graph: Graph) -> tuple[Diagnostic, ...]:
    """The warnings of an expanded net, in source order, one for each place.

    A comment `# allow: unused-rows` at the end of a line accepts that warning there.
    """
    found = [*_unused_rows(graph), *_dead_branches(graph), *_names(graph)]
    return in_order(warning for warning in found if not _allowed(warning))


def _allowed(warning: Diagnostic) -> bool:
    """Whether the line's comment accepts this warning."""
    if warning.span is None:
        return False
    comment = warning.span.source.line(warning.span.line).partition("#")[2]
    return warning.code in comment.partition("allow:")[2].replace(",", " ").split()


def _unused_rows(graph: Graph) -> Iterator[Diagnostic]:
    """A stride that leaves real rows of the input unread: the remainder exceeds the padding behind."""
    for node in graph.nodes:
        unused = node.op.unused_rows
        if any(unused):
            entering = node.op.inputs[0]
            rows = [f"{left} of {extent} along {axis}"
                    for axis, extent, left in zip(axis_names(entering), entering[1:], unused, strict=True) if left]
            enough = show((entering[0], *(extent - left for extent, left in zip(entering[1:], unused, strict=True))))
            yield Diagnostic(
                "unused-rows", f"{node.op.brief} never reads the last {' and '.join(rows)}", node.span,
                label=f"{show(entering)} enters, {show(node.shape)} leaves", notes=_notes(node),
                help=f"{enough} gives the same output; or pad, pool with `ceil=on`, "
                "or accept it: `# allow: unused-rows`")


def _notes(node: Node) -> tuple[str, ...]:
    where = trace(node.scope)
    return (where,) if where else ()


def _dead_branches(graph: Graph) -> Iterator[Diagnostic]:
    """Values that reach no output: reported at the last layer of each dead path."""
    for node in map(graph.nodes.__getitem__, sorted(_dead_ends(graph))):
        yield Diagnostic("dead-branch", f"the value of {node.op.brief} ({show(node.shape)}) reaches no output",
                         node.span, notes=_notes(node),
                         help="read it (`@name`), mark it (`OUTPUT(name)`), or drop the layers that make it")


def _dead_ends(graph: Graph) -> set[int]:
    """The nodes that no other reads and that are no output."""
    alive = reaching(graph, [graph.output, *(output.node for output in graph.outputs)])
    read = {source for node in graph.nodes for source in node.inputs}
    return {node.index for node in graph.nodes if node.index not in alive and node.index not in read}


def _names(graph: Graph) -> Iterator[Diagnostic]:
    """Names that nobody reads, or not all; on groups and blocks, a name that is never read serves the paths."""
    read = {named.name.partition("[")[0] for named in graph.named if named.read}
    dead = _dead_ends(graph)
    for named in graph.named:
        known = named.name.partition("[")[0] in read
        if named.overwritten and not named.read and (named.plain or known):
            yield Diagnostic("overwritten-name", f"`{named.name}` is named again before anybody reads it", named.span,
                             help="rename one of them, or give them an index: `as x[i]`")
        elif named.plain and not named.read and not known and named.node not in dead:  # else that is said
            yield Diagnostic("unused-name", f"the value named `{named.name}` is never read", named.span,
                             help=f"read it with `@{named.name}`, or drop `as {named.name}`")
