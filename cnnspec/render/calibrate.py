"""What calibration has measured, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.analysis.devices import DeviceProfile
from cnnspec.layers.routine import CONVOLUTION
from cnnspec.render import units
from cnnspec.render.layout import Line, Styled, folded


def lines(profile: DeviceProfile, places: Sequence[str], kept: str = "",
          width: int | None = None) -> Iterator[Line]:
    """The device, what it can do at its best, how many layers were measured, how far they add up, and where it is.

    `kept` is the file of an earlier profile that was disturbed less, and stays.
    """
    about = [f"PyTorch {profile.torch}", *([f"driver {profile.driver}"] if profile.driver else []),
             f"{profile.threads} thread{'s' if profile.threads > 1 else ''}", units.dtype(profile.dtype)]
    yield [Styled(profile.device, "bold"), Styled(f"  {', '.join(about)}")]
    yield []
    convolutions = sum(CONVOLUTION in point.task.kinds for point in profile.points)
    facts = [
        ("matrix product", f"{units.scaled(round(profile.peak))}FLOP/s"),
        *((f"copy of {units.size(moved // 2)}", f"{units.scaled(round(rate))}B/s") for moved, rate in profile.copies),
        ("layer that does nothing", units.duration(profile.launch)),
        ("layers measured", f"{len(profile.points)}, {convolutions} of them convolutions"),
        *((f"{one.net}, all its layers", f"{units.duration(one.predicted)}, measured {units.duration(one.measured)}")
          for one in profile.anchors),
    ]
    names = max(len(name) for name, _ in facts)
    for name, text in facts:
        yield [Styled(f"  {name.ljust(names)}  ", "dim"), Styled(text)]
    yield []
    if profile.disturbed:
        yield from folded([Styled(f"  disturbed: {profile.doubt}", "bad")], width)
        yield [Styled("  calibrate again when the machine has nothing else to do", "bad")]
    if kept:
        yield [Styled(f"  not stored: what {kept} holds was disturbed less")]
    for place in places:
        yield [Styled(f"  written to {place}")]
