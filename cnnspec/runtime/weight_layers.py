"""The layers with weights: of a state dict, read off its keys, and of a network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cnnspec.graph.network import Graph
from cnnspec.graph.paths import paths
from cnnspec.layers import recipe
from cnnspec.layers.base import Shape
from cnnspec.record import Record
from cnnspec.runtime.matching import ANY, Layer, Module, layers_of
from cnnspec.runtime.names import attribute

if TYPE_CHECKING:
    from torch import nn

#: How many batches a normalisation has seen: nothing that evaluation computes with, and often not stored.
COUNTER = "num_batches_tracked"
#: What layers call their tensors; any other name tells nothing.
ROLES = ("weight", "bias", "running_mean", "running_var", COUNTER)
#: What weight and spectral norms called theirs before they were parametrisations, and a normalisation's other names.
WEIGHT_NORM = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
SPECTRAL_NORM = {"weight_orig": "parametrizations.weight.original", "weight_u": "parametrizations.weight.0._u",
                 "weight_v": "parametrizations.weight.0._v"}
NORMALISATION = {"gamma": "weight", "beta": "bias"}
#: The number in which the names of like parts differ: `layer2`, `inception3b`.
NUMBERED = re.compile(r"\d+[a-z]?$")
DIGITS = re.compile(r"(\d+)")
RENAMED = (WEIGHT_NORM, SPECTRAL_NORM, NORMALISATION)


class Targets(Record):
    """The layers of a network that have weights, in order of execution."""

    layers: tuple[Layer, ...]
    #: For each, as a bit set, those whose values it reads, with nothing that has weights between.
    needs: tuple[int, ...]
    #: For each, the node of the graph.
    nodes: tuple[int, ...]


def targets(graph: Graph, module: nn.Module) -> Targets:
    """The layers of `build`'s module of a graph."""
    layers: list[Layer] = []
    needs: list[int] = []
    nodes: list[int] = []
    reads: list[int] = []  # for each node, the targets behind its value
    for node, path in zip(graph.nodes, paths(graph), strict=True):
        behind = 0
        for index in node.inputs:
            behind |= reads[index]
        tensors = _tensors(module, attribute(path)) if node.inputs and isinstance(node.op.recipe, recipe.Module) else {}
        if tensors:
            needs.append(behind)
            nodes.append(node.index)
            behind = 1 << len(layers)
            layers.append(_layer(path, {role: f"{attribute(path)}.{role}" for role in tensors}, tensors))
        reads.append(behind)
    return Targets(tuple(layers), tuple(needs), tuple(nodes))


def _tensors(module: nn.Module, name: str) -> dict[str, Shape]:
    return {role: tuple(tensor.shape) for role, tensor in module.get_submodule(name).state_dict().items()}


class Sources(Record):
    """The layers of a state dict that have weights."""

    layers: tuple[Layer, ...]
    #: The modules that they are in.
    root: Module


def sources(state: Mapping[str, Shape], *, lists: bool = False) -> Sources:
    """The layers of a state dict, from its keys and their shapes.

    Keys with one prefix are a layer's, if their ends say what they are; any other key is a layer by itself. Modules
    stand in the order of the state dict. One that is sorted by name (as safetensors files are) has lost it: then
    parts whose names differ in a number alone are in the order of the numbers, and others in none.

    A module whose parts are numbered runs them one after the other, or with `lists` it is a mere list of them, from
    which the module around it takes one now and then.
    """
    stored = [key for key in state if not key.endswith(COUNTER)]
    is_sorted = stored == sorted(stored)
    if is_sorted:
        state = {key: state[key] for key in sorted(state, key=_natural)}
    modules = _by_prefix(state)
    with_parts = {outer for prefix in modules for outer in _outers(prefix)}
    layers: list[Layer] = []
    tree = _Tree()
    for prefix, found in modules.items():
        names = _roles(found, alone=prefix not in with_parts)
        keys = {role: found[name] for name, role in names.items()}
        grouped = _layer(prefix, keys, {role: state[key] for role, key in keys.items()})
        unknown = [_layer(key, {ANY: key}, {ANY: state[key]}) for name, key in found.items() if name not in names]
        holder = prefix if prefix in with_parts or (grouped.shapes and unknown) else None
        for layer in (grouped, *unknown):
            if layer.shapes:
                tree.place(layer.name, len(layers), holder)
                layers.append(layer)
    return Sources(tuple(layers), tree.module(is_sorted, lists))


def _by_prefix(state: Iterable[str]) -> dict[str, dict[str, str]]:
    """The keys by the module that holds the tensor and the tensor's name there."""
    found: dict[str, dict[str, str]] = {}
    for key in state:
        prefix, name = _split(key)
        found.setdefault(prefix, {})[name] = key
    return found


class _Tree:
    """The modules of a state dict while they are read."""

    def __init__(self) -> None:
        self.own: list[int] = []
        self.parts: dict[str, _Tree | int] = {}

    def place(self, name: str, layer: int, holder: str | None) -> None:
        """Put a layer at its dotted name, or among those that a module with parts holds itself."""
        *outer, last = name.split(".") if holder is None else f"{holder}.".lstrip(".").split(".")
        tree = self
        for part in outer:
            inner = tree.parts.setdefault(part, _Tree())
            assert isinstance(inner, _Tree)  # where a module has parts, it holds its layers itself
            tree = inner
        if holder is None:
            tree.parts[last] = layer
        else:
            tree.own.append(layer)

    def module(self, is_sorted: bool, lists: bool) -> Module:
        """The finished module; `is_sorted` where the order of different names means nothing."""
        rows: dict[str, list[int | Module]] = {}
        for name, part in self.parts.items():
            if lists and isinstance(part, _Tree) and not part.own and all(map(str.isdecimal, part.parts)):
                rows[f"{name}."] = [inner.module(is_sorted, lists) if isinstance(inner, _Tree) else inner
                                    for inner in part.parts.values()]
            else:
                row = rows.setdefault(NUMBERED.sub("", name) if is_sorted else "", [])
                row.append(part.module(is_sorted, lists) if isinstance(part, _Tree) else part)
        inside = [layers_of(part) for row in rows.values() for part in row]
        return Module(tuple(self.own), tuple(map(tuple, rows.values())),
                      sum(inside) + sum(1 << own for own in self.own))


def _natural(key: str) -> list[tuple[int, str]]:
    """By which names sort as people count: `layer2` before `layer10`."""
    numbers = (part.lstrip("0") if part.isdecimal() else None for part in DIGITS.split(key))
    return [(-1, part) if number is None else (len(number), number)
            for part, number in zip(DIGITS.split(key), numbers, strict=True)]


def _layer(name: str, keys: Mapping[str, str], shapes: Mapping[str, Shape]) -> Layer:
    order = sorted(shapes, key=lambda role: ROLES.index(role) if role in ROLES else -1)
    return Layer(name, keys, {role: shapes[role] for role in order if role != COUNTER})


def _split(key: str) -> tuple[str, str]:
    """A key as the module that holds the tensor, and its name there."""
    prefix, parametrised, name = key.partition(".parametrizations.")
    if parametrised:
        return prefix, f"parametrizations.{name}"
    prefix, _, name = key.rpartition(".")
    return prefix, name


def _outers(prefix: str) -> Iterable[str]:
    """The modules around one: `a.b.c` is inside `a.b`, `a` and the whole, which is empty."""
    while prefix:
        prefix = prefix.rpartition(".")[0]
        yield prefix


def _roles(names: Iterable[str], *, alone: bool) -> dict[str, str]:
    """What those of a module's tensors are whose names tell it; `alone` where the module has no parts."""
    given = set(names)
    roles = {name: name for name in names if name in ROLES or name.startswith("parametrizations.")}
    for renamed in RENAMED:
        if given >= renamed.keys() and (alone or renamed is not NORMALISATION):
            roles |= renamed
    return roles
