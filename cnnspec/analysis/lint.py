"""Warnings: what is allowed and yet is seldom meant."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.structure import reaching
from cnnspec.diagnostics import Diagnostic, in_order
from cnnspec.graph.network import Graph, Node
from cnnspec.graph.trace import trace
from cnnspec.layers.base import show


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
        for axis, left in enumerate(node.op.layer.unused_rows(node.op.output, *node.op.inputs)):
            if left > 0:
                yield _unused(node, axis, left)


def _unused(node: Node, axis: int, left: int) -> Diagnostic:
    entering = node.op.inputs[0]
    extent = entering[axis + 1]
    letter = "LHWDHW"[{2: 0, 3: 1, 4: 3}[len(entering)] + axis]
    where = trace(node.scope)
    return Diagnostic(
        "unused-rows",
        f"{node.op.brief} never reads the last {left} of {extent} along {letter}",
        node.span, label=f"{show(entering)} enters, {show(node.shape)} leaves",
        notes=(where,) if where else (),
        help=f"{letter} = {extent - left} gives the same output; or pad, or pool with `ceil=on`",
    )


def _dead_branches(graph: Graph) -> Iterator[Diagnostic]:
    """Values that reach no output: reported at the last layer of each dead path."""
    alive = reaching(graph, [graph.output, *(output.node for output in graph.outputs)])
    read = {source for node in graph.nodes for source in node.inputs}
    for node in graph.nodes:
        if node.index not in alive and node.index not in read:
            yield Diagnostic("dead-branch", f"the value of {node.op.brief} ({show(node.shape)}) reaches no output",
                             node.span, notes=_notes(node),
                             help="read it (`@name`), mark it (`OUTPUT(name)`), or drop the layers that make it")


def _names(graph: Graph) -> Iterator[Diagnostic]:
    """Names that nobody reads, or not all; on groups and blocks, a name that is never read serves the paths."""
    read = {named.name.partition("[")[0] for named in graph.named if named.read}
    for named in graph.named:
        known = named.name.partition("[")[0] in read
        if named.overwritten and not named.read and (named.plain or known):
            yield Diagnostic("overwritten-name", f"`{named.name}` is named again before anybody reads it", named.span,
                             help="rename one of them, or give them an index: `as x[i]`")
        elif named.plain and not named.read and not known:
            yield Diagnostic("unused-name", f"the value named `{named.name}` is never read", named.span,
                             help=f"read it with `@{named.name}`, or drop `as {named.name}`")
