"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import isnan
from typing import Any, NoReturn, TypeVar

import click

from cnnspec import files
from cnnspec.cli.terminal import colored
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.limits import DEFAULT, Limits
from cnnspec.net import Net
from cnnspec.source import Source

F = TypeVar("F", bound=Callable[..., Any])
#: Where a command keeps that standard input was read.
_READ = "cnnspec.stdin"

LIMITS = {"file_bytes": "bytes of a file", "nesting": "levels of brackets", "digits": "digits of a number",
          "layers": "layers of a network", "turns": "turns of loops and repeats", "elements": "elements of a tuple"}


class Real(click.FloatRange):
    """A number in a range, which `nan` is not though it compares as if."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


def target_options(function: F) -> F:
    """`TARGET`, `-e`, `--set`, `--input` and the limits: what names a net and changes it."""
    for decorate in (
        limit_options,
        click.option("--input", "inputs", multiple=True, metavar="[NAME=]SHAPE",
                     help="Take another input shape, such as 3x160x160."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="Give a parameter of the net a value; any expression."),
        click.option("-e", "--expression", metavar="SPEC", help="A spec given inline."),
        click.argument("target", required=False, shell_complete=_complete_target),
    ):
        function = decorate(function)
    return function


def limit_options(function: F) -> F:
    """`--max-layers` and the other limits, shown in the help of `check` alone."""
    for name, what in reversed(LIMITS.items()):
        default: int = getattr(DEFAULT, name)
        function = click.option(
            f"--max-{name.replace('_', '-')}", f"max_{name}", type=click.IntRange(1), default=default, hidden=True,
            help=f"Refuse more {what} (default {default:,}).",
        )(function)
    return function


def take_limits(options: dict[str, Any]) -> Limits:
    """The limits among a command's options, which they leave."""
    return Limits(**{name: options.pop(f"max_{name}") for name in LIMITS})


def load_target(target: str | None, expression: str | None, settings: tuple[str, ...], inputs: tuple[str, ...],
                limits: Limits) -> Net:
    """The net that the command line names; raises `SpecError` for its mistakes, `click.UsageError` for the line's."""
    from cnnspec import net

    given, shapes = take_settings(settings), take_inputs(inputs)
    if target is not None and expression is None and target != "-":
        return net.load(target, set=given, input=shapes, limits=limits)
    if expression is not None and target is None:
        return net.parse(expression, name="<expression>", set=given, input=shapes, limits=limits)
    if target is None or expression is not None:
        raise click.UsageError("give one TARGET: a file, a net's name, a call, `-`, or `-e SPEC`")
    return net.parse(standard_input(limits).text, name="<stdin>", set=given, input=shapes, limits=limits)


def standard_input(limits: Limits) -> Source:
    """What `-` stands for; raises `SpecError` for what is no text, `click.UsageError` where nothing can be read."""
    meta = click.get_current_context().meta
    if meta.get(_READ):
        raise click.UsageError("`-` is standard input, which can be read once")
    if sys.stdin is None:
        raise click.UsageError("`-` is standard input, which is closed")
    meta[_READ] = True
    return files.decode(sys.stdin.buffer.read(limits.file_bytes + 1), "<stdin>", limits)


def take_settings(settings: tuple[str, ...]) -> dict[str, object]:
    """`--set name=value` as a mapping."""
    taken: dict[str, object] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise click.UsageError(f"--set takes NAME=VALUE, not `{setting}`")
        if name.strip() in taken:
            raise click.UsageError(f"--set gives {name.strip()} a value twice")
        taken[name.strip()] = value
    return taken


def take_inputs(inputs: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """`--input [name=]shape` as a mapping; `""` stands for the only input."""
    taken: dict[str, tuple[int, ...]] = {}
    for text in inputs:
        name, _, shape = text.rpartition("=")
        extents = shape.strip().lower().replace("×", "x").split("x")
        whole = all(extent.isascii() and extent.isdecimal() and len(extent) <= 12 and int(extent) for extent in extents)
        if not whole or len(extents) > 4:
            raise click.UsageError(f"--input takes a shape such as 3x160x160, channels first, not `{text}`")
        if name.strip() in taken:
            raise click.UsageError(f"--input gives {name.strip() or 'the input'} a shape twice")
        taken[name.strip()] = tuple(map(int, extents))
    return taken


def fail(error: SpecError, *, spec: int = 1) -> NoReturn:
    """Print what is wrong, and exit: with 1 for a spec, 2 for a file or name that is none, 3 for a device.

    A command whose 1 means something else gives the code for a `spec`.
    """
    from cnnspec.environment import NoDevice
    from cnnspec.render.diagnostics import full

    click.echo(full(error.diagnostics, color=colored(sys.stderr)), err=True)
    if isinstance(error, NoDevice):
        sys.exit(3)
    usage = {"file-not-found", "not-a-file", "unknown-net", "unknown-input", "unknown-device",
             "no-profile-file", "bad-profile", "no-report", "bad-report", "no-counterpart", "other-network",
             "no-git", "no-repository", "unknown-revision"}
    sys.exit(2 if all(d.span is None and d.code in usage for d in error.diagnostics) else spec)


def warn(diagnostics: tuple[Diagnostic, ...]) -> None:
    """Print warnings on stderr."""
    if diagnostics:
        from cnnspec.render.diagnostics import full

        click.echo(full(diagnostics, color=colored(sys.stderr)), err=True)


def _complete_target(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Nets by name, and files."""
    from click.shell_completion import CompletionItem

    from cnnspec.files import known_nets

    nets = [CompletionItem(name) for name in sorted(known_nets()) if name.startswith(incomplete)]
    return [*nets, CompletionItem(incomplete, type="file")]


