"""The networks that a command line with several targets stands for: each with what is set for it, and in variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from cnnspec.cli.options import standard_input, take_inputs, take_settings
from cnnspec.diagnostics import Diagnostic, SpecError, closest, in_order
from cnnspec.layers.base import Shape
from cnnspec.limits import Limits
from cnnspec.net import Net
from cnnspec.record import Record
from cnnspec.render.compare_text import listed
from cnnspec.source import Source
from cnnspec.targets import Shelf, Target, from_source, resolve
from cnnspec.variants import MOST, Variant, Variation, count, free_names, given, has, parameters, variants, variation

#: What targets are called that are given as text.
EXPRESSION, STDIN = INLINE = ("<expression>", "<stdin>")
#: Networks that a message names.
_MOST_NAMED = 6


class Asked(Record):
    """What a command line says of networks, as it is written."""

    targets: tuple[str, ...]
    expressions: tuple[str, ...]
    settings: tuple[str, ...]
    inputs: tuple[str, ...]
    overs: tuple[str, ...]


class Contender(Record):
    """One network that came of a target."""

    #: As it was written.
    target: str
    #: What sets it apart from the others of its target.
    settings: tuple[tuple[str, str], ...]
    #: All that is set for it: these, and what is set for whatever has such a parameter.
    given: tuple[tuple[str, str], ...]
    net: Net


def contenders(asked: Asked, limits: Limits) -> list[Contender]:
    """The networks, in the order of the line; variants follow each other.

    Raises `SpecError` with the mistakes of all targets, and `click.UsageError` for those of the line.
    """
    values, shapes = take_settings(asked.settings), take_inputs(asked.inputs)
    settings = {name: str(value).strip() for name, value in values.items()}
    variations = take_overs(asked.overs, settings)
    found = _resolved(asked, limits)
    for name in settings:
        _tell("--set", name, found)
    shared = [{name: value for name, value in settings.items() if has(target, name)} for _, target in found]
    found = [(text, given(target, own)) for (text, target), own in zip(found, shared, strict=True)]
    for one in variations:
        _tell("--over", one.name, found)  # a value that was set may have left it free
    number = sum(count(target, variations) for _, target in found)
    if number > MOST:
        raise click.UsageError(f"--over makes {number:,} networks of these; {MOST} at most are compared")
    made = [(text, own, variant) for (text, target), own in zip(found, shared, strict=True)
            for variant in variants(target, variations)]
    return _expanded(made, shapes)


def take_overs(overs: Sequence[str], settings: Mapping[str, str]) -> list[Variation]:
    """`--over`, several times; raises `click.UsageError` for one that is none, or for a name that has a value."""
    found: list[Variation] = []
    for text in overs:
        try:
            one = variation(text)
        except ValueError as error:
            raise click.UsageError(f"--over: {error}") from None
        if one.name in settings:
            raise click.UsageError(f"--set and --over both give {one.name} values")
        if any(one.name == other.name for other in found):
            raise click.UsageError(f"--over gives {one.name} values twice")
        found.append(one)
    return found


def _resolved(asked: Asked, limits: Limits) -> list[tuple[str, Target]]:
    """Every target; raises `SpecError` with all that is wrong with any."""
    shelf = Shelf(limits)
    found: list[tuple[str, Target]] = []
    wrong: list[Diagnostic] = []
    for text, inline in [*((text, False) for text in asked.targets), *((text, True) for text in asked.expressions)]:
        try:
            if inline:
                found.append((EXPRESSION, from_source(Source(EXPRESSION, text), None, limits)))
            elif text == "-":
                found.append((STDIN, from_source(standard_input(limits), None, limits)))
            else:
                found.append((text, resolve(text, None, limits, shelf)))
        except SpecError as error:
            wrong += error.diagnostics
    if wrong:
        raise SpecError(in_order(wrong))
    return found


def _tell(option: str, name: str, found: Sequence[tuple[str, Target]]) -> None:
    """Say which networks a name passes by; raises `click.UsageError` where it passes by all."""
    without = [text for text, target in found if not has(target, name)]
    if len(without) < len(found):
        if without:
            click.echo(f"{option} {name}: not in {listed(without)}", err=True)
        return
    known = list(dict.fromkeys(known for _, target in found for known in (*free_names(target), *parameters(target))))
    match = closest(name, known)
    hint = f"did you mean `{match}`?" if match else f"there are {', '.join(known)}" if known else "there are none"
    whose = listed([text for text, _ in found[:_MOST_NAMED]] + ["others"] * (len(found) > _MOST_NAMED))
    raise click.UsageError(f"{option}: no parameter or free name `{name}` in {whose}; {hint}")


def _expanded(made: Sequence[tuple[str, Mapping[str, str], Variant]], shapes: Mapping[str, Shape]) -> list[Contender]:
    """Every network; raises `SpecError` with the mistakes of all."""
    found: list[Contender] = []
    wrong: list[Diagnostic] = []
    for text, shared, variant in made:
        elaboration = variant.target.elaborate(shapes)
        if elaboration.graph is None:
            note = [f"with {name}={value}" for name, value in variant.settings]
            wrong += [mistake.replace(notes=(*mistake.notes, *note)) for mistake in elaboration.diagnostics]
        else:
            net = Net(variant.target, elaboration.graph, (), shapes)
            found.append(Contender(text, variant.settings, (*shared.items(), *variant.settings), net))
    if wrong:
        raise SpecError(in_order(wrong))
    return found
