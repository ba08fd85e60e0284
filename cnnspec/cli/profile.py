"""`cnnspec profile`: what networks cost on a device, by running them."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from cnnspec.cli.options import fail, limit_options, load_target, take_limits, warn
from cnnspec.cli.progress import Progress
from cnnspec.cli.report_option import Reporting, report_option, require_writable, write_reports
from cnnspec.cli.reports import in_reports
from cnnspec.cli.run_options import DTYPES, refuse_runs, refuse_untrained, run_options, take_options
from cnnspec.cli.summary import take_depth
from cnnspec.diagnostics import SpecError

if TYPE_CHECKING:
    from cnnspec.analysis.profile import Options, Profile
    from cnnspec.analysis.profile_report import Stored
    from cnnspec.net import Net

#: The largest batch that can be named.
MOST_IMAGES = 999_999_999
#: How much slower a run may be.
MAX_SLOWDOWN = 0.05
FORMATS = ("table", "json", "csv", "markdown")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")


def take_batches(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...] | None:
    """`1,8,32` as numbers, each once; None for `auto`."""
    if value == "auto":
        return None
    parts = [part.strip() for part in value.split(",")]
    whole = all(part.isascii() and part.isdecimal() for part in parts)
    if whole and any(len(part) > len(str(MOST_IMAGES)) for part in parts):
        raise click.BadParameter(f"at most {MOST_IMAGES:,} images at once", ctx, param)
    if not whole or not all(map(int, parts)):
        raise click.BadParameter(f"`{value}` is neither `auto` nor whole numbers from 1 on, such as 1,8,32", ctx, param)
    return tuple(dict.fromkeys(map(int, parts)))


def take_share(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """`5%` or `0.05`; a bare number from 1 on may be meant as either, and is refused."""
    if value is None:
        return None
    text = value.strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < float("inf"):
        raise click.BadParameter(f"`{value}` is no share such as 5%", ctx, param)
    if share >= 1 and not text.endswith("%"):
        raise click.BadParameter(f"`{value}` would be {share:.0%}: write {text}% or {share:.0%}", ctx, param)
    return share


@click.command(cls=Reporting)
@click.argument("targets", nargs=-1)
@click.option("-e", "--expression", metavar="SPEC", help="A spec given inline.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Give a parameter of the nets a value.")
@click.option("--input", "inputs", multiple=True, metavar="[NAME=]SHAPE", help="Take another input shape.")
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, cuda, cuda:1, mps.")
@click.option("--batch", "batches", default="1", show_default=True, callback=take_batches, metavar="N,…|auto",
              help="Images at once; auto finds where throughput saturates, and what fits.")
@click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True,
              help="Element type; tf32 is float32 with products rounded to TF32.")
@click.option("--optimizer", type=click.Choice(OPTIMIZERS), help="Of a step of training (default momentum).")
@run_options
@click.option("--layers/--no-layers", default=True, help="Measure the time of each layer.")
@click.option("--depth", callback=take_depth, metavar="N|all", help="Levels of the table to open, as in `summary`.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True,
              help="How to print it; json is everything, csv a row for each layer.")
@click.option("--trace", metavar="FILE", help="Write a trace of one run for Chrome or Perfetto.")
@click.option("--save", is_flag=True, help="Write reports/NAME-DEVICE-DATE.json.")
@click.option("--against", metavar="FILE", help="Compare with a saved profile; exit code 1 where it is slower.")
@click.option("--max-slowdown", callback=take_share, metavar="SHARE",
              help="How much slower --against allows, beyond where the intervals part (default 5%).")
@report_option
@limit_options
def command(targets: tuple[str, ...], expression: str | None, settings: tuple[str, ...], inputs: tuple[str, ...],
            **given: Any) -> None:
    """What networks cost on a device: latency, memory, energy, and the time of each layer.

    TARGETs are spec files, FILE:NET, names of nets, calls, `-`. Each is built, run and measured beside what is
    predicted. Progress goes to stderr; Ctrl-C ends it with what has been measured.
    """
    bounds = take_limits(given)
    refuse(targets, expression, given)
    names: list[str | None] = [*targets] or [None]
    try:
        nets = [load_target(name, None if name else expression, settings, inputs, bounds) for name in names]
        refuse_untrained(nets, given["mode"])
        from cnnspec.runtime import require_torch

        require_torch()
        code = measure(nets, given)
    except SpecError as error:
        fail(error)
    sys.exit(code)


def refuse(targets: tuple[str, ...], expression: str | None, given: dict[str, Any]) -> None:
    """Raise `click.UsageError` for options that do not go together."""
    if bool(targets) == (expression is not None):
        raise click.UsageError("give TARGETs or `-e SPEC`")
    if len(targets) > 1 and (given["trace"] or given["against"] or given["reports"]):
        raise click.UsageError("--trace, --against and --report go with one network")
    if given["optimizer"] and given["mode"] != "training":
        raise click.UsageError("--optimizer goes with --mode training")
    if given["max_slowdown"] is not None and not given["against"]:
        raise click.UsageError("--max-slowdown goes with --against")
    refuse_runs(given)


def measure(nets: list[Net], given: dict[str, Any]) -> int:
    """Profile each net, print it, and write what was asked for; returns the exit code."""
    from cnnspec.runtime.devices import select
    from cnnspec.runtime.profile import Request, profile

    device = select(given["device"])
    options = take_options({**given, "optimizer": given["optimizer"] or "momentum"})
    stored = prepare(nets, options, given)
    request = Request(device, given["threads"], given["energy"], given["layers"])
    found = []
    for net in nets:
        with Progress(net.name) as progress:
            found.append(profile(net, options, given["batches"], request, progress.tell))
        if given["format_"] != "json":
            show(found[-1], given, first=len(found) == 1)
        if found[-1].interrupted:
            break
    if given["format_"] == "json":
        show_json(found)
    for one in found:
        if given["save"]:
            save(one)
        write_reports(given["reports"], "profile", one)
    if given["trace"] and not found[0].interrupted:
        trace(nets[0], found[0], options, given["trace"])
    if any(one.interrupted for one in found):
        return 130
    if stored is not None:
        return compare(found[0], stored, given)
    return 1 if any(all(run.failure for run in one.runs) for one in found) else 0


def show(found: Profile, given: dict[str, Any], *, first: bool) -> None:
    """Print a profile."""
    from cnnspec.render import profile as page
    from cnnspec.render.console import print_page

    if given["format_"] == "csv":
        text = page.as_csv(found)
        click.echo(text if first else text.partition("\n")[2], nl=False)
    elif given["format_"] == "markdown":
        click.echo(("" if first else "\n") + page.as_markdown(found), nl=False)
    else:
        if not first:
            click.echo()
        print_page(partial(page.as_table, found, given["depth"]))


def show_json(found: list[Profile]) -> None:
    """Print one document, or a list of several."""
    from cnnspec.render import profile as page

    texts = [page.as_json(one) for one in found]
    click.echo(texts[0] if len(texts) == 1 else "[\n" + ",\n".join(texts) + "\n]")


def save(found: Profile) -> None:
    """Write a profile into `reports/`, without runs that were broken off; nothing where no other was measured."""
    from cnnspec.cli.reports import write_report
    from cnnspec.render import profile as page

    if not any(run.complete for run in found.runs):
        click.echo(f"{found.net} is not saved: no run was measured", err=True)
        return
    kept = found.replace(runs=tuple(run for run in found.runs if run.complete or run.failure))
    date = str(found.environment["date"])[:10]
    path = write_report(found.net, found.device_name, date, page.as_json(kept) + "\n")
    click.echo(f"written to {path}" + ("" if path.endswith(f"-{date}.json") else ", beside what was saved before"),
               err=True)


def trace(net: Net, found: Profile, options: Options, path: str) -> None:
    """Write the trace of a run with the last batch that was measured."""
    import torch

    from cnnspec.runtime.chrome_trace import write_trace

    measured = [run.options.batch for run in found.runs if not run.failure]
    if not measured:
        click.echo("no run could be traced: none succeeded", err=True)
        return
    write_trace(net, options.replace(batch=measured[-1]), torch.device(found.device), path)
    click.echo(f"trace written to {path}: open it in chrome://tracing or ui.perfetto.dev", err=True)


def prepare(nets: list[Net], options: Options, given: dict[str, Any]) -> Stored | None:
    """Whatever can go wrong before anything is measured; returns the saved profile, None where none was named.

    Raises `SpecError` for a file that is no profile, or of no such runs, and where a file could not be written.
    """
    from cnnspec.analysis.profile_report import read_profile, require_counterpart
    from cnnspec.runtime.profile_files import broken

    for path in (in_reports("profile.json") if given["save"] else None, given["trace"]):
        if path is not None:
            require_writable(path)
    stored = None
    if given["against"]:
        stored = read_profile(given["against"])
        require_counterpart(stored, nets[0].name, options, given["batches"])
    warn(broken())
    return stored


def compare(found: Profile, stored: Stored, given: dict[str, Any]) -> int:
    """Print how a profile compares with a stored one; returns the exit code."""
    from cnnspec.analysis.profile_report import against
    from cnnspec.render import profile as page
    from cnnspec.render.console import print_lines

    most = MAX_SLOWDOWN if given["max_slowdown"] is None else given["max_slowdown"]
    differences = against(found, stored, most)
    if given["format_"] == "table":
        print_lines(page.differences(differences, most))
    else:
        for line in page.differences(differences, most):
            click.echo("".join(part.text for part in line), err=True)
    return 1 if any(one.slower for one in differences) else 0
