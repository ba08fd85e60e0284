"""A difference as JSON: the document `cnnspec.diff/1`, which `docs/schema/diff-1.json` describes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cnnspec.analysis.difference import Difference
from cnnspec.analysis.field import ReceptiveField
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.render import diff_words as words
from cnnspec.render.diff import Told, training_peak
from cnnspec.source import Span

SCHEMA = "cnnspec.diff/1"


def as_json(difference: Difference, told: Sequence[Told]) -> str:
    """The document; `told` are the changes."""
    rest = difference.follows
    return json.dumps({
        "schema": SCHEMA, "equal": difference.equal, "rewritten": difference.rewritten,
        "matched": round(difference.matched, 4), "before": _net(difference.before), "after": _net(difference.after),
        "changes": [_change(difference, one) for one in told],
        "follows": {"layers": rest.layers, "arguments": rest.arguments, "starts": rest.starts, "stops": rest.stops,
                    "params": rest.params, "macs": rest.macs},
        "renamed": [{"before": before, "after": after} for before, after in difference.renamed],
    }, indent=2, ensure_ascii=False)


def _net(summary: Summary) -> dict[str, Any]:
    whole = summary.totals
    return {
        "net": summary.name, "source": summary.graph.span.source.name, "line": summary.graph.span.line,
        "inputs": [list(shape) for shape in summary.inputs.values()], "output": list(summary.output),
        "layers": len(summary.layers),
        "totals": {
            "params": whole.params, "macs": whole.macs, "flops": whole.flops,
            "receptive_field": _size(whole.receptive_field), "depth": whole.depth, "weight_bytes": whole.weight_bytes,
            "inference_peak_bytes": whole.inference_peak_bytes, "training_peak_bytes": training_peak(summary),
        },
    }


def _change(difference: Difference, told: Told) -> dict[str, Any]:
    change = told.change
    return {
        "kind": change.kind, "text": words.words(change), "place": list(change.place),
        "before": change.before or None, "after": change.after or None,
        "values": [{"name": one.name, "before": one.before, "after": one.after, "before_written": one.before_written,
                    "after_written": one.after_written} for one in change.alterations],
        "count": change.count, "starts": change.starts, "stops": change.stops,
        "params": change.params, "macs": change.macs,
        "before_at": _place(change.before_at), "after_at": _place(change.after_at),
        "before_layers": _paths(difference.before.layers, change.before_layers),
        "after_layers": _paths(difference.after.layers, change.after_layers),
        "alone": _alone(difference.before, told.alone),
    }


def _alone(before: Summary, alone: Summary | None) -> dict[str, Any] | None:
    """The totals of the network before with the change alone, less its own; the field as it is then."""
    if alone is None:
        return None
    x, y = before.totals, alone.totals
    return {"params": y.params - x.params, "macs": y.macs - x.macs, "receptive_field": _size(y.receptive_field),
            "inference_peak_bytes": y.inference_peak_bytes - x.inference_peak_bytes}


def _place(at: Span | None) -> dict[str, Any] | None:
    return None if at is None else {"file": at.source.name, "line": at.line, "column": at.column}


def _paths(layers: Sequence[LayerSummary], indices: Sequence[int]) -> list[str]:
    return [layers[index].path for index in indices]


def _size(seen: ReceptiveField | None) -> list[int] | None:
    return None if seen is None else list(seen.size)
