"""Times of the layers of a module, by a time stamp between each two of them: nothing counts twice, nothing is left out.

The module's graph is copied once, with a stamp before each layer's call. Hooks on modules would miss the merges, which
are functions. Values are freed after their last use in the copy as in the module.

Backward, autograd's engine works on one thread, and next always on what was made last: on the layers in reverse, each
of them in one go. A hook before the operator that made a layer's output stamps the beginning of its backward pass. A
layer has none where autograd runs nothing for it: inputs, what stands before the first weights, what passes its input
on (`FLATTEN` of what is flat), and a view that the next layer writes over, whose backward pass is a part of that one's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, fx, optim

from cnnspec.analysis.layer_times import ASIDE, BACKWARD, END, FORWARD, HOST, LayerTimes, Mark, Trace, trace, typical
from cnnspec.runtime.build import LAYER

#: One run with stamps.
Run = Callable[[], Trace]
#: From what a module returns, the number that training makes smaller.
Loss = Callable[[Any], Tensor]

CALL: Mark = (ASIDE, "call")
LOSS: Mark = (ASIDE, "loss")
OPTIMIZER: Mark = (ASIDE, "optimizer")
#: What the forward pass does for the stamps of the backward pass.
HOOKS: Mark = (ASIDE, "hooks")


class Stamps:
    """The stamps of a run. What a stamp is, only the clock knows: the host's gives seconds, CUDA's gives events."""

    def __init__(self, clock: Callable[[], Any] = perf_counter,
                 seconds: Callable[[Sequence[Any]], Sequence[float]] = list, name: str = HOST) -> None:
        """`seconds` tells the times of stamps, from any beginning on, once all of them are taken; `name`, the clock."""
        self._seconds, self._name = seconds, name
        taken: list[tuple[Mark, Any]] = []

        def mark(what: Mark) -> None:
            taken.append((what, clock()))

        self._taken = taken
        #: Stamps the beginning of something. A closure, since it is what costs least.
        self.mark = mark

    def clear(self) -> None:
        """Forget all stamps."""
        self._taken.clear()

    def trace(self, module: fx.GraphModule) -> Trace:
        """The parts of a module's run, from the stamps taken since `clear`."""
        inputs = [node.meta[LAYER] for node in module.graph.nodes if node.op == "placeholder"]
        return trace([what for what, _ in self._taken], self._seconds([stamp for _, stamp in self._taken]), inputs,
                     self._name)


def stamped(module: fx.GraphModule, stamps: Stamps, *, backward: bool = False) -> fx.GraphModule:
    """A module of `runtime.build` with a stamp before each layer, for the mode that it is in; the layers are its own.

    With `backward` the backward pass is stamped, too.
    """
    follow = follower(stamps)
    copy = fx.Graph()
    made: dict[fx.Node, fx.Node] = {}
    for node in module.graph.nodes:
        if node.op == "output":
            copy.call_function(stamps.mark, (CALL,))
        elif node.op != "placeholder":
            copy.call_function(stamps.mark, ((FORWARD, node.meta[LAYER]),))
        made[node] = copy.node_copy(node, made.__getitem__)
        if backward and node.op not in {"placeholder", "output"}:
            copy.call_function(stamps.mark, (HOOKS,))
            copy.call_function(follow, (made[node], node.meta[LAYER]))
    return fx.GraphModule(module, copy, class_name=type(module).__name__)


def follower(stamps: Stamps) -> Callable[[Tensor, int], None]:
    """Has the beginning of a layer's backward pass stamped, where it has one; to be called on each layer's output.

    Autograd numbers operators as it makes them: one that is no newer than those before is another layer's.
    """
    mark, newest = stamps.mark, -1

    def follow(value: Tensor, layer: int) -> None:
        nonlocal newest
        operator = value.grad_fn
        if operator is not None:
            number = operator._sequence_nr()  # noqa: SLF001  # no public name tells it
            if number > newest:
                newest = number
                operator.register_prehook(lambda _: mark((BACKWARD, layer)))

    return follow


def inference(module: fx.GraphModule, inputs: Sequence[Tensor], stamps: Stamps | None = None, *,
              whole: bool = False) -> Run:
    """Runs a module, in the mode that it is in, layer by layer, without gradients; without `stamps`, on a CPU.

    As a `whole`, there is no stamp within the module, and all of it is `call`.
    """
    taken = stamps or Stamps()
    mark, forward = taken.mark, module if whole else stamped(module, taken)

    def run() -> Trace:
        taken.clear()
        with torch.inference_mode():
            mark(CALL)
            forward(*inputs)
            mark(END)
        return taken.trace(module)

    return run


def training(module: fx.GraphModule, inputs: Sequence[Tensor], loss: Loss, optimizer: optim.Optimizer,
             stamps: Stamps | None = None, *, whole: bool = False) -> Run:
    """Runs a step of training, layer by layer: the gradients are dropped, forward, loss, backward, update; likewise.

    `loss` is all from the outputs to the first layer's backward pass; `optimizer` drops gradients and updates. As a
    `whole`, the forward pass is `call`, and the backward pass a part of `loss`.
    """
    taken = stamps or Stamps()
    mark, forward = taken.mark, module if whole else stamped(module, taken, backward=True)

    def run() -> Trace:
        taken.clear()
        mark(OPTIMIZER)
        optimizer.zero_grad(set_to_none=True)
        mark(CALL)
        outputs = forward(*inputs)
        mark(LOSS)
        loss(outputs).backward()
        mark(OPTIMIZER)
        optimizer.step()
        mark(END)
        return taken.trace(module)

    return run


def measure(run: Run, plain: Run | None = None, *, seconds: float = 2.0, least: int = 8, most: int = 100,
            warm: int = 3) -> LayerTimes:
    """The parts of a typical run, after some to warm up: of at least `least`, and of more until they took `seconds`.

    In turn with `plain`, the same run as a whole, which tells what the stamps cost: one after the other, what else a
    machine does would be a part of the difference.
    """
    runs = [run] if plain is None else [run, plain]
    for _ in range(warm):
        for one in runs:
            one()
    traces: list[list[Trace]] = [[] for _ in runs]
    spent = 0.0
    while len(traces[0]) < least or (spent < seconds and len(traces[0]) < most):
        for one, made in zip(runs, traces, strict=True):
            made.append(one())
            spent += made[-1].whole
    return typical(*traces)
