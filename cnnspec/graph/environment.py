"""Names while a network expands: environments nest lexically, frames hold the named values of one expansion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.grammar import ast
from cnnspec.graph.network import Scope
from cnnspec.graph.values import NetExpansion, Wire
from cnnspec.record import Record
from cnnspec.source import Span

if TYPE_CHECKING:
    from cnnspec.graph.program import Module


class Mark:
    """A value that `as` has named in this expansion."""

    __slots__ = ("overwritten", "plain", "read", "span", "value")

    def __init__(self, value: Wire | NetExpansion, span: Span, plain: bool) -> None:
        self.value = value
        self.span = span
        self.plain = plain
        self.read = False
        self.overwritten = False


class Frame:
    """One expansion of a block or net: its named values, by name and index."""

    __slots__ = ("body", "entering", "marks", "span")

    def __init__(self, body: ast.Body | None = None, entering: Wire | None = None, span: Span | None = None) -> None:
        self.body = body
        #: The step that a net is used as.
        self.span = span
        #: The value that enters a net used as a step, until its INPUT has taken it.
        self.entering = entering
        self.marks: dict[str, dict[tuple[int, ...], Mark]] = {}


class Origin(Record):
    """Where a name's value was written: an expression, and the environment to read its names in."""

    expression: ast.Expr
    environment: Environment


class Turn(Record):
    """One turn of a loop, so that a name's value can be traced to the element it came from."""

    target: ast.Target
    iterable: ast.Expr
    index: int


class Environment:
    """The names of one block call or one turn of a loop, over those around it, over the file's."""

    __slots__ = ("frame", "module", "names", "origins", "parent", "scope", "turn")

    def __init__(self, module: Module, frame: Frame, scope: Scope | None = None, parent: Environment | None = None,
                 names: dict[str, object] | None = None, turn: Turn | None = None) -> None:
        self.module = module
        self.frame = frame
        self.scope = scope
        self.parent = parent
        #: Values by name; None for one that an earlier mistake left unknown.
        self.names: dict[str, object] = {} if names is None else names
        #: Where the values of a call's parameters were written.
        self.origins: dict[str, Origin] = {}
        self.turn = turn

    def inside(self, scope: Scope, names: dict[str, object] | None = None, turn: Turn | None = None) -> Environment:
        """The same expansion, one level of structure further in."""
        return Environment(self.module, self.frame, scope, self, names, turn)

    def holder(self, name: str) -> Environment | None:
        """The innermost environment that binds `name` (files bind theirs in `module`)."""
        environment: Environment | None = self
        while environment is not None:
            if name in environment.names:
                return environment
            environment = environment.parent
        return None

    def visible(self) -> set[str]:
        """All bound names, for suggestions."""
        names = set(self.module.names)
        environment: Environment | None = self
        while environment is not None:
            names.update(environment.names)
            environment = environment.parent
        return names
