"""Text and syntax tree, both ways: the tokens, the parser, and the printer that is the formatter."""

from cnnspec.grammar import ast
from cnnspec.grammar.parser import parse_expression, parse_file, parse_target

__all__ = ["format_file", "parse_expression", "parse_file", "parse_target"]


def format_file(file: ast.File) -> str:
    """The canonical text of a file without syntax errors."""
    from cnnspec.grammar import printer  # only what formats pays for it

    return printer.format_file(file)
