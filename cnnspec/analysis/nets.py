"""The nets that a file's expectations and checks speak of: each distinct call is expanded once, and analysed once."""

from __future__ import annotations

from collections.abc import Callable

from cnnspec.analysis.lint import lint
from cnnspec.analysis.summary import Summary, summarize
from cnnspec.diagnostics import Diagnostic
from cnnspec.grammar import ast
from cnnspec.graph.calls import flatten
from cnnspec.graph.elaborate import Elaboration, elaborate
from cnnspec.graph.problem import Problem, Quiet, Stop
from cnnspec.graph.values import Defined, argument_key, describe
from cnnspec.limits import Limits
from cnnspec.source import Span

#: What is called, and with which arguments.
Key = tuple[object, ...]

#: How often the layers that one net may have (`Limits.layers`) may be expanded for one file.
_MOST_EXPANSIONS = 5


class Nets:
    """Nets, by what is called with which arguments. Large ones are forgotten, and expanded again where asked for."""

    def __init__(self, limits: Limits, counts: Callable[[ast.Net, Diagnostic], bool]) -> None:
        self.limits = limits
        #: Whether a mistake or a warning of a net is to be reported.
        self.counts = counts
        #: The mistakes and the warnings of all nets so far.
        self.mistakes: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        #: Layers that were expanded so far.
        self.layers = 0
        self._expanded: dict[Key, Elaboration] = {}
        self._summaries: dict[tuple[Key, int, str, str], Summary] = {}
        self._known: set[Key] = set()

    def expand(self, value: object, span: Span) -> Elaboration:
        """The net that a value stands for; raises `Problem` at `span` where it stands for none."""
        return self._expand(value, span)[1]

    def summary(self, value: object, span: Span, batch: int = 1, dtype: str = "float32",
                optimizer: str = "momentum") -> Summary:
        """The analysis of a net; raises `Quiet` where it has mistakes, which are said elsewhere."""
        key, elaboration = self._expand(value, span)
        if elaboration.graph is None:
            raise Quiet
        asked = key, batch, dtype, optimizer
        if asked not in self._summaries:
            self._summaries[asked] = summarize(elaboration.graph, batch, dtype, optimizer)
        return self._summaries[asked]

    def _expand(self, value: object, span: Span) -> tuple[Key, Elaboration]:
        called, given = flatten(value, ())
        if not isinstance(called, Defined) or not isinstance(called.definition, ast.Net):
            raise Problem("not-a-net", f"{describe(value)} is no net", span,
                          help="figures belong to nets: `vgg16.params`")
        key = called, argument_key(given)
        if key not in self._expanded:
            self._spend(span)
            net = called.definition
            needs = any(parameter.default is None for parameter in called.module.signature(net))
            place = span if needs else net.name_span  # only who calls it can give what it needs
            call = ast.Apply(place, ast.Name(net.name_span, net.name), None)
            self._keep(key, net, elaborate(called.module, call, self.limits, value=value))
        return key, self._expanded[key]

    def _spend(self, span: Span) -> None:
        """Stop where one file makes more of its nets than anybody can mean; said once."""
        most = _MOST_EXPANSIONS * self.limits.layers
        if self.layers > 2 * most:
            raise Quiet
        if self.layers > most:
            self.layers = 2 * most + 1
            raise Stop(Diagnostic("limit-layers", f"the nets of this file have more than {most:,} layers together, "
                                  f"{_MOST_EXPANSIONS} times the limit", span, help="a larger limit: `--max-layers N`"))

    def _keep(self, key: Key, net: ast.Net, elaboration: Elaboration) -> None:
        self.layers += elaboration.layers
        if sum(kept.layers for kept in self._expanded.values()) + elaboration.layers > self.limits.layers:
            self._expanded.clear()
            self._summaries.clear()
        self._expanded[key] = elaboration
        if key not in self._known:
            self._known.add(key)
            self.mistakes += [diagnostic for diagnostic in elaboration.diagnostics if self.counts(net, diagnostic)]
            if elaboration.graph is not None:
                self.warnings += [warning for warning in lint(elaboration.graph) if self.counts(net, warning)]
