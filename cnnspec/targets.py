"""What a target names: a path, `path:net`, a net's name, or a call such as `resnet(bottleneck, (3, 4, 6, 3))`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cnnspec import files, revisions
from cnnspec.diagnostics import Diagnostic, SpecError, closest, in_order
from cnnspec.grammar import ast, parse_expression, parse_target
from cnnspec.graph.elaborate import Elaboration, elaborate
from cnnspec.graph.program import Module, Program
from cnnspec.layers.base import Shape
from cnnspec.limits import Limits
from cnnspec.record import Record
from cnnspec.source import Source, Span

#: Values for a net's parameters: text in the spec language, or numbers, on/off and tuples as Python has them.
Settings = Mapping[str, object]


class Target(Record):
    """A net, ready to be expanded: the file's names, and the call that makes it."""

    module: Module
    call: ast.Apply
    limits: Limits
    #: What the network is called.
    name: str

    def vary(self, settings: Settings) -> Target:
        """The same net with other values for some parameters, without reading its file again; raises `SpecError`."""
        changed = arguments(settings, self.limits)
        args = (*_kept(self.module, self.call, changed), *changed)
        return Target(self.module, _with_arguments(self.module, self.call, args), self.limits, self.name)

    def elaborate(self, input_shape: Mapping[str, Shape] | None = None) -> Elaboration:
        """Its graph, or its mistakes."""
        return elaborate(self.module, self.call, self.limits, input_shape, self.name)


class Shelf:
    """Spec files, each searched and read at most once: for one command with many targets, as it notices no change."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._nets: dict[str, str] | None = None
        self._modules: dict[str, Module] = {}

    def find(self, net: str) -> str | None:
        """The file that a bare name stands for, as `files.find_net` has it."""
        if self._nets is None:
            self._nets = files.every_net()
        return self._nets.get(net)

    def module(self, path: str) -> Module:
        """A file, understood; raises `SpecError` where it cannot be read or has mistakes."""
        if path not in self._modules:
            self._modules[path] = _module(files.read(path, self.limits), self.limits)
        return self._modules[path]


def resolve(target: str, settings: Settings | None = None, limits: Limits | None = None,
            shelf: Shelf | None = None) -> Target:
    """The net that a target names; raises `SpecError` where there is none or its file has mistakes.

    A `shelf` keeps files for the next target.
    """
    limits = limits or Limits()
    shelf = shelf or Shelf(limits)
    if "(" in target and not os.path.exists(target):
        return _call(target, settings or {}, limits, shelf)
    revised = revisions.named(target) if ":" in target else None
    if revised is not None:
        place, net = revised
        return _net(_module(revisions.read(place, limits), limits), net, settings or {}, limits)
    path, _, net = target.rpartition(":") if ":" in target and not os.path.exists(target) else (target, "", "")
    if net or os.sep in path or path.endswith(".cnn") or os.path.isfile(path):
        return _net(shelf.module(path), net, settings or {}, limits)
    found = shelf.find(path)
    if found is None:
        raise _unknown_net(path)
    module = shelf.module(found)
    named = path if any(n.name == path for n in module.nets) else ""
    return _net(module, named, settings or {}, limits)


def from_source(source: Source, settings: Settings | None = None, limits: Limits | None = None,
                net: str = "") -> Target:
    """The net that a text stands for, or one of its nets by name; raises `SpecError`."""
    limits = limits or Limits()
    return _net(_module(source, limits), net, settings or {}, limits)


def load_module(source: Source, limits: Limits) -> tuple[Module, tuple[Diagnostic, ...]]:
    """A file with all its names, and what is wrong with it before any net is expanded."""
    program = Program(lambda path, user: _open(path, user, limits), limits)
    module = program.load(source)
    return module, tuple(program.diagnostics)


def _module(source: Source, limits: Limits) -> Module:
    module, diagnostics = load_module(source, limits)
    if diagnostics:
        raise SpecError(in_order(diagnostics))
    return module


def _open(path: str, user: Source, limits: Limits) -> Source:
    """The file of a `use`: beside the file that uses it, else in the spec folders; of a revision, at that revision."""
    folders = files.spec_folders()
    if isinstance(user, revisions.Revised) and not os.path.isabs(path):
        found = revisions.beside(path, user, limits)
        if found is not None:
            return found
        folders = [folder for folder in folders if folder != "specs"]  # as it is now is not as it was
    near = files.beside(path, user)
    if os.path.normpath(near) == os.path.normpath(user.name):
        return user  # a loop, which whoever loads it says; the text may come from elsewhere than the disk
    for candidate in (near, *(os.path.join(folder, path) for folder in folders)):
        if os.path.isfile(candidate):
            return files.read(os.path.normpath(candidate), limits)
    return files.read(near, limits)


def _net(module: Module, name: str, settings: Settings, limits: Limits) -> Target:
    named = {net.name: net for net in module.nets}
    net = named.get(name) if name else module.main()
    if net is None:
        raise _no_such_net(module, name)
    plain = ast.Apply(net.name_span, ast.Name(net.name_span, net.name), None)
    return Target(module, _with_arguments(module, plain, arguments(settings, limits)), limits, net.name)


def _with_arguments(module: Module, call: ast.Apply, arguments: tuple[ast.Argument, ...]) -> ast.Apply:
    """A net's call with these arguments instead of its own.

    `net resnet50 = resnet(…)` has no parameters: those of `resnet` are meant, and it is called in its stead.
    """
    net = module.names.get(call.callee.id) if isinstance(call.callee, ast.Name) else None
    if arguments and isinstance(net, ast.Net) and not module.signature(net):
        steps = [step for chain in net.body.chains for step in chain.steps]
        if len(steps) == 1 and isinstance(steps[0], ast.Apply) and not net.body.where:
            inner = ast.Apply(steps[0].span, steps[0].callee, None)
            return _with_arguments(module, inner, (*_kept(module, steps[0], arguments), *arguments))
    return ast.Apply(call.span, call.callee, arguments or None)


def _kept(module: Module, call: ast.Apply, changed: tuple[ast.Argument, ...]) -> list[ast.Argument]:
    """The arguments of a call that are not given anew; by name, since those behind would move up."""
    names = {argument.name for argument in changed}
    definition = module.names.get(call.callee.id) if isinstance(call.callee, ast.Name) else None
    if not isinstance(definition, ast.Definition):
        return list(call.args or ())
    home = module.homes.get(definition.name, module)
    places = [parameter.name for parameter in home.signature(definition)]
    named = [argument if argument.name or place >= len(places) else
             ast.Argument(argument.span, places[place], argument.span, argument.value)
             for place, argument in enumerate(call.args or ())]
    return [argument for argument in named if argument.name not in names]


def _call(text: str, settings: Settings, limits: Limits, shelf: Shelf) -> Target:
    call, mistakes = parse_target(Source("<target>", text), limits=limits)
    if call is None or mistakes:
        raise SpecError(mistakes)
    name = call.callee.id if isinstance(call.callee, ast.Name) else call.callee.span.text
    path = shelf.find(name)
    if path is None:
        raise _unknown_net(name)
    target = _net(shelf.module(path), name, {}, limits)
    changed = arguments(settings, limits)
    plain = ast.Apply(call.span, call.callee, None)
    args = (*_kept(target.module, call, changed), *changed)
    return Target(target.module, _with_arguments(target.module, plain, args), limits, target.name)


def arguments(settings: Settings, limits: Limits) -> tuple[ast.Argument, ...]:
    """`--set name=value` as arguments of the net's call; raises `SpecError` for a value that is no expression."""
    found = []
    for name, value in settings.items():
        source = Source(f"<{name}>", value if isinstance(value, str) else _literal(value))
        expr, mistakes = parse_expression(source, limits=limits)
        if expr is None or mistakes:
            raise SpecError(mistakes)
        name_span = Span(Source("<set>", name), 0, len(name))
        found.append(ast.Argument(expr.span, name, name_span, expr))
    return tuple(found)


def _literal(value: object) -> str:
    """A Python value as an expression of the language."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return "(" + "".join(f"{_literal(item)}, " for item in value) + ")"
    return str(value)


def _no_such_net(module: Module, name: str) -> SpecError:
    file = module.file.source.name
    if not name:
        return SpecError([Diagnostic("no-net", f"{file} defines no net", help="`net name = INPUT(3x224x224) -> …`")])
    match = closest(name, (net.name for net in module.nets))
    known = ", ".join(f"`{net.name}`" for net in module.nets) or "no net"
    return SpecError([Diagnostic("unknown-net", f"{file} has no net `{name}`; it defines {known}",
                                 help=f"did you mean `{file}:{match}`?" if match else "")])


def _unknown_net(name: str) -> SpecError:
    match = closest(name, files.known_nets())
    return SpecError([Diagnostic("unknown-net", f"there is no net `{name}`, and no file of that name",
                                 help=f"did you mean `{match}`?" if match else "`cnnspec zoo` lists the nets")])
