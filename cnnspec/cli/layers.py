"""`cnnspec layers`: the catalogue, from the declarations."""

from __future__ import annotations

import sys
from typing import Any

import click

from cnnspec.cli.terminal import bold
from cnnspec.diagnostics import SpecError, closest
from cnnspec.layers import find, keywords
from cnnspec.layers.arguments import REQUIRED, SameAs, shown
from cnnspec.layers.base import Layer


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Keywords that begin like what is typed."""
    return [keyword for keyword in keywords() if keyword.startswith(incomplete.upper())]


@click.command()
@click.argument("name", required=False, shell_complete=complete)
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(name: str | None, format_: str) -> None:
    """The catalogue of layers, or one layer with its arguments, defaults and an example."""
    from cnnspec.cli.options import fail

    try:
        chosen = [_found(name)] if name else [layer for keyword in keywords() if (layer := find(keyword)) is not None]
    except SpecError as error:
        fail(error)
    if format_ == "json":
        import json

        click.echo(json.dumps({"schema": "cnnspec.layers/1", "layers": [as_data(layer) for layer in chosen]}, indent=2))
    elif name:
        click.echo(in_full(chosen[0]))
    else:
        width = max(len(layer.keyword) for layer in chosen)
        for layer in chosen:
            click.echo(f"{bold(layer.keyword.ljust(width))}  {summary(layer)}")


def _found(name: str) -> type[Layer]:
    """The layer of a name in either case; exits with 2 and a suggestion where there is none."""
    layer = find(name.upper())
    if layer is not None:
        return layer
    match = closest(name, keywords())
    hint = f"; did you mean `{match}`?" if match else "; `cnnspec layers` lists them"
    click.echo(f"Error: there is no layer `{name}`{hint}", err=True)
    sys.exit(2)


def summary(layer: type[Layer]) -> str:
    """The first line of a layer's documentation."""
    return (layer.__doc__ or "").partition("\n")[0]


def in_full(layer: type[Layer]) -> str:
    """A layer's call, documentation and arguments, for reading."""
    import inspect

    lines = [bold(call(layer)), "", inspect.cleandoc(layer.__doc__ or "")]
    if layer.args:
        lines.append("")
    width = max((len(name) for name in layer.args), default=0)
    for name, arg in layer.args.items():
        lines.append(f"  {name.ljust(width)}  {arg.type}, {default(arg.default)}")
        lines.append(f"  {' ' * width}  {arg.doc}")
    return "\n".join(lines)


def call(layer: type[Layer]) -> str:
    """The call with all arguments, positional ones first: `CONV(out=64, kernel=3, …)`."""
    inside = ", ".join(name if arg.default is REQUIRED else f"{name}={_value(arg.default)}"
                       for name, arg in layer.args.items())
    return f"{layer.keyword}({inside})" if inside else layer.keyword


def default(value: Any) -> str:
    """What holds where an argument is not given."""
    return "required" if value is REQUIRED else f"default {_value(value)}"


def _value(value: Any) -> str:
    return value.name if isinstance(value, SameAs) else "none" if value is None else shown(value)


def as_data(layer: type[Layer]) -> dict[str, object]:
    """A layer's declaration as JSON has it."""
    return {
        "keyword": layer.keyword,
        "doc": layer.__doc__,
        "merges": layer.merges,
        "arguments": [
            {"name": name, "type": arg.type, "required": arg.default is REQUIRED,
             "default": None if arg.default is REQUIRED else _value(arg.default), "doc": arg.doc,
             "positional": not arg.named_only, "words": list(arg.words)}
            for name, arg in layer.args.items()
        ],
    }
