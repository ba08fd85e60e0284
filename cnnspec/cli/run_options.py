"""Options that say how networks are run to measure them, and which of them do not go together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from cnnspec.analysis.profile import Options
    from cnnspec.net import Net

F = TypeVar("F", bound=Callable[..., Any])

#: What networks run in: of the types that memory is told for, all but int8.
DTYPES = ("float32", "tf32", "float16", "bfloat16", "float64")
#: Parameters of `analysis.profile.Options` that the command line gives; it has `batch` besides.
_FIELDS = ("mode", "dtype", "autocast", "channels_last", "compiled", "cuda_graph", "cold", "optimizer")

_OPTIONS = (
    click.option("--mode", type=click.Choice(["inference", "training"]), default="inference", show_default=True,
                 help="What one run is: a forward pass, or a step of training."),
    click.option("--autocast", is_flag=True,
                 help="Keep float32 and let operators choose --dtype, rather than cast all."),
    click.option("--channels-last", is_flag=True, help="Pictures with their channels last."),
    click.option("--compile", "compiled", is_flag=True, help="Run what torch.compile makes of it."),
    click.option("--cuda-graph", is_flag=True, help="Run as a CUDA graph."),
    click.option("--cold", is_flag=True, help="Clear the caches before each run."),
    click.option("--threads", type=click.IntRange(1), help="Threads of one operator on the CPU."),
    click.option("--energy/--no-energy", default=True,
                 help="Measure energy, where the device tells it (some 20 s more)."),
)
#: Their parameters: beside `device`, `batch`, `dtype` and `optimizer`, which commands have for other things too.
PARAMETERS = ("mode", "autocast", "channels_last", "compiled", "cuda_graph", "cold", "threads", "energy")


def run_options(function: F) -> F:
    """`--mode`, `--cold` and the others: the same for all commands that measure."""
    for decorate in reversed(_OPTIONS):
        function = decorate(function)
    return function


def take_options(given: dict[str, Any], batch: int = 1) -> Options:
    """What the command line says of a run."""
    from cnnspec.analysis.profile import Options

    return Options(batch=batch, **{name: given[name] for name in _FIELDS})


def refuse_runs(given: dict[str, Any]) -> None:
    """Raise `click.UsageError` for options of a run that do not go together, or not with its device."""
    kind = given["device"].partition(":")[0]
    if given["dtype"] not in DTYPES:
        raise click.UsageError(f"networks do not run in {given['dtype']}; --dtype takes {', '.join(DTYPES)}")
    if given["dtype"] == "tf32" and kind != "cuda":
        raise click.UsageError("tf32 is for CUDA devices; the CPU computes float32 in full")
    if given["autocast"] and given["dtype"] not in {"float16", "bfloat16"}:
        raise click.UsageError("--autocast goes with --dtype float16 or bfloat16")
    if given["cuda_graph"] and kind != "cuda":
        raise click.UsageError("--cuda-graph goes with --device cuda")
    if given["cuda_graph"] and given["compiled"]:
        raise click.UsageError("--cuda-graph and --compile do not go together")


def refuse_untrained(nets: Iterable[Net], mode: str) -> None:
    """Raise `click.UsageError` where a network without weights to train is to be trained."""
    for net in nets if mode == "training" else ():
        summary = net.summary()
        if not summary.can_train:
            raise click.UsageError(f"--mode training does not go with {net.name}: {summary.memories.untrained}")


def refuse_idle(ctx: click.Context, needed: str, *, but: Collection[str] = ()) -> None:
    """Raise `click.UsageError` for options of a run on a line that runs nothing, without the option that is needed.

    `but` are parameters that say something all the same.
    """
    for option in ctx.command.params:
        name = option.name or ""
        if name in PARAMETERS and name not in but and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option.opts[0]} goes with {needed}")
