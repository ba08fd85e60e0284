"""`cnnspec doctor`: what there is to build, run and measure networks with, and what is missing."""

from __future__ import annotations

from functools import partial

import click


@click.command()
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(format_: str) -> None:
    """What this machine has to run networks on, and what is missing.

    Prints versions, the driver, and every device with a trial of it; for everything absent, what it would take. It
    reports, and judges nothing: the exit code is 0.
    """
    from cnnspec.render import doctor as page
    from cnnspec.render.console import print_page
    from cnnspec.runtime.doctor import examine

    found = examine()
    if format_ == "json":
        click.echo(page.as_json(found))
    else:
        print_page(partial(page.lines, found))
