"""What proving a network's figures against PyTorch comes to, as data: `runtime.verify` makes it, `render` shows it."""

from __future__ import annotations

from cnnspec.record import Record


class Difference(Record):
    """One layer of which a figure is not what was predicted."""

    path: str
    predicted: object
    measured: object


class Item(Record):
    """One kind of layer in a total that another tool counts by other rules."""

    kind: str
    #: What this project counts, and what the tool does.
    ours: int
    theirs: int


class Check(Record):
    """One figure of a network: predicted without PyTorch, measured with it."""

    #: `parameters`, `macs`, …
    figure: str
    predicted: object
    #: None where nothing was measured; `skipped` then says why.
    measured: object
    skipped: str = ""
    #: Layers that were compared one by one, and those of them that differ.
    rows: int = 0
    different: tuple[Difference, ...] = ()
    #: What lies between two ways of counting, by kind of layer.
    items: tuple[Item, ...] = ()

    @property
    def ok(self) -> bool | None:
        """Whether prediction and measurement agree, in total and row by row; None where nothing was measured."""
        if self.skipped:
            return None
        return self.predicted == self.measured and not self.different


class Verification(Record):
    """All checks of one network."""

    net: str
    source: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(check.ok is not False for check in self.checks)
