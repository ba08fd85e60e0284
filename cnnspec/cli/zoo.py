"""`cnnspec zoo`: the networks that can be named."""

from __future__ import annotations

import re
from itertools import takewhile

import click

from cnnspec.cli.terminal import bold
from cnnspec.files import known_nets


@click.command()
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(format_: str) -> None:
    """The networks that can be named: those of ./specs, then those that come with cnnspec."""
    nets = dict(sorted(known_nets().items(), key=lambda item: (item[1], item[0])))
    titles = {path: title(path) for path in set(nets.values())}
    if format_ == "json":
        import json

        rows = [{"net": net, "file": path, "title": titles[path]} for net, path in nets.items()]
        click.echo(json.dumps({"schema": "cnnspec.zoo/1", "nets": rows}, indent=2))
        return
    for path in dict.fromkeys(nets.values()):
        click.echo(f"{bold(path)}  {titles[path]}")
        names = [net for net, home in nets.items() if home == path]
        click.echo(click.wrap_text("  ".join(names), width=78, initial_indent="  ", subsequent_indent="  "))


#: Name and paper: up to the bracket that holds a year.
_PAPER = re.compile(r".*?\([^()]*\b(?:19|20)\d\d\b[^()]*\)")


def title(path: str) -> str:
    """Name and paper, from a spec's header comment; its first line where it names no year."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.lstrip("# ").rstrip() for line in takewhile(lambda line: line.startswith("#"), file)]
    except (OSError, UnicodeDecodeError):
        return ""
    named = _PAPER.match(" ".join(lines))
    return named[0] if named else lines[0] if lines else ""
