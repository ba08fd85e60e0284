"""Names that are defined by themselves, directly or through others: refused, so that every spec ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnspec.diagnostics import Diagnostic, Label
from cnnspec.source import Span

#: The names that a definition reads, each with the first place where it does.
Reads = Mapping[str, Span]
#: Names of a long way round that a message lists.
_MOST_LISTED = 8


def recursions(reads: Mapping[str, Reads]) -> Iterator[Diagnostic]:
    """One mistake for every way from a name back to itself, at the place that closes it.

    `reads` has an entry for each name of a file, in the order of the text.
    """
    done: set[str] = set()
    for name in reads:
        if name not in done:
            yield from _from(name, reads, done)


def _from(start: str, reads: Mapping[str, Reads], done: set[str]) -> Iterator[Diagnostic]:
    """Walks from one name, depth first, without recursion of its own: a chain of definitions may be long."""
    way, ahead = {start: iter(reads[start])}, [start]
    while ahead:
        name = ahead[-1]
        following = next(way[name], None)
        if following is None:
            done.add(ahead.pop())
            del way[name]
        elif following in way:
            yield _mistake([*ahead[ahead.index(following):], following], reads)
        elif following in reads and following not in done:
            way[following] = iter(reads[following])
            ahead.append(following)


def _mistake(round_: list[str], reads: Mapping[str, Reads]) -> Diagnostic:
    """`round_` begins and ends with the same name."""
    *links, (name, closing) = zip(round_, round_[1:], strict=False)
    shown = round_ if len(round_) <= _MOST_LISTED else [*round_[:_MOST_LISTED // 2], "…", *round_[-_MOST_LISTED // 2:]]
    through = f": {' → '.join(f'`{n}`' if n != '…' else n for n in shown)}" if links else ""
    return Diagnostic(
        "recursion", f"`{closing}` is defined by itself{through}", reads[name][closing],
        labels=tuple(Label(reads[a][b], f"`{a}` reads `{b}`") for a, b in links[:_MOST_LISTED]),
        help="a count or a loop repeats without recursion: `[…]*n`, `[…] for i in range(n)`")
