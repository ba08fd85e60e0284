"""A summary as JSON, the contract `cnnspec.summary/1` that `docs/schema/summary-1.json` describes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cnnspec.analysis.axis import Number
from cnnspec.analysis.conventions import CONVENTIONS
from cnnspec.analysis.field import ReceptiveField
from cnnspec.analysis.prediction import Prediction
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.diagnostics import Diagnostic
from cnnspec.layers.op import Op
from cnnspec.render.columns import layer_count
from cnnspec.render.diagnostics import as_json
from cnnspec.render.memory_data import by_layer, memory
from cnnspec.render.time_data import layer_time, whole
from cnnspec.render.totals import OVERRIDDEN

SCHEMA = "cnnspec.summary/1"


def chunks(summary: Summary, diagnostics: Sequence[Diagnostic] = (), *, convention: str | None = None,
           overridden: bool = False, prediction: Prediction | None = None) -> Iterator[str]:
    """The document in pieces, a line for each layer, so that no network is too large to print.

    `convention` adds that tool's counts, `prediction` how long each layer takes on a device; `overridden` says that
    another input than the spec's own is described. Raises `Uncounted` for a layer whose count under the convention is
    not known.
    """
    before = head(summary, convention, overridden=overridden)
    if prediction:
        before["prediction"] = whole(prediction)
    times = {layer.index: layer_time(layer) for layer in prediction.layers} if prediction else {}
    after = {
        "outputs": {
            output.name: {"shape": list(summary.outputs[output.name]), "layer": summary.layers[output.node].path,
                          "train_only": output.train_only}
            for output in summary.graph.outputs
        },
        "notes": [*([OVERRIDDEN] if overridden else []), *summary.notes],
        "conventions": {name: CONVENTIONS[name].doc for name in dict.fromkeys(["macs", "flops", convention]) if name},
        "diagnostics": as_json(diagnostics, 1)["diagnostics"],
    }
    yield "{\n"
    yield from (f"  {_dumped(key)}: {_dumped(value)},\n" for key, value in before.items())
    yield '  "layers": [\n'
    facts: dict[Op, dict[str, Any]] = {}
    layer_memory = by_layer(summary)
    for layer in summary.layers:
        comma = "," if layer.index + 1 < len(summary.layers) else ""
        data = layer_data(layer, summary.batch, facts, convention) | layer_memory(layer.index)
        if prediction:
            data["predicted"] = times.get(layer.index)
        yield f"    {_dumped(data)}{comma}\n"
    yield "  ],\n"
    yield ",\n".join(f"  {_dumped(key)}: {_dumped(value)}" for key, value in after.items())
    yield "\n}\n"


def head(summary: Summary, convention: str | None = None, *, overridden: bool = False) -> dict[str, Any]:
    """Everything that is said before the layers."""
    return {"schema": SCHEMA, **whole_network(summary, convention, overridden=overridden), "memory": memory(summary)}


def whole_network(summary: Summary, convention: str | None = None, *, overridden: bool = False) -> dict[str, Any]:
    """What is said of the network as a whole, but for what its memory consists of."""
    return {
        "net": summary.name,
        "source": summary.graph.span.source.name,
        "inputs": [{"name": name, "shape": list(shape), "dtype": summary.dtype}
                   for name, shape in summary.inputs.items()],
        "input_override": overridden,
        "batch": summary.batch,
        "dtype": summary.dtype,
        "output": {"shape": list(summary.output)},
        "totals": _totals(summary, convention),
    }


def layer_data(layer: LayerSummary, batch: int, facts: dict[Op, dict[str, Any]], convention: str | None = None
               ) -> dict[str, Any]:
    """One layer. `facts` keeps what is the same for the same layer on the same input."""
    op, span = layer.node.op, layer.node.span
    known = facts.get(op)
    if known is None:
        known = facts[op] = _facts(op)
    data: dict[str, Any] = {
        "index": layer.index, "path": layer.path, "op": op.layer.keyword, "args": known["args"],
        "source": {"file": span.source.name, "line": span.line, "column": span.column},
        "inputs": list(layer.node.inputs), "input_shapes": known["input_shapes"],
        "output_shape": known["output_shape"],
        "params": layer.params, "trainable_params": layer.trainable_params, "buffers": layer.buffers,
        "weights": known["weights"],
        "macs": layer.macs, "flops": layer.flops,
        "activation_bytes": layer.activation_bytes, "weight_bytes": layer.weight_bytes,
        "traffic_bytes": layer.traffic_bytes, "intensity": _ratio(layer.flops * batch, layer.traffic_bytes),
        "receptive_field": _field(layer.receptive_field),
        "ungated_receptive_field": _field(layer.ungated_field),
        "train_only": not layer.runs,
    }
    if convention is not None:
        data["convention_count"] = layer_count(layer, convention)
    return data


def _facts(op: Op) -> dict[str, Any]:
    return {
        "args": {name: _plain(value) for name, value in op.layer.arguments().items()},
        "input_shapes": [list(shape) for shape in op.inputs],
        "output_shape": list(op.output),
        "weights": [
            *({"name": p.name, "shape": list(p.shape), "kind": "trainable" if p.trainable else "fixed"}
              for p in op.params),
            *({"name": b.name, "shape": list(b.shape), "kind": "buffer"} for b in op.buffers),
        ],
    }


def _totals(summary: Summary, convention: str | None) -> dict[str, Any]:
    whole = summary.totals
    data: dict[str, Any] = {
        "params": whole.params, "trainable_params": whole.trainable_params, "buffers": whole.buffers,
        "macs": whole.macs, "flops": whole.flops,
        "activation_bytes": whole.activation_bytes, "weight_bytes": whole.weight_bytes,
        "buffer_bytes": whole.buffer_bytes, "traffic_bytes": whole.traffic_bytes,
        "intensity": _ratio(whole.flops * summary.batch, whole.traffic_bytes),
        "inference_peak_bytes": whole.inference_peak_bytes, "inference_peak_at": whole.inference_peak_at,
        "receptive_field": _field(whole.receptive_field),
        "weight_layers": whole.weight_layers, "weight_layers_on_path": whole.weight_layers_on_path,
        "depth": whole.depth,
    }
    if convention is not None:
        total = sum(layer_count(layer, convention) for layer in summary.layers)
        data["convention"] = {"name": convention, "unit": CONVENTIONS[convention].unit, "total": total}
    return data


def _field(seen: ReceptiveField | None) -> dict[str, list[int | float]] | None:
    if seen is None:
        return None
    return {"size": list(seen.size), "stride": list(map(_number, seen.stride)), "start": list(map(_number, seen.start))}


def _number(value: Number) -> int | float:
    return value if isinstance(value, int) else float(value)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _plain(value: object) -> object:
    """An argument as JSON has it: words as strings, tuples as lists."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
