"""Memory of a training step: what autograd keeps, the gradients, the optimiser's state.

The step is: forward in training mode, a cross-entropy of each output with int64 labels (their sum is the loss),
backward, update; not the first one, so that the optimiser has its state. Rules (of autograd's engine in C++): a layer's
backward makes the gradients of its weights and of the inputs that need one; then it lets go of what was kept for it,
and of the gradient that came in. A value's second gradient is added to the first one in its place where that has no
other holder and is no view, else in new memory. The caller holds the outputs and the loss to the end.
"""

from __future__ import annotations

from cnnspec.analysis.ledger import (
    ACTIVATIONS,
    BACKWARD,
    FLOW,
    GRADIENTS,
    INPUTS,
    LOSS,
    OPTIMIZER,
    UPDATE,
    WORKSPACE,
    Ledger,
)
from cnnspec.analysis.memory import CUDA_BLOCK, Memory, Saved, Setting, Walk, scratch_blocks, settle, told
from cnnspec.graph.network import Graph, Node
from cnnspec.graph.paths import paths
from cnnspec.layers.base import product
from cnnspec.layers.facts import COPY, INDICES, MASK, NO_SCRATCH, NUMBER, OWN, PASSED, STATISTICS, Kept
from cnnspec.layers.recipe import Module
from cnnspec.record import Record

#: Bytes of a label, of an index of max pooling, and of the count of steps that Adam keeps for each tensor on the CPU.
LABEL, INDEX, STEP = 8, 8, 4
#: A number from Python becomes a tensor of double precision, on the CPU.
WRAPPED = 8
#: Kernels for CUDA take statistics in at least so many bytes.
ACCUMULATED = 4


class Optimizer(Record):
    """What an optimiser keeps and uses, in copies of the weights."""

    #: Kept from step to step.
    states: int
    #: Whether it counts its steps for each tensor.
    counts: bool = False
    #: Whether it divides by a root while it updates: of all tensors at once on CUDA, of one after the other on a CPU.
    divides: bool = False


#: As `torch.optim` has them, without weight decay that is added to gradients.
OPTIMIZERS = {
    "sgd": Optimizer(0),
    "momentum": Optimizer(1),
    "adam": Optimizer(2, counts=True, divides=True),
    "adamw": Optimizer(2, counts=True, divides=True),
}


def training(graph: Graph, setting: Setting, optimizer: str = "momentum") -> Memory:
    """The peak of a training step and all that leads to it. `optimizer` is one of `OPTIMIZERS`."""
    ledger = Ledger(CUDA_BLOCK if setting.is_cuda else 1)
    settle(ledger, graph, setting)
    _settle_state(ledger, graph, setting, OPTIMIZERS[optimizer])
    tape = Tape(graph, ledger, setting)
    resident = ledger.live
    tape.forward()
    saved = tape.saved()
    tape.loss()
    tape.backward()
    _update(ledger, graph, setting, OPTIMIZERS[optimizer])
    return told(ledger, setting, resident, saved)


def trained(graph: Graph) -> list[bool]:
    """By node, whether gradients flow through it: it has weights that are trained, or one before it has."""
    flows: list[bool] = []
    for node in graph.nodes:
        flows.append(node.op.trainable_count > 0 or any(flows[index] for index in node.inputs))
    return flows


class Tape:
    """A step of training: what the forward pass keeps, and its backward pass."""

    def __init__(self, graph: Graph, ledger: Ledger, setting: Setting) -> None:
        self.graph, self.ledger, self.setting = graph, ledger, setting
        #: The outputs in the order of their losses, the main one first.
        self.outputs = [graph.output, *(output.node for output in graph.outputs)]
        for index in self.outputs:
            ledger.take(INPUTS, LABEL * setting.batch * product(graph.nodes[index].shape[1:]))
        self._walk = Walk(graph, frozenset(range(len(graph.nodes))), ledger, setting, training=True)
        self._flows = trained(graph)
        #: By node, the blocks that its backward pass needs, with what each is.
        self._kept: dict[int, list[tuple[int, str]]] = {}
        #: The gradient that waits at each node.
        self._waiting: dict[int, int] = {}
        #: By block that is none of a value, the node that made it.
        self._makers: dict[int, int] = {}
        #: Blocks of gradients that are views.
        self._views: set[int] = set()
        self._root = 0

    def forward(self) -> None:
        """All layers."""
        for node in self.graph.nodes:
            if node.index in self._walk.runs:
                self._walk.layer(node, node.op.training.forward)
                if self._flows[node.index]:
                    self._kept[node.index] = [*self._values(node), *self._beside(node)]
                self._walk.leave(node)

    def _values(self, node: Node) -> list[tuple[int, str]]:
        """Hold the inputs and the output that a layer's backward pass needs."""
        saved, blocks = node.op.saved, self._walk.blocks
        values = [node.inputs[i] for i in saved.inputs] + [node.index] * saved.output
        copied = self._walk.places.layouts.copied(node, self.setting.batch)
        if saved.inputs and (copied or node.index in self._walk.written):  # what is written over is copied before
            size = (copied or node.op.elements) * self.setting.batch * self.setting.element
            copy = self.ledger.take(ACTIVATIONS, size)
            self._makers[copy] = node.index
            return [(copy, COPY)]
        return [(self.ledger.hold(blocks[value]), "value") for value in values]

    def _beside(self, node: Node) -> list[tuple[int, str]]:
        """Take the blocks that it needs beside those."""
        found = []
        for kept in node.op.training.kept:
            block = self.ledger.take(ACTIVATIONS, kept_bytes(kept, self.setting))
            self._makers[block] = node.index
            found.append((block, kept.kind))
        return found

    def saved(self) -> tuple[Saved, ...]:
        """What is kept now, block by block, in the order of the layers that made them."""
        inputs = {self._walk.blocks[index] for index in self.graph.inputs.values()}
        makers = {self._walk.blocks[index]: index for index in reversed(self._walk.blocks)} | self._makers
        needed: dict[tuple[int, str], list[int]] = {}
        for index, kept in self._kept.items():
            for one in kept:
                needed.setdefault(one, []).append(index)
        found = [Saved(makers[block], tuple(dict.fromkeys(by)), kind, self.ledger.size(block))
                 for (block, kind), by in needed.items() if block not in inputs]
        return tuple(sorted(found, key=lambda one: one.node))

    def loss(self) -> None:
        """The loss of each output, and back to the gradients of the outputs."""
        ledger, element = self.ledger, self.setting.element
        made = []
        for index in self.outputs:
            size = self.graph.nodes[index].op.elements * self.setting.batch * element
            made.append((index, size, *(ledger.take(ACTIVATIONS, one) for one in (size, element, element))))
        if len(made) > 1:
            ledger.take(ACTIVATIONS, element)  # the sum, which stays
        self._root = ledger.take(FLOW, element)  # its gradient
        for index, size, probabilities, loss, total in reversed(made):
            if len(made) > 1:
                ledger.drop(loss)
            first = ledger.take(FLOW, size)
            ledger.drop(total)
            second = ledger.take(FLOW, size)
            ledger.drop(first)
            ledger.drop(probabilities)
            self._receive(index, second)
        ledger.close(LOSS)

    def backward(self) -> None:
        """All layers through which gradients flow, the last one first."""
        for node in reversed(self.graph.nodes):
            if node.index in self._waiting:
                self._layer(node, self._waiting.pop(node.index))
                self.ledger.close(BACKWARD, node.index)
        self.ledger.drop(self._root)

    def _layer(self, node: Node, gradient: int) -> None:
        ledger, setting, rule = self.ledger, self.setting, node.op.training
        if not self._flows[node.index]:
            ledger.drop(gradient)
            return
        each = setting.batch * setting.element
        for elements in rule.out_steps:
            gradient = self._follow(gradient, elements * each)
        if rule.unsummed:
            ledger.use([rule.unsummed * each])
        for param in node.op.params:
            if param.trainable:
                ledger.take(GRADIENTS, product(param.shape) * setting.element)
        if self._flows[node.inputs[0]]:
            for elements in rule.in_steps:
                gradient = self._follow(gradient, elements * each)
                self._forget(node)
        found = self._input_gradients(node, gradient)
        if rule.backward is not NO_SCRATCH:
            ledger.use(scratch_blocks(rule.backward, setting))
        self._forget(node)
        ledger.drop(gradient)
        for source, block in found:
            self._receive(source, block)
        ledger.use(self._reordered(node))

    def _reordered(self, node: Node) -> list[int]:
        """The sizes of kernels whose gradients come channels last, and are copied in rows, as the kernels lie.

        That is where the input lies so (`AccumulateGrad::accumulateGrad` in torch/csrc/autograd/functions).
        """
        op = node.op
        if not op.layer.weighted or not self._walk.places.layouts.is_channels_last(node):
            return []
        return [product(param.shape) * self.setting.element for param in op.params
                if param.trainable and len(param.shape) == 4 and param.shape[1] > 1 and product(param.shape[2:]) > 1]

    def _follow(self, gradient: int, size: int) -> int:
        """A gradient made of another one, in whose place it is then."""
        made = self.ledger.take(FLOW, size)
        self.ledger.drop(gradient)
        return made

    def _forget(self, node: Node) -> None:
        """Drop what was kept for a layer."""
        for block, _ in self._kept.pop(node.index, ()):
            self.ledger.drop(block)

    def _input_gradients(self, node: Node, gradient: int) -> list[tuple[int, int]]:
        """The inputs that need a gradient, each with its block."""
        found: list[tuple[int, int]] = []
        rules = node.op.training.gradients
        shared: int | None = None
        for place, source in enumerate(node.inputs):
            if not self._flows[source]:
                continue
            rule = rules[min(place, len(rules) - 1)]
            size = self.graph.nodes[source].op.elements * self.setting.batch * self.setting.element
            if rule == PASSED:
                block = self.ledger.hold(gradient)
            elif rule == OWN or shared is None:
                block = shared = self.ledger.take(FLOW, size)
            else:
                block = self.ledger.hold(shared)
            found.append((source, block))
        if node.op.training.views:
            self._views.update(block for _, block in found)
        return found

    def _receive(self, index: int, block: int) -> None:
        """A gradient arrives at a value: the first one, or to be added to those before."""
        ledger = self.ledger
        first = self._waiting.get(index)
        if first is None:
            self._waiting[index] = block
            return
        size = self.graph.nodes[index].op.elements * self.setting.batch * self.setting.element
        if ledger.is_alone(first) and first not in self._views:
            ledger.drop(block)
        else:
            self._waiting[index] = ledger.take(FLOW, size)
            ledger.drop(first)
            ledger.drop(block)


def kept_bytes(kept: Kept, setting: Setting) -> int:
    """The size of a block that is kept beside inputs and outputs."""
    each = setting.element
    if kept.kind == INDICES:
        each = INDEX
    elif kept.kind == NUMBER:
        each = 0 if setting.is_cuda else WRAPPED
    elif setting.is_cuda and kept.kind == MASK:
        each = 1
    elif setting.is_cuda and kept.kind == STATISTICS:
        each = max(each, ACCUMULATED)
    return kept.elements * each * (setting.batch if kept.per_image else 1)


def _trainable(graph: Graph, setting: Setting) -> list[int]:
    """Bytes of each tensor that is trained, in the order in which its module lists them."""
    return [product(param.shape) * setting.element
            for node in _as_listed(graph) for param in node.op.params if param.trainable]


def _as_listed(graph: Graph) -> list[Node]:
    """The layers in the order of the module's tree: what has a common name in front stands together."""
    seen: dict[tuple[str, ...], int] = {}
    places: list[tuple[int, ...]] = []
    for node, path in zip(graph.nodes, paths(graph), strict=True):
        parts = tuple(path.replace("[", ".").replace("]", "").split(".")) if isinstance(node.op.recipe, Module) else ()
        places.append(tuple(seen.setdefault(parts[:depth], len(seen)) for depth in range(1, len(parts) + 1)))
    return sorted(graph.nodes, key=lambda node: places[node.index])


def _settle_state(ledger: Ledger, graph: Graph, setting: Setting, optimizer: Optimizer) -> None:
    """Take the blocks of what the optimiser keeps from step to step."""
    for size in _trainable(graph, setting):
        for _ in range(optimizer.states):
            ledger.take(OPTIMIZER, size)
        if optimizer.counts and not setting.is_cuda:
            ledger.take(OPTIMIZER, STEP)


def _update(ledger: Ledger, graph: Graph, setting: Setting, optimizer: Optimizer) -> None:
    """The optimiser's step, and what it uses meanwhile."""
    sizes = _trainable(graph, setting)
    if optimizer.divides and setting.is_cuda:
        ledger.use(sizes)
    elif optimizer.divides:
        divisor: int | None = None
        for size in sizes:
            root, number, made = (ledger.take(WORKSPACE, one) for one in (size, WRAPPED, size))
            for block in (root, number) if divisor is None else (root, number, divisor):
                ledger.drop(block)
            divisor = made  # a variable of PyTorch's code holds it until the next one is made
        if divisor is not None:
            ledger.drop(divisor)
    ledger.close(UPDATE)
