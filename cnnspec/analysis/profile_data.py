"""Device profiles as JSON has them, the format `cnnspec.device/1`; what is torn or foreign gets a reason."""

from __future__ import annotations

from typing import Any

from cnnspec.analysis.devices import Anchor, DeviceProfile, Point
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.reader import Foreign, Reader
from cnnspec.analysis.tasks import Task

SCHEMA = "cnnspec.device/1"


def as_data(profile: DeviceProfile) -> dict[str, Any]:
    """A profile as JSON has it."""
    plain = {name: getattr(profile, name) for name in (*_TEXTS, "threads", *_RATES)}
    return {
        "schema": SCHEMA, **plain,
        "copies": [{"bytes": size, "bytes_per_second": rate} for size, rate in profile.copies],
        "anchors": [{"net": one.net, "predicted": one.predicted, "measured": one.measured} for one in profile.anchors],
        "points": [{**{name: getattr(one.task, name) for name in _COUNTS}, "kinds": list(one.task.kinds),
                    "seconds": one.seconds} for one in profile.points],
    }


def from_data(data: object) -> DeviceProfile:
    """The profile that JSON holds; keys that are not known are passed over. Raises `Foreign`."""
    whole = Reader(data)
    whole.schema(SCHEMA)
    fields: dict[str, Any] = {name: whole.text(name) for name in _TEXTS}
    if fields["dtype"] not in DTYPES:
        raise Foreign(f"`dtype` is none of {', '.join(DTYPES)}")
    copies = tuple((one.count("bytes"), one.number("bytes_per_second")) for one in whole.several("copies"))
    if [size for size, _ in copies] != sorted({size for size, _ in copies}):
        raise Foreign("`copies` are not in the order of their sizes")
    fields |= {name: whole.number(name, least=0 if name in {"unrest", "gap"} else None) for name in _RATES}
    return DeviceProfile(
        **fields, threads=whole.count("threads"), copies=copies,
        points=tuple(_point(one) for one in whole.several("points")),
        anchors=tuple(Anchor(one.text("net"), one.number("predicted"), one.number("measured"))
                      for one in whole.several("anchors", least=0)),
    )


_TEXTS = ("kind", "device", "driver", "torch", "dtype", "date")
_RATES = ("unrest", "launch", "gap", "shortest", "peak")
#: Fields of a task that are numbers; those of `_PARTS` need not be whole.
_COUNTS = ("images", "positions", "channels", "groups", "depth", "shrink", "macs", "bytes")
_PARTS, _MAY_BE_NONE = ("depth", "shrink"), ("macs", "bytes")


def _point(one: Reader) -> Point:
    numbers: dict[str, Any] = {name: one.number(name, least=0) if name in _PARTS
                               else one.count(name, least=0 if name in _MAY_BE_NONE else 1) for name in _COUNTS}
    if numbers["shrink"] < 1:
        raise Foreign(f"`{one.place}shrink` is below 1")
    kinds = one.data.get("kinds")
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise Foreign(f"`{one.place}kinds` is no list of names")
    return Point(Task(tuple(kinds), **numbers), one.number("seconds"))
