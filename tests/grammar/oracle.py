"""A second opinion on what is a spec: a generated parser for `cnn.lark`, and what a grammar cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import LarkError


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("cnn.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", start="file", maybe_placeholders=False, keep_all_tokens=True)


def accepts(text: str) -> bool:
    """Whether the text is a spec, by its form."""
    text = text.removeprefix("\ufeff")
    try:
        tree = _parser().parse(text)
    except LarkError:
        return False
    if tree.data != "file":  # lark inlines a file of one statement no more than others, but be sure
        return False
    return (
        _is_one_kind(tree)
        and all(_is_index(node, text) for node in tree.find_data("step_index"))
        and all(_is_merge(node) for node in tree.find_data("merge"))
    )


def _tokens(tree: Tree[Token] | Token) -> Iterator[Token]:
    if isinstance(tree, Token):
        yield tree
        return
    for child in tree.children:
        yield from _tokens(child)


def _is_one_kind(file: Tree[Token]) -> bool:
    """Statements only, or `let`s and one chain that begins with INPUT."""
    kinds = [str(child.data) for child in file.children if isinstance(child, Tree)]
    bare = [child for child in file.children if isinstance(child, Tree) and child.data == "bare"]
    if not bare:
        return True
    return len(bare) == 1 and set(kinds) <= {"let", "bare"} and next(_tokens(bare[0])) == "INPUT"


def _is_index(node: Tree[Token], text: str) -> bool:
    """Not a group before which an arrow is missing."""
    tokens = list(_tokens(node))
    depth = 0
    for token in tokens:
        if depth == 1 and token in ("{", "@"):
            return False
        depth += token in ("(", "[", "{")
        depth -= token in (")", "]", "}")
    first, second = tokens[1], tokens[2]
    layer = first.type == "CAPITAL" and first.isupper() and len(first) > 1 and first[0].isalpha()
    apart = text[tokens[0].start_pos - 1].isspace() or text[tokens[0].start_pos - 1] == "\n"
    return first != "[" and not (layer and (second == "(" or (second == "]" and apart)))


def _is_merge(node: Tree[Token]) -> bool:
    """The branches follow a name, an element of a tuple, or a call of one."""
    callee = _unwrapped(node.children[0])
    if isinstance(callee, Tree) and callee.data == "call":
        callee = _unwrapped(callee.children[0])
    return isinstance(callee, Tree) and callee.data in ("name", "index_of")


def _unwrapped(node: Tree[Token] | Token) -> Tree[Token] | Token:
    while isinstance(node, Tree) and node.data == "parenthesised":
        node = node.children[1]
    return node
