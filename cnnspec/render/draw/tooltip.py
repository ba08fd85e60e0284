"""What a box says when it is pointed at: its row of the summary."""

from __future__ import annotations

from cnnspec.analysis import labels
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.render import units
from cnnspec.render.columns import RF
from cnnspec.render.snippet import visible


def tooltip(summary: Summary, row: Row) -> str:
    """A row's name, output, parameters, MACs, receptive field and memory, one a line."""
    name = visible(labels.text(row.label)) + (f" ×{row.count}" if row.count > 1 else "")
    facts = [name, f"output {units.shape(row.output)}", f"parameters {units.count(row.params)}",
             f"MACs {units.scaled(row.macs)}"]
    seen = RF.value(summary, row)
    if seen is not None:
        facts.append(f"receptive field {RF.text(seen)}")
    return "\n".join([*facts, f"memory {units.size(row.activation_bytes)}"])
