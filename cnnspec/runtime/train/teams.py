"""Which processes train together: this one alone, or all that `torchrun` or `accelerate launch` has begun."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.runtime.devices import parse
from cnnspec.runtime.train.batch_norm import synchronise
from cnnspec.runtime.train.team import Alone, Made, Team, Told, cast

if TYPE_CHECKING:
    from accelerate import Accelerator

#: Keeps the random numbers of neighbouring steps and seeds apart.
_STRIDE = 1_000_003


class Together:
    """Several processes, on one machine or more, brought together by accelerate."""

    def __init__(self, accelerator: Accelerator, device: torch.device, dtype: str) -> None:
        self.accelerator, self.device, self.dtype = accelerator, device, dtype
        self.rank, self.size = accelerator.process_index, accelerator.num_processes
        # What processes agree on goes past their devices, so that no step waits for one.
        self.words: Any = dist.new_group(backend="gloo")

    def joined(self, module: nn.Module, still: Sequence[nn.Module] = ()) -> nn.Module:
        synchronise(module, still, self.device)
        self.accelerator.free_memory()  # of modules that were joined before
        wrapped: nn.Module = self.accelerator.prepare_model(module)
        return wrapped

    def summed(self, sums: Tensor) -> Tensor:
        total: Tensor = self.accelerator.reduce(sums, "sum")
        return total

    def most(self, values: tuple[float, ...]) -> tuple[float, ...]:
        found = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(found, dist.ReduceOp.MAX, self.words)
        return tuple(found.tolist())

    def agreed(self, act: Callable[[], Made]) -> Made:
        error: SpecError | None = None
        try:
            made = act()
        except SpecError as raised:
            error = raised
        errors: list[SpecError | None] = [None] * self.size
        dist.all_gather_object(errors, error, self.words)
        for each in errors:
            if each is not None:
                raise Told(each.diagnostics) from None
        return made

    def first(self, act: Callable[[], Made]) -> Made:
        ahead = self.accelerator.is_local_main_process
        made = self.agreed(lambda: act() if ahead else None)
        return self.agreed(lambda: act() if made is None else made)

    def stir(self, seed: int, step: int) -> None:
        torch.manual_seed(((seed * _STRIDE + step) * _STRIDE + self.rank) % (1 << 63))

    def casting(self) -> AbstractContextManager[Any]:
        return cast(self.device, self.dtype)

    @contextmanager
    def working(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if not lost(error):
                raise
            raise Told([Diagnostic("lost-process", "another process of the run has ended before its time",
                                   notes=(str(error).strip().partition(". ")[0],),
                                   help="its own message says why; `--resume FOLDER` goes on from the last checkpoint")]
                       ) from None
        dist.destroy_process_group()


def lost(error: RuntimeError) -> bool:
    """Whether an error is of processes that do not answer; gloo's have no type of their own."""
    return isinstance(error, dist.DistError) or "gloo" in str(error).lower()


def team_of(device: torch.device, dtype: str) -> Team:
    """The team of this process, as the environment of its launcher says; `device` is this process's (see `placed`).

    Raises `SpecError` where several were launched and accelerate is not installed (`no-package`), or brings them
    together in another way than by copies of one module (`bad-processes`).
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Alone(device, dtype)
    try:
        from accelerate import Accelerator, DistributedType
    except ImportError:
        raise SpecError([Diagnostic("no-package", "several processes train together through accelerate, which is not "
                                    "installed", help="`pip install 'cnnspec[train]'`")]) from None
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no")  # a team casts as one process does
    if accelerator.distributed_type not in {DistributedType.MULTI_CPU, DistributedType.MULTI_GPU}:
        raise SpecError([Diagnostic("bad-processes", "each process trains a copy of the whole network, but the "
                                    f"launcher asks for {accelerator.distributed_type.value}",
                                    help="`torchrun`, or `accelerate launch` without such a plugin")])
    return Together(accelerator, device, dtype)


def placed(text: str) -> str:
    """The device of this process where `--device` names `text`: of several processes on CUDA each has its own.

    Raises `SpecError` (`bad-processes`) where there are fewer GPUs than processes, or the name fits one alone.
    """
    kind, _ = parse(text)
    size, here = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if size == 1 or kind == "cpu":
        return text
    if kind != "cuda" or ":" in text:
        raise SpecError([Diagnostic("bad-processes", f"`{text}` is one device, but {size} processes train together",
                                    help="`--device cuda` gives each its own; CUDA_VISIBLE_DEVICES says which there are"
                                    if kind == "cuda" else "`--device cpu` or `--device cuda`")])
    count = torch.cuda.device_count()
    if 0 < count < here:
        raise SpecError([Diagnostic("bad-processes", f"{here} processes of this machine need a GPU each, but there "
                                    f"{'is' if count == 1 else 'are'} {count}",
                                    help=f"`torchrun --nproc-per-node {count}`, or `--device cpu`")])
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def shared(team: Team, batch: int, train: int, val: int) -> tuple[str, ...]:
    """How a batch is shared, in sentences; nothing for one process. `train` and `val` count images.

    Raises `SpecError` (`bad-processes`) where parts would not be equal, as means over them must be.
    """
    size = team.size
    if size == 1:
        return ()
    if batch % size:
        below = batch // size * size
        near = f"`--batch {below}` or `--batch {below + size}`" if below else f"`--batch {size}`"
        raise SpecError([Diagnostic("bad-processes", f"a batch of {batch:,} images has no equal parts for {size} "
                                    "processes", help=near)])
    if train < batch:
        most = train // size * size
        raise SpecError([Diagnostic("bad-processes", f"a batch of {batch:,} images for {size} processes, but there are "
                                    f"{train:,} to train on",
                                    help=f"`--batch {most}`, or fewer processes" if most else "fewer processes")])
    if val < size:
        raise SpecError([Diagnostic("bad-processes", f"{size} processes, but {val:,} images to judge by",
                                    help="fewer processes")])
    said = f"{size} processes, each with {batch // size:,} of a batch's {batch:,} images"
    return (f"{said}; gradients and statistics of batch norms are of the whole batch",)
