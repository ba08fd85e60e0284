"""`cnnspec verify`: the analysis held against PyTorch, figure by figure and layer by layer."""

from __future__ import annotations

import sys

import click

from cnnspec.analysis.verification import Verification
from cnnspec.cli.options import fail, limit_options, load_target, take_limits
from cnnspec.diagnostics import SpecError
from cnnspec.files import known_nets
from cnnspec.net import Net


@click.command()
@click.argument("targets", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Verify every net that `cnnspec zoo` lists.")
@click.option("-e", "--expression", metavar="SPEC", help="A spec given inline.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Give a parameter of the nets a value.")
@click.option("--input", "inputs", multiple=True, metavar="[NAME=]SHAPE", help="Take another input shape.")
@click.option("--weights", metavar="FILE", help="Also see whether the weights in a file fit the one network.")
@click.option("--details", is_flag=True, help="Print the values of every network, not only of one that is alone.")
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
@limit_options
def command(targets: tuple[str, ...], everything: bool, expression: str | None, settings: tuple[str, ...],
            inputs: tuple[str, ...], weights: str | None, details: bool, format_: str, **limits: int) -> None:
    """Hold the analysis against PyTorch, layer by layer and in total.

    Builds the module of each TARGET (a spec file, FILE:NET, a net's name, a call, `-`) and compares output shapes,
    parameters, buffers, MACs (torch.utils.flop_counter), FLOPs (fvcore, each difference explained), the receptive field
    (gradients) and the inference peak (live storages). Exit code 1 where anything differs.
    """
    if everything == bool(targets or expression is not None):
        raise click.UsageError("give TARGETs or `-e SPEC`, or `--all` for the whole zoo")
    names: list[str | None] = [*known_nets()] if everything else [*targets]
    names += [] if expression is None else [None]
    if weights is not None and len(names) > 1:
        raise click.UsageError("--weights goes with one network")
    bounds = take_limits(limits)
    try:
        nets = [load_target(name, None if name else expression, settings, inputs, bounds) for name in names]
        from cnnspec.runtime import require_torch

        require_torch()
        found = show(nets, weights, format_, details=details)
    except SpecError as error:
        fail(error)
    sys.exit(0 if all(one.ok for one in found) else 1)


def show(nets: list[Net], weights: str | None, format_: str, *, details: bool) -> list[Verification]:
    """Verify the nets and print what was found: of several in a table, each as soon as it is done.

    Raises `SpecError` for weights that do not fit.
    """
    from cnnspec.render import verify as page
    from cnnspec.render.console import print_lines
    from cnnspec.runtime.verify import verify

    if format_ == "json":
        found = [verify(net, weights) for net in nets]
        click.echo(page.as_json(found))
        return found
    found = []
    width = page.name_width([net.name for net in nets])
    for net in nets:
        found.append(verify(net, weights))
        if details or len(nets) == 1:
            print_lines(page.one_net(found[-1]))
            print_lines([[]] if len(found) < len(nets) else [])
            continue
        if len(found) == 1:
            print_lines([page.heading(found[0], width)])
        print_lines([page.marks(found[-1], width), *page.failures(found[-1])])
    if len(nets) > 1:
        print_lines(page.verdict(found))
    return found
