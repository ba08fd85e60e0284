"""The ports of a network: `INPUT`, and `OUTPUT(name)` for further outputs."""

from __future__ import annotations

from cnnspec.diagnostics import Label
from cnnspec.grammar import ast
from cnnspec.graph.calls import bind_layer
from cnnspec.graph.environment import Environment
from cnnspec.graph.expansion import Expansion, entered, entering
from cnnspec.graph.extents import NOTHING
from cnnspec.graph.network import Output
from cnnspec.graph.problem import Problem
from cnnspec.graph.values import LayerValue, Wire
from cnnspec.layers import find
from cnnspec.layers.base import Shape, show
from cnnspec.layers.op import Op
from cnnspec.source import Span


def expand_input(x: Expansion, step: ast.Apply, env: Environment, wire: Wire | None, name: str | None,
                 first: bool) -> Wire:
    """`INPUT`: a new input of the network, or, in a net used as a step, the value that enters it."""
    cls = find("INPUT")
    assert cls is not None  # a layer of the catalogue
    if not first or wire is not None:
        raise Problem("input-inside", "INPUT begins a chain; a value enters here already", step.span,
                      help="start another chain with `;`")
    given = x.evaluator.given(step.args or (), LayerValue(cls), env, NOTHING)
    layer = bind_layer(cls, given, step)
    outer, env.frame.entering = env.frame.entering, None
    if outer is not None:
        return join_input(layer.shape(), outer, step, env.frame.span)
    label = name or "input"
    shape = x.input_shape.get(label) or x.input_shape.get("")
    if shape is not None:
        layer = cls.bind(shape, {})
    added = x.add(Op(layer, (), layer.shape()), (), env, step, label)
    x.inputs.append(x.nodes[added.node])
    return added


def join_input(expected: Shape, wire: Wire, step: ast.Apply, used: Span | None) -> Wire:
    """A value that enters a net where it is used: rank and channels must be those of its INPUT."""
    if wire.shape is not None and (len(wire.shape) != len(expected) or wire.shape[0] != expected[0]):
        raise Problem("input-mismatch", f"the net takes {expected[0]} channels and {len(expected) - 1} spatial axes "
                      f"({show(expected)}), but {show(wire.shape)} enters", used,
                      labels=(Label(step.span, "its input"),))
    return wire


def expand_output(x: Expansion, step: ast.Apply, env: Environment, wire: Wire | None) -> Wire:
    """`OUTPUT(name)`: marks a further output; the value goes on."""
    wire = entered(step, wire)
    label = output_name(x, step, env, wire)
    train_only = False
    for argument in step.args or ():
        if argument.name == "train_only":
            train_only = x.evaluator.truth(x.value(argument.value, env, wire), argument.value, env)
        elif argument.name is not None:
            raise Problem("unknown-argument", f"OUTPUT has no argument `{argument.name}`", argument.name_span,
                          help="it takes a name and `train_only`")
    same = next((o for o in x.outputs if o.name == label), None)
    if same is not None:
        raise Problem("defined-twice", f"two outputs are named `{label}`", step.span,
                      labels=(Label(same.span, "the other"),) if same.span != step.span else (),
                      help="give each its index: `OUTPUT(name[i])`")
    if wire.node >= 0:
        x.outputs.append(Output(label, wire.node, train_only, step.span))
    return wire


def output_name(x: Expansion, step: ast.Apply, env: Environment, wire: Wire) -> str:
    """The word that an OUTPUT is given, with its index where it has one."""
    words = [argument for argument in step.args or () if argument.name is None]
    if len(words) != 1:
        raise Problem("missing-argument", "OUTPUT needs one name", step.span, help="`OUTPUT(aux)`")
    word: ast.Expr = words[0].value
    items: tuple[ast.Expr, ...] = ()
    if isinstance(word, ast.Index):
        items, word = word.items, word.value
    if not isinstance(word, ast.Name):
        raise Problem("bad-argument", "the name of an OUTPUT is a word, with or without an index", words[0].span,
                      help="`OUTPUT(aux)` or `OUTPUT(p[i])`")
    index = [str(x.evaluator.whole(item, env, entering(wire))) for item in items]
    return word.id + (f"[{', '.join(index)}]" if index else "")
