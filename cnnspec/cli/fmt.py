"""`cnnspec fmt`: rewrite spec files in the canonical layout."""

from __future__ import annotations

import os
import sys

import click

from cnnspec import files
from cnnspec.cli.options import fail, limit_options, standard_input, take_limits
from cnnspec.cli.terminal import colored
from cnnspec.diagnostics import SpecError, in_order
from cnnspec.grammar import format_file, parse_file
from cnnspec.limits import Limits
from cnnspec.source import Source


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILES|DIRS|-")
@click.option("--check", "check_only", is_flag=True, help="Change nothing; exit with 1 where something would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Change nothing; print what would change.")
@click.option("--shapes", is_flag=True, help="Write ascriptions where extents change; correct wrong ones.")
@limit_options
def command(paths: tuple[str, ...], check_only: bool, show_diff: bool, shapes: bool, **limits: int) -> None:
    """Rewrite spec files in the canonical layout; comments stay where they are.

    `-` reads standard input and prints the result.
    """
    bounds = take_limits(dict(limits))
    changed = wrong = 0
    for path in expand(paths):
        try:
            source = read(path, bounds)
            text = formatted(source, bounds, shapes)
        except SpecError as error:
            if len(paths) == 1 and not os.path.isdir(paths[0]):
                fail(error)
            report(error)
            wrong += 1
            continue
        changed += text != source.text
        if show_diff:
            click.echo(difference(source, text), nl=False)
        elif path == "-" and not check_only:
            click.echo(text, nl=False)
        elif text != source.text:
            click.echo(f"would rewrite {path}" if check_only else f"rewrote {path}", err=True)
            if not check_only:
                write(path, text)
    sys.exit(1 if wrong or (changed and (check_only or show_diff)) else 0)


def expand(paths: tuple[str, ...]) -> list[str]:
    """The files meant: a folder stands for every spec in it; raises `click.UsageError` for one without."""
    found: list[str] = []
    for path in paths:
        inside = list(files.specs_in(path)) if os.path.isdir(path) else [path]
        if not inside:
            raise click.UsageError(f"there is no .cnn file in {path}")
        found += inside
    return found


def read(path: str, limits: Limits) -> Source:
    """A file, or standard input for `-`; raises `SpecError`."""
    if path == "-":
        return standard_input(limits)
    return files.read(path, limits)


def formatted(source: Source, limits: Limits, shapes: bool) -> str:
    """The canonical text; raises `SpecError` for a file with mistakes."""
    if shapes:
        from cnnspec.analysis.ascribe import ascribe
        from cnnspec.targets import load_module

        module, mistakes = load_module(source, limits)
        tree = module.file if mistakes else ascribe(module, limits)
    else:
        tree, mistakes = parse_file(source, limits=limits)
    if mistakes:
        raise SpecError(in_order(mistakes))
    return format_file(tree)


def difference(source: Source, text: str) -> str:
    """A unified diff; empty where nothing changes."""
    from difflib import unified_diff

    return "".join(unified_diff(source.text.splitlines(keepends=True), text.splitlines(keepends=True),
                                source.name, f"{source.name} (formatted)"))


def write(path: str, text: str) -> None:
    """Replace a file's text at once: whoever reads it sees the old or the new one, never a part."""
    import tempfile

    path = os.path.realpath(path)  # a link stays a link
    folder = os.path.dirname(path)
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", dir=folder, delete=False) as file:
            file.write(text)
        os.chmod(file.name, os.stat(path).st_mode)
        os.replace(file.name, path)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


def report(error: SpecError) -> None:
    """Print what is wrong with a file and go on with the next."""
    from cnnspec.render.diagnostics import full

    click.echo(full(error.diagnostics, color=colored(sys.stderr)), err=True)
