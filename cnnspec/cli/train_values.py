"""What options of `cnnspec train` take: durations, batches, names of augmentations."""

from __future__ import annotations

from math import isfinite
from typing import Any

import click

from cnnspec.diagnostics import closest

#: From here on a number may be more than single precision holds, where it is multiplied.
_LARGE = 1e30

#: Seconds of each unit.
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}
AUGMENTATIONS = ("flip", "crop", "randaugment")


class Number(click.FloatRange):
    """A number within a range: neither undefined nor infinite, which a range of its own lets pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not isfinite(number) or abs(number) > _LARGE:
            self.fail(f"`{value}` is no number that can be computed with", param, ctx)
        return number


def take_duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """`60s`, `5m`, `1.5h` or a number of seconds."""
    if value is None:
        return None
    number = value.strip().rstrip("hmins")
    unit = value.strip()[len(number):]
    try:
        seconds = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise click.BadParameter(f"`{value}` is no duration such as 60s, 5m or 1h", ctx, param)
    return seconds


def take_batch(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    """A number of images; None for `auto`."""
    if value == "auto":
        return None
    if value.isascii() and value.isdecimal() and 0 < len(value) < 8 and int(value):
        return int(value)
    raise click.BadParameter(f"`{value}` is neither `auto` nor a whole number from 1 on", ctx, param)


def take_augmentations(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """Names with commas between them."""
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    for name in names:
        if name not in AUGMENTATIONS:
            match = closest(name, AUGMENTATIONS)
            hint = f"did you mean `{match}`?" if match else f"there are {', '.join(AUGMENTATIONS)}"
            raise click.BadParameter(f"there is no augmentation `{name}`; {hint}", ctx, param)
    return tuple(dict.fromkeys(names))
