"""A network made ready to run under some options on a device: its module, random inputs and labels, one step."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, fx, nn, optim
from torch.nn import functional

from cnnspec.analysis.profile import Options
from cnnspec.net import Net

#: What tensors are in for each dtype that networks run in.
TENSORS = {"float64": torch.float64, "float32": torch.float32, "tf32": torch.float32, "float16": torch.float16,
           "bfloat16": torch.bfloat16}
#: Random numbers are the same for all runs.
SEED = 0
#: Small enough that a step of training changes no weight to where arithmetic becomes slow (infinities, denormals).
RATE = 1e-4

OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], optim.Optimizer]] = {
    "sgd": lambda weights: optim.SGD(weights, lr=RATE),
    "momentum": lambda weights: optim.SGD(weights, lr=RATE, momentum=0.9),
    "adam": lambda weights: optim.Adam(weights, lr=RATE),
    "adamw": lambda weights: optim.AdamW(weights, lr=RATE),
}


class Workload:
    """One network, ready to run: `run` does all of one run, and does not wait for the device."""

    def __init__(self, net: Net, options: Options, device: torch.device) -> None:
        """Raises `torch.OutOfMemoryError` or `RuntimeError` where the device's memory does not hold it."""
        self.options, self.device = options, device
        dtype = torch.float32 if options.autocast else TENSORS[options.dtype]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            module = net.to_torch(device=device, dtype=dtype)
        self.training = options.mode == "training"
        #: As it was built: a line for each layer.
        self.module: fx.GraphModule = module.train(self.training)
        chance = torch.Generator(device).manual_seed(SEED)
        self.inputs = [self._laid(torch.randn(options.batch, *net.graph.nodes[index].shape, dtype=dtype, device=device,
                                              generator=chance)) for index in net.graph.inputs.values()]
        if options.channels_last:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks this form
        #: For each output; in training alone.
        self.labels = [self._labels(net.graph.nodes[index].shape, chance) for index in self._outputs(net)]
        self.optimizer = OPTIMIZERS[options.optimizer](
            [weight for weight in module.parameters() if weight.requires_grad]) if self.training else None
        #: What runs: the module, or what `torch.compile` has made of it.
        self.forward: Callable[..., Any] = torch.compile(module) if options.compiled else module

    def _laid(self, value: Tensor) -> Tensor:
        """Pictures with their channels last, where that was asked for."""
        if self.options.channels_last and value.ndim == 4:
            return value.contiguous(memory_format=torch.channels_last)
        return value

    def _labels(self, shape: Sequence[int], chance: torch.Generator) -> Tensor:
        return torch.randint(shape[0], (self.options.batch, *shape[1:]), device=self.device, generator=chance)

    def _outputs(self, net: Net) -> list[int]:
        """The outputs that training learns from, the main one first."""
        return [net.graph.output, *(output.node for output in net.graph.outputs)] if self.training else []

    def run(self) -> Any:
        """One inference, or one step of training: drop the gradients, forward, loss, backward, update."""
        if self.optimizer is None:
            with torch.inference_mode(), self.casting():
                return self.forward(*self.inputs)
        self.optimizer.zero_grad(set_to_none=True)
        with self.casting():
            made = self.forward(*self.inputs)
            loss = self.loss(made)
        loss.backward()
        self.optimizer.step()
        return loss, made

    def loss(self, made: Any) -> Tensor:
        """The sum of the outputs' cross-entropies."""
        outputs = list(made.values()) if isinstance(made, dict) else [made]
        losses = [functional.cross_entropy(one, label) for one, label in zip(outputs, self.labels, strict=True)]
        total = losses[0]
        for loss in losses[1:]:
            total = total + loss
        return total

    def casting(self) -> AbstractContextManager[object]:
        """What a run stands in, so that operators choose their types."""
        if not self.options.autocast:
            return nullcontext()
        return torch.autocast(self.device.type, TENSORS[self.options.dtype])

    def forget(self) -> None:
        """Give back the gradients."""
        if self.optimizer is not None:
            self.optimizer.zero_grad(set_to_none=True)

    def held(self, block: int = 1) -> int:
        """Bytes that the device holds between two runs, each storage in multiples of a block's.

        Those of weights, buffers, inputs, labels (in training), and the optimiser's state.
        """
        state = [one for kept in (self.optimizer.state.values() if self.optimizer else ()) for one in kept.values()
                 if isinstance(one, Tensor)]
        tensors = [*self.module.parameters(), *self.module.buffers(), *self.inputs, *self.labels, *state]
        storages = [one.untyped_storage() for one in tensors if one.device == self.inputs[0].device]
        return sum({one.data_ptr(): -(-one.nbytes() // block) * block for one in storages}.values())

    def synchronize(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Rounding of float32 products to TF32, on for `tf32` alone; as it was afterwards."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that these switches will have other names
        products.allow_tf32 = convolutions.allow_tf32 = dtype == "tf32"
        try:
            yield
        finally:
            products.allow_tf32, convolutions.allow_tf32 = before


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """So many threads for each operator on the CPU (None: as it is); as it was afterwards."""
    before = torch.get_num_threads()
    if number is not None:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def refusal(error: Exception) -> str:
    """What a run is given up for, in a line."""
    if "more than 1" in str(error):  # as norms say it
        return "normalisation has a single value per channel, and training needs more"
    return str(error).strip().partition("\n")[0]


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether memory, of the device or of the CPU, did not suffice."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
