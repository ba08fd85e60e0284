"""A file's names: its blocks, nets and `let`s, and those of the files it uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cnnspec.diagnostics import Diagnostic, Label, SpecError
from cnnspec.grammar import ast, parse_file
from cnnspec.graph.binding import misbound
from cnnspec.graph.environment import Environment, Frame
from cnnspec.graph.names import OPTION, VALUE, NameUse, is_word, unbound
from cnnspec.graph.problem import Problem, Quiet
from cnnspec.graph.recursion import reading_order
from cnnspec.graph.values import Defined
from cnnspec.limits import Limits
from cnnspec.source import Source, Span

if TYPE_CHECKING:
    from cnnspec.graph.expressions import Evaluator

#: Opens the file that a `use` names, as seen from the file it stands in; raises `SpecError`.
Opener = Callable[[str, Source], Source]


class Module:
    """One file, understood as far as its names: what `use` brings in is among them."""

    def __init__(self, file: ast.File) -> None:
        self.file = file
        self.names: dict[str, ast.Definition | ast.Let] = {}
        #: The module each name was defined in, where that is another one.
        self.homes: dict[str, Module] = {}
        #: The values of `let`s that were asked for, or why they have none.
        self._lets: dict[str, object] = {}
        self._uses: dict[ast.Statement, tuple[NameUse, ...]] = {}
        self._signatures: dict[ast.Definition, tuple[ast.Parameter, ...]] = {}
        self.formula: ast.Net | None = None

    @property
    def nets(self) -> tuple[ast.Net, ...]:
        """The nets that this file itself defines, in its order."""
        if self.formula is not None:
            return (self.formula,)
        return tuple(s for s in self.file.statements if isinstance(s, ast.Net))

    @property
    def expectations(self) -> tuple[ast.Expect, ...]:
        return tuple(s for s in self.file.statements if isinstance(s, ast.Expect))

    def main(self) -> ast.Net | None:
        """The net the file stands for: the one named like the file, else its only net, else its last."""
        named = {net.name: net for net in self.nets}
        return named.get(stem(self.file.source.name)) or (self.nets[-1] if self.nets else None)

    def value(self, name: str, evaluator: Evaluator) -> Any:
        """The value of a name of the file; raises `Problem` or `Quiet` each time for a `let` that has none."""
        home = self.homes.get(name)
        if home is not None:
            return home.value(name, evaluator)
        entry = self.names[name]
        if isinstance(entry, ast.Definition):
            return Defined(entry, self)
        if name not in self._lets:
            self._lets[name] = Quiet()  # while it is evaluated: a recursion, said when the file was loaded
            try:
                self._lets[name] = evaluator.value(entry.binding.value, Environment(self, Frame()), ())
            except (Problem, Quiet) as error:
                self._lets[name] = error
        value = self._lets[name]
        if isinstance(value, Problem | Quiet):
            raise value.with_traceback(None)  # or each time would add to the last one's
        return value

    def signature(self, definition: ast.Definition) -> tuple[ast.Parameter, ...]:
        """The parameters of a definition, its optional steps' switches (on unless set) among them."""
        known = self._signatures.get(definition)
        if known is None:
            known = definition.parameters + self.switches(definition)
            self._signatures[definition] = known
        return known

    def switches(self, definition: ast.Definition) -> tuple[ast.Parameter, ...]:
        """A parameter for every `step?` whose name nothing binds."""
        found: dict[str, ast.Parameter] = {}
        for use in self.uses(definition):
            if use.role == OPTION and not isinstance(self.names.get(use.id), ast.Let):
                span = use.syntax.span
                found.setdefault(use.id, ast.Parameter(span, use.id, span, ast.Flag(span, True)))
        return tuple(found.values())

    def uses(self, entry: ast.Definition | ast.Let) -> tuple[NameUse, ...]:
        """The names that a statement reads and does not itself bind."""
        if entry not in self._uses:
            self._uses[entry] = tuple(unbound(entry.binding.value if isinstance(entry, ast.Let) else entry))
        return self._uses[entry]

    def reads(self) -> dict[str, dict[str, Span]]:
        """The names that each of the file's own definitions reads, with the first place where it does."""
        reads: dict[str, dict[str, Span]] = {}
        for name, entry in self.names.items():
            if name not in self.homes:
                places = reads[name] = {}
                for use in self.uses(entry):
                    if use.role != OPTION:
                        places.setdefault(use.id, use.syntax.span)
        return reads


def stem(name: str) -> str:
    """A file's name without folder and ending."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]  # a revision stands before its file
    return base.rsplit(".", 1)[0] if "." in base else base


class Program:
    """Loads modules, each file once."""

    def __init__(self, opener: Opener, limits: Limits) -> None:
        self.opener = opener
        self.limits = limits
        self.diagnostics: list[Diagnostic] = []
        self._modules: dict[str, Module | None] = {}

    def load(self, source: Source) -> Module:
        """The module of a source; mistakes go to `diagnostics`, and whatever could be understood is there."""
        self._modules[source.name] = None  # being loaded: a `use` that comes back here is a loop
        file, mistakes = parse_file(source, limits=self.limits)
        self.diagnostics += mistakes
        module = Module(file)
        for statement in file.statements:
            if isinstance(statement, ast.Use):
                self._use(module, statement)
        for statement in file.statements:
            if isinstance(statement, ast.Definition | ast.Let):
                self._enter(module, defined_name(statement), statement)
        order, recursions = reading_order(module.reads())
        self.diagnostics += [*recursions, *misbound(file)]
        if file.formula is not None:
            module.formula = formula_net(module, file.formula, order)
            module.names = {module.formula.name: module.formula}
        self._modules[source.name] = module
        return module

    def _use(self, module: Module, statement: ast.Use) -> None:
        try:
            source = self.opener(statement.path.value, module.file.source)
        except SpecError as error:
            self.diagnostics += [d.replace(span=statement.path.span) for d in error.diagnostics]
            return
        if source.name not in self._modules:
            self.load(source)
        used = self._modules[source.name]
        if used is None:
            message = f"`{statement.path.value}` uses this file, directly or through others: a loop"
            self.diagnostics.append(Diagnostic("use-loop", message, statement.path.span,
                                               help="move what both need to a third file"))
            return
        for name, entry in used.names.items():
            self._enter(module, name, entry, used.homes.get(name, used), statement.path.span)

    def _enter(self, module: Module, name: str, entry: ast.Definition | ast.Let, home: Module | None = None,
               use: Span | None = None) -> None:
        """Add a name; one of another file comes with that file's module and the place of the `use`."""
        before = module.names.get(name)
        if before is entry:
            return  # the same definition, through two `use`s
        if before is not None:
            first, second = name_span(before), name_span(entry)
            labels = [Label(first, "defined here"), *([Label(second, "and here")] if use else [])]
            message = f"`{name}` is defined twice: at {first} and at {second}"
            self.diagnostics.append(Diagnostic("defined-twice", message, use or second, labels=tuple(labels),
                                               help="rename one of them"))
            return
        module.names[name] = entry
        if home is not None:
            module.homes[name] = home


def defined_name(entry: ast.Definition | ast.Let) -> str:
    """The name that a statement defines."""
    return entry.binding.name if isinstance(entry, ast.Let) else entry.name


def name_span(entry: ast.Definition | ast.Let) -> Span:
    """Where a statement names what it defines."""
    return entry.binding.name_span if isinstance(entry, ast.Let) else entry.name_span


def formula_net(module: Module, chain: ast.Chain, order: tuple[str, ...]) -> ast.Net:
    """A bare chain as a net: its unbound names are free parameters, then its `let`s are parameters with defaults."""
    name = stem(module.file.source.name)
    lets = {s.binding.name: s.binding for s in module.names.values() if isinstance(s, ast.Let)}
    ordered = [lets[let] for let in order if let in lets]  # in a file with mistakes, blocks may stand there too
    given = [ast.Parameter(b.span, b.name, b.name_span, b.value) for b in ordered]
    values = tuple(b.value for b in lets.values())
    free: dict[str, ast.Parameter] = {}
    for use in unbound((*values, chain), frozenset(lets)):
        if use.role == VALUE and not is_word(use.id):
            free.setdefault(use.id, ast.Parameter(use.syntax.span, use.id, use.syntax.span, None))
    body = ast.Body(chain.span, (chain,), ())
    return ast.Net(chain.span, name, chain.span, (*free.values(), *given), body)
