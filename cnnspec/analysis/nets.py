"""The nets that a file's expectations and checks speak of: each distinct call is expanded once, and analysed once."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.summary import Summary, summarize
from cnnspec.diagnostics import Diagnostic
from cnnspec.grammar import ast
from cnnspec.graph.calls import flatten
from cnnspec.graph.elaborate import Elaboration, elaborate
from cnnspec.graph.network import Graph
from cnnspec.graph.operators import kinds
from cnnspec.graph.problem import Problem, Quiet
from cnnspec.graph.program import Module
from cnnspec.graph.values import Bound, Defined, Given, describe
from cnnspec.limits import Limits
from cnnspec.source import Span


class Nets:
    """Nets, by what is called with which arguments."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._expanded: dict[tuple[object, ...], Elaboration] = {}
        self._summaries: dict[tuple[object, ...], Summary] = {}

    @property
    def diagnostics(self) -> Iterator[Diagnostic]:
        """The mistakes of all nets so far."""
        for elaboration in self._expanded.values():
            yield from elaboration.diagnostics

    @property
    def graphs(self) -> Iterator[Graph]:
        """The nets so far that have none."""
        for elaboration in self._expanded.values():
            if elaboration.graph is not None:
                yield elaboration.graph

    def expand(self, value: object, span: Span) -> Elaboration:
        """The net that a value stands for; raises `Problem` at `span` where it stands for none."""
        called, given = flatten(value, ())
        if not isinstance(called, Defined) or not isinstance(called.definition, ast.Net):
            raise Problem("not-a-net", f"{describe(value)} is no net", span,
                          help="figures belong to nets: `vgg16.params`")
        key = called, *((g.name, kinds(g.value), g.value) for g in given)
        if key not in self._expanded:
            call, module = _call(value, called, given, span)
            self._expanded[key] = elaborate(module, call, self.limits, name=called.definition.name)
        return self._expanded[key]

    def summary(self, value: object, span: Span, batch: int = 1, dtype: str = "float32") -> Summary:
        """The analysis of a net; raises `Quiet` where it has mistakes, which are said elsewhere."""
        graph = self.expand(value, span).graph
        if graph is None:
            raise Quiet
        key = graph, batch, dtype
        if key not in self._summaries:
            self._summaries[key] = summarize(graph, batch, dtype)
        return self._summaries[key]


def _call(value: object, called: Defined, given: tuple[Given, ...], span: Span) -> tuple[ast.Apply, Module]:
    """The call that makes a net, and the file in which its names are read."""
    name, place = called.definition.name, called.definition.name_span
    if not isinstance(value, Bound):
        return ast.Apply(place, ast.Name(place, name), None), called.module
    module = given[0].environment.module if given else called.module
    callee, args = value.call.callee, tuple(g.argument for g in given)
    if not isinstance(callee, ast.Name | ast.Index):
        callee = ast.Name(place, name)
    return ast.Apply(value.call.span, callee, args), module
