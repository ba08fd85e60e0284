"""The numbers and shapes of a spec, from how they are written to exact values."""

from __future__ import annotations

import re

from cnnspec.grammar import ast
from cnnspec.grammar.cursor import Cursor

#: What the interpreter reads as a whole number at most, whatever the limit says.
_READABLE = 4300
_WHOLE = re.compile(r"[0-9]+(?:_[0-9]+)*")
_NUMBER = re.compile(
    r"(?P<whole>[0-9]+(?:_[0-9]+)*)?(?:\.(?P<fraction>[0-9]*))?(?:(?P<suffix>[KMG])|[eE](?P<exponent>[+-]?[0-9]+))?"
)
_POWER = {"K": 3, "M": 6, "G": 9}


def number(c: Cursor) -> ast.Expr:
    """number = digits [ "." digits ] [ "K" | "M" | "G" | exponent ]"""
    text, at = c.text(), c.at
    match = _NUMBER.fullmatch(text)
    value: int | float | None = None
    if match is None or not (match["whole"] or match["fraction"]):
        _directly_followed(c, text)
    elif _few_digits(c, text):
        value = _value(match)
        if value == float("inf"):
            c.report("bad-number", f"`{text}` is larger than a number can be", c.here())
            value = None
    c.advance()
    return ast.Missing(c.since(at)) if value is None else ast.Number(c.since(at), value)


def shape(c: Cursor) -> ast.Expr:
    """shape = extent "x" extent { "x" extent } ; extent = digits, at least 1"""
    text, at = c.text(), c.at
    parts = text.split("x")
    good = all(_WHOLE.fullmatch(part) for part in parts)
    extents: tuple[int, ...] = ()
    if not good:
        _bad_shape(c, text)
    elif _few_digits(c, max(parts, key=len)):
        extents = tuple(int(part) for part in parts)
    if good and extents and 0 in extents:
        hint = f"`{int(text, 16)}`" if re.fullmatch("0x[0-9]+", text) else ""
        c.report("zero-extent", f"an extent is at least 1, and `{text}` has a 0", c.here(), help=hint)
        extents = ()
    c.advance()
    return ast.ShapeLiteral(c.since(at), extents) if extents else ast.Missing(c.since(at))


def _value(match: re.Match[str]) -> int | float:
    """The exact value: a suffix shifts the decimal point in whole numbers, so that `15.5G` is 15500000000."""
    whole, fraction = (match["whole"] or "0").replace("_", ""), match["fraction"]
    if match["suffix"] is not None:
        power = _POWER[match["suffix"]]
        fraction = (fraction or "").rstrip("0")
        if len(fraction) <= power:
            return int(whole + fraction + "0" * (power - len(fraction)))
        return int(whole + fraction) / int("1" + "0" * (len(fraction) - power))
    if fraction is None and match["exponent"] is None:
        return int(whole)
    return float(match[0].replace("_", ""))


def _few_digits(c: Cursor, text: str) -> bool:
    limit = min(c.limits.digits, _READABLE)
    digits = sum(map(str.isdigit, text)) if len(text) > limit else 0
    if digits <= limit:
        return True
    message = f"this number has {digits:,} digits; the limit is {limit:,}"
    c.report("limit-digits", message, c.here(), help="a larger limit: `--max-digits N`")
    return False


def _directly_followed(c: Cursor, text: str) -> None:
    begin = _NUMBER.match(text)
    prefix = begin[0] if begin else ""
    rest = text[len(prefix) :]
    if rest[:1].upper() in _POWER and len(rest) == 1:
        help = f"`{prefix}{rest.upper()}`"
    elif prefix == text or rest[0] in "_.eE":
        help = "digits, `_` between them, one point, then one of `K M G` or an exponent: `4_096`, `15.5G`, `1e-5`"
    else:
        help = f"`{prefix}*{rest}` or `{prefix}, {rest}`" if rest.isidentifier() else ""
    c.report("bad-number", f"`{_short(text)}` is no number: {_why(prefix, rest)}", c.here(), help=help)


def _why(prefix: str, rest: str) -> str:
    return f"`{_short(rest)}` directly follows `{_short(prefix)}`" if prefix and rest else "a digit is missing"


def _bad_shape(c: Cursor, text: str) -> None:
    repaired = "x".join(part for part in text.replace("×", "x").split("x") if _WHOLE.fullmatch(part))
    message = f"`{_short(text)}` is no shape: whole numbers joined by `x`, with nothing directly after them"
    c.report("bad-number", message, c.here(), help=f"`{_short(repaired)}`" if repaired else "")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:30]}…"
