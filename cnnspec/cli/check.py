"""`cnnspec check`: every mistake in spec files, and silence where there is none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence

import click

from cnnspec import files
from cnnspec.analysis.check import check
from cnnspec.cli.options import limit_options, standard_input, take_limits
from cnnspec.cli.terminal import colored
from cnnspec.diagnostics import Diagnostic, SpecError, in_order
from cnnspec.limits import Limits
from cnnspec.source import Source

FORMATS = ("full", "concise", "json", "github")
STDIN = "-"


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILES|DIRS|-]...", type=click.Path())
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@click.option("--output-format", type=click.Choice(FORMATS), default="full", show_default=True,
              help="`concise`: a line each; `github`: on the lines of a pull request.")
@limit_options
def command(paths: tuple[str, ...], strict: bool, output_format: str, **limits: int) -> None:
    """Find every mistake in spec files: their text, all their nets, shape ascriptions and `expect`s.

    A folder stands for every .cnn file below it, nothing for the folder you are in, `-` for standard input. Silent
    where nothing is wrong. Exit codes: 0 fine or warnings only, 1 a spec is wrong, 2 there is nothing to check.

    A comment `# allow: CODE` accepts a warning on its line; `cnnspec explain CODE` says what a code means.
    """
    bounds = take_limits(dict(limits))
    checked = 0
    missing: list[Diagnostic] = []
    found: list[Diagnostic] = []
    for path in specs(paths or (os.curdir,), missing):
        try:
            source = read(path, bounds)
        except SpecError as error:
            (found if os.path.isfile(path) or path == STDIN else missing).extend(error.diagnostics)
            continue
        checked += 1
        try:
            found += check(source, bounds)
        except SpecError as error:  # of a plug-in that cannot be used
            missing.extend(error.diagnostics)
    diagnostics = in_order([*missing, *found])
    show(diagnostics, checked, output_format)
    wrong = [d for d in diagnostics if strict or d.severity == "error"]
    sys.exit(2 if missing else 1 if wrong else 0)


def specs(paths: Iterable[str], missing: list[Diagnostic]) -> Iterator[str]:
    """The files meant, each once, in order; folders without any go to `missing`."""
    seen: set[str] = set()
    for path in paths:
        inside = list(files.specs_in(path)) if os.path.isdir(path) else [path]
        if not inside:
            missing.append(Diagnostic("no-specs", f"there is no .cnn file in {path}"))
        for file in inside:
            place = os.path.realpath(file)
            if place not in seen:
                seen.add(place)
                yield os.path.normpath(file)


def read(path: str, limits: Limits) -> Source:
    """A file, or standard input for `-`; raises `SpecError`."""
    if path == STDIN:
        return standard_input(limits)
    return files.read(path, limits)


def show(diagnostics: Sequence[Diagnostic], checked: int, output_format: str) -> None:
    """Print what was found, and a line that counts it; nothing where nothing was found, save in JSON."""
    if output_format == "json":
        import json

        from cnnspec.render.diagnostics import as_json

        click.echo(json.dumps(as_json(diagnostics, checked), indent=2))
    elif diagnostics:
        from cnnspec.render import diagnostics as render

        click.echo(getattr(render, output_format)(diagnostics, colored(sys.stdout)))
        click.echo("\n" * (output_format == "full") + counted(diagnostics, checked), err=True)


def counted(diagnostics: Sequence[Diagnostic], checked: int) -> str:
    """`2 specs checked, 1 error in 1 file`."""
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = len(diagnostics) - errors
    kinds = [_plural(errors, "error")] * bool(errors) + [_plural(warnings, "warning")] * bool(warnings)
    places = {d.span.source.name for d in diagnostics if d.span is not None}
    where = f" in {_plural(len(places), 'file')}" if places else ""
    return f"{_plural(checked, 'spec')} checked, {' and '.join(kinds)}{where}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
