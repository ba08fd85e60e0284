"""Everything that is wrong with a spec file: its text, its names, its nets, its expectations; and the warnings."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.expect import check_expectations
from cnnspec.analysis.lint import lint
from cnnspec.analysis.nets import Nets
from cnnspec.analysis.trust import Trust
from cnnspec.diagnostics import Diagnostic, in_order
from cnnspec.grammar import ast
from cnnspec.graph import static
from cnnspec.graph.program import Module
from cnnspec.graph.values import Defined
from cnnspec.limits import Limits
from cnnspec.source import Source
from cnnspec.targets import load_module

#: What may only follow from a definition that could not be read.
_OF_MISSING_NAMES = frozenset(("unknown-name", "unknown-block"))


def check(source: Source, limits: Limits) -> tuple[Diagnostic, ...]:
    """The mistakes and warnings of a spec, one for each mistake, in source order."""
    module, found = load_module(source, limits)
    return check_module(module, found, limits)


def check_module(module: Module, found: tuple[Diagnostic, ...], limits: Limits) -> tuple[Diagnostic, ...]:
    """As `check`, for a file that is loaded; `found` is what is wrong with its text and its names."""
    trust, nets = Trust(module, found), Nets(limits)
    complete = [net for net in module.nets if _complete(net, module)]
    expanded = [diagnostic for net in complete for diagnostic in _expand(net, module, nets, trust)]
    expectations = [e for e in module.expectations if trust.covers(e)]
    dynamic = [*expanded, *check_expectations(module, expectations, nets), *nets.diagnostics]
    more = [*dynamic, *_beyond(dynamic, static.mistakes(module))]
    if found:
        more = [diagnostic for diagnostic in more if diagnostic.code not in _OF_MISSING_NAMES]
    return in_order([*found, *more, *(warning for graph in nets.graphs for warning in lint(graph))])


def _complete(net: ast.Net, module: Module) -> bool:
    """Whether a net can be expanded as it is; one whose parameters lack defaults is checked where others use it."""
    return all(parameter.default is not None for parameter in module.signature(net))


def _expand(net: ast.Net, module: Module, nets: Nets, trust: Trust) -> Iterator[Diagnostic]:
    """Expand a net; of one with mistakes in its text, what is wrong before the first of them."""
    if trust.covers(net):
        nets.expand(Defined(net, module), net.name_span)
        return
    end = trust.readable(net)
    if end is not None:
        alone = Nets(nets.limits)
        for diagnostic in alone.expand(Defined(net, module), net.name_span).diagnostics:
            span = diagnostic.span
            if span is not None and (span.source is not net.span.source or net.body.span.start <= span.start < end):
                yield diagnostic


def _beyond(known: list[Diagnostic], found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    """What is found at places where nothing is known to be wrong yet."""
    places = {(d.span.source.name, d.span.start) for d in known if d.span is not None}
    return (d for d in found if d.span is None or (d.span.source.name, d.span.start) not in places)
