"""Text and syntax tree, both ways: the tokens, the parser, and the printer that is the formatter."""

from cnnspec.grammar.parser import parse_expression, parse_file, parse_target

__all__ = ["parse_expression", "parse_file", "parse_target"]
