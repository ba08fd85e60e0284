"""`cnnspec diff`: what changed between two networks, and what each change did."""

from __future__ import annotations

import sys

import click

from cnnspec.analysis.difference import Difference, difference
from cnnspec.analysis.difference_alone import alone
from cnnspec.cli.options import fail, limit_options, load_target, take_limits, warn
from cnnspec.diagnostics import Diagnostic, SpecError, in_order
from cnnspec.limits import Limits
from cnnspec.net import Net
from cnnspec.render.diff import MOST_CHANGES, Told

_EXAMPLES = """\b
Examples:
  cnnspec diff resnet18 resnet34
  cnnspec diff main:specs/net.cnn specs/net.cnn
  cnnspec diff resnet18 resnet18 --set-after classes=10"""


@click.command(epilog=_EXAMPLES)
@click.argument("targets", nargs=-1, metavar="BEFORE AFTER")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Give a parameter of both a value.")
@click.option("--set-before", multiple=True, metavar="NAME=VALUE", help="Give a parameter of BEFORE a value.")
@click.option("--set-after", multiple=True, metavar="NAME=VALUE", help="Give a parameter of AFTER a value.")
@click.option("--input", "inputs", multiple=True, metavar="[NAME=]SHAPE", help="Take another input shape for both.")
@click.option("--all", "everything", is_flag=True, help=f"List every change, not only the first {MOST_CHANGES}.")
@click.option("--format", "format_", type=click.Choice(["table", "json", "markdown"]), default="table",
              show_default=True, help="How to print it; json has every change.")
@limit_options
def command(targets: tuple[str, ...], settings: tuple[str, ...], set_before: tuple[str, ...],
            set_after: tuple[str, ...], inputs: tuple[str, ...], everything: bool, format_: str, **limits: int) -> None:
    """What changed between two networks, and what each change did.

    BEFORE and AFTER are spec files, FILE:NET, names of nets, calls, `-` for standard input, or files of a git
    revision, REVISION:FILE or REVISION:FILE:NET. FILE is sought from the top of the repository, as git does, or from
    the current folder as `./FILE`. Layers are matched along blocks and repeats. Exit code 0 where both have the same
    layers, 1 where they differ, 2 where a mistake leaves nothing to compare.
    """
    if len(targets) != 2:
        raise click.UsageError(f"give two networks, BEFORE and AFTER, not {len(targets) or 'none'}")
    if targets == ("-", "-"):
        raise click.UsageError("only one of the two can be read from standard input")
    try:
        before, after = _both(targets, [_given(settings, own) for own in (set_before, set_after)], inputs,
                              take_limits(limits))
        found = difference(before.summary(), after.summary())
    except SpecError as error:
        fail(error, spec=2)
    show(found, format_, None if everything or format_ == "json" else MOST_CHANGES)
    if format_ != "json":
        warn(in_order((*before.diagnostics, *after.diagnostics)))
    sys.exit(0 if found.equal else 1)


def _given(both: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    """The settings of one network: its own take the place of those for both."""
    names = {setting.partition("=")[0].strip() for setting in own}
    return (*(setting for setting in both if setting.partition("=")[0].strip() not in names), *own)


def _both(targets: tuple[str, ...], settings: list[tuple[str, ...]], inputs: tuple[str, ...],
          limits: Limits) -> list[Net]:
    """Both networks; raises `SpecError` with the mistakes of both."""
    nets: list[Net] = []
    mistakes: list[Diagnostic] = []
    for target, given in zip(targets, settings, strict=True):
        try:
            nets.append(load_target(target, None, given, inputs, limits))
        except SpecError as error:
            mistakes += error.diagnostics
    if mistakes:
        raise SpecError(in_order(mistakes))
    return nets


def show(found: Difference, format_: str, most: int | None) -> None:
    """Print a difference, with at most so many changes."""
    told = [Told(change, alone(found, change)) for change in found.changes[:most]]
    if format_ == "json":
        from cnnspec.render.diff_data import as_json

        click.echo(as_json(found, told))
    elif format_ == "markdown":
        from cnnspec.render.diff_markdown import as_markdown

        click.echo(as_markdown(found, told), nl=False)
    else:
        from functools import partial

        from cnnspec.render.console import print_page
        from cnnspec.render.diff import page

        print_page(partial(page, found, told))
