"""Devices that are made up, so that the times they predict are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cnnspec
from cnnspec.analysis.devices import Anchor, DeviceProfile, Point
from cnnspec.analysis.tasks import Task, task

#: The layers that a made-up device was measured on: of most kinds two, so that each is judged by another.
MEASURED = """
INPUT(3x64x64) -> RELU -> ADD{ CONV(3, 3) | CONV(3, 5) } -> CONV(16) -> BN -> RELU -> CONV(32, 3, stride=2) -> BN
    -> RELU -> CONV(32, 3) -> [DWCONV(3) -> CONV(64, 1) -> CONV(64, 3, groups=4) -> POOL(2)]*2 -> UPCONV(8) -> UPCONV(8)
    -> ADD{ ID | BN } -> MAX{ GAP -> GAP -> FC(10) | GAP -> FC(10) }
"""


def device(seconds: Callable[[DeviceProfile, Task], float], spec: str = MEASURED, anchors: tuple[Anchor, ...] = (),
           **changes: Any) -> DeviceProfile:
    """A device on which a task takes as long as `seconds` says, at 1 TFLOP/s, 100 GB/s and 1 µs a launch."""
    empty = DeviceProfile(
        "cpu", "Abacus 3", "", "2.13.0", "float32", 1, "2026-11-21", unrest=0.02, launch=1e-6, gap=0.0, shortest=1e-6,
        peak=1e12, copies=((1000, 100e9),), points=(), anchors=anchors,
    ).replace(**changes)
    tasks = [task(node.op, 1, 4) for node in cnnspec.parse(spec).graph.nodes if node.inputs]
    points = tuple(Point(one, seconds(empty, one)) for one in tasks if one.kinds)
    return empty.replace(points=points)  # type: ignore[no-any-return]  # a record like itself


def steady(efficiency: float = 0.5, **changes: Any) -> DeviceProfile:
    """A device that does everything with the same efficiency."""
    return device(lambda profile, one: profile.ideal(one) / efficiency, **changes)
