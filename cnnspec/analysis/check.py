"""Everything that is wrong with a spec file: its text, its names, its nets, its expectations; and the warnings."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.analysis.expect import check_expectations
from cnnspec.analysis.naming import once_each
from cnnspec.analysis.nets import Nets
from cnnspec.analysis.trust import Trust
from cnnspec.diagnostics import Diagnostic, in_order
from cnnspec.grammar import ast
from cnnspec.graph import static
from cnnspec.graph.binding import everything
from cnnspec.graph.problem import Quiet, Stop
from cnnspec.graph.program import Module
from cnnspec.graph.values import Defined
from cnnspec.limits import Limits
from cnnspec.source import Source, Span
from cnnspec.targets import load_module

#: What may only follow from a definition that could not be read.
_OF_MISSING_NAMES = frozenset(("unknown-name", "unknown-block"))


def check(source: Source, limits: Limits) -> tuple[Diagnostic, ...]:
    """The mistakes and warnings of a spec, one for each mistake, in source order."""
    module, found = load_module(source, limits)
    return check_module(module, found, limits)


def check_module(module: Module, found: tuple[Diagnostic, ...], limits: Limits) -> tuple[Diagnostic, ...]:
    """As `check`, for a file that is loaded; `found` is what is wrong with its text and its names."""
    trust = Trust(module, found)
    nets = Nets(limits, trust.counts)
    expectations = check_expectations(module, filter(trust.covers, module.expectations), nets)
    dynamic = [*_check_nets(module, nets, trust), *expectations, *nets.mistakes]
    beyond = filter(trust.stands, _beyond(dynamic, module))
    more = [d for d in (*dynamic, *beyond) if not found or d.code not in _OF_MISSING_NAMES]
    return in_order([*found, *once_each(more, module.file), *nets.warnings])


def _check_nets(module: Module, nets: Nets, trust: Trust) -> Iterator[Diagnostic]:
    """Expand the nets of a file. Those whose parameters lack defaults are checked where others use them."""
    for net in module.nets:
        complete = all(parameter.default is not None for parameter in module.signature(net))
        if complete and trust.reads(net):
            try:
                nets.expand(Defined(net, module), net.name_span)
            except Stop as stop:
                yield stop.diagnostic
            except Quiet:
                return  # there are too many: said


def _beyond(known: list[Diagnostic], module: Module) -> Iterator[Diagnostic]:
    """What is found without expansion, at places where nothing is known to be wrong yet."""
    places = {(d.span.source.name, d.span.start) for d in known if d.span is not None}
    loops = _misbound_loops(known, module)
    for diagnostic in static.mistakes(module):
        span = diagnostic.span
        if span is None or (span.source.name, span.start) not in places:
            if span is None or not any(loop.start <= span.start < loop.end for loop in loops):
                yield diagnostic


def _misbound_loops(known: list[Diagnostic], module: Module) -> list[Span]:
    """The loops whose names do not fit their elements: a name that is missing there is unknown for that reason."""
    spans = {d.span for d in known}
    if not spans:
        return []
    loops = [s for s in everything(module.file.statements) if isinstance(s, ast.Loop | ast.BranchLoop)]
    return [loop.span for loop in loops if loop.target.span in spans]
