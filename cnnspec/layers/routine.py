"""What kind of routine computes a layer, so that its time can be judged by that of others of its kind."""

from __future__ import annotations

from cnnspec.record import Record

#: The kind of all layers whose time goes into moving values rather than multiplying them.
MOVING = "moving"
#: The kind of all convolutions.
CONVOLUTION = "convolution"


class Routine(Record):
    """Layers of one kind reach comparable shares of what a device can do."""

    #: From special to general: of a kind that was never measured, the next one stands in.
    kinds: tuple[str, ...]
    #: Groups of channels that do not see each other.
    groups: int = 1
