"""Expansion: the steps of a net become layers with shapes; which function expands which form of step."""

from __future__ import annotations

from cnnspec.grammar import ast
from cnnspec.graph.applying import expand_apply
from cnnspec.graph.expansion import Expansion
from cnnspec.graph.merges import expand_merge
from cnnspec.graph.structure import (
    expand_ascribed,
    expand_choice,
    expand_group,
    expand_loop,
    expand_missing,
    expand_named,
    expand_optional,
    expand_reference,
    expand_repeat,
)


class Expander(Expansion):
    """An expansion that knows every form."""

    forms = {  # noqa: RUF012  # read only
        ast.Apply: expand_apply,
        ast.Group: expand_group,
        ast.Repeat: expand_repeat,
        ast.Loop: expand_loop,
        ast.Choice: expand_choice,
        ast.Optional: expand_optional,
        ast.Named: expand_named,
        ast.Ascribed: expand_ascribed,
        ast.Reference: expand_reference,
        ast.Merge: expand_merge,
        ast.Missing: expand_missing,
    }
