"""`cnnspec draw`: the network as a picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from cnnspec.analysis.summary import Summary
from cnnspec.cli.options import Real, fail, load_target, take_limits, target_options, warn
from cnnspec.cli.reports import write_whole
from cnnspec.cli.summary import take_depth
from cnnspec.diagnostics import SpecError
from cnnspec.record import Record

GRAPH, VOLUMES = "graph", "volumes"
SVG, PNG, DOT, MERMAID = "svg", "png", "dot", "mmd"
#: Formats by the suffix of a file.
SUFFIXES = {".svg": SVG, ".png": PNG, ".dot": DOT, ".gv": DOT, ".mmd": MERMAID}


class View(Record):
    """How the command line wants a network to be drawn."""

    style: str
    size_by: str
    depth: int | None
    scale: float


def take_files(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Formats by path; a suffix that names none is refused."""
    found = {}
    for path in values:
        suffix = os.path.splitext(path)[1].lower()
        if suffix not in SUFFIXES:
            raise click.BadParameter(f"`{path}` ends in none of {', '.join(SUFFIXES)}", ctx, param)
        found[path] = SUFFIXES[suffix]
    return found


@click.command
@target_options
@click.option("-o", "--output", "outputs", multiple=True, callback=take_files, metavar="FILE",
              help="Where to, as its suffix says: .svg, .png, .dot (or .gv), .mmd for Mermaid. Several are fine.")
@click.option("--style", type=click.Choice([GRAPH, VOLUMES]), default=GRAPH, show_default=True,
              help="Boxes with the values between them, or volumes as large as the values.")
@click.option("--size-by", type=click.Choice(["macs", "params"]), help="What boxes are as large as (default macs).")
@click.option("--depth", callback=take_depth, metavar="N|all",
              help="Levels of blocks, merges and repeats to open; all: a box for each layer. "
              "By default as many as leave the picture legible.")
@click.option("--scale", type=Real(0.1, 10), help="Pixels of a PNG for each of the SVG's (default 2).")
def command(target: str | None, expression: str | None, settings: tuple[str, ...], inputs: tuple[str, ...],
            outputs: dict[str, str], style: str, size_by: str | None, depth: int | None, scale: float | None,
            **limits: int) -> None:
    """Draw a network: repeats as ×3, branches side by side, skip connections around what they skip.

    TARGET is as for `cnnspec summary`. Without -o, the SVG goes to standard output.
    """
    formats = [*outputs.values()] or [SVG]
    _fits(formats, style, size_by, scale)
    if not outputs and sys.stdout.isatty():
        raise click.UsageError("give a file with -o, such as -o net.svg, or send the SVG elsewhere with > or |")
    view = View(style, size_by or "macs", depth, scale or 2.0)
    try:
        net = load_target(target, expression, settings, inputs, take_limits(limits))
        summary = net.summary()
        drawn = {form: draw(summary, form, view) for form in dict.fromkeys(formats)}
        for path, form in outputs.items():
            write_whole(path, drawn[form])
            click.echo(f"wrote {path}", err=True)
    except SpecError as error:
        fail(error)
    if not outputs:
        click.echo(drawn[SVG], nl=False)
    warn(net.diagnostics)


def _fits(formats: Sequence[str], style: str, size_by: str | None, scale: float | None) -> None:
    """Refuse options that nothing would follow."""
    texts = next((form for form in formats if form in (DOT, MERMAID)), None)
    if style == VOLUMES and texts:
        raise click.UsageError(f"--style volumes goes with .svg and .png, not .{texts}")
    if size_by and (style == VOLUMES or not {SVG, PNG} & {*formats}):
        raise click.UsageError("--size-by goes with --style graph, as .svg or .png")
    if scale is not None and PNG not in formats:
        raise click.UsageError("--scale goes with .png")


def draw(summary: Summary, form: str, view: View) -> str | bytes:
    """A network in a format; raises `SpecError` for a PNG that cannot be made."""
    from cnnspec.analysis.diagram import diagram

    if form == DOT:
        from cnnspec.render.draw.dot import dot

        return dot(diagram(summary, view.depth), summary)
    if form == MERMAID:
        from cnnspec.render.draw.mermaid import mermaid

        return mermaid(diagram(summary, view.depth), summary)
    from cnnspec.render.draw import svg

    text = svg(summary, size_by=view.size_by, depth=view.depth, style=view.style)
    if form == SVG:
        return text
    from cnnspec.render.draw.png import png

    return png(text, view.scale)
