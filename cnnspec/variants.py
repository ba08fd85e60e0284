"""Variants of a network: values for its parameters, and for names that its call leaves free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.grammar import ast
from cnnspec.graph.names import VALUE, is_word, unbound
from cnnspec.graph.program import Module
from cnnspec.record import Record
from cnnspec.targets import Settings, Target, arguments

#: The most networks that one command compares.
MOST = 200

#: Digits of a range's ends.
_MOST_DIGITS = 9


class Variation(Record):
    """A name, and the values that it takes one after the other, as text in the spec language."""

    name: str
    values: tuple[str, ...]


class Variant(Record):
    """A network with some values set."""

    target: Target
    #: What sets it apart from the target's other variants.
    settings: tuple[tuple[str, str], ...]


# ------------------------------------------------------------------------------------------------ reading


def variation(text: str) -> Variation:
    """`n=1..4`, `n=1,2,4`, `n=(1, 2, 4)`, `depths=(1,1),(2,2)`; raises `ValueError` for what is none of these."""
    name, sign, listed = text.partition("=")
    name = name.strip()
    if not sign or not name.isidentifier() or not listed.strip():
        raise ValueError(f"it takes NAME=1..4 or NAME=1,2,4, not `{text}`")
    parts = _parts(listed)
    if len(parts) == 1 and _is_list(parts[0]):
        parts = _parts(parts[0][1:-1].removesuffix(","))
    values = tuple(value for part in parts for value in _values(part, text))
    if len(values) > MOST:
        raise ValueError(f"`{text}` has more than {MOST} values")
    return Variation(name, tuple(dict.fromkeys(values)))


def _parts(text: str) -> list[str]:
    """What commas part, outside brackets and quotes."""
    found, depth, quoted = [""], 0, False
    for character in text:
        quoted ^= character == '"'
        depth += 0 if quoted else (character in "([{") - (character in ")]}")
        if character == "," and not depth and not quoted:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found]


def _is_list(text: str) -> bool:
    """Whether its first bracket is closed by its last one: `(1, 2)`, and not `(a + b) * (c + d)`."""
    depth = [text[: end + 1].count("(") - text[: end + 1].count(")") for end in range(len(text))]
    return text[:1] == "(" and 0 not in depth[:-1] and depth[-1] == 0


def _values(part: str, text: str) -> list[str]:
    """One value, or those from the first to the last of a range, both included."""
    if not part:
        raise ValueError(f"`{text}` has an empty value")
    first, dots, last = part.partition("..")
    if not dots or not (_is_whole(first) and _is_whole(last)):
        return [part]
    low, high = int(first), int(last)
    if low > high:
        raise ValueError(f"`{part}` is empty: {low} is more than {high}")
    if high - low >= MOST:
        raise ValueError(f"`{part}` has more than {MOST} values")
    return [str(number) for number in range(low, high + 1)]


def _is_whole(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS


# ----------------------------------------------------------------------------------------------- variants


def variants(target: Target, variations: Sequence[Variation]) -> Iterator[Variant]:
    """A network for every combination of values, the last variation's changing fastest.

    Names that the target does not have are passed over; without any, it is its own only variant.
    """
    having = [variation for variation in variations if has(target, variation.name)]
    for values in product(*(variation.values for variation in having)):
        settings = tuple((variation.name, value) for variation, value in zip(having, values, strict=True))
        yield Variant(given(target, dict(settings)), settings)


def count(target: Target, variations: Sequence[Variation]) -> int:
    """How many networks `variants` makes."""
    number = 1
    for variation in variations:
        number *= len(variation.values) if has(target, variation.name) else 1
    return number


def has(target: Target, name: str) -> bool:
    """Whether a target's network has a parameter of this name, or its call leaves the name free."""
    return name in free_names(target) or name in parameters(target)


def parameters(target: Target) -> tuple[str, ...]:
    """The parameters that `Target.vary` can set."""
    trial = target.vary({"_": 0}).call.callee  # reaches through nets without parameters, as any setting does
    definition = target.module.names.get(trial.id) if isinstance(trial, ast.Name) else None
    if not isinstance(definition, ast.Definition):
        return ()
    home = target.module.homes.get(definition.name, target.module)
    return tuple(parameter.name for parameter in home.signature(definition))


def free_names(target: Target) -> tuple[str, ...]:
    """The names that a call leaves open: `n` in `resnet(basic, (n, n, n, n))`."""
    uses = unbound(target.call.args or ())
    names = (use.id for use in uses if use.role == VALUE)
    return tuple(dict.fromkeys(name for name in names if name not in target.module.names and not is_word(name)))


def given(target: Target, settings: Settings) -> Target:
    """The network with these values, of parameters and of free names.

    Raises `SpecError` for a value that is no expression, or one in terms of what is itself being set.
    """
    free = free_names(target)
    bound = _with_names(target, {name: value for name, value in settings.items() if name in free})
    others = {name: value for name, value in settings.items() if name not in free}
    return bound.vary(others) if others else bound


def _with_names(target: Target, settings: Settings) -> Target:
    """The same call, in a file of its own, which uses the net's and says what the free names are."""
    if not settings:
        return target
    module = Module(target.module.file)
    module.formula = target.module.formula
    module.names.update(target.module.names)
    module.homes.update({name: target.module.homes.get(name, target.module) for name in target.module.names})
    for argument in arguments(settings, target.limits):
        read = sorted({use.id for use in unbound(argument.value)} & {*settings})
        if read:
            says = f"{argument.name}={argument.span.text} speaks of {read[0]}, which is being set itself"
            raise SpecError([Diagnostic("unknown-name", says, argument.span)])
        span, name_span = argument.span, argument.span
        module.names[str(argument.name)] = ast.Let(span, ast.Binding(span, str(argument.name), name_span,
                                                                     argument.value))
    return Target(module, target.call, target.limits, target.name)
