"""The layer graph: nodes in order of execution, shapes on every edge, and the chain of scopes around each node."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.grammar import ast
from cnnspec.layers.base import Shape
from cnnspec.layers.op import Op
from cnnspec.record import Record
from cnnspec.source import Span

# What a scope stands for.
NET, BLOCK, GROUP, REPEAT, LOOP, TURN, MERGE, BRANCH = (
    "net", "block", "group", "repeat", "loop", "turn", "merge", "branch",
)


class Scope(Record):
    """One level of structure around a layer: a block call, a group, one turn of a loop, a branch."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    parent: Scope | None
    kind: str
    #: The step, definition or branch that it expands.
    syntax: ast.Syntax
    #: What it adds to the paths of the layers inside; None for nothing.
    component: str | None = None
    #: Names it binds: a block's parameters, a loop's variables in this turn.
    values: Mapping[str, object] = {}
    #: Which turn or branch it is (from 0), of how many.
    turn: int = 0
    turns: int = 0
    #: The step that called it, of a block or net.
    call: ast.Apply | None = None


class Node(Record):
    """One layer of the expanded network."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    index: int
    op: Op
    #: Indices of the nodes that it reads.
    inputs: tuple[int, ...]
    scope: Scope
    #: The step that wrote it, as a place in the spec.
    span: Span
    #: Its own component of the path: its `as` name, else the keyword in lowercase.
    name: str

    def __repr__(self) -> str:
        return f"Node({self.index}, {self.op!r}, {self.inputs})"

    @property
    def shape(self) -> Shape:
        """The shape that leaves."""
        return self.op.output


class Output(Record):
    """A further output, marked by `OUTPUT(name)`."""

    name: str
    node: int
    #: It runs in training only: its parameters count, its work does not.
    train_only: bool
    span: Span


class NamedValue(Record):
    """What `as` has named, for messages about names that nobody reads."""

    name: str
    node: int
    span: Span
    read: bool
    #: A later `as` of the same expansion took the name.
    overwritten: bool
    #: It stands on a plain layer or merge, where naming has no other use than being read.
    plain: bool


class Graph(Record):
    """A network, expanded."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    #: The net's name.
    name: str
    nodes: tuple[Node, ...]
    #: Indices of the INPUT nodes, by name.
    inputs: Mapping[str, int]
    #: Index of the node whose value is the net's.
    output: int
    outputs: tuple[Output, ...]
    named: tuple[NamedValue, ...]
    #: The definition's place.
    span: Span

    def __repr__(self) -> str:
        return f"Graph({self.name!r}, {len(self.nodes)} nodes)"
