"""Where comments go when a file is laid out anew: each belongs to the item that begins the line after it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from cnnspec.grammar.ast import Comment
from cnnspec.grammar.layout import Note, Notes


def place(comments: Iterable[Comment], anchors: Sequence[int], text: str) -> Notes:
    """The comments by the place, among `anchors`, of the item that they stand before.

    `anchors` are the places, rising, of all items that can begin a line; the last lies beyond the text. A comment at
    the end of a line stays there; one on its own line goes before the item that follows, or, from the inside of an
    item that cannot be divided, before that item.
    """
    trailing: dict[int, Comment] = {}
    own: dict[int, list[Comment]] = {}
    for comment in comments:
        number = bisect_left(anchors, comment.span.start)
        anchor = anchors[number]
        if not comment.own_line and anchor not in trailing and anchor not in own:
            trailing[anchor] = comment
            continue
        if number and comment.own_line and not _is_free(text[comment.span.end : anchor]):
            anchor = anchors[number - 1]
        own.setdefault(anchor, []).append(comment)
    return {anchor: Note(trailing.get(anchor), tuple(own.get(anchor, ()))) for anchor in trailing.keys() | own.keys()}


def _is_free(text: str) -> bool:
    """Whether nothing but white space, comments and what separates items stands in the text."""
    return not without_comments(text).strip(" \t\r\f\v->→|,;")


def without_comments(text: str) -> str:
    """What stands between items, on one line, its comments left out; no text in quotes stands there."""
    return "".join([line.split("#", 1)[0] for line in text.replace("\r", "\n").split("\n")])
