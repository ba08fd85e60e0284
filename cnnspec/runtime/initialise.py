"""How a network's weights start: by a scheme that is chosen by name, or as a layer's own `init` says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.graph.network import Graph, Node, Scope
from cnnspec.graph.paths import paths
from cnnspec.layers.base import product
from cnnspec.layers.conv import Convolution
from cnnspec.layers.linear import FullyConnected
from cnnspec.layers.recipe import Module
from cnnspec.layers.weights import Weighted
from cnnspec.runtime.names import attribute
from cnnspec.runtime.schemes import (
    AUXILIARY,
    CONVOLUTION,
    FAMILIES,
    HIDDEN,
    LINEAR,
    MAIN,
    ON_BACKBONES,
    SCHEMES,
    WORDS,
    ZEROS,
    Fans,
    Place,
    Rule,
    Scheme,
    Start,
)

#: The name under which each family starts as torchvision has it.
TORCHVISION = "torchvision"
#: Times that a spectral norm is iterated on a new weight, as often as PyTorch does when it makes one.
POWER_ITERATIONS = 15


def initialise(graph: Graph, module: nn.Module, name: str) -> None:
    """Start the weights of `build`'s module of a graph by a scheme, layer after layer, in the order of execution.

    Convolutions and linear layers start as the scheme says, others (norms) as PyTorch makes them; a layer's own `init`
    comes first. On the `meta` device there is nothing to fill. Raises `SpecError`: `unknown-init` for no such scheme,
    `bad-argument` for a layer with a weight or spectral norm that would start at zero.
    """
    scheme_of = _chosen(graph, name)
    for node, place, path in zip(graph.nodes, places(graph), paths(graph), strict=True):
        layer = node.op.layer
        if not (isinstance(layer, Weighted) and isinstance(node.op.recipe, Module)):
            continue  # no weights, or a constant
        tensors = layer.tensors(*node.op.inputs)
        if not tensors:
            continue  # a norm that learns nothing
        start = Start(WORDS[layer.init], ZEROS) if layer.init in WORDS else \
            scheme_of(node).start(place) if place else Start()
        _refuse_zero(node, start)
        _fill(module.get_submodule(attribute(path)), start, tensors[0].name, fans(node))


def places(graph: Graph) -> tuple[Place | None, ...]:
    """The places of the convolutions and linear layers; None for other layers."""
    roles = _roles(graph)
    met = {CONVOLUTION: 0, LINEAR: 0}
    found: list[Place | None] = []
    for node in graph.nodes:
        kind = _kind(node)
        if kind:
            met[kind] += 1
        found.append(Place(kind, met[kind], roles.get(node.index, HIDDEN)) if kind else None)
    return tuple(found)


def fans(node: Node) -> Fans:
    """The fans of a layer's weight."""
    layer, (x, *_), y = node.op.layer, node.op.inputs, node.op.output
    if isinstance(layer, Convolution):
        taps = product(layer.tensors(x)[0].shape[2:])
        return Fans(x[0] // layer.group_count(x) * taps, y[0] * taps)
    return Fans(product(x), y[0]) if isinstance(layer, FullyConnected) else Fans()


def _kind(node: Node) -> str:
    layer = node.op.layer
    return CONVOLUTION if isinstance(layer, Convolution) else LINEAR if isinstance(layer, FullyConnected) else ""


def _roles(graph: Graph) -> dict[int, str]:
    """The layers behind which no convolution or linear layer stands: which output their values become."""
    roles: dict[int, str] = {}
    further = [(output.node, AUXILIARY if output.train_only else MAIN) for output in graph.outputs]
    for end, role in [(graph.output, MAIN), *further]:
        waiting, seen = [end], {end}
        while waiting:
            node = graph.nodes[waiting.pop()]
            if _kind(node):
                roles.setdefault(node.index, role)
            else:
                waiting += (fresh := set(node.inputs) - seen)
                seen |= fresh
    return roles


def _chosen(graph: Graph, name: str) -> Callable[[Node], Scheme]:
    """The scheme for each layer of a network; raises `SpecError` for a name that stands for none."""
    if name in SCHEMES:
        return lambda _: SCHEMES[name]
    if name != TORCHVISION:
        raise _unknown(f"there is no initialisation `{name}`", (*SCHEMES, TORCHVISION), name)
    own = _family(graph.span.source.name)
    if own not in FAMILIES:
        file = graph.span.source.name
        raise _unknown(f"`{graph.name}` is of no family of torchvision: its file is `{file}`", FAMILIES, own)

    def of(node: Node) -> Scheme:
        inner = (family for family in map(_family, _files(node)) if family in FAMILIES and family not in ON_BACKBONES)
        return SCHEMES[FAMILIES[next(inner, own) if own in ON_BACKBONES else own]]

    return of


def _files(node: Node) -> Iterator[str]:
    """The files that a layer comes from: its own, then those of the blocks around it."""
    yield node.span.source.name
    scope: Scope | None = node.scope
    while scope is not None:
        yield scope.syntax.span.source.name
        scope = scope.parent


def _family(file: str) -> str:
    return os.path.splitext(os.path.basename(file))[0]


def _unknown(message: str, known: Iterable[str], meant: str) -> SpecError:
    names = tuple(known)
    near = closest(meant, names)
    return SpecError([Diagnostic("unknown-init", message, notes=(f"there are {', '.join(names)}",),
                                 help=f"did you mean `{near}`?" if near else "")])


def _refuse_zero(node: Node, start: Start) -> None:
    """Raise `SpecError` for a reparametrised weight of zeros, which has no direction: it would be 0/0."""
    norm = getattr(node.op.layer, "norm", "none")
    if norm != "none" and start.weight is ZEROS:
        message = f"`norm={norm}` cannot start at zero: it divides by the weight's norm"
        raise SpecError([Diagnostic("bad-argument", message, node.span, help="another `init` for this layer")])


def _fill(module: nn.Module, start: Start, main: str, fans: Fans) -> None:
    """Start a module's `main` tensor (its weight) and its bias beside it, be they parameters or buffers."""
    if start.weight is not None:
        _put(module, main, start.weight, fans)
    if start.bias is not None and main != "bias" and getattr(module, "bias", None) is not None:
        _put(module, "bias", start.bias, fans)


@torch.no_grad()
def _put(module: nn.Module, name: str, rule: Rule, fans: Fans) -> None:
    """Fill one tensor, in single precision at least, and bring its weight or spectral norm into agreement."""
    tensor: Tensor = getattr(module, name)
    if tensor.is_meta:
        return
    made = torch.empty_like(tensor, dtype=torch.promote_types(tensor.dtype, torch.float32))
    rule(made, fans)
    if not parametrize.is_parametrized(module, name):
        tensor.copy_(made)
        return
    setattr(module, name, made.to(tensor.dtype))
    for _ in range(POWER_ITERATIONS):
        getattr(module, name)  # in training mode, a spectral norm comes closer whenever it is read
