"""A summary as a pandas data frame, one row for each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnspec.analysis.summary import LayerSummary, Summary

if TYPE_CHECKING:
    from pandas import DataFrame


def to_frame(summary: Summary) -> DataFrame:
    """The layers in order of execution, indexed by path; raises `ImportError` where pandas is not installed.

    Shapes, and receptive fields by axis, are tuples; a global field is None. Units as in `LayerSummary`.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_frame() needs pandas: pip install 'cnnspec[pandas]'") from error
    return pd.DataFrame.from_records([record(layer) for layer in summary.layers], index="path")


def record(layer: LayerSummary) -> dict[str, Any]:
    """One row."""
    seen = layer.receptive_field
    return {
        "path": layer.path, "op": layer.op, "args": layer.args,
        "input_shapes": layer.input_shapes, "output_shape": layer.output_shape,
        "params": layer.params, "trainable_params": layer.trainable_params, "buffers": layer.buffers,
        "macs": layer.macs, "flops": layer.flops,
        "activation_bytes": layer.activation_bytes, "weight_bytes": layer.weight_bytes,
        "traffic_bytes": layer.traffic_bytes,
        "rf_size": seen and seen.size, "rf_stride": seen and seen.stride, "rf_start": seen and seen.start,
        "train_only": not layer.runs,
    }
