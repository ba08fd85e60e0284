"""Reports as Markdown: a title, the drawing for Mermaid, the table with the totals, memory; no pictures."""

from __future__ import annotations

from cnnspec import __version__
from cnnspec.analysis.diagram import diagram
from cnnspec.analysis.outline import outline
from cnnspec.analysis.prediction import Prediction
from cnnspec.analysis.profile import Profile
from cnnspec.analysis.summary import Summary
from cnnspec.render import compare_data, memory, profile
from cnnspec.render.columns import Column
from cnnspec.render.compare_text import Shown
from cnnspec.render.draw.mermaid import mermaid
from cnnspec.render.layout import Line
from cnnspec.render.markdown import as_markdown, escaped
from cnnspec.render.report.facts import lead
from cnnspec.render.snippet import visible
from cnnspec.render.times import about, time_columns
from cnnspec.render.totals import OVERRIDDEN


def summary_markdown(summary: Summary, command: str, *, depth: int | None = None, overridden: bool = False,
                     prediction: Prediction | None = None) -> str:
    """The report as a file's text; arguments as for the page."""
    extra: tuple[Column, ...] = () if prediction is None else time_columns(prediction)
    remarks: list[Line] = [] if prediction is None else [*about(prediction)]
    table = as_markdown(summary, outline(summary, depth), overridden=overridden, extra=extra, remarks=remarks)
    return "\n".join([
        f"# {escaped(visible(summary.name))}", "", escaped(" · ".join(lead(summary))), "",
        "## Layers", "", _without_heading(table), *_drawing(summary), "## Memory", memory.as_markdown(summary),
        _made(command),
    ])


def profile_markdown(found: Profile, command: str) -> str:
    """The report of a profile, with the drawing that it is folded like."""
    summary = found.summary
    return "\n".join([
        f"# {escaped(visible(found.net))}", "", escaped(" · ".join(lead(summary))), "",
        "## Measured", "", _without_heading(profile.as_markdown(found)), *_drawing(summary),
        "## Memory, predicted", memory.as_markdown(summary), _made(command),
    ])


def compare_markdown(shown: Shown, command: str, *, overridden: bool = False) -> str:
    """The report of a comparison; arguments as for the page."""
    names = " · ".join(map(visible, shown.lineup.names))
    return "\n".join([f"# {escaped(names)}", "", compare_data.as_markdown(shown),
                      *([f"- {escaped(OVERRIDDEN)}", ""] if overridden else []), _made(command)])


def _without_heading(text: str) -> str:
    """Markdown without the heading that it begins with: the report has one of its own."""
    return text.partition("\n\n")[2]


def _drawing(summary: Summary) -> list[str]:
    return ["## Drawing", "", "```mermaid", mermaid(diagram(summary), summary).rstrip("\n"), "```", ""]


def _made(command: str) -> str:
    fence = "`" * (max(map(len, _ticks(command)), default=0) + 1)
    space = " " if "`" in command else ""
    return f"Made by {fence}{space}{command}{space}{fence} (cnnspec {__version__})\n"


def _ticks(text: str) -> list[str]:
    """The runs of backticks in a text."""
    return "".join(character if character == "`" else " " for character in text).split()
