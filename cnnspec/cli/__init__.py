"""The command line: one file per command, imported when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from cnnspec import __version__
from cnnspec.cli.terminal import make_plain

#: Exit codes as shells have them, for what a signal ends: SIGINT, and SIGPIPE.
INTERRUPTED, NOBODY_READS = 130, 141

#: Commands with the module that holds each, in the order of the help.
COMMANDS = {
    "summary": "Shapes, parameters, MACs, receptive fields and memory, layer by layer.",
    "compare": "Networks side by side: what each costs, stage by stage.",
    "check": "Find every mistake in spec files; silent when there is none.",
    "explain": "The arithmetic of a layer, or the meaning of a diagnostic.",
    "predict": "How long networks take on a device, without running them.",
    "calibrate": "Measure a device, so that latencies on it can be predicted.",
    "profile": "What networks cost on a device, by running them.",
    "train": "A short training run: does the network learn, and how well?",
    "verify": "Hold the analysis against PyTorch, layer by layer and in total.",
    "diff": "What changed between two networks, and what each change did.",
    "draw": "The network as a picture: SVG, PNG, DOT or Mermaid.",
    "doctor": "What this machine has to run networks on, and what is missing.",
    "fmt": "Rewrite spec files in the canonical layout.",
    "layers": "The catalogue of layers, with arguments and defaults.",
    "zoo": "The networks that can be named.",
}


class Commands(click.Group):
    """Loads a command's module only when it is called, so that each starts as fast as it can."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"cnnspec.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from cnnspec.diagnostics import closest

            match = closest(args[0], COMMANDS)
            hint = f" Did you mean '{match}'?" if match else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Whatever is running when it happens: Ctrl-C ends with 130, and so does `| head` with 141, quietly."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\n" * sys.stderr.isatty() + "interrupted", err=True)  # behind what the terminal shows of it
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            os._exit(NOBODY_READS)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="cnnspec %(version)s")
def group() -> None:
    """Write a convolutional network as on a whiteboard, and know what it is and what it costs."""


def main() -> None:
    """The console script.

    Exit codes: 0 fine, 1 the spec is wrong, 2 wrong usage, 3 no such device, 130 ended with Ctrl-C, 141 the reader of
    the output has gone.
    """
    if sys.stdout is None or sys.stderr is None:
        said = sys.stderr or sys.stdout
        if said is not None:
            said.write(f"Error: standard {'output' if sys.stdout is None else 'error'} is closed\n")
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        make_plain(stream)
    try:
        try:
            group(prog_name="cnnspec")
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os._exit(NOBODY_READS)  # an orderly exit would try to write once more
    except OSError as error:
        sys.stderr.write(f"Error: the output cannot be written: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(2)
