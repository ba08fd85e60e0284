"""Weights from elsewhere: a state dict with a network's own names, or of another layout, matched by structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.graph.network import Graph
from cnnspec.graph.paths import paths
from cnnspec.layers.base import Shape
from cnnspec.runtime import weight_layers
from cnnspec.runtime.matching import Layer, Match, Matching, same
from cnnspec.runtime.names import attribute
from cnnspec.runtime.weight_layers import COUNTER, Sources, Targets

#: Modules inside one another, at most, as nothing has that is no attack.
DEEPEST = 100


def fit(graph: Graph, module: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The whole state dict of `build`'s module of a graph, in its names and shapes, out of another one's tensors.

    A state dict with the network's own names (with dots or brackets) is taken by name; any other is matched by order,
    kind and shape, as `runtime.matching` tells. Tensors keep their dtype and device. Raises `SpecError`
    (`bad-weights`) for the first tensor that fits no layer or is left over, and for a layer that gets none.
    """
    for key, tensor in state.items():
        _check(key, tensor)
    wanted = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    named = {key if key in wanted else attribute(key): tensor for key, tensor in state.items()}
    if _stored(named) == _stored(wanted):  # whatever their order
        return _by_name(graph, wanted, named)
    targets = weight_layers.targets(graph, module)
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    sources = weight_layers.sources(shapes)
    found = _match(sources, targets)
    if not found.complete:
        with_lists = weight_layers.sources(shapes, lists=True)
        again = _match(with_lists, targets)
        if again.complete:
            return _placed(wanted, state, with_lists.layers, targets.layers, again)
        if 2 * len(_stored(named).keys() & _stored(wanted)) >= len(_stored(wanted)) > 0:
            return _by_name(graph, wanted, named)  # meant to be by name; that tells what is amiss
        raise _misfit(graph, sources.layers, targets, found)
    return _placed(wanted, state, sources.layers, targets.layers, found)


def _placed(wanted: Mapping[str, Shape], state: Mapping[str, Tensor], sources: tuple[Layer, ...],
            targets: tuple[Layer, ...], found: Match) -> dict[str, Tensor]:
    """The tensors of a state dict in the places that were found for them."""
    fitted = _counters(wanted)
    left = _stored(state)
    for theirs, ours in found.pairs:
        source, target = sources[theirs], targets[ours]
        for role, given in target.pairs(source):
            fitted[target.keys[role]] = state[source.keys[given]].reshape(target.shapes[role])
            del left[source.keys[given]]
        if COUNTER in source.keys and COUNTER in target.keys:
            fitted[target.keys[COUNTER]] = state[source.keys[COUNTER]].reshape(())
    for key in left:  # a second tensor of the same name, such as `weight_g` beside what it is called today
        raise _error(f"`{key}` ({_extents(state[key].shape)}) is left over: its layer has such a tensor already")
    return fitted


def _match(sources: Sources, targets: Targets) -> Match:
    return Matching(sources.layers, sources.root, targets.layers, targets.needs).match()


def _check(key: str, tensor: Tensor) -> None:
    """Raise for what holds no weights."""
    if key.count(".") > DEEPEST:
        raise _error(f"`{key[:40]}…` lies deeper than {DEEPEST} modules")
    if not isinstance(tensor, Tensor):
        raise _error(f"`{key}` is no tensor, but of type {type(tensor).__name__}")
    if tensor.layout != torch.strided or tensor.is_meta:
        raise _error(f"`{key}` holds no numbers, or not one for each element")
    if not tensor.is_floating_point() and not key.endswith(COUNTER):
        raise _error(f"`{key}` holds {str(tensor.dtype).removeprefix('torch.')}, not floating-point numbers")


def _stored(keys: Iterable[str]) -> dict[str, None]:
    """The keys of weights, in order."""
    return {key: None for key in keys if not key.endswith(COUNTER)}


def _counters(wanted: Mapping[str, Shape]) -> dict[str, Tensor]:
    """No batch seen, for each normalisation that counts them."""
    return {key: torch.zeros((), dtype=torch.long) for key in wanted if key.endswith(COUNTER)}


def _by_name(graph: Graph, wanted: Mapping[str, Shape], named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the network's own names; raises `SpecError` for one that is missing, wrong or too many."""
    fitted = _counters(wanted)
    lines = {attribute(path): node.span.line for path, node in zip(paths(graph), graph.nodes, strict=True)}

    def line(key: str) -> str:
        while key not in lines:
            key = key.rpartition(".")[0]
        return f"line {lines[key]}"

    for key, shape in wanted.items():
        if key not in named and key not in fitted:
            raise _error(f"`{key}` ({_extents(shape)}), {line(key)}, is not in the state dict")
        if key in named:
            given = tuple(named[key].shape)
            if not same(given, shape):
                raise _error(f"`{key}` is {_extents(given)}, but {_extents(shape)} in the net, {line(key)}")
            fitted[key] = named[key].reshape(shape)
    for key in named:
        if key not in wanted and not key.endswith(COUNTER):
            raise _error(f"`{key}` ({_extents(named[key].shape)}) is left over: the net has no such layer")
    return fitted


def _misfit(graph: Graph, sources: tuple[Layer, ...], targets: Targets, found: Match) -> SpecError:
    """What to say of a state dict of another layout that does not go into the network."""
    placed = len(found.pairs)
    notes = []
    if placed:
        theirs, ours = found.pairs[-1]
        notes.append(f"{placed} of {len(targets.layers)} layers got their weights; the last was "
                     f"`{targets.layers[ours].name}`, from `{sources[theirs].name}`")
    if found.expected is None:
        (key, shape) = _first(sources[found.stuck or 0])
        return _error(f"`{key}` ({_extents(shape)}) is left over: every layer of the net has its weights", *notes)
    target = targets.layers[found.expected]
    line = graph.nodes[targets.nodes[found.expected]].span.line
    if found.stuck is None:
        return _error(f"no weights are left for `{target.name}` ({_extents(_first(target)[1])}), line {line}", *notes)
    source = sources[found.stuck]
    key, theirs_shown, ours_shown = _difference(source, target)
    return _error(f"`{key}` ({theirs_shown}) fits no layer: the next is `{target.name}` ({ours_shown}), line {line}",
                  *notes)


def _difference(source: Layer, target: Layer) -> tuple[str, str, str]:
    """The first tensor, or the layer, that is not as expected, and what both sides have in that place."""
    if source.shapes.keys() == target.shapes.keys():
        for role, shape in source.shapes.items():
            if not same(shape, target.shapes[role]):
                return source.keys[role], _extents(shape), _extents(target.shapes[role])
    if len(source.shapes) == len(target.shapes) == 1:
        key, shape = _first(source)
        return key, _extents(shape), _extents(_first(target)[1])
    return source.name, _tensors(source), _tensors(target)


def _first(layer: Layer) -> tuple[str, Shape]:
    role, shape = next(iter(layer.shapes.items()))
    return layer.keys[role], shape


def _tensors(layer: Layer) -> str:
    return ", ".join(f"{role} {_extents(shape)}".lstrip() for role, shape in layer.shapes.items())


def _extents(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "one number"


def _error(message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic("bad-weights", message, notes=notes)])
