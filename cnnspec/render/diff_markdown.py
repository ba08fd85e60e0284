"""A difference as Markdown, for a pull request: the totals and the changes as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.difference import Difference
from cnnspec.render import diff_words as words
from cnnspec.render.diff import ALONE, REWRITTEN, SAME, Told, cells, figures, following, little
from cnnspec.render.markdown import escaped, row
from cnnspec.render.snippet import visible


def as_markdown(difference: Difference, told: Sequence[Told]) -> str:
    """A heading, the totals, and what is `told` of the changes."""
    a, b = difference.before, difference.after
    lines = [f"### {escaped(visible(a.name))} → {escaped(visible(b.name))}", ""]
    for title, summary in (("before", a), ("after", b)):
        span = summary.graph.span
        lines.append(f"- {title}: {escaped(visible(span.source.name))}, line {span.line}")
    lines += ["", row(["", "before", "after", ""]), row([":--", "--:", "--:", "--:"], raw=True)]
    lines += [row([one.name, one.before, one.after, one.ratio]) for one in figures(difference)]
    said = [REWRITTEN if difference.rewritten else SAME] if difference.equal else _changes(difference, told)
    if not difference.equal and little(difference):
        lines += ["", little(difference)]
    lines += ["", *said]
    return "\n".join(lines) + "\n"


def _changes(difference: Difference, told: Sequence[Told]) -> Iterator[str]:
    yield row(["", "change", "params", "MACs", "RF", "peak", "line"])
    yield row([":--", ":--", "--:", "--:", "--:", "--:", "--:"], raw=True)
    for one in told:
        text = words.place(one.change) + words.words(one.change)
        yield row([words.mark(one.change), text, *cells(difference, one)])
    more = len(difference.changes) - len(told)
    if more:
        yield row(["", f"… and {more} more changes", "", "", "", "", ""])
    rest = following(difference)
    if rest:
        yield row(["", *rest, "", "", ""])
    if len(told) > 1 and any(one.alone is not None for one in told):
        yield ""
        yield ALONE
