"""`--report FILE.html|.md`: which commands also write what they show as a page, and how such a page is made."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar

import click

from cnnspec.cli.options import fail
from cnnspec.cli.reports import in_reports, write_whole
from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.record import Record
from cnnspec.render.snippet import visible

F = TypeVar("F", bound=Callable[..., Any])

#: By the end of a file's name, what its kind is called.
KINDS = {".html": "html", ".md": "markdown"}
_ARGUMENTS = "cnnspec.arguments"


class Report(Record):
    """A page that is to be written."""

    path: str
    #: One of the values of `KINDS`.
    kind: str


class Reporting(click.Command):
    """A command that remembers how it was called, since its reports say so."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)


def report_option(function: F) -> F:
    """`--report`, which hands the command a tuple of `Report` as `reports`; the command is a `Reporting`."""
    option = click.option("--report", "reports", multiple=True, metavar="FILE.html|.md", callback=take_reports,
                          help="Also write it as a page with drawing and charts; a bare name goes into reports/.")
    return option(function)


def take_reports(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[Report, ...]:
    """The reports, each once; one that cannot be written is refused before anything is done."""
    found = []
    for value in dict.fromkeys(values):
        stem, kind = os.path.splitext(value)
        if kind.lower() not in KINDS or not os.path.basename(stem):
            raise click.BadParameter(f"`{value}` is a name of neither an .html nor an .md file", ctx, param)
        report = Report(in_reports(value), KINDS[kind.lower()])
        if not ctx.resilient_parsing:
            try:
                require_writable(report.path)
            except SpecError as error:
                fail(error)
        found.append(report)
    return tuple(found)


def require_writable(path: str) -> None:
    """Raise `SpecError` where it is known beforehand that a file cannot be written; nothing stays behind."""
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    shown = os.path.relpath(folder) if not os.path.isabs(path) else folder
    reason = ("it is a folder" if os.path.isdir(path) else "it names no file" if not os.path.basename(path)
              else f"{shown} is no folder" if not os.path.isdir(folder)
              else "" if _takes_files(folder) else f"{shown} may not be written to; name another folder")
    if reason:
        raise SpecError([Diagnostic("not-writable", f"{path} cannot be written: {reason}")])


def _takes_files(folder: str) -> bool:
    """Whether a file can be made there; tried, since a folder may say that it is writable and not be."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def write_reports(reports: Sequence[Report], command: str, about: object, **how: object) -> None:
    """Write pages of what a command has found, and say so; raises `SpecError` where one cannot be written.

    `render.report` makes them: `summary_page.summary_html(about, called, **how)`, `markdown.summary_markdown(…)`.
    """
    for report in reports:
        module = "markdown" if report.kind == "markdown" else f"{command}_page"
        made = getattr(import_module(f"cnnspec.render.report.{module}"), f"{command}_{report.kind}")
        write_whole(report.path, made(about, called(), **how))
        click.echo(f"wrote {report.path}", err=True)


def called() -> str:
    """The command line as it was called, for a shell; of paths from the root, the names alone.

    So a report is the same on every machine.
    """
    ctx = click.get_current_context()
    words = ["cnnspec", ctx.info_name or "", *map(_relative, ctx.meta.get(_ARGUMENTS, ()))]
    return visible(shlex.join(word for word in words if word))


def _relative(word: str) -> str:
    option, sign, value = word.partition("=")
    if option.startswith("--") and sign:
        return f"{option}={_relative(value)}"
    return os.path.basename(word) if os.path.isabs(word) else word
