"""`cnnspec predict`: how long networks take on a device, without running them."""

from __future__ import annotations

from functools import partial

import click

from cnnspec.analysis.devices import Datasheet
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.prediction import Prediction, predict
from cnnspec.analysis.summary import Summary
from cnnspec.cli.options import fail, limit_options, load_target, take_limits, warn
from cnnspec.cli.summary import take_depth
from cnnspec.diagnostics import SpecError

FORMATS = ("table", "json", "csv", "markdown")


@click.command()
@click.argument("targets", nargs=-1)
@click.option("-e", "--expression", metavar="SPEC", help="A spec given inline.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Give a parameter of the nets a value.")
@click.option("--input", "inputs", multiple=True, metavar="[NAME=]SHAPE", help="Take another input shape.")
@click.option("--device", default="this", show_default=True, metavar="NAME",
              help="this, cpu, cuda: as calibrated; a profile's file; a device of the table: h100, a100-40, rtx-4090.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Images at once.")
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="Element type.")
@click.option("--threads", type=click.IntRange(1), help="Threads that it was calibrated with.")
@click.option("--mode", type=click.Choice(["inference", "training"]), default="inference", hidden=True)
@click.option("--depth", callback=take_depth, metavar="N|all", help="Levels of the table to open, as in `summary`.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True,
              help="How to print it; csv has a row for each layer, json everything.")
@limit_options
def command(targets: tuple[str, ...], expression: str | None, settings: tuple[str, ...], inputs: tuple[str, ...],
            device: str, batch: int, dtype: str, threads: int | None, mode: str, depth: int | None, format_: str,
            **limits: int) -> None:
    """How long networks take on a device, without running them; needs no PyTorch.

    TARGETs are spec files, FILE:NET, names of nets, calls, `-`. A calibrated device (`cnnspec calibrate`) gives
    an estimate with a range; one of the built-in table a bound, below which no run falls. It is for one inference of
    the whole batch.
    """
    if mode == "training":
        raise click.UsageError("training is not predicted; `predict` estimates inference")
    if bool(targets) == (expression is not None):
        raise click.UsageError("give TARGETs or `-e SPEC`")
    bounds = take_limits(limits)
    names: list[str | None] = [*targets] or [None]
    try:
        from cnnspec.runtime.known_devices import known_device
        from cnnspec.runtime.profile_files import broken

        warn(broken())
        known = known_device(device, dtype, threads)
        if threads is not None and isinstance(known, Datasheet):
            raise click.UsageError("--threads goes with a device that was calibrated")
        nets = [load_target(name, None if name else expression, settings, inputs, bounds) for name in names]
        summaries = [net.summary(batch, dtype) for net in nets]
        show(summaries, [predict(summary, known) for summary in summaries], depth, format_)
    except SpecError as error:
        fail(error)


def show(summaries: list[Summary], found: list[Prediction], depth: int | None, format_: str) -> None:
    """Print predictions."""
    from cnnspec.render import predict as page
    from cnnspec.render.console import print_page

    if format_ == "json":
        click.echo(page.as_json(found))
    elif format_ == "csv":
        click.echo(page.as_csv(found), nl=False)
    elif format_ == "markdown":
        click.echo(page.as_markdown(found), nl=False)
    elif len(found) == 1:
        print_page(partial(page.one_net, summaries[0], found[0], depth))
    else:
        print_page(partial(page.several, found))
