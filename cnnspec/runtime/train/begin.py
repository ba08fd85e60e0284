"""The module that a run begins with: new, or with weights from a file, of which a part may stay as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, fx, nn

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.graph.network import Graph
from cnnspec.graph.paths import paths
from cnnspec.net import Net
from cnnspec.runtime.materialise import loaded
from cnnspec.runtime.names import attribute
from cnnspec.runtime.train.checkpoint import APART
from cnnspec.runtime.weight_files import load_file


class Begun:
    """A module and what was done to it, in sentences; `still` are the modules whose statistics stay as they are."""

    def __init__(self, module: fx.GraphModule, says: tuple[str, ...], still: tuple[nn.Module, ...]) -> None:
        self.module, self.says, self.still = module, says, still


def begin(net: Net, device: torch.device, init: str | None = None, freeze: str | None = None) -> Begun:
    """The module in training mode, in the default dtype.

    `init` is a file of weights (see `weight_files.load_file`, or a run's checkpoint); where it has another number of
    classes, the last layer begins anew. Layers that the regular expression `freeze` matches (see `matches`) learn
    nothing, and their statistics stay. Raises `SpecError` where nothing fits or matches, or nothing
    remains to learn.
    """
    module = net.to_torch(device=device)
    says: list[str] = []
    if init is not None:
        says += _filled(net, module, load_file(init), init)
    still: tuple[nn.Module, ...] = ()
    if freeze is not None:
        still, said = _frozen(net.graph, module, freeze)
        says.append(said)
    return Begun(module, tuple(says), still)


# ----------------------------------------------------------------------------------------------- weights


def _filled(net: Net, module: fx.GraphModule, state: Mapping[str, Tensor], name: str) -> list[str]:
    """Put a file's weights into the module; the heads keep their own where the file's are of another size."""
    given = {key: value for key, value in state.items() if not key.startswith(APART)}
    source, classes = _fitting(net, module, given)
    for key, value in given.items():
        numbers = value.float() if value.element_size() == 1 else value  # some types of a byte have no `isfinite`
        if not torch.isfinite(numbers).all():
            raise SpecError([Diagnostic("bad-weights", f"{name}: `{key}` holds NaN or infinity, from which nothing "
                                        "is learned")])
    heads = {f"{head}." for head in _heads(net.graph)}
    new = []
    with torch.no_grad():
        for key, value in module.state_dict().items():
            if source[key].shape == value.shape:
                value.copy_(source[key])
            elif any(key.startswith(head) for head in heads):
                new.append(key)
            else:
                raise SpecError([Diagnostic("bad-weights", f"{name}: `{key}` is {_extents(source[key].shape)}, but "
                                            f"{_extents(value.shape)} in the net, and it is no part of its head")])
    if not new:
        return [f"weights from {name}"]
    return [f"weights from {name}, which has {classes:,} classes: {', '.join(f'`{key}`' for key in new)} begin anew"]


def _fitting(net: Net, module: fx.GraphModule, state: Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor], int]:
    """A file's weights under the net's own names, and how many classes they are for; heads may differ in size."""
    classes = _classes(net.graph, state)
    try:
        fitted: Mapping[str, Tensor] = loaded(net.graph, state, torch.device("cpu"), None).state_dict()
    except SpecError as error:
        wider = _with_classes(net, classes)
        if wider is None:
            raise
        try:
            fitted = loaded(wider.graph, state, torch.device("cpu"), None).state_dict()
        except SpecError:
            raise error from None
    return fitted, classes


def _classes(graph: Graph, state: Mapping[str, Tensor]) -> int:
    """How many classes a state dict is for: as its head says by name, else its last tensor."""
    for head in _heads(graph):
        if f"{head}.weight" in state:
            return len(state[f"{head}.weight"])
    sized = [value for value in state.values() if value.ndim]
    return len(sized[-1]) if sized else 0


def _with_classes(net: Net, classes: int) -> Net | None:
    """The net for another number of classes; None where it has no such parameter, or does not allow it."""
    try:
        return net.vary(classes=classes) if classes else None
    except SpecError:
        return None


def _heads(graph: Graph) -> Iterator[str]:
    """The names of the modules that make the outputs' scores: behind them nothing weighs any more."""
    names = [attribute(path) for path in paths(graph)]
    for end in (graph.output, *(output.node for output in graph.outputs)):
        index = end
        while not graph.nodes[index].op.layer.weighted and len(graph.nodes[index].inputs) == 1:
            index = graph.nodes[index].inputs[0]
        if graph.nodes[index].op.layer.weighted:
            yield names[index]


# --------------------------------------------------------------------------------------------- what stays


def _frozen(graph: Graph, module: fx.GraphModule, freeze: str) -> tuple[tuple[nn.Module, ...], str]:
    """The modules that stay as they are, and a sentence about them."""
    try:
        wanted = re.compile(freeze)
    except re.error as error:
        raise SpecError([Diagnostic("bad-freeze", f"`{freeze}` is no regular expression: {error}")]) from None
    known = dict(module.named_modules())
    found = [path for path in paths(graph) if attribute(path) in known and matches(wanted, path)]
    still = tuple(known[attribute(path)] for path in found)
    weights = [weight for one in still for weight in one.parameters()]
    if not found:
        raise SpecError([Diagnostic("bad-freeze", f"no layer's path matches `{freeze}`", notes=(
            f"paths are such as {', '.join(f'`{path}`' for path in _examples(paths(graph)))}",))])
    for weight in weights:
        weight.requires_grad_(False)
    if not any(weight.requires_grad for weight in module.parameters()):
        raise SpecError([Diagnostic("bad-freeze", f"`{freeze}` leaves nothing to learn")])
    return still, f"{len(found)} layers stay as they are, with {sum(weight.numel() for weight in weights):,} parameters"


def matches(wanted: re.Pattern[str], path: str) -> bool:
    """Whether a pattern matches a path, or its first components.

    A path may be spelled `stage[1].conv`, as PyTorch does, `stage.1.conv`, and without signs, `stage1.conv`: in a
    pattern brackets stand for a choice.
    """
    for spelled in (path, attribute(path), path.replace("[", "").replace("]", "")):
        places = [at for at, sign in enumerate(spelled) if sign in ".["]
        if any(wanted.fullmatch(spelled, 0, end) for end in (*places, len(spelled))):
            return True
    return False


def _examples(every: Iterable[str]) -> list[str]:
    """The first component of paths, each once, three at most."""
    return [*dict.fromkeys(path.partition(".")[0] for path in every)][1:4]


def _extents(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "one number"
