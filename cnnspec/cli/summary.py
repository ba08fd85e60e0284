"""`cnnspec summary`: shapes, parameters, MACs, receptive fields and memory, layer by layer."""

from __future__ import annotations

import click

from cnnspec.analysis.conventions import CONVENTIONS, Uncounted
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.outline import ALL, outline
from cnnspec.analysis.prediction import Prediction, predict
from cnnspec.analysis.summary import Summary
from cnnspec.analysis.training import OPTIMIZERS
from cnnspec.cli.options import fail, load_target, take_limits, target_options, warn
from cnnspec.cli.report_option import Report, Reporting, report_option, write_reports
from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.record import Record
from cnnspec.render.columns import COLUMNS, TRAINED, Column
from cnnspec.render.layout import Line

#: Layers written out in a spec, rather than repeated, that a table still folds within 256 MB.
MOST_WRITTEN = 50_000

FORMATS = ("table", "json", "csv", "markdown")


class View(Record):
    """How the command line wants a summary to be shown."""

    format: str
    columns: tuple[Column, ...]
    depth: int | None
    #: None where it was not named.
    convention: str | None
    #: Whether another input than the spec's own was given.
    overridden: bool
    #: How long it takes on a device; None where none was named.
    prediction: Prediction | None = None
    #: Whether to show what the peaks consist of.
    memory: bool = False


def take_depth(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A number of levels, or `ALL` for `all`."""
    if value is None or value == "all":
        return None if value is None else ALL
    if value.isdecimal() and len(value) < 10:
        return int(value)
    raise click.BadParameter(f"`{value}` is neither a number of levels nor `all`", ctx, param)


def take_columns(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[Column, ...]:
    """The columns of names with commas between them; one that is none gets a suggestion."""
    names = [name.strip() for name in (value or "").split(",") if name.strip()]
    for name in names:
        if name not in COLUMNS:
            match = closest(name, COLUMNS)
            hint = f"did you mean `{match}`?" if match else f"there are {', '.join(COLUMNS)}"
            raise click.BadParameter(f"there is no column `{name}`; {hint}", ctx, param)
    return tuple(COLUMNS[name] for name in dict.fromkeys(names))


_COLUMN_HELP = "\b\nColumns:\n" + "\n".join(f"  {column.name:<14}{column.doc}" for column in COLUMNS.values())


@click.command(cls=Reporting, epilog=_COLUMN_HELP)
@target_options
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True,
              help="How to print it; csv has a row for each layer, json everything.")
@click.option("--columns", callback=take_columns, metavar="NAME,…", help="The columns, in this order (see below).")
@click.option("--depth", callback=take_depth, metavar="N|all",
              help="Levels of blocks, merges and repeats to open; all: a row for each layer. "
              "By default none, or as many as give a small network 24 rows.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True,
              help="Images at once: bytes are for all of them, counts for one.")
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True,
              help="Element type, for bytes.")
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)),
              help="Of the training that memory is told for (default momentum).")
@click.option("--memory", is_flag=True, help="Add what the peaks consist of, and what is live over the layers.")
@click.option("--device", metavar="NAME", help="Add how long it takes there, as `cnnspec predict` has it.")
@click.option("--convention", type=click.Choice(list(CONVENTIONS)),
              help="Count the work as another tool does, to the digit (default macs).")
@report_option
def command(target: str | None, expression: str | None, settings: tuple[str, ...], inputs: tuple[str, ...],
            format_: str, columns: tuple[Column, ...], depth: int | None, batch: int, dtype: str,
            optimizer: str | None, memory: bool, device: str | None, convention: str | None,
            reports: tuple[Report, ...], **limits: int) -> None:
    """Shapes, parameters, MACs, receptive fields and memory, layer by layer.

    TARGET is a spec file, FILE:NET, the name of a net (`cnnspec zoo` lists them), a call such as
    'resnet(bottleneck, (3, 4, 6, 3))', or `-` for standard input.
    """
    if columns and format_ == "json":
        raise click.UsageError("--columns goes with table, csv and markdown; json has everything")
    if memory and format_ in ("csv", "json"):
        raise click.UsageError("--memory goes with table and markdown; json has it always")
    view = View(format_, columns, depth, convention, bool(inputs), memory=memory)
    try:
        known = None
        if device is not None:
            from cnnspec.runtime.known_devices import known_device
            from cnnspec.runtime.profile_files import broken

            warn(broken())
            known = known_device(device, dtype)
        net = load_target(target, expression, settings, inputs, take_limits(limits))
        if format_ != "json" and len({node.span.start for node in net.graph.nodes}) > MOST_WRITTEN:
            raise click.UsageError(f"a table holds at most {MOST_WRITTEN:,} layers that are written one by one; "
                                   "`--format json` holds all")
        summary = net.summary(batch, dtype, optimizer or "momentum")
        _must_train(summary, [f"--optimizer {optimizer}"] if optimizer else [], columns)
        view = view.replace(prediction=None if known is None else predict(summary, known))
        show(summary, net.diagnostics, view)
        write_reports(reports, "summary", summary, depth=depth, overridden=bool(inputs), prediction=view.prediction)
    except SpecError as error:
        fail(error)
    except Uncounted as error:
        raise click.UsageError(str(error)) from None
    if format_ != "json":
        warn(net.diagnostics)


def _must_train(summary: Summary, options: list[str], columns: tuple[Column, ...]) -> None:
    """Refuse what is told of training for a network that cannot be trained."""
    asked = [*options, *(f"the column `{column.name}`" for column in columns if column.name in TRAINED)]
    if asked and not summary.can_train:
        raise click.UsageError(f"{asked[0]} is about training, but {summary.memories.untrained}")


def show(summary: Summary, diagnostics: tuple[Diagnostic, ...], view: View) -> None:
    """Print a summary; raises `Uncounted` for a layer that the convention has no count for."""
    extra: tuple[Column, ...] = ()
    if view.prediction is not None:
        from cnnspec.render.times import time_columns

        extra = time_columns(view.prediction)
    if view.format == "json":
        from cnnspec.render.json import chunks

        for chunk in chunks(summary, diagnostics, convention=view.convention, overridden=view.overridden,
                            prediction=view.prediction):
            click.echo(chunk, nl=False)
    elif view.format == "csv":
        from cnnspec.render.csv import as_csv

        click.echo(as_csv(summary, view.columns, view.convention, extra=extra), nl=False)
    elif view.format == "markdown":
        from cnnspec.render.markdown import as_markdown

        click.echo(as_markdown(summary, outline(summary, view.depth), view.columns, view.convention,
                               overridden=view.overridden, extra=extra, remarks=_about_times(view)), nl=False)
        if view.memory:
            from cnnspec.render.memory import as_markdown as memory_as_markdown

            click.echo(memory_as_markdown(summary), nl=False)
    else:
        from cnnspec.render.console import print_page, print_summary

        print_summary(summary, outline(summary, view.depth), convention=view.convention, chosen=view.columns,
                      overridden=view.overridden, extra=extra)
        print_page(lambda width: _about_times(view, width))
        if view.memory:
            from cnnspec.render.memory import lines

            print_page(lambda width: [[], *lines(summary, width or 80)])


def _about_times(view: View, width: int | None = None) -> list[Line]:
    """The whole of the prediction, and what it rests on; nothing where there is none."""
    if view.prediction is None:
        return []
    from cnnspec.render.times import about

    return [[], *about(view.prediction, width)]
