"""Numbers as people read them: thousands separators, powers of ten and of 1024, shapes and fields with `×`."""

from __future__ import annotations

from cnnspec.analysis.field import ReceptiveField
from cnnspec.layers.base import Shape

#: Decimals of each power of a thousand.
_POWERS = (("k", 1), ("M", 1), ("G", 2), ("T", 2), ("P", 2), ("E", 2))
_BYTES = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_DTYPES = {"float64": "fp64", "float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}


def count(number: int) -> str:
    """`138,357,544`."""
    return f"{number:,}"


def scaled(number: int) -> str:
    """`840`, `48.1 k`, `102.8 M`, `15.47 G`: for columns, whose units line up below each other."""
    value = float(number)
    if abs(value) < 1000:
        return f"{number}"
    for unit, decimals in _POWERS:
        value /= 1000
        if abs(value) < 999.95 or unit == _POWERS[-1][0]:
            return f"{value:,.{decimals}f} {unit}"
    raise AssertionError("the last power takes all")


def size(number: int) -> str:
    """`840 B`, `527.8 MiB`."""
    value = float(number)
    if value < 1024:
        return f"{number} B"
    for unit in _BYTES:
        value /= 1024
        if value < 1023.95 or unit == _BYTES[-1]:
            return f"{value:,.1f} {unit}"
    raise AssertionError("the last power takes all")


def shape(extents: Shape) -> str:
    """`64×112×112`; a flat one as a number, `4,096`."""
    return "×".join(map(str, extents)) if len(extents) > 1 else f"{extents[0]:,}"


def axes(numbers: tuple[object, ...]) -> str:
    """One number where all axes have the same, else `15×31`."""
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))


def field(seen: ReceptiveField | None) -> str:
    """A receptive field's size; `all` for one that takes in everything."""
    return "all" if seen is None else axes(seen.size)


def dtype(name: str) -> str:
    """`fp32` for `float32`."""
    return _DTYPES.get(name, name)


def duration(seconds: float) -> str:
    """`3.2 µs`, `16.9 ms`, `1.24 s`, with three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size * 0.9995:
            return f"{_three(seconds / size)} {unit}"
    return f"{_three(seconds * 1e6)} µs"


def rate(per_second: float) -> str:
    """`59.2`, `12,400`: three digits."""
    return _three(per_second)


def percent(share: float) -> str:
    """`12.3 %`; below a tenth with the first digit that counts, `0.03 %`, down to `<0.0001 %`."""
    number = share * 100
    size = abs(number)
    text = f"{size:.1f} %" if not size or size >= 0.05 else f"{size:.1g} %" if size >= 1e-4 else "<0.0001 %"
    return f"−{text}" if number < 0 else text


def flops(per_second: float) -> str:
    """`12.34 TFLOP/s`."""
    text = scaled(round(per_second))
    return f"{text}FLOP/s" if not text[-1].isdigit() else f"{text} FLOP/s"


def energy(joules: float) -> str:
    """`1.24 J`, `16.9 mJ`, `3.2 µJ`, with three digits."""
    if joules < 0:
        return f"−{energy(-joules)}"
    for unit, size in (("J", 1.0), ("mJ", 1e-3)):
        if joules >= size * 0.9995:
            return f"{_three(joules / size)} {unit}"
    return f"{_three(joules * 1e6)} µJ"


def _three(number: float) -> str:
    """A number with three digits that count."""
    decimals = next((decimals for decimals, below in ((2, 9.995), (1, 99.95)) if abs(number) < below), 0)
    if number and abs(number) < 0.01:
        return f"{number:.2g}"
    return f"{number:,.{decimals}f}"
