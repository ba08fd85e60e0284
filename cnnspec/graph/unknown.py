"""Names that nothing binds, and the ones that were probably meant."""

from __future__ import annotations

from collections.abc import Collection

from cnnspec.grammar import ast
from cnnspec.graph.environment import Environment
from cnnspec.graph.functions import FUNCTIONS
from cnnspec.graph.habits import step_meant, value_meant
from cnnspec.graph.problem import Problem
from cnnspec.layers import keywords, option_words


def unknown_name(expr: ast.Name, env: Environment, step: bool = False, words: Collection[str] = ()) -> Problem:
    """The mistake of a name that nothing binds, with the closest one that exists.

    `words` are the option words of the layer whose argument it is: beside bound names, these may stand there.
    """
    name = expr.id
    known = env.visible() | (set(words) or {*keywords(), "ID"})
    if not step and not words:
        known |= {*FUNCTIONS, *option_words()}
    match = step_meant(name, known - {name}) if step or name.isupper() else value_meant(name, known - {name})
    if name.isupper() and len(name) > 1:
        code, kind = "unknown-layer", "layer"
    elif step:
        code, kind = "unknown-block", "block, net or layer"
    else:
        code, kind = "unknown-name", "name"
    message = f"there is no {kind} `{name}`"
    if match:
        return Problem(code, message, expr.span, help=f"did you mean `{match}`?")
    return Problem(code, message, expr.span, help={
        "unknown-layer": "`cnnspec layers` lists the layers",
        "unknown-block": f"define it: `block {name} = …`, or `use` the file that does",
    }.get(code, f"bind it: a parameter of the block or net, `let {name} = …`, or `where {name} = …`"))


def with_words(problem: Problem, argument: ast.Argument, words: list[str]) -> Problem:
    """For a lone name that nothing binds, as the value of an argument with words of its own: what these are."""
    unknown = problem.diagnostic
    if words and unknown.code == "unknown-name" and unknown.span == argument.value.span:
        if not unknown.help.startswith("did you mean"):
            listed = ", ".join(f"`{word}`" for word in words)
            problem.diagnostic = unknown.replace(help=f"the words of `{argument.name}` are {listed}")
    return problem
