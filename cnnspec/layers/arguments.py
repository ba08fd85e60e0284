"""The kinds of argument that a layer can declare; each reads a spec's value or says what it expects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnspec.record import Record


class LayerError(Exception):
    """A layer cannot take its arguments or its input. It knows no places: the graph adds the span."""

    def __init__(self, code: str, message: str, argument: str | int | None = None, *, help: str = "",
                 inputs: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        #: Name (or, before names are known, index) of the argument at fault; None where it is the input.
        self.argument = argument
        self.help = help
        #: Indices of the branches of a merge that do not fit the others.
        self.inputs = inputs


class Symbol(str):
    """An option word: `max`, `same`, `reflect`."""

    __slots__ = ()


class SameAs(Record):
    """A default: the value of another argument."""

    name: str


REQUIRED = object()


class Arg(Record):
    """One argument of a layer."""

    #: Turns a spec's value into the layer's, or raises `ValueError` with what was expected.
    parse: Callable[[Any], Any]
    #: What it takes, as the catalogue shows it.
    type: str
    default: Any
    doc: str
    #: The option words it owns.
    words: tuple[str, ...] = ()
    #: Takes all remaining positional values, as a tuple.
    variadic: bool = False
    named_only: bool = False

    def read(self, name: str, value: object) -> Any:
        """The layer's value of what the spec gives for this argument."""
        try:
            return self.parse(value)
        except ValueError as error:
            raise LayerError("bad-argument", f"`{name}` must be {error}, not {shown(value)}", name,
                             help=_option_hint(self, value)) from None


def shown(value: object) -> str:
    """A value as specs write it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Symbol):
        return value
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))}{',' if len(value) == 1 else ''})"
    return str(value)


def either(keyword: str, values: dict[str, object], help: str) -> None:
    """Raise `LayerError` unless exactly one of some arguments, whose default is None, has a value."""
    names = " or ".join(f"`{name}`" for name in values)
    given = [name for name, value in values.items() if value is not None]
    if not given:
        raise LayerError("missing-argument", f"{keyword} needs {names}", help=help)
    if len(given) > 1:
        raise LayerError("bad-argument", f"{keyword} takes {names}, not both", given[-1], help=help)


def _option_hint(arg: Arg, value: object) -> str:
    if not isinstance(value, str) or not arg.words:
        return ""
    from cnnspec.diagnostics import closest

    match = closest(value, arg.words)
    return f"did you mean `{match}`?" if match else ""


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def count(default: Any = REQUIRED, *, doc: str, minimum: int = 1, named_only: bool = False) -> Any:
    """A whole number, at least `minimum`."""

    def parse(value: object) -> object:
        if _whole(value) and value >= minimum:  # type: ignore[operator]  # whole
            return value
        raise ValueError(f"a whole number of at least {minimum}")

    return Arg(parse, "count", default, doc, named_only=named_only)


def number(default: Any = REQUIRED, *, doc: str, low: float | None = None, high: float | None = None) -> Any:
    """A number, within bounds."""
    bounds = f" from {low:g} to {high:g}" if low is not None and high is not None else (
        f" of at least {low:g}" if low is not None else "")

    def parse(value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf"):
            if (low is None or value >= low) and (high is None or value <= high):
                return plain(value)
        raise ValueError(f"a number{bounds}")

    return Arg(parse, "number", default, doc)


def plain(value: float) -> float:
    """A number in its one form: whole where it is whole, so that equal arguments make equal layers."""
    return int(value) if value == int(value) else value


def flag(default: bool, *, doc: str, named_only: bool = False) -> Any:
    """`on` or `off`."""

    def parse(value: object) -> object:
        if isinstance(value, bool):
            return value
        raise ValueError("`on` or `off`")

    return Arg(parse, "on|off", default, doc, named_only=named_only)


def option(*words: str, default: str | None = None, doc: str, named_only: bool = False) -> Any:
    """One of some words, which need no name before them; the first is the default unless another is named."""

    def parse(value: object) -> object:
        if isinstance(value, str) and value in words:
            return Symbol(value)
        raise ValueError(" or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words))

    return Arg(parse, "|".join(words), Symbol(default or words[0]), doc, words, named_only=named_only)


def axes(default: Any = REQUIRED, *, doc: str, minimum: int = 1) -> Any:
    """A whole number for all spatial axes, or one for each: `3`, `1x7`, `(0, 1)`."""

    def parse(value: object) -> object:
        if _whole(value) and value >= minimum:  # type: ignore[operator]  # whole
            return value
        if isinstance(value, tuple) and 1 <= len(value) <= 3 and all(_whole(v) and v >= minimum for v in value):
            return value
        raise ValueError(f"a whole number of at least {minimum}, or one per axis such as `1x7`")

    return Arg(parse, "count per axis", default, doc)


#: The largest factor of a resizing; beyond, doubles overflow.
MOST_TIMES = 1_000_000


def ratios(default: Any = REQUIRED, *, doc: str) -> Any:
    """A positive number for all spatial axes, or one for each: `2`, `1.5`, `(1, 2)`."""

    def positive(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_TIMES

    def parse(value: object) -> object:
        if positive(value):
            return plain(value)  # type: ignore[arg-type]  # a number
        if isinstance(value, tuple) and 1 <= len(value) <= 3 and all(map(positive, value)):
            return tuple(map(plain, value))
        raise ValueError(f"a number above 0, at most {MOST_TIMES:,}, or one per axis such as `(1, 2)`")

    return Arg(parse, "number per axis", default, doc)


def padding(default: Any = 0, *, doc: str, words: tuple[str, ...] = ()) -> Any:
    """Rows added: one of some words, a number, one per axis, or one per side (`(before, after)` by axis)."""

    def parse(value: object) -> object:
        if isinstance(value, str) and value in words:
            return Symbol(value)
        if _whole(value) and value >= 0:  # type: ignore[operator]  # whole
            return value
        if isinstance(value, tuple) and value and all(_whole(v) and v >= 0 for v in value) and len(value) <= 6:
            return value
        if isinstance(value, tuple) and value and all(
            isinstance(v, tuple) and len(v) == 2 and all(_whole(n) and n >= 0 for n in v) for v in value
        ):
            return value
        named = ", ".join(f"`{word}`" for word in words)
        raise ValueError(f"{named + ', ' if named else ''}a whole number of at least 0, one per axis or one per side")

    if default in words:
        default = Symbol(default)
    return Arg(parse, "|".join((*words, "count per axis or side")), default, doc, words)


def extents(default: Any = REQUIRED, *, doc: str, variadic: bool = True) -> Any:
    """A shape: `3x224x224`, `(3, s, s)`, or the same as separate arguments."""

    def parse(value: Any) -> object:
        flat = value[0] if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], tuple) else value
        flat = (flat,) if _whole(flat) else flat
        if isinstance(flat, tuple) and flat and all(_whole(v) and v >= 1 for v in flat):
            return flat
        raise ValueError("a shape such as `3x224x224`, its extents at least 1")

    return Arg(parse, "shape", default, doc, variadic=variadic)


def like(*, doc: str) -> Any:
    """A named value of the network, `@x`, which arrives as its shape; None where it is not given."""

    def parse(value: object) -> object:
        if isinstance(value, tuple) and 1 <= len(value) <= 4 and all(_whole(v) and v >= 1 for v in value):
            return value
        raise ValueError("a named value such as `@x`")

    return Arg(parse, "@name", None, doc, named_only=True)


def word(*, doc: str) -> Any:
    """A word of the writer's choice."""

    def parse(value: object) -> object:
        if isinstance(value, str) and value:
            return value
        raise ValueError("a word")

    return Arg(parse, "word", REQUIRED, doc)
