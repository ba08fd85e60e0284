"""What the rows of a table are called: layers by their brief names, calls with their arguments, merges by branches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnspec.analysis.folding import fold, join
from cnnspec.analysis.tree import Fold, Join, Leaf, Part, Run, Unit, branches, spread
from cnnspec.grammar import ast
from cnnspec.graph.network import BRANCH, LOOP, MERGE, REPEAT, TURN, Scope
from cnnspec.graph.values import written
from cnnspec.layers.arguments import Symbol
from cnnspec.layers.base import Layer
from cnnspec.record import Record

#: Characters of one argument's value, and turns of which a label compares the values.
_LONGEST_VALUE = 24
_MOST_COMPARED = 64


class Piece(Record):
    """A stretch of a label; `default` where it shows an argument that the spec leaves out."""

    text: str
    default: bool = False


Label = tuple[Piece, ...]


def text(label: Label) -> str:
    """A label without marks."""
    return "".join(piece.text for piece in label)


def label(part: Part) -> Label:
    """The name of a row, without the count of a fold."""
    if isinstance(part, Leaf):
        return layer_label(part)
    if isinstance(part, Run):
        return _joined(part.parts)
    if isinstance(part, Fold):
        return _common([_bracketed(unit) for unit in (*part.units[:_MOST_COMPARED], part.units[-1])])
    if part.scope.kind == MERGE:
        return _merge(part)
    if part.scope.kind in {LOOP, REPEAT}:
        return _loop(part)
    if isinstance(part.scope.syntax, ast.Definition):
        return call(part.scope, part.scope.syntax)
    return chain(part.parts)


def chain(parts: tuple[Part, ...]) -> Label:
    """The steps of a chain, joined by arrows."""
    return _joined(join(fold(spread(parts))))


def _joined(parts: Iterable[Part]) -> Label:
    return _between(" → ", (_counted(part) for part in parts))


def _between(separator: str, labels: Iterable[Label]) -> Label:
    pieces: list[Piece] = []
    for one in labels:
        pieces += [Piece(separator), *one] if pieces else one
    return tuple(pieces)


def _counted(part: Part) -> Label:
    return (*label(part), Piece(f" ×{len(part.units)}")) if isinstance(part, Fold) else label(part)


def _bracketed(unit: Unit) -> Label:
    """A turn's label; in brackets where it has several steps."""
    pieces = label(unit)
    if unit.scope.kind not in {TURN, BRANCH} or not any("→" in piece.text for piece in pieces):
        return pieces
    return (Piece("["), *pieces, Piece("]"))


def _common(labels: Sequence[Label]) -> Label:
    """One label for several; what differs becomes `…`."""
    last = labels[-1]
    if all(len(other) == len(last) for other in labels):
        return tuple(piece if all(other[i] == piece for other in labels) else Piece("…")
                     for i, piece in enumerate(last))
    shortest = min(map(len, labels))
    before = next((i for i in range(shortest) if any(other[i] != last[i] for other in labels)), shortest)
    after = next((i for i in range(shortest - before) if any(other[-1 - i] != last[-1 - i] for other in labels)),
                 shortest - before)
    return (*last[:before], Piece("…"), *last[len(last) - after :])


# ---------------------------------------------------------------------------------------------- layers


def layer_label(leaf: Leaf) -> Label:
    """`CONV 3×3 /2`, the words that stand for defaults marked; an INPUT with a name of its own carries that."""
    node = leaf.layer.node
    keyword, *words = node.op.brief.split(" ")
    if not node.inputs and node.name != "input":
        words.append(node.name)
    if isinstance(leaf, Join):
        keyword += "{" + node.span.text.partition("{")[2].removesuffix("}").strip() + "}"
    return (Piece(keyword), *(Piece(f" {word}", _is_default(word, node.op.layer)) for word in words))


def _is_default(word: str, layer: Layer) -> bool:
    """Whether a word of a layer's brief name shows an argument that the spec does not give."""
    owner = layer.words.get(Symbol(word))
    if owner is None and word[0] in "/d" and word[1:2].isdigit():
        owner = "stride" if word[0] == "/" else "dilation"
    if owner is None:
        owner = next((name for name in ("kernel", "size", "scale") if name in layer.args), None)
    return owner in layer.args and owner not in layer.given


# ----------------------------------------------------------------------------------------------- calls


def call(scope: Scope, definition: ast.Definition) -> Label:
    """`bottleneck(256, s=2) as e[0]`: the parameters' values, without plain ones that equal their default."""
    given = [_argument(parameter, scope.values[parameter.name]) for parameter in definition.parameters
             if parameter.name in scope.values and not _is_its_default(parameter, scope.values[parameter.name])]
    arguments = (Piece("("), *_between(", ", given), Piece(")")) if given else ()
    named = (Piece(f" as {scope.component}"),) if scope.component not in {None, definition.name} else ()
    return (Piece(definition.name), *arguments, *named)


def _argument(parameter: ast.Parameter, value: object) -> Label:
    shown = _value(value)
    return (Piece(shown),) if parameter.default is None else (Piece(f"{parameter.name}="), Piece(shown))


def _is_its_default(parameter: ast.Parameter, value: object) -> bool:
    default = parameter.default
    if isinstance(default, ast.Number | ast.Flag | ast.Text):
        return type(value) is type(default.value) and value == default.value
    return isinstance(default, ast.Name) and default.id == written(value)


def _value(value: object) -> str:
    shown = f"{value:.6g}" if isinstance(value, float) else written(value)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE - 1]}…"


# ------------------------------------------------------------------------------------ turns and branches


def turn_label(scope: Scope) -> Label:
    """What heads a turn: `c=64  n=2`, or `2 of 3`."""
    if scope.values:
        return (Piece("  ".join(f"{name}={_value(value)}" for name, value in scope.values.items())),)
    return (Piece(f"{scope.turn + 1} of {scope.turns}"),)


def branch_label(scope: Scope) -> Label:
    """What heads a branch: the values of the loop that made it, or `branch 1 of 2`."""
    if scope.parent is not None and scope.parent.kind == TURN:
        return turn_label(scope.parent)
    return (Piece(f"branch {scope.turn + 1} of {scope.turns}"),)


def _loop(unit: Unit) -> Label:
    """A loop whose turns are not shown: one turn's steps, and what the loop runs over."""
    syntax = unit.scope.syntax
    over = f" for {' '.join(syntax.target.span.text.split())} in …" if isinstance(syntax, ast.Loop) else ""
    turns = [part for part in unit.parts if isinstance(part, Unit)]
    return (*_common([_bracketed(turn) for turn in (*turns[:_MOST_COMPARED], turns[-1])]), Piece(over))


def _merge(unit: Unit) -> Label:
    """`ADD{CONV 3×3 → BN | ID}`: a branch without layers as the reference that it is, or `ID`."""
    syntax, filled = unit.scope.syntax, branches(unit)
    if unit.merge is None or not isinstance(syntax, ast.Merge):
        return chain(unit.parts)
    empty = len(unit.merge.layer.node.inputs) - len(filled)
    shown: list[Label] = []
    for written_branch in syntax.branches:
        source = _chain_of(written_branch)
        inside = [branch for branch in filled if branch.scope.syntax is source]
        if inside:
            shown += [_counted(part) for part in fold(list(inside))]
        elif empty > 0 and not isinstance(written_branch, ast.BranchLoop):
            shown.append((Piece(_bare_branch(source)),))
            empty -= 1
    return (*layer_label(unit.merge), Piece("{"), *_between(" | ", shown), Piece("}"))


def _chain_of(branch: ast.Branch) -> ast.Chain:
    while not isinstance(branch, ast.Chain):
        branch = branch.branch
    return branch


def _bare_branch(source: ast.Chain) -> str:
    first = source.steps[0]
    return first.span.text if isinstance(first, ast.Reference) else "ID"
