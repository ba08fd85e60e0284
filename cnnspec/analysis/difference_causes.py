"""Where a changed value was written: its way back through the arguments of calls, defaults, loops and names.

Two values that should be one are followed on both sides at once, as long as the expressions that give them say the
same. Where they say something else, there is the edit; all that follows from it is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from cnnspec.analysis.labels import text, turn_label
from cnnspec.analysis.summary import LayerSummary
from cnnspec.grammar import ast, parse_expression, parse_file
from cnnspec.graph.network import BLOCK, NET, TURN, Scope
from cnnspec.graph.values import kinds, written
from cnnspec.layers.arguments import SameAs, Symbol, shown
from cnnspec.layers.base import Layer
from cnnspec.record import Record
from cnnspec.source import Source, Span

#: What gives a value: an argument of a layer, the step itself, an argument of a call, the default of a parameter, a
#: `where`, a `let`, the turn of a loop.
ARGUMENT, STEP, CALL, DEFAULT, WHERE, LET, VARIABLE = "argument", "step", "call", "default", "where", "let", "turn"

_UNKNOWN = object()


class Binding(Record):
    """What gives a name its value, on one side."""

    kind: str
    name: str
    #: What the name belongs to: a layer, a block, a net, a turn.
    owner: str
    value: object
    #: None where nothing is written, and a layer's default counts.
    expr: ast.Expr | None
    #: Where the names in `expr` are looked up.
    reader: Scope | None
    span: Span | None
    #: The scope that it belongs to.
    home: Scope | None
    #: Which turn of a loop.
    turn: int = 0

    @property
    def written(self) -> str:
        """The expression as the spec has it; the value where there is none."""
        return self.shown if self.expr is None else " ".join(self.expr.span.text.split())

    @property
    def shown(self) -> str:
        """The value; the expression where it is not known."""
        if self.value is _UNKNOWN:
            return " ".join(self.expr.span.text.split()) if self.expr else "?"
        return shown(self.value) if self.kind == ARGUMENT else written(self.value)


#: What gives the value before and after.
Cause = tuple[Binding, Binding]


def of_argument(a: LayerSummary, b: LayerSummary, name: str) -> list[Cause]:
    """Where the argument of a layer was changed; nothing where that follows from shapes alone."""
    return _trace(_argument(a, name), _argument(b, name))


def of_step(a: LayerSummary, b: LayerSummary) -> Cause:
    """Where one layer was replaced by another."""
    x, y = _step(a), _step(b)
    return next(iter(_through(x, y)), (x, y)) if _same(x.expr, y.expr) else (x, y)


def of_call(a: Scope, b: Scope) -> Cause:
    """Where the call of one block was replaced by that of another."""
    x, y = _called(a), _called(b)
    return next(iter(_through(x, y)), (x, y)) if _same(x.expr, y.expr) else (x, y)


# --------------------------------------------------------------------------------------------- tracing


def _trace(a: Binding, b: Binding) -> list[Cause]:
    """The places, from here on back, where the two sides say something else."""
    if a.value is not _UNKNOWN and b.value is not _UNKNOWN and (kinds(a.value), a.value) == (kinds(b.value), b.value):
        return []
    if a.kind != b.kind or not _same(a.expr, b.expr):
        return [(a, b)]
    found = _through(a, b)
    if a.kind == VARIABLE and not all(_is_plain(x) and _is_plain(y) for x, y in found):
        return [(a, b)]  # of a whole table, the row that was changed
    if not found and _is_constant(a.expr) and a.kind in {DEFAULT, VARIABLE}:  # given where no expression shows it
        return _bound(a, b) or [(a, b)]
    return found


def _bound(a: Binding, b: Binding) -> list[Cause]:
    """Where what is called came by an argument: `unit = bottleneck(base=128)`."""
    if a.kind != DEFAULT or a.home is None or b.home is None:
        return []
    return _through(_called(a.home), _called(b.home))


def _through(a: Binding, b: Binding) -> list[Cause]:
    """The causes of all names that an expression reads."""
    found: list[Cause] = []
    for name in _names(a.expr) if a.expr is not None else ():
        x, y = _binding(name, a.reader), _binding(name, b.reader)
        if x is not None and y is not None:
            found += (cause for cause in _trace(x, y) if cause not in found)
    return found


def _same(a: ast.Expr | None, b: ast.Expr | None) -> bool:
    return a is b or (a is not None and b is not None and ast.same(a, b))


def _is_plain(binding: Binding) -> bool:
    """Whether a value is no table, of which only a row may have changed."""
    return not isinstance(binding.value, tuple) and not isinstance(binding.expr, ast.TupleExpr)


def _is_constant(expr: ast.Expr | None) -> bool:
    return expr is None or not _names(expr)


def _names(node: object) -> tuple[str, ...]:
    """The names in an expression, each once."""
    return tuple(dict.fromkeys(_walk(node)))


def _walk(node: object) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, tuple):
        for item in node:
            yield from _walk(item)
    elif isinstance(node, ast.Syntax):
        for field in node._fields:
            if field not in {"span", "name_span"}:
                yield from _walk(getattr(node, field))


# --------------------------------------------------------------------------------------- what gives it


def _binding(name: str, scope: Scope | None) -> Binding | None:
    """What a name stands for, as read in a scope; None for functions, layers and the extents of what enters."""
    if name.isupper():
        return None
    while scope is not None:
        if scope.kind == TURN and name in scope.values:
            return _variable(name, scope)
        if scope.kind in {BLOCK, NET} and isinstance(scope.syntax, ast.Definition):
            return _parameter(name, scope) or _where(name, scope) or _let(name, scope.syntax.span.source)
        scope = scope.parent
    return None


def _variable(name: str, scope: Scope) -> Binding | None:
    syntax = scope.syntax
    if not isinstance(syntax, ast.Loop | ast.BranchLoop):
        return None
    reader = scope.parent
    return Binding(VARIABLE, name, text(turn_label(scope)), scope.values[name], syntax.iterable,
                   reader.parent if reader is not None and reader.syntax is syntax else reader,
                   syntax.iterable.span, scope, scope.turn)


def _parameter(name: str, scope: Scope) -> Binding | None:
    definition = scope.syntax
    assert isinstance(definition, ast.Definition)  # of a block or net
    if name not in scope.values:
        return None
    value, owner = scope.values[name], definition.name
    parameters = [parameter.name for parameter in definition.parameters]
    for place, argument in enumerate(scope.call.args or () if scope.call is not None else ()):
        if name == (argument.name or (parameters[place] if place < len(parameters) else None)):
            return Binding(CALL, name, owner, value, argument.value, scope.parent, argument.span, scope)
    default = next((p for p in definition.parameters if p.name == name), None)
    given = _called(scope)
    if default is None or default.default is None:  # bound before it is called, or an optional step's switch
        return Binding(DEFAULT, name, owner, value, given.expr, scope.parent, given.span, scope)
    return Binding(DEFAULT, name, owner, value, default.default, scope, default.span, scope)


def _where(name: str, scope: Scope) -> Binding | None:
    assert isinstance(scope.syntax, ast.Definition)  # of a block or net
    for one in scope.syntax.body.where:
        if one.name == name:
            return Binding(WHERE, name, scope.syntax.name, _UNKNOWN, one.value, scope, one.span, scope)
    return None


def _let(name: str, source: Source) -> Binding | None:
    found = _lets(source).get(name)
    return None if found is None else Binding(LET, name, "let", _UNKNOWN, found.value, None, found.span, None)


@lru_cache(8)  # a network comes from few files, which are asked for time and again
def _lets(source: Source) -> dict[str, ast.Binding]:
    """The named values of a file."""
    file, _ = parse_file(source)
    return {statement.binding.name: statement.binding for statement in file.statements
            if isinstance(statement, ast.Let)}


def _called(scope: Scope) -> Binding:
    """The step that calls a block."""
    call, name = scope.call, getattr(scope.syntax, "name", "")
    callee = call.callee if call is not None else None
    return Binding(STEP, name, name, name, callee, scope.parent, call.span if call else None, scope)


# ----------------------------------------------------------------------------------------------- layers


def _step(layer: LayerSummary) -> Binding:
    """The step that a layer was written as."""
    node = layer.node
    written_as = _parsed(node.span.text)
    callee = written_as.callee if isinstance(written_as, ast.Call | ast.Merge | ast.Apply) else written_as
    return Binding(STEP, layer.op, layer.op, layer.op, callee, node.scope, node.span, node.scope)


def _argument(layer: LayerSummary, name: str) -> Binding:
    """What gives a layer's argument; where the step does not, what is called may have it bound."""
    node = layer.node
    step = _parsed(node.span.text)
    expr = None
    if isinstance(step, ast.Call | ast.Merge | ast.Apply):
        expr = _given(type(node.op.layer), step.args or ()).get(name, step.callee)
    elif step is not None:
        expr = step
    if isinstance(expr, ast.Name) and expr.id.isupper() and expr.id == layer.op:
        expr = None
    return Binding(ARGUMENT, name, node.op.brief, layer.args[name], expr, node.scope, node.span, node.scope)


def _given(layer: type[Layer], args: tuple[ast.Argument, ...]) -> dict[str, ast.Expr]:
    """The expressions of a step by argument: a word goes to the argument that owns it, others in order."""
    positional = [argument.value for argument in args if argument.name is None]
    words = [Symbol(e.id) if isinstance(e, ast.Name) and e.id in layer.words else 0 for e in positional]
    found: dict[str, ast.Expr] = {argument.name: argument.value for argument in args if argument.name is not None}
    places: dict[str, list[ast.Expr]] = {}
    for name, expr in zip(layer.assign(words), positional, strict=True):
        places.setdefault(name, []).append(expr)
    for name, exprs in places.items():  # one argument may take all that stand in its place
        found[name] = exprs[0] if len(exprs) == 1 else ast.TupleExpr(exprs[0].span.to(exprs[-1].span), tuple(exprs))
    return found


@lru_cache(4096)  # the same step makes many layers
def _parsed(step: str) -> ast.Expr | None:
    return parse_expression(Source("<step>", step))[0]


def follows(layer: LayerSummary, name: str) -> str:
    """The argument whose value an argument takes where it has none of its own: a pool's stride is its kernel."""
    default = layer.node.op.layer.args[name].default
    return default.name if isinstance(default, SameAs) and name not in layer.node.op.layer.given else name
