"""`cnnspec explain`: the arithmetic of a layer, or the meaning of a diagnostic."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

from cnnspec import files
from cnnspec.cli.options import fail, load_target, take_limits, target_options, warn
from cnnspec.cli.terminal import colored
from cnnspec.codes import catalogue
from cnnspec.diagnostics import Diagnostic, SpecError, closest

if TYPE_CHECKING:
    from cnnspec.analysis.summary import Summary

#: Cells of the widest line; figures far from their words are hard to read.
WIDEST = 100


def complete_layer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The paths of the target's layers."""
    from cnnspec import net

    try:
        layers = net.load(ctx.params.get("target") or "").layers
    except SpecError:
        return []
    return [layer.path for layer in layers if layer.path.startswith(incomplete)]


@click.command(epilog="\b\nExamples:\n  cnnspec explain alexnet 'conv[0]'\n  cnnspec explain shape-mismatch")
@target_options
@click.argument("layer", required=False, shell_complete=complete_layer)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(target: str | None, expression: str | None, settings: tuple[str, ...], inputs: tuple[str, ...],
            layer: str | None, format_: str, **limits: int) -> None:
    """The arithmetic of a layer, with its numbers put in; or the meaning of a diagnostic.

    LAYER is a path as `cnnspec summary --depth all` shows it (`conv[0]`), the path of a block (`basic[2]`, all layers
    in it), or a keyword (`CONV`). Without LAYER: every layer in brief, once for the same computation.
    """
    if expression is not None and layer is None:
        target, layer = None, target  # the only positional argument is the layer
    if target is not None and layer is None and _is_code(target):
        explain_code(target)
        return
    try:
        net = load_target(target, expression, settings, inputs, take_limits(dict(limits)))
    except SpecError as error:
        fail(SpecError(_or_code(diagnostic, target or "") for diagnostic in error.diagnostics))
    explain_layers(net.summary(), layer, format_)
    if format_ == "text":
        warn(net.diagnostics)


def explain_layers(summary: Summary, name: str | None, format_: str) -> None:
    """Print the layers that a name stands for in full, or all in brief."""
    from cnnspec.analysis.explain import explain
    from cnnspec.analysis.selection import UnknownLayer, select
    from cnnspec.render import explain as render

    try:
        chosen = select(summary.layers, name) if name is not None else summary.layers
    except UnknownLayer as error:
        known = "`cnnspec summary --depth all` shows the paths"
        hint = f"did you mean `{error.suggestion}`?" if error.suggestion else known
        raise click.UsageError(f"{error} in {summary.name}; {hint}") from None
    explanations = [explain(summary, layer) for layer in chosen]
    width = min(shutil.get_terminal_size().columns, WIDEST)
    if format_ == "json":
        import json

        click.echo(json.dumps(render.as_json(explanations, summary), indent=2))
    elif name is not None:
        click.echo("\n\n".join(render.in_full(explanation, summary, width) for explanation in explanations))
    else:
        click.echo(render.overview(explanations, summary, width))


def _is_code(word: str) -> bool:
    """Whether a word is a diagnostic's code, and no file or net."""
    return word in catalogue() and not os.path.exists(word) and files.find_net(word) is None


def _or_code(diagnostic: Diagnostic, target: str) -> Diagnostic:
    """Where neither a net nor a code has the target's name: the code that was probably meant."""
    match = closest(target, catalogue())
    if match is None or diagnostic.code != "unknown-net" or diagnostic.help.startswith("did you mean"):
        return diagnostic
    return Diagnostic(diagnostic.code, diagnostic.message, help=f"did you mean the message `{match}`?")


def explain_code(code: str) -> None:
    """Print what a diagnostic means, with a spec that gives it and the corrected one."""
    from cnnspec.render.codes import in_full

    click.echo(in_full(catalogue()[code], colored(sys.stdout)))
