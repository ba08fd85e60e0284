"""`cnnspec train`: a short, honest training run that says whether a network learns."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from time import sleep
from typing import TYPE_CHECKING, Any

import click

from cnnspec.analysis.learning import OPTIMIZERS
from cnnspec.cli.options import fail, load_target, take_limits, target_options, warn
from cnnspec.cli.regime_options import DTYPES, refuse_regime, regime_options, take_regime
from cnnspec.cli.train_values import take_batch
from cnnspec.diagnostics import SpecError

if TYPE_CHECKING:
    from cnnspec.analysis.learning import Learning

#: Seconds that the first process of a machine has to tell what is wrong in all: launchers end it when another ends.
_TELLING = 1.0
#: Where runs are kept that name no folder.
FOLDER = "runs"


@click.command()
@target_options
@click.option("--data", default="digits", show_default=True, metavar="NAME",
              help="digits, mnist, fashion-mnist, cifar10, cifar100, folder:PATH, npz:PATH, idx:PATH, synthetic.")
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, cuda, cuda:1, mps.")
@click.option("--batch", default="64", show_default=True, callback=take_batch, metavar="N|auto",
              help="Images of a step; auto takes the most that fit, up to 1024.")
@click.option("--optimizer", type=click.Choice(OPTIMIZERS), default="adamw", show_default=True, help="What descends.")
@regime_options
@click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True,
              help="What operators may compute in (autocast).")
@click.option("--find-lr", is_flag=True, help="Find the learning rate first, by a run in which it rises.")
@click.option("--init", metavar="FILE", help="Begin with these weights; another head begins anew.")
@click.option("--freeze", metavar="REGEX", help="Layers that stay as they are, by their paths: 'stage[1-3].*'.")
@click.option("--threads", type=click.IntRange(1), help="Threads of one operator on the CPU.")
@click.option("--check", "only_check", is_flag=True, help="Only ask whether it can learn at all.")
@click.option("--no-check", is_flag=True, help="Train without asking that first.")
@click.option("--out", metavar="FOLDER", help="Where the run is kept (default runs/NET-DATA).")
@click.option("--overwrite", is_flag=True, help="Put it in the place of a run that --out holds.")
@click.option("--resume", metavar="FOLDER", help="Go on with a run that was kept; TARGET and settings are its own.")
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="How to print the end.")
def command(target: str | None, expression: str | None, settings: tuple[str, ...], inputs: tuple[str, ...],
            **given: Any) -> None:
    """A short training run: does the network learn at all, and how well?

    Questions come first, in seconds: is the loss at the start that of guessing, can one batch be learned by heart, are
    units dead, do gradients vanish? Progress goes to stderr; Ctrl-C stops within a step, and `--resume` goes on.
    """
    bounds = take_limits(given)
    try:
        refuse(target, expression, given)
        from cnnspec.runtime import require_torch

        require_torch()
        from cnnspec.cli import train_run

        if given["resume"] is not None:
            request = train_run.stored(given, bounds)
        else:
            net = load_target(target, expression, settings, inputs, bounds)
            if os.environ.get("RANK", "0") == "0":
                warn(net.diagnostics)
            kept = {"target": target, "expression": expression, "settings": settings, "inputs": inputs}
            request = train_run.Request(net, take_regime(given), kept, given)
        sys.exit(train_run.run(request))
    except SpecError as error:
        if os.environ.get("LOCAL_RANK", "0") != "0":
            sleep(_TELLING)
            sys.exit(1)
        fail(error)


#: What a run that goes on may be given anew.
_ANEW = {"resume", "epochs", "steps", "seconds", "device", "threads", "format_", "no_check"}


def refuse(target: str | None, expression: str | None, given: dict[str, Any]) -> None:
    """Raise `click.UsageError` for options that do not go together."""
    if given["resume"] is not None:
        context = click.get_current_context()
        named = [name for name in given if name not in _ANEW and not name.startswith("max_")
                 and context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE]
        if target or expression or named:
            what = "TARGET" if target or expression else _option(context, named[0])
            raise click.UsageError(f"--resume goes on with what the run was; {what} cannot be given")
        return
    if given["find_lr"] and given["rate"] is not None:
        raise click.UsageError("--find-lr and --lr exclude each other")
    if given["overwrite"] and given["out"] is None:
        raise click.UsageError("--overwrite goes with --out")
    if given["only_check"] and given["no_check"]:
        raise click.UsageError("--check and --no-check exclude each other")
    refuse_regime(given)


def _option(context: click.Context, name: str) -> str:
    """An option as it is written."""
    return next(parameter.opts[-1] for parameter in context.command.params if parameter.name == name)


def conclude(found: Learning, format_: str, told: Sequence[str] | None = None) -> int:
    """Print the end of a run; returns the exit code.

    `told`: where a terminal shows its beginning and epochs, the sentences that stand there.
    """
    from cnnspec.render import train as page

    if format_ == "json":
        click.echo(page.as_json(found))
    else:
        from cnnspec.render.console import print_lines

        print_lines(page.lines(found, told if sys.stdout.isatty() else None))
    return code(found)


def code(found: Learning) -> int:
    """The exit code of a run."""
    return 0 if not found.ended else 130 if found.ended == "interrupted" else 1
