"""A layer as a task for a device: the facts of it that decide how long it takes."""

from __future__ import annotations

from math import log

from cnnspec.layers.base import product
from cnnspec.layers.facts import VIEW
from cnnspec.layers.op import Op
from cnnspec.record import Record


class Task(Record):
    """What a device has to do for a layer, for a whole batch. The same tasks take the same time."""

    #: Its kinds of routine, from special to general; empty for a view, which moves nothing.
    kinds: tuple[str, ...]
    #: Images at once; of each, output positions; output channels of one group; groups.
    images: int
    positions: int
    channels: int
    groups: int
    #: Operations on each output element: multiply-accumulates where it has any, else the others.
    depth: float
    #: Input positions for each output position, at least 1.
    shrink: float
    #: Multiply-accumulates; bytes read and written, weights among them.
    macs: int
    bytes: int


def task(op: Op, batch: int, element: int) -> Task:
    """The task of a layer, `element` being the bytes of one number."""
    images, shared = op.moved
    groups = op.routine.groups
    positions = product(op.output[1:])
    entering = product(op.inputs[0][1:]) if op.inputs else positions
    operations = op.work.macs or op.work.other
    return Task(
        () if op.storage == VIEW else op.routine.kinds, batch, positions, op.output[0] // groups, groups,
        operations / op.elements, max(entering / positions, 1.0), op.work.macs * batch,
        (images * batch + shared) * element,
    )


def features(of: Task) -> tuple[float, ...]:
    """Where a task stands among others of its kind: each extent as a logarithm, so that ratios count."""
    extents = (of.images, of.positions, of.channels, max(of.depth, 1.0), of.groups, of.shrink)
    return tuple(map(log, extents))
