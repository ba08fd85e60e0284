"""What of a file can be understood when some of its text cannot: the rest is still checked, without false alarms."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.diagnostics import Diagnostic
from cnnspec.grammar import ast
from cnnspec.graph.names import unbound
from cnnspec.graph.program import Module

Entry = ast.Definition | ast.Let


class Trust:
    """Tells what depends on text or names that have mistakes. `found` are those mistakes."""

    def __init__(self, module: Module, found: tuple[Diagnostic, ...]) -> None:
        self.module = module
        self.found = found

    def covers(self, syntax: ast.Syntax) -> bool:
        """Whether neither a piece of the file nor anything that it reads has a mistake."""
        if not self.found:
            return True
        names = [use.id for use in unbound(syntax)]
        return not self.mistakes(syntax) and not any(map(self.mistakes, self.reached(names)))

    def mistakes(self, syntax: ast.Syntax) -> list[Diagnostic]:
        """The mistakes inside a piece of syntax, in source order."""
        span = self.module.file.span if syntax is self.module.formula else syntax.span  # its `let`s are parts of it
        inside = [d for d in self.found if d.span and d.span.source.name == span.source.name
                  and span.start <= d.span.start <= span.end]
        return sorted(inside, key=lambda d: d.span.start if d.span else 0)

    def reached(self, names: Iterable[str]) -> list[Entry]:
        """The definitions that names stand for, and all that those read."""
        found: dict[Entry, None] = {}
        waiting = [(self.module, name) for name in names]
        while waiting:
            module, name = waiting.pop()
            home = module.homes.get(name, module)
            entry = home.names.get(name)
            if entry is not None and entry not in found:
                found[entry] = None
                waiting += [(home, use.id) for use in home.uses(entry)]
        return list(found)

    def reads(self, net: ast.Net) -> bool:
        """Whether a net can be expanded: nothing that it reads has a mistake, it may have some in its own steps."""
        return self.covers(net) or self._end(net) is not None

    def counts(self, net: ast.Net, mistake: Diagnostic) -> bool:
        """Whether a mistake that expansion finds is one, and does not just follow from those in the text."""
        if self.covers(net):
            return True
        end, span = self._end(net), mistake.span
        if end is None or span is None or span == net.name_span:  # of the net as a whole nothing can be said
            return False
        return span.source is not net.span.source or net.body.span.start <= span.start < end

    def stands(self, mistake: Diagnostic) -> bool:
        """Whether a mistake that is found without expansion is one: in a statement that could be read.

        A layer that does not exist is one anywhere.
        """
        place = mistake.span
        if not self.found or place is None or mistake.code == "unknown-layer":
            return True
        around = [s for s in self.module.file.statements if s.span.start <= place.start <= s.span.end]
        return bool(around) and not any(map(self.mistakes, around))

    def _end(self, net: ast.Net) -> int | None:
        """Where the first step with a mistake begins; those before it do not depend on it. None: nothing can be read.

        A mistake outside the steps (in a parameter, a `where`) may change the meaning of all of them.
        """
        own = self.mistakes(net)
        names = [use.id for use in self.module.uses(net)]
        if not own or any(self.mistakes(entry) for entry in self.reached(names) if entry is not net):
            return None
        first = own[0].span
        starts = [step.span.start for chain in net.body.chains for step in chain.steps]
        if first is None or any(mistake.code == "recursion" for mistake in own):
            return None
        if net.body.where and first.start >= net.body.where[0].span.start:
            return None
        return max((start for start in starts if start <= first.start), default=None)
