"""Names that are defined by themselves, directly or through others: refused, so that every spec ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from cnnspec.diagnostics import Diagnostic, Label
from cnnspec.source import Span

#: The names that a definition reads, each with the first place where it does.
Reads = Mapping[str, Span]
#: Names of a long way round that a message lists.
_MOST_LISTED = 8


def reading_order(reads: Mapping[str, Reads]) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
    """The names, each behind all those that it reads; and a mistake for every way from a name back to itself.

    `reads` has an entry for each name of a file, in the order of the text, which is kept where possible.
    """
    done: dict[str, None] = {}
    mistakes: list[Diagnostic] = []
    for name in reads:
        if name not in done:
            mistakes += _walk(name, reads, done)
    return tuple(done), tuple(mistakes)


def _walk(start: str, reads: Mapping[str, Reads], done: dict[str, None]) -> Iterator[Diagnostic]:
    """Goes through all that a name reads, depth first; without recursion, since a chain of definitions may be long."""
    way = {start: iter(reads[start])}
    while way:
        name = next(reversed(way))
        following = next(way[name], None)
        if following is None:
            done[name] = None
            del way[name]
        elif following in way:
            names = list(way)
            yield _mistake([*names[names.index(following):], following], reads)
        elif following in reads and following not in done:
            way[following] = iter(reads[following])


def _mistake(names: list[str], reads: Mapping[str, Reads]) -> Diagnostic:
    """A way round: `names` begins and ends with the same one."""
    *links, (name, closing) = pairwise(names)
    return Diagnostic(
        "recursion", f"`{closing}` is defined by itself{f': {_listed(names)}' if links else ''}", reads[name][closing],
        labels=tuple(Label(reads[a][b], f"`{a}` reads `{b}`") for a, b in links[:_MOST_LISTED]),
        help="a count or a loop repeats without recursion: `[…]*n`, `[…] for i in range(n)`")


def _listed(names: list[str]) -> str:
    shown = [f"`{name}`" for name in names]
    if len(shown) > _MOST_LISTED:
        shown[_MOST_LISTED // 2 : -_MOST_LISTED // 2] = ["…"]
    return " → ".join(shown)
