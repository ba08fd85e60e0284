"""Words of other tools, and what they are called here: people bring them along."""

from __future__ import annotations

from collections.abc import Collection

from cnnspec.diagnostics import closest

#: Layers by their names in PyTorch and Keras, in lowercase and without `1d`, `2d`, `3d`.
LAYERS = {
    "conv": "CONV", "convolution": "CONV", "depthwiseconv": "DWCONV", "convtranspose": "UPCONV", "deconv": "UPCONV",
    "linear": "FC", "dense": "FC", "maxpool": "POOL", "maxpooling": "POOL", "avgpool": "POOL",
    "averagepooling": "POOL", "globalaveragepooling": "GAP", "globalavgpool": "GAP", "adaptiveavgpool": "ADAPTIVEPOOL",
    "adaptivemaxpool": "ADAPTIVEPOOL", "batchnorm": "BN", "batchnormalization": "BN", "layernorm": "LN",
    "groupnorm": "GN", "instancenorm": "IN", "localresponsenorm": "LRN", "drop": "DROPOUT", "droppath": "DROPPATH",
    "concatenate": "CONCAT", "cat": "CONCAT", "interpolate": "RESIZE", "upsampling": "UPSAMPLE", "swish": "SILU",
    "hardsigmoid": "HARDSIGMOID", "identity": "ID",
}

#: Arguments by their names in PyTorch and Keras.
ARGUMENTS = {
    "kernel_size": "kernel", "pool_size": "kernel", "size": "kernel", "padding": "pad", "strides": "stride",
    "out_channels": "out", "out_features": "out", "filters": "out", "units": "out", "use_bias": "bias",
    "dilation_rate": "dilation", "padding_mode": "pad_mode", "output_padding": "output_pad", "ceil_mode": "ceil",
    "count_include_pad": "count_pad", "scale_factor": "scale", "num_groups": "groups", "negative_slope": "slope",
    "rate": "p", "output_size": "size", "upscale_factor": "r", "depth_multiplier": "multiplier",
}

#: Values by their names in Python.
VALUES = {"true": "on", "false": "off"}


def step_meant(name: str, known: Collection[str]) -> str | None:
    """The layer or block that a name was probably meant to be."""
    word = name.lower().replace("_", "")
    plain = word[:-2] if word[-2:] in ("1d", "2d", "3d") else word
    match = closest(name, known)
    if match is not None and match.lower() in (word, plain):
        return match
    return LAYERS.get(plain) or match or closest(plain, known)


def argument_meant(name: str, known: Collection[str]) -> str | None:
    """The argument that a name was probably meant to be."""
    habit = ARGUMENTS.get(name)
    return habit if habit in known else closest(name, known)


def value_meant(name: str, known: Collection[str]) -> str | None:
    """The value that a name was probably meant to be."""
    return VALUES.get(name.lower()) or closest(name, known)
