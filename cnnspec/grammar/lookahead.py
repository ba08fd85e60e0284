"""What a `[` opens, a chain or an index, told by what stands in it: only a missing arrow makes that unclear."""

from __future__ import annotations

from cnnspec.grammar.cursor import Cursor
from cnnspec.grammar.tokens import ALMOST_ARROW, NAME


def opens_chain(c: Cursor) -> bool:
    """Whether the `[` here holds a chain, by what stands in it; else it holds an index."""
    at = c.at + 1
    if c.kinds[at] is NAME and is_layer(c.tokens.text(at)):
        apart = c.starts[c.at] > c.ends[c.at - 1]
        if c.kinds[at + 1] == "(" or (c.kinds[at + 1] == "]" and apart):
            return True
    if c.kinds[at] == "[":
        return True
    while c.kinds[at] != "]":
        if c.kinds[at] in _CHAIN_ONLY:
            return True
        at = c.after_brackets(at)
    return False


#: What stands in chains and in no index.
_CHAIN_ONLY = frozenset(("->", ALMOST_ARROW, "?", "as", "for", ";", "{", "@"))


def is_layer(name: str) -> bool:
    """Whether a name has the look of a layer's: capital letters, more than one, as in `CONV` and `ID`."""
    return len(name) > 1 and name[0].isupper() and name == name.upper()


def is_lowercase(name: str) -> bool:
    """Whether a name may be a block's, a net's or a parameter's: it has no capital letter."""
    return name == name.lower()
