"""Live memory as an account: blocks are taken, held and dropped, and what was live at each moment is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cnnspec.record import Record

#: What a block is for. Activations are values and what autograd keeps beside them; flow, the gradients of values.
PARAMETERS, BUFFERS, INPUTS, ACTIVATIONS = "parameters", "buffers", "inputs", "activations"
FLOW, GRADIENTS, OPTIMIZER, WORKSPACE = "flow", "gradients", "optimizer", "workspace"
PURPOSES = (PARAMETERS, BUFFERS, INPUTS, ACTIVATIONS, FLOW, GRADIENTS, OPTIMIZER, WORKSPACE)

#: Parts of a training step; evaluation has the first alone.
FORWARD, LOSS, BACKWARD, UPDATE = "forward", "loss", "backward", "update"


class Moment(Record):
    """One layer forward or backward, the loss, or the optimiser's update; bytes."""

    phase: str
    #: None for the loss and the update.
    node: int | None
    #: The most that is live meanwhile, and what is live afterwards.
    peak: int
    live: int


class Ledger:
    """Blocks of memory with the number of their holders; a block ends with its last one."""

    def __init__(self, rounding: int = 1) -> None:
        """Each block takes a multiple of `rounding` bytes."""
        self.rounding = rounding
        self.live = 0
        #: The most so far, in which moment, and for what.
        self.peak = 0
        self.peak_moment = 0
        self.split: dict[str, int] = {}
        self.moments: list[Moment] = []
        #: Every block in order, by its number and size; given back with its size negative.
        self.events: list[tuple[int, int]] = []
        self._high = 0
        self._sizes: list[int] = []
        self._purposes: list[str] = []
        self._holders: list[int] = []
        self._by_purpose = dict.fromkeys(PURPOSES, 0)

    def take(self, purpose: str, size: int) -> int:
        """A new block with one holder; returns its number."""
        size = -(-size // self.rounding) * self.rounding
        number = len(self._sizes)
        self._sizes.append(size)
        self._purposes.append(purpose)
        self._holders.append(1)
        self._by_purpose[purpose] += size
        self.events.append((number, size))
        self.live += size
        if self.live > self._high:
            self._high = self.live
            if self.live > self.peak:
                self.peak, self.peak_moment, self.split = self.live, len(self.moments), dict(self._by_purpose)
        return number

    def hold(self, number: int) -> int:
        """One more holder of a block; returns its number."""
        self._holders[number] += 1
        return number

    def drop(self, number: int) -> None:
        """One holder fewer."""
        self._holders[number] -= 1
        if not self._holders[number]:
            size = self._sizes[number]
            self.live -= size
            self._by_purpose[self._purposes[number]] -= size
            self.events.append((number, -size))

    def use(self, sizes: Iterable[int]) -> None:
        """Blocks that are taken for the moment, and dropped together."""
        for number in [self.take(WORKSPACE, size) for size in sizes if size]:
            self.drop(number)

    def size(self, number: int) -> int:
        """Bytes of a block."""
        return self._sizes[number]

    def is_alone(self, number: int) -> bool:
        """Whether a block has a single holder."""
        return self._holders[number] == 1

    def close(self, phase: str, node: int | None = None) -> None:
        """End a moment."""
        self.moments.append(Moment(phase, node, self._high, self.live))
        self._high = self.live

    def used(self) -> Mapping[str, int]:
        """Bytes at the peak by purpose, without those that none is for."""
        return {purpose: size for purpose, size in self.split.items() if size}
